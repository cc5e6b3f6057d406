"""The callback that has the writer and tells its pages when to write."""

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

import keras
import tensorflow as tf
from keras import ops

from seq2seq_keras.errors import InputError


class Page:
    """One kind of thing on TensorBoard; what a page does not override it does not care for.

    Pages write by `tf.summary`, to the writer and for the step at hand. They only look: no weight, no metric and no
    random generator changes, so that a run ends in the same weights with a page and without.
    """

    def begin(self, model: keras.Model, folder: Path) -> None:
        """Before the first step; `folder` is that of the logs."""

    def before_step(self, model: keras.Model, step: int) -> None:
        """Before a training step; `step` have been taken, in this call of `fit` and all before."""

    def after_step(self, model: keras.Model, step: int, logs: dict) -> None:
        """After a training step."""

    def after_epoch(self, model: keras.Model, epoch: int, logs: dict) -> None:
        """After validation; `epoch` counts from 1 and is the step that summaries are for."""

    def end(self) -> None:
        """After the last step, or when training is given up; may be called again."""


class TensorBoard(keras.callbacks.Callback):
    """Writes what a person watches while a model trains; steps go on counting after a resume.

    Steps are the optimizer's `iterations`. Put it after the callbacks that add to the logs.

    Args:
        folder: of the logs, made if missing.
        pages: what is shown.

    Raises:
        InputError: the logs cannot be written, as when the disk is full.
    """

    def __init__(self, folder: str | os.PathLike, pages: Iterable[Page]):
        super().__init__()
        self.folder, self.pages = Path(folder), tuple(pages)
        self._writer = None

    def on_train_begin(self, logs=None):
        self._writer = tf.summary.create_file_writer(str(self.folder))
        with self._writing(self._step()):
            for page in self.pages:
                page.begin(self.model, self.folder)

    def on_train_batch_begin(self, batch, logs=None):
        step = self._step()
        for page in self.pages:
            page.before_step(self.model, step)

    def on_train_batch_end(self, batch, logs=None):
        step = self._step()
        with self._writing(step):
            for page in self.pages:
                page.after_step(self.model, step, logs or {})

    def on_epoch_end(self, epoch, logs=None):
        with self._writing(epoch + 1):
            for page in self.pages:
                page.after_epoch(self.model, epoch + 1, logs or {})
            self._writer.flush()

    def on_train_end(self, logs=None):
        self.close()

    def close(self) -> None:
        """Ends the pages and writes what is left, also where training ended by an error or a signal; again is fine."""
        if self._writer is None:
            return
        with self._writing(self._step()):
            writer, self._writer = self._writer, None
            for page in self.pages:
                page.end()
            writer.close()

    @contextlib.contextmanager
    def _writing(self, step: int):
        try:
            with self._writer.as_default(step):
                yield
        except tf.errors.OpError as error:
            if str(self.folder) not in error.message:  # not of the file but of what a page computed
                raise
            reason = error.message.splitlines()[0].rpartition("; ")[2]
            raise InputError(
                f"cannot be written ({reason})",
                where=self.folder,
                remedy="make room or choose another folder, and run again",
            ) from None

    def _step(self) -> int:
        return int(ops.convert_to_numpy(self.model.optimizer.iterations))
