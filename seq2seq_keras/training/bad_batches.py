"""The batches that could not be learned from, for a person to look at."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from keras import ops

from seq2seq_keras.training import snapshots


class BadBatches:
    """Writes a batch to `epoch-E-step-S.npz`: the ids `source`, `target` and `labels`, and texts of them.

    `numpy.load` reads it. A file is whole or absent; one that is there already is left alone.

    Args:
        folder: made with the first file.
        batches: (epoch, step), both from 0, to batches of which the first is the one, as `data.batch` gives them.
        decode: (B, T) int ids to B texts, by the name of the array; the texts of `source` are called `source_text`.
        most: files that the folder may hold; further batches are not written.
    """

    def __init__(
        self,
        folder: str | os.PathLike,
        batches: Callable[[int, int], Iterable],
        decode: dict[str, Callable[[np.ndarray], list[str]]] | None = None,
        most: int = 100,
    ):
        self.folder, self.batches, self.decode, self.most = Path(folder), batches, decode or {}, most

    def __call__(self, epoch: int, step: int) -> None:
        """Writes one.

        Raises:
            InputError: the disk is full or may not be written.
        """
        path = self.folder / f"epoch-{epoch:05d}-step-{step:07d}{snapshots.SUFFIX}"
        if path.exists() or len(list(self.folder.glob(f"*{snapshots.SUFFIX}"))) >= self.most:
            return
        inputs, labels = next(iter(self.batches(epoch, step)))
        arrays = {name: ops.convert_to_numpy(value) for name, value in {**inputs, "labels": labels}.items()}
        texts = {f"{name}_text": np.array(decode(arrays[name])) for name, decode in self.decode.items()}
        self.folder.mkdir(parents=True, exist_ok=True)
        snapshots.write(path, {**arrays, **texts}, {"epoch": epoch, "step": step})
