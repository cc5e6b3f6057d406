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
    total: dict[str, np.ndarray] = {}
    for path in paths:
        try:
            arrays = snapshots.read(path).arrays
        except snapshots.Damaged as error:
            raise InputError(str(error), where=path, remedy="average fewer checkpoints") from None
        for name, array in arrays.items():
            if not name.startswith(state.WEIGHTS + "/"):
                continue
            floating = array.dtype.kind not in "iub"
            total[name] = total.get(name, 0.0) + array.astype("float64") if floating else array
            if path is paths[-1] and floating:
                total[name] = (total[name] / len(paths)).astype(array.dtype)
    state.set_weights(model, total, paths[-1])
