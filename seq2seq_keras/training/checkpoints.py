"""Checkpoints whose resume is exact: a run killed at any step and resumed gives the weights of one never killed."""

import os
import re
import warnings
from pathlib import Path
from typing import NamedTuple

import keras

from seq2seq_keras.errors import AllDamaged, InputError
from seq2seq_keras.training import snapshots, state
from seq2seq_keras.training.interrupts import Interrupted, Interrupts

_NAME = re.compile(r"epoch-(\d+)-step-(\d+)\.npz")
_REMEDY = "begin a new run with a lower learning rate, a longer warmup, or clipped gradients"


class Position(NamedTuple):
    """Where training stands: `step` batches into `epoch`, both from 0."""

    epoch: int
    step: int


class Checkpoints(keras.callbacks.Callback):
    """Saves all that training reads or changes, every so many steps and after each epoch.

    That is: weights, random generators, optimizer with its step count, running metrics, the position in the data, and
    the state of other callbacks. A file is whole or absent, and checked by its hash when it is read.

        checkpoints = Checkpoints("run/checkpoints", others=[best])
        position = checkpoints.restore(model)
        train = data.batch(examples, 4_096, seed=1, epoch=position.epoch, step=position.step)
        model.fit(train, epochs=10, initial_epoch=position.epoch, callbacks=[best, checkpoints])

    SIGTERM and SIGINT end the step in work, save, and raise `Interrupted`. Put it last, at least after the callbacks
    in `others`. Keras warns that a resumed epoch "ran out of data": it is shorter, and all is well.

    Args:
        folder: made if missing.
        every: steps between checkpoints within an epoch; 0 saves at the ends of epochs only.
        keep: ends of epochs kept, the newest; of the middle of epochs at most the two newest files are kept.
        others: callbacks with `get_state() -> dict` and `set_state(dict)`, of JSON values, in fixed order.

    Raises:
        Diverged: weights are not finite; nothing is written.
        Interrupted: a signal came; the state is saved.
        InputError: the disk is full or may not be written; older files are untouched.
    """

    def __init__(self, folder: str | os.PathLike, every: int = 500, keep: int = 3, others=()):
        super().__init__()
        if every < 0 or keep < 1:
            raise ValueError(f"every must not be negative and keep at least 1, found {every} and {keep}")
        self.folder, self.every, self.keep, self.others = Path(folder), every, keep, tuple(others)
        self.position = Position(0, 0)
        self._resumed_metrics: dict | None = None
        self._resumed_inside = False
        self._stopped: dict | None = None
        self._interrupts = Interrupts()
        self._since = 0

    def restore(self, model: keras.Model) -> Position:
        """Gives a compiled model the newest whole checkpoint; newer ones that are damaged are named in a warning.

        Returns:
            where to go on; `Position(0, 0)` if there is no checkpoint.

        Raises:
            AllDamaged: there are checkpoints, and none is whole.
            InputError: the newest whole one is of another model.
        """
        damaged = []
        for path in reversed(files(self.folder)):
            try:
                found = snapshots.read(path)
            except snapshots.Damaged as error:
                damaged.append(f"{path.name}: {error}")
                continue
            self._take(model, found, path)
            if damaged:
                warnings.warn(f"{self.folder}: damaged ({'; '.join(damaged)}); {path.name} is taken", stacklevel=2)
            return self.position
        if damaged:
            raise AllDamaged(
                f"every checkpoint is damaged ({'; '.join(damaged)})",
                where=self.folder,
                remedy="restore the files from a copy, or train anew in another folder",
            )
        return self.position

    def on_train_begin(self, logs=None):
        self.folder.mkdir(parents=True, exist_ok=True)
        for left_over in self.folder.glob(f"*{snapshots.UNFINISHED}"):
            left_over.unlink()
        self._interrupts.watch()

    def on_epoch_begin(self, epoch, logs=None):
        if epoch != self.position.epoch:
            self.position = Position(epoch, 0)
        self._resumed_inside = self._resumed_metrics is not None
        if self._resumed_metrics is not None:
            state.set_metrics(self.model, self._resumed_metrics, self.folder)
            self._resumed_metrics = None

    def on_train_batch_end(self, batch, logs=None):
        self.position = Position(self.position.epoch, self.position.step + 1)
        self._since += 1
        if self.position.step == self.params.get("steps"):
            # What is due now is saved at the end of the epoch, together with what other callbacks say about it.
            if self._resumed_inside:
                # Keras believes that this epoch is as long as the others, and would run a step without data: it
                # fails, but not before random generators and the optimizer's count have moved. `fit` takes this for
                # the end of the data, which it is.
                raise StopIteration
        elif self._interrupts.received is not None:
            self._stop()
        elif self.model.stop_training:
            # A resumed run goes on inside the epoch; what runs between here and its end, validation for one, leaves
            # its own figures in the metrics.
            self._stopped = self._save()
        elif self.every and self._since >= self.every:
            self._save()

    def on_epoch_end(self, epoch, logs=None):
        steps = self.params.get("steps")
        if steps is None or self.position.step >= steps:
            self.position = Position(epoch + 1, 0)
            self._save()
        elif self._stopped is not None:
            self._save(self._stopped)  # what other callbacks made of the validation belongs to it too
        self._stopped = None
        if self._interrupts.received is not None:
            self._tell()

    def on_train_end(self, logs=None):
        self.close()

    def close(self) -> None:
        """Gives signals back to whoever had them, where training ended by an error; again is fine."""
        self._interrupts.leave()

    def _take(self, model, found: snapshots.Snapshot, path: Path) -> None:
        if len(found.facts["others"]) != len(self.others):
            raise InputError(
                f"holds the state of {len(found.facts['others'])} other callbacks",
                where=path,
                expected=f"{len(self.others)}, as Checkpoints(others=...) has",
                remedy="give those the run began with, or begin anew in another folder",
            )
        state.set_training_state(model, found.arrays, path)
        self.position = Position(found.facts["epoch"], found.facts["step"])
        self._resumed_metrics = found.arrays if self.position.step else None
        for callback, values in zip(self.others, found.facts["others"], strict=True):
            callback.set_state(values)

    def _stop(self) -> None:
        self._save()
        self._tell()

    def _tell(self) -> None:
        number = self._interrupts.received
        self._interrupts.leave()
        raise Interrupted(number)

    def _save(self, arrays: dict | None = None) -> dict:
        """Writes the state as it is, or these arrays of it, and returns them."""
        arrays = state.training_state(self.model) if arrays is None else arrays
        state.check_finite(arrays, _REMEDY)
        epoch, step = self.position
        facts = {"epoch": epoch, "step": step, "others": [callback.get_state() for callback in self.others]}
        snapshots.write(self.folder / f"epoch-{epoch:05d}-step-{step:07d}{snapshots.SUFFIX}", arrays, facts)
        self._since = 0
        self._forget()
        return arrays

    def _forget(self) -> None:
        every = files(self.folder)
        ends = [path for path in every if _position(path).step == 0]
        # Two in any case: should the newest be damaged, there is one to fall back to.
        kept = {*ends[-self.keep :], *every[-2:]}
        for path in every:
            if path not in kept:
                path.unlink(missing_ok=True)


def files(folder: str | os.PathLike, whole_epochs: bool = False) -> list[Path]:
    """The checkpoints in a folder, oldest first; with `whole_epochs` those at the end of an epoch alone."""
    found = [path for path in Path(folder).glob(f"*{snapshots.SUFFIX}") if _NAME.fullmatch(path.name)]
    return sorted(path for path in found if not (whole_epochs and _position(path).step))


def _position(path: Path) -> Position:
    epoch, step = _NAME.fullmatch(path.name).groups()
    return Position(int(epoch), int(step))
