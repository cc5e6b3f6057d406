"""An export in use: plain calls over its signatures, with no model code."""

import json
from pathlib import Path

import tensorflow as tf
import tensorflow_text  # noqa: F401 (registers the ops of the tokenizers)

from seq2seq_keras.context import DecodeState
from seq2seq_keras.errors import InputError
from seq2seq_keras.export import manifest, signatures
from seq2seq_keras.export.texts import TOO_LONG
from seq2seq_keras.tokens import alike, strings


class Exported:
    """Strings in, strings out; also a `Stepper`, so that every search can run over it.

    Args:
        folder: where it was loaded from.
        module: what `tf.saved_model.load` gave.
        settings: content of `settings.json`.
        batch: texts answered at once.
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
        rows = self._rows(endpoint, texts)
        return [(row["text"].decode("utf-8"), float(row["score"])) for row in rows]

    def nbest(self, texts: list[str]) -> list[list[tuple[str, float]]]:
        """All texts the search kept for each, best first, with their scores."""
        found = []
        for row in self._rows("nbest", texts):
            pairs = zip(row["text"], row["score"], strict=True)
            kept = [(text.decode("utf-8"), float(score)) for text, score in pairs if score > float("-inf")]
            found.append(kept or [("", float("-inf"))])
        return found

    def score(self, texts: list[str], targets: list[str]) -> list[float]:
        """Log probability of each target.

        Raises:
            InputError: lists of unequal length, or a target with more ids than the model was exported for.
        """
        if len(texts) != len(targets):
            raise InputError(f"{len(texts):,} texts and {len(targets):,} targets", expected="as many")
        try:
            return [float(row["score"]) for row in self._rows("score", texts, targets)]
        except tf.errors.InvalidArgumentError as error:
            if TOO_LONG not in str(error):
                raise
            raise InputError(TOO_LONG, expected=f"at most {self.max_length}, its end included") from None

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

    def _rows(self, endpoint: str, texts: list[str], targets: list[str] | None = None) -> list[dict]:
        """One dict of values for each text, in the order given."""
        rows: list[dict] = [{} for _ in texts]
        for places in alike(texts, self.batch):
            given = {"text": strings([texts[place] for place in places])}
            if targets is not None:
                given["target"] = strings([targets[place] for place in places])
            found = self._module.signatures[endpoint](**given)
            values = {name: tensor.numpy() for name, tensor in found.items()}
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
    missing = sorted(set(signatures.ENDPOINTS) - signatures.OF_ATTENTION - set(module.signatures))
    if missing:
        raise InputError(f"it has no endpoint {', '.join(missing)}", where=folder, remedy="export the model anew")
    return Exported(folder, module, settings, batch)


def _numbered(prefix: str, leaves: dict) -> list:
    """`prefix_0`, `prefix_1`, ... as a list."""
    count = sum(name.startswith(f"{prefix}_") for name in leaves)
    return [leaves[f"{prefix}_{place}"] for place in range(count)]
