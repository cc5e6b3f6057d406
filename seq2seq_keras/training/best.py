"""Keeps the best weights of a run and stops when it gets no better."""

import math
import os
from pathlib import Path

import keras

from seq2seq_keras.errors import InputError
from seq2seq_keras.training import snapshots, state


class Best(keras.callbacks.Callback):
    """After each epoch: writes the weights if the figure watched is the best so far; stops after `patience` without.

    Unlike Keras' EarlyStopping its state survives a resume (`Checkpoints(others=[best])`) and the weights are on disk.

    Args:
        path: file of the weights, written beside and renamed.
        monitor: any name in the logs, as `val_loss` or `val_bleu`.
        mode: `min` or `max`; None takes `max` for names that end in bleu, chrf or accuracy.
        patience: epochs without a better one before training stops; 0 is never.

    Raises:
        InputError: the logs do not hold `monitor`.
    """

    def __init__(self, path: str | os.PathLike, monitor: str = "val_loss", mode: str | None = None, patience: int = 0):
        super().__init__()
        if mode not in ("min", "max", None):
            raise ValueError(f"mode must be min, max or None, found {mode!r}")
        self.path, self.monitor, self.patience = Path(path), monitor, patience
        self.sign = 1 if (mode or _mode(monitor)) == "min" else -1
        self.value, self.epoch, self.waited = math.inf * self.sign, -1, 0

    def on_epoch_end(self, epoch, logs=None):
        value = (logs or {}).get(self.monitor)
        if value is None:
            known = ", ".join(sorted(logs or {}))
            raise InputError(f"there is no figure {self.monitor} to watch", expected=f"one of {known}")
        if self.sign * value < self.sign * self.value:
            self.value, self.epoch, self.waited = float(value), epoch, 0
            self.path.parent.mkdir(parents=True, exist_ok=True)
            facts = {"epoch": epoch, self.monitor: self.value}
            snapshots.write(self.path, state.weights(self.model), facts)
            return
        self.waited += 1
        if self.patience and self.waited >= self.patience:
            self.model.stop_training = True

    def restore(self, model: keras.Model) -> bool:
        """Gives the model the best weights; False if there are none yet.

        Raises:
            InputError: the file is damaged or of another model.
        """
        if not self.path.exists():
            return False
        try:
            state.set_weights(model, snapshots.read(self.path).arrays, self.path)
        except snapshots.Damaged as error:
            raise InputError(
                str(error), where=self.path, remedy="delete it: the last weights then count as the best"
            ) from None
        return True

    def get_state(self) -> dict:
        """What a resumed run must know."""
        return {"value": self.value, "epoch": self.epoch, "waited": self.waited}

    def set_state(self, values: dict) -> None:
        """Takes over what `get_state` gave."""
        self.value, self.epoch, self.waited = values["value"], values["epoch"], values["waited"]


def _mode(monitor: str) -> str:
    return "max" if monitor.endswith(("bleu", "chrf", "accuracy")) else "min"
