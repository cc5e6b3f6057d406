"""Strings in, strings out."""

import os
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from seq2seq_keras import decode, export, tokens
from seq2seq_keras.errors import InputError
from seq2seq_keras.export import texts
from seq2seq_keras.folders import replacing
from seq2seq_keras.models import Seq2Seq
from seq2seq_keras.tasks import store

_SEARCHES = {"beam": decode.Beam, "greedy": decode.Greedy}
_MODEL = "model.keras"
_TEXTS = tf.TensorSpec([None], tf.string)


class Scored(NamedTuple):
    """One output."""

    text: str
    score: float
    """What the search ranks by: larger is better."""


class Alignment(NamedTuple):
    """Where each output piece looked in the source."""

    source: list[str]
    """S pieces."""
    target: list[str]
    """T pieces."""
    weights: np.ndarray
    """(T, S) float32, rows sum to 1."""


class TextToText:
    """A model with its vocabularies and its search. Training stays plain Keras, on the model.

    Args:
        model: a `Seq2Seq`.
        source: tokenizer of the source, and of the target if that is not given.
        target: tokenizer of the target.
        search: `decode.Beam(...)` or `decode.Greedy()`.
        max_source: most source ids; what is longer loses its end.
        max_length: most ids of an output, EOS included.
        batch_size: texts decoded at once.

    Raises:
        InputError: a vocabulary of another size than the model's tables.
    """

    def __init__(
        self,
        model: Seq2Seq,
        source: tokens.Tokenizer,
        target: tokens.Tokenizer | None = None,
        *,
        search=None,
        max_source: int = 256,
        max_length: int = 128,
        batch_size: int = 32,
    ):
        self.model, self.source, self.target = model, source, source if target is None else target
        self.shared = target is None
        self.search = decode.Beam() if search is None else search
        self.max_source, self.max_length, self.batch_size = max_source, max_length, batch_size
        self._traced: dict = {}
        texts.check_sizes(model, source, self.target)

    def generate(self, texts: list[str], search=None) -> list[str]:
        """The best output for each text, in order.

        Args:
            search: in place of the task's own.
        """
        return [outputs[0].text for outputs in self.nbest(texts, search)]

    def nbest(self, texts: list[str], search=None) -> list[list[Scored]]:
        """All outputs that the search returns for each text, best first; `decode.Beam(5, n_best=5)` returns five."""
        search = search or self.search
        if search not in self._traced:
            self._traced[search] = self._trace(search)
        found: list[list[Scored]] = [[] for _ in texts]
        for rows in tokens.alike(texts, self.batch_size):
            outputs = self._traced[search](tokens.strings([texts[row] for row in rows]))
            for row, said, ranks in zip(rows, outputs["text"].numpy(), outputs["score"].numpy()):
                found[row] = [
                    Scored(text.decode("utf-8"), float(rank)) for text, rank in zip(said, ranks) if rank > -np.inf
                ] or [Scored("", -np.inf)]
        return found

    def score(self, sources: list[str], targets: list[str]) -> list[float]:
        """log p(target | source) of given targets, in nats.

        Raises:
            InputError: lists of unequal length, or a target over `max_length` ids.
        """
        if len(sources) != len(targets):
            raise InputError(f"{len(sources):,} sources and {len(targets):,} targets", expected="as many")
        if "score" not in self._traced:
            self._traced["score"] = self._trace_score()
        lengths = tokens.encode_all(targets, self.target).lengths
        if len(lengths) and lengths.max() >= self.max_length:
            raise InputError(
                f"target {int(lengths.argmax()) + 1} has {lengths.max() + 1:,} ids with its end",
                expected=f"at most {self.max_length}",
                remedy="shorten it, or make the task with a larger max_length",
            )
        sums = [
            self._traced["score"](
                tokens.strings(sources[begin : begin + self.batch_size]),
                tokens.strings(targets[begin : begin + self.batch_size]),
            ).numpy()
            for begin in range(0, len(sources), self.batch_size)
        ]
        return np.concatenate(sums).tolist() if sums else []

    def align(self, source: str, target: str) -> Alignment:
        """Where the model looks while `target` is forced upon it.

        Raises:
            ValueError: the model has no attention.
        """
        found = texts.attended(
            [source], [target], self.model, self.source, self.target, self.max_source, self.max_length
        )
        left, right = ([piece.decode() for piece in found[side].numpy()[0]] for side in ("source", "target"))
        return Alignment(left, right, found["weights"].numpy()[0])

    def save(self, folder: str | os.PathLike) -> None:
        """Writes all that `load` needs: the `.keras` file without optimizer, vocabularies, search and limits.

        Raises:
            InputError: it cannot be written; what was there before is untouched.
        """
        model = type(self.model).from_config(self.model.get_config())  # a compiled model would bring its optimizer
        model.set_weights(self.model.get_weights())
        name = next(name for name, kind in _SEARCHES.items() if isinstance(self.search, kind))
        fields = vars(self.search)
        head = {
            "search": {"kind": name, **fields},
            "max_source": self.max_source,
            "max_length": self.max_length,
            "batch_size": self.batch_size,
            "source": self.source.fingerprint,
            "target": None if self.shared else self.target.fingerprint,
        }
        with replacing(folder, store.NAME, "the task") as beside:
            model.save(beside / _MODEL)
            self.source.save(beside / "source")
            if not self.shared:
                self.target.save(beside / "target")
            store.write_head(beside, head)

    @classmethod
    def load(cls, folder: str | os.PathLike) -> "TextToText":
        """Reads a folder that `save` wrote.

        Raises:
            InputError: missing or damaged, or a vocabulary of another model.
        """
        folder, head = Path(folder), store.read_head(folder)
        source = tokens.load(folder / "source", head["source"])
        target = None if head.get("target") is None else tokens.load(folder / "target", head["target"])
        try:
            model = keras.saving.load_model(folder / _MODEL, compile=False)
        except Exception as error:  # Keras raises whatever its zip, HDF5 and JSON readers do
            raise InputError(
                f"cannot be read ({type(error).__name__})", where=folder / _MODEL, remedy="save the task again"
            ) from error
        limits = {name: head[name] for name in ("max_source", "max_length", "batch_size")}
        how = dict(head["search"])
        try:
            search = _SEARCHES[how.pop("kind")](**how)
        except (KeyError, TypeError, ValueError):
            raise InputError(
                f"search {head['search']} is not known", where=folder / store.NAME, expected=", ".join(_SEARCHES)
            ) from None
        return cls(model, source, target, search=search, **limits)

    def export(
        self, folder: str | os.PathLike, settings: dict | None = None, card: dict | None = None, check: list[str] = ()
    ) -> None:
        """Writes a SavedModel, strings in and strings out, that needs no code of ours: see `export.write`.

        Args:
            check: texts that a fresh process must answer as this one does; else nothing is written.
        """
        export.write(
            folder,
            self.model,
            self.source,
            None if self.shared else self.target,
            search=self.search,
            max_source=self.max_source,
            max_length=self.max_length,
            settings=settings,
            card=card,
            answers=dict(zip(check, self.generate(list(check)))),
        )

    def _trace(self, search):
        @tf.function(input_signature=[_TEXTS])
        def outputs(text):
            return texts.found(text, self.model, self.source, self.target, search, self.max_source, self.max_length)

        return outputs

    def _trace_score(self):
        @tf.function(input_signature=[_TEXTS, _TEXTS])
        def sums(text, said):
            return texts.scored(text, said, self.model, self.source, self.target, self.max_source, self.max_length)

        return sums
