"""An export in use: plain calls over its signatures, with no model code."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tensorflow as tf
import tensorflow_text  # noqa: F401 (registers the ops of the tokenizers)

from seq2seq_keras import cores, decode
from seq2seq_keras.context import DecodeState
from seq2seq_keras.errors import InputError
from seq2seq_keras.export import manifest, signatures
from seq2seq_keras.export.growing import growing
from seq2seq_keras.export.texts import PREFIX_TOO_LONG, TOO_LONG
from seq2seq_keras.tokens import strings


class Exported:
    """Strings in, strings out; also a `Stepper`, so that every search can run over it.

    Args:
        folder: where it was loaded from.
        module: what `tf.saved_model.load` gave.
        settings: content of `settings.json`.
        batch: texts of a batch at most. Batches run side by side where `cores.for_batches` was called.
    """

    def __init__(self, folder: Path, module, settings: dict, batch: int = 32):
        if batch < 1:
            raise InputError(f"a batch of {batch} texts", expected="at least 1")
        self.folder, self.settings, self.batch = folder, settings, batch
        self.max_length: int = settings["max_length"]
        self._module = module  # its variables live as long as it does

    @property
    def signatures(self) -> dict:
        """Every endpoint by name, as TensorFlow gives it."""
        return dict(self._module.signatures)

    def generate(self, texts: list[str]) -> list[str]:
        """The best text for each."""
        return [text for text, _ in self.scored(texts)]

    def scored(self, texts: list[str], endpoint: str = "serving_default") -> list[tuple[str, float]]:
        """The best text for each, and its score.

        Args:
            endpoint: `serving_default` or `greedy`.
        """
        return self._pairs(self._rows(endpoint, texts))

    def nbest(self, texts: list[str]) -> list[list[tuple[str, float]]]:
        """All texts the search kept for each, best first, with their scores."""
        found = []
        for row in self._rows("nbest", texts):
            pairs = zip(row["text"], row["score"], strict=True)
            kept = [(text.decode("utf-8"), float(score)) for text, score in pairs if score > float("-inf")]
            found.append(kept or [("", float("-inf"))])
        return found

    def sample(
        self,
        texts: list[str],
        temperature: float = 1.0,
        *,
        top_k: int = 0,
        top_p: float = 1.0,
        min_p: float = 0.0,
        seed: int = 0,
    ) -> list[tuple[str, float]]:
        """A text drawn at random for each, and its log probability; the same seed draws the same.

        Args:
            temperature: below 1 keeps to what is likely, above 1 strays.
            top_k: draw from so many of the most likely ids; 0 is off.
            top_p: draw from the fewest ids that have so much of the probability; 1 is off.
            min_p: draw from ids with at least this share of the probability of the most likely; 0 is off.

        Raises:
            InputError: a number out of its range, or an export of an earlier version.
        """
        try:
            decode.Sample(temperature, top_k or None, top_p, min_p, seed=seed)
        except ValueError as error:
            raise InputError(str(error)) from None
        given = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "min_p": min_p, "seed": seed}
        scalars = {spec.name: tf.constant(given[spec.name], spec.dtype) for spec in signatures.SCALARS}
        return self._pairs(self._rows("sample", texts, scalars=scalars))

    def prefixed(self, texts: list[str], prefixes: list[str]) -> list[tuple[str, float]]:
        """The best text for each that begins with its prefix, and its score: an empty one with -inf if none may.

        Raises:
            InputError: lists of unequal length, a prefix that leaves no room, or an export of an earlier version.
        """
        return self._pairs(self._beside(texts, "prefixed", prefix=prefixes))

    def score(self, texts: list[str], targets: list[str]) -> list[float]:
        """Log probability of each target.

        Raises:
            InputError: lists of unequal length, or a target with more ids than the model was exported for.
        """
        return [float(row["score"]) for row in self._beside(texts, "score", target=targets)]

    def align(self, text: str, target: str) -> tuple[list[str], list[str], np.ndarray]:
        """Source pieces S, target pieces T, and where each step looked while `target` was forced: (T, S) float32.

        Raises:
            InputError: the model has no attention.
        """
        (row,) = self._rows("attention", [text], {"target": [target]})
        source, said = ([piece.decode("utf-8") for piece in row[side]] for side in ("source", "target"))
        return source, said, row["weights"]

    def stream(self, text: str) -> Iterator[str]:
        """The text that `greedy` finds, as it grows: the whole so far, whenever it has changed.

        Unknown words stay unknown in it, also where the export names them.
        """
        ids = self._module.signatures["tokenize"](text=strings([text]))["source"]

        def read(said) -> str:
            shown = self._module.signatures["detokenize"](ids=tf.constant([said], tf.int32))["text"]
            return shown.numpy()[0].decode("utf-8")

        return growing(decode.stream(self, ids, self.max_length), read)

    def init_state(self, source, max_length: int) -> DecodeState:
        """(B, S) int32 source ids to the state before the first step; lists of leaves in place of the nests."""
        if max_length > self.max_length:
            raise InputError(f"{max_length} steps", where=self.folder, expected=f"at most {self.max_length}")
        leaves = self._module.signatures["init_state"](source=tf.cast(source, tf.int32))
        return DecodeState(_numbered("carry", leaves), _numbered("fixed", leaves))

    def step(self, ids, state: DecodeState):
        """(B,) int32 ids just chosen to (B, V) float32 logits and the next state."""
        leaves = {f"carry_{place}": leaf for place, leaf in enumerate(state.carry)}
        leaves |= {f"fixed_{place}": leaf for place, leaf in enumerate(state.fixed)}
        after = self._module.signatures["step"](ids=tf.cast(ids, tf.int32), **leaves)
        return after["logits"], DecodeState(_numbered("carry", after), state.fixed)

    @staticmethod
    def _pairs(rows: list[dict]) -> list[tuple[str, float]]:
        return [(row["text"].decode("utf-8"), float(row["score"])) for row in rows]

    def _beside(self, texts: list[str], endpoint: str, **others: list[str]) -> list[dict]:
        """Rows of an endpoint that takes a second string for each text.

        Raises:
            InputError: lists of unequal length, or the one error of each such endpoint.
        """
        ((name, second),) = others.items()
        if len(texts) != len(second):
            plural = {"prefix": "prefixes"}.get(name, f"{name}s")
            raise InputError(f"{len(texts):,} texts and {len(second):,} {plural}", expected="as many")
        try:
            return self._rows(endpoint, texts, others)
        except tf.errors.InvalidArgumentError as error:
            known = next((message for message in (TOO_LONG, PREFIX_TOO_LONG) if message in str(error)), None)
            if known is None:
                raise
            raise InputError(known, expected=f"at most {self.max_length}, its end included") from None

    def _rows(
        self,
        endpoint: str,
        texts: list[str],
        others: dict[str, list[str]] | None = None,
        scalars: dict[str, tf.Tensor] | None = None,
    ) -> list[dict]:
        """One dict of values for each text, in the order given.

        Args:
            others: further strings for each text, by the name of the input.
            scalars: the same for all texts.
        """
        if endpoint not in self._module.signatures:
            raise InputError(f"it has no endpoint {endpoint}", where=self.folder, remedy="export the model anew")
        columns = {"text": texts} | (others or {})

        def said_of(places):
            given = {name: strings([values[place] for place in places]) for name, values in columns.items()}
            found = self._module.signatures[endpoint](**given, **(scalars or {}))
            return {name: tensor.numpy() for name, tensor in found.items()}

        rows: list[dict] = [{} for _ in texts]
        for places, values in cores.side_by_side(texts, self.batch, said_of):
            for row, place in enumerate(places):
                rows[place] = {name: value[row] for name, value in values.items()}
        return rows


def load(folder: str | Path, batch: int = 32) -> Exported:
    """Loads what `write` wrote, after a look at its manifest.

    Args:
        batch: texts answered at once.

    Raises:
        InputError: no SavedModel, not one of ours, or a damaged one.
    """
    folder = Path(folder)
    if not (folder / "saved_model.pb").is_file():
        found = "there is no SavedModel in it" if folder.is_dir() else "there is no such folder"
        raise InputError(found, where=folder, expected="a folder written by an export")
    manifest.verify(folder)
    try:
        settings = json.loads((folder / manifest.EXTRA / "settings.json").read_bytes())
        int(settings["max_length"])
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError("its settings.json is not that of an export", where=folder) from None
    module = tf.saved_model.load(str(folder))
    needed = set(signatures.ENDPOINTS) - signatures.OF_ATTENTION - signatures.LATER
    missing = sorted(needed - set(module.signatures))
    if missing:
        raise InputError(f"it has no endpoint {', '.join(missing)}", where=folder, remedy="export the model anew")
    return Exported(folder, module, settings, batch)


def _numbered(prefix: str, leaves: dict) -> list:
    """`prefix_0`, `prefix_1`, ... as a list."""
    count = sum(name.startswith(f"{prefix}_") for name in leaves)
    return [leaves[f"{prefix}_{place}"] for place in range(count)]
