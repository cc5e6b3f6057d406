"""Strings in, strings out."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from seq2seq_keras import cores, decode, export, metrics, tokens
from seq2seq_keras.context import Stepper
from seq2seq_keras.errors import InputError
from seq2seq_keras.export import texts, unknowns
from seq2seq_keras.export.growing import growing
from seq2seq_keras.models import recast
from seq2seq_keras.tasks import store
from seq2seq_keras.tasks.graphs import Graphs
from seq2seq_keras.tasks.outputs import Alignment, Scored, scored


class TextToText:
    """A model with its vocabularies and its search. Training stays plain Keras, on the model.

    Args:
        model: a `Seq2Seq`; or for decoding alone any stepper over these ids, such as a `decode.Ensemble`.
        source: tokenizer of the source, and of the target if that is not given.
        target: tokenizer of the target.
        search: `decode.Beam(...)`, `decode.Greedy()` or another one.
        max_source: most source ids; what is longer loses its end.
        max_length: most ids of an output, EOS included.
        batch_size: texts of a batch at most. Batches run side by side where `cores.for_batches` was called.
        jit_compile: compiles the search by XLA: seconds for each new batch size, length of the source (in steps of 16)
            and search; from then on texts that come one at a time are answered about three times as fast.

    Raises:
        InputError: a vocabulary of another size than the model's tables.
    """

    def __init__(
        self,
        model: Stepper,
        source: tokens.Tokenizer,
        target: tokens.Tokenizer | None = None,
        *,
        search=None,
        max_source: int = 256,
        max_length: int = 128,
        batch_size: int = 32,
        jit_compile: bool = False,
    ):
        self.model, self.source, self.target = model, source, source if target is None else target
        self.shared = target is None
        self.search = decode.Beam() if search is None else search
        self.max_source, self.max_length, self.batch_size = max_source, max_length, batch_size
        texts.check_sizes(model, source, self.target)
        self._graphs = Graphs(model, source, self.target, max_source, max_length, jit_compile)
        self._names = np.array(self.target.pieces, object)

    def generate(self, texts: list[str], search=None, **options) -> list[str]:
        """The best output for each text, in order; arguments as of `nbest`."""
        return [outputs[0].text for outputs in self.nbest(texts, search, **options)]

    def nbest(
        self, texts: list[str], search=None, *, prefixes: list[str] | None = None, replace_unknown: bool = False
    ) -> list[list[Scored]]:
        """All outputs that the search returns for each text, best first; `decode.Beam(5, n_best=5)` returns five.

        A text for which nothing may be said gets an empty output of score -inf.

        Args:
            search: in place of the task's own.
            prefixes: how the outputs for each text must begin; an empty one forces nothing.
            replace_unknown: names words that the vocabulary lacks by the source words that attention points at;
                `pieces` go on to call them `<unk>`.

        Raises:
            InputError: prefixes of another number than the texts, or with no room for more within `max_length`;
                unknown words cannot be replaced where a side's units are no words or the model has no attention.
            ValueError: the search wants to know where the model looked, and that has no attention.
        """
        if replace_unknown:
            unknowns.check(self.model, self.source, self.target)
        if prefixes is not None:
            self._check_lengths("prefix", "prefixes", prefixes, texts)
        outputs = self._graphs.outputs(search or self.search, prefixes is not None, replace_unknown)
        given = [texts] if prefixes is None else [texts, prefixes]

        def said_of(rows):
            values = outputs(*(tokens.strings([column[row] for row in rows]) for column in given))
            return [np.asarray(values[name]) for name in ("text", "score", "ids", "log_probs")]

        found: list[list[Scored]] = [[] for _ in texts]
        for rows, columns in cores.side_by_side(texts, self.batch_size, said_of):
            for row, *said in zip(rows, *columns):
                every = [scored(*one, self._names) for one in zip(*said)]
                found[row] = [one for one in every if one.score > -np.inf] or [Scored("", -np.inf)]
        return found

    def stream(self, text: str, search=None) -> Iterator[str]:
        """The output for one text as it grows: the whole so far, whenever it has changed.

        Nothing is computed before the next text is asked for; a closed iterator ends the work.

        Args:
            search: greedy search, or any other that follows a single path; by default greedy search with the rules of
                the task's own.

        Raises:
            InputError: a search that keeps several outputs and may change its mind.
        """
        search = decode.Greedy(self.search.controls) if search is None else search
        if search.width > 1:
            raise InputError(f"{type(search).__name__} follows several paths at once", expected="Greedy() or Sample()")
        ids = tokens.prepare([text], self.source, self.max_source)
        steps = decode.stream(self._graphs.stepper, ids, self.max_length, search)
        return growing(steps, self.target.written)

    def consensus(self, texts: list[str], search, utility: str = "chrf", **options) -> list[str]:
        """Of many outputs for each text the one most like the others: minimum Bayes risk.

        Args:
            search: returns the outputs, such as `decode.Sample(count=16, n_best=16)`.
            utility: how alike two are, `chrf` or `bleu`.
            options: as of `nbest`.

        Raises:
            ValueError: another utility.
        """
        found = [[one.text for one in outputs] for outputs in self.nbest(texts, search, **options)]
        return [outputs[best] for outputs, best in zip(found, metrics.consensus(found, utility))]

    def score(self, sources: list[str], targets: list[str]) -> list[float]:
        """log p(target | source) of given targets, in nats; `scored` says it of each piece.

        Raises:
            InputError: lists of unequal length, or a target over `max_length` ids.
        """
        return [one.score for one in self.scored(sources, targets)]

    def scored(self, sources: list[str], targets: list[str]) -> list[Scored]:
        """Given targets as if a search had found them: log p of the whole and of each piece.

        Raises:
            InputError: lists of unequal length, or a target over `max_length` ids.
        """
        self._check_lengths("target", "targets", targets, sources)
        found: list[Scored] = []
        for begin in range(0, len(sources), self.batch_size):
            rows = slice(begin, begin + self.batch_size)
            values = self._graphs.scores(tokens.strings(sources[rows]), tokens.strings(targets[rows]))
            columns = [values[name].numpy() for name in ("score", "ids", "log_probs")]
            written = [target.encode("utf-8", "replace") for target in targets[rows]]
            found += [scored(*row, self._names) for row in zip(written, *columns)]
        return found

    def perplexity(self, sources: list[str], targets: list[str]) -> float:
        """exp of the mean of -log p over all ids of given targets, ends included.

        Raises:
            InputError: no target, lists of unequal length, or a target over `max_length` ids.
        """
        found = self.scored(sources, targets)
        if not found:
            raise InputError("there is no target to measure", expected="at least one")
        return float(np.exp(-np.mean(np.concatenate([one.log_probs for one in found]), dtype="float64")))

    def align(self, source: str, target: str) -> Alignment:
        """Where the model looks while `target` is forced upon it.

        Raises:
            ValueError: the model has no attention.
        """
        if not getattr(self.model, "has_attention", False):
            raise ValueError(f"{type(self.model).__name__} has no attention to show")
        found = self._graphs.attended(tokens.strings([source]), tokens.strings([target]))
        left, right = ([piece.decode() for piece in found[side].numpy()[0]] for side in ("source", "target"))
        return Alignment(left, right, found["weights"].numpy()[0])

    def save(self, folder: str | os.PathLike) -> None:
        """Writes all that `load` needs: the `.keras` file without optimizer, vocabularies, search and limits.

        Raises:
            InputError: it cannot be written, or the model is no `Seq2Seq`; what was there before is untouched.
        """
        store.write(folder, self)

    @classmethod
    def load(
        cls, folder: str | os.PathLike, *, precision: str | None = None, jit_compile: bool = False
    ) -> "TextToText":
        """Reads a folder that `save` wrote.

        Args:
            precision: policy to compute in, such as `float32`; None is the one it was trained in.
            jit_compile: as of `TextToText`.

        Raises:
            InputError: missing or damaged, or a vocabulary of another model.
        """
        made = store.read(folder)
        if precision is not None:
            made["model"] = recast(made["model"], precision)
        return cls(**made, jit_compile=jit_compile)

    def export(
        self,
        folder: str | os.PathLike,
        settings: dict | None = None,
        card: dict | None = None,
        check: list[str] = (),
        *,
        replace_unknown: bool = False,
        write=export.write,
    ) -> Path:
        """Writes a SavedModel, strings in and strings out, that needs no code of ours: see `export.write`.

        Args:
            check: texts that what was written must answer as this one does; else nothing is kept.
            replace_unknown: names words that the vocabulary lacks by the source words that attention points at.
            write: `export.write`, or `export.ctranslate2.write`, which replaces no unknown words.

        Returns:
            `folder`.
        """
        store.check_whole(self, "export")
        options = {"replace_unknown": True} if replace_unknown else {}
        return write(
            folder,
            self.model,
            self.source,
            None if self.shared else self.target,
            search=self.search,
            max_source=self.max_source,
            max_length=self.max_length,
            settings=settings,
            card=card,
            answers=dict(zip(check, self.generate(list(check), **options))),
            **options,
        )

    def _check_lengths(self, one: str, many: str, given: list[str], sources: list[str]) -> None:
        """Targets or prefixes: as many as the texts, and with room for one more id."""
        if len(given) != len(sources):
            raise InputError(f"{len(sources):,} sources and {len(given):,} {many}", expected="as many")
        lengths = tokens.encode_all(given, self.target).lengths
        if len(lengths) and lengths.max() >= self.max_length:
            raise InputError(
                f"{one} {int(lengths.argmax()) + 1} has {lengths.max() + 1:,} ids with its end",
                expected=f"at most {self.max_length}",
                remedy="shorten it, or make the task with a larger max_length",
            )
