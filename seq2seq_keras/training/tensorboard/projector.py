"""The embedding projector, with the vocabulary as labels."""

import re
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from seq2seq_keras.errors import InputError
from seq2seq_keras.training.tensorboard.board import Page

MOST = 10_000
"""Rows of a table that are shown; the page itself draws no more."""
FILE = "vectors"
"""Of the checkpoints, to which the epoch is added: TensorBoard reads a file again only if its name is new."""


class Projector(Page):
    """After each epoch: the vectors of tables, as they are then, for TensorBoard's projector.

    In the folder of the logs: a TensorFlow checkpoint, a file of labels for each table and `projector_config.pbtxt`.

    Args:
        tables: name to (a function of the model that returns the layer, labels by id). A layer takes (B, S) int ids
            and returns (B, S, D) float.
        most: rows shown, the first; of a vocabulary the most frequent ones lie there.

    Raises:
        ValueError: a name that is no part of a file's name.
    """

    def __init__(self, tables: dict[str, tuple[Callable[[keras.Model], keras.layers.Layer], list[str]]], most=MOST):
        for name in tables:
            if not re.fullmatch(r"\w+", name):
                raise ValueError(f"names of tables must be letters, digits and underscores, found {name!r}")
        self.tables, self.most = tables, most

    def begin(self, model, folder):
        from tensorboard.plugins import projector  # a tenth of a second that few imports of this package need

        config = projector.ProjectorConfig()
        for name, (_, labels) in self.tables.items():
            lines = "".join(f"{_label(text)}\n" for text in labels[: self.most])
            (folder / f"{name}.tsv").write_text(lines, encoding="utf-8")
            config.embeddings.add(tensor_name=name, metadata_path=f"{name}.tsv")
        self._folder = folder
        projector.visualize_embeddings(str(folder), config)

    def after_epoch(self, model, epoch, logs):
        newest = f"{FILE}-{epoch}"
        try:
            # `tf.train.Checkpoint` would show names that it made up.
            tf.raw_ops.SaveV2(
                prefix=str(self._folder / newest),
                tensor_names=list(self.tables),
                shape_and_slices=[""] * len(self.tables),
                tensors=[tf.constant(self._vectors(model, name)) for name in self.tables],
            )
            (self._folder / "checkpoint").write_text(f'model_checkpoint_path: "{newest}"\n', encoding="utf-8")
        except (OSError, tf.errors.OpError) as error:
            reason = getattr(error, "message", None) or getattr(error, "strerror", error)
            raise InputError(f"cannot be written ({reason})", where=self._folder) from None
        for path in self._folder.glob(f"{FILE}-*"):
            if not path.name.startswith(f"{newest}."):
                path.unlink(missing_ok=True)

    def _vectors(self, model: keras.Model, name: str) -> np.ndarray:
        """(N, D) float32."""
        table, labels = self.tables[name]
        ids = np.arange(min(len(labels), self.most), dtype="int32")
        return ops.convert_to_numpy(ops.cast(table(model)(ids[None])[0], "float32"))


def _label(text: str) -> str:
    """On one line, in one column, and to be seen."""
    return re.sub(r"\s", " ", text).strip() or repr(text)
