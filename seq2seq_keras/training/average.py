"""The mean of several checkpoints: often better than any of them."""

from pathlib import Path

import keras
import numpy as np

from seq2seq_keras.errors import InputError
from seq2seq_keras.training import snapshots, state


def average(paths: list[Path], model: keras.Model) -> None:
    """Gives a model the mean of the weights of several checkpoints; what is not a float is taken from the last.

    Args:
        paths: checkpoints, oldest first.
        model: of the same architecture.

    Raises:
        InputError: no checkpoint, a damaged one, or one of another model.
    """
    if not paths:
        raise InputError("there is no checkpoint to average", remedy="train at least one epoch")
    total: list[np.ndarray] = []
    weights: dict[str, np.ndarray] = {}
    for path in paths:
        try:
            arrays = snapshots.read(path).arrays
        except snapshots.Damaged as error:
            raise InputError(str(error), where=path, remedy="delete it; the mean is then of the others") from None
        weights = {name: array for name, array in arrays.items() if name.startswith(state.WEIGHTS + "/")}
        if total and [array.shape for array in total] != [array.shape for array in weights.values()]:
            raise InputError("has weights of other shapes than the one before", where=path)
        # By place: the counters in Keras' names differ between processes.
        wide = [array.astype("float64") if _is_float(array) else array for array in weights.values()]
        total = [old + new if _is_float(old) else new for old, new in zip(total, wide)] if total else wide
    mean = {
        name: (value / len(paths)).astype(array.dtype) if _is_float(array) else value
        for (name, array), value in zip(weights.items(), total)
    }
    state.set_weights(model, mean, paths[-1])


def _is_float(array: np.ndarray) -> bool:
    return array.dtype.kind not in "iub"
