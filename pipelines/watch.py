"""What a pipeline does between the steps of `fit`: keep the history, and stop when the time is up."""

import math
import time
from pathlib import Path

import keras

from pipelines import runs


class KeepHistory(keras.callbacks.Callback):
    """Writes the logs of every epoch to `history.json`; a resumed run goes on where it stopped.

    Beside them: `seconds` of the whole epoch in this call, and in all calls `train_seconds`, those of its training
    steps alone, without validation and decoding.

    Args:
        path: the file.
        budget: which knows how long all training steps took.
        epoch: first epoch of this call of `fit`; what the file says about it and later ones is replaced, once
            training begins.
    """

    def __init__(self, path: Path, budget: "Budget", epoch: int = 0):
        super().__init__()
        self.path, self.budget = Path(path), budget
        self.rows = runs.read_json(self.path) if self.path.exists() else []
        self._epoch, self._begun = epoch, time.monotonic()

    def on_train_begin(self, logs=None):
        self.rows = self.rows[: self._epoch]

    def on_epoch_begin(self, epoch, logs=None):
        self._begun = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        row = {name: float(value) for name, value in (logs or {}).items()}
        seconds = round(time.monotonic() - self._begun, 1)
        trained = round(self.budget.trained - sum(row.get("train_seconds", 0.0) for row in self.rows), 3)
        self.rows.append({"epoch": epoch + 1, "seconds": seconds, "train_seconds": trained, **row})
        runs.write_json(self.path, self.rows)


class Budget(keras.callbacks.Callback):
    """Stops training after the step during which the time ran out; a resumed run has what is left of it.

    Hand it to `training.Checkpoints(others=[...])`, which keeps the time spent with the weights.

    Args:
        seconds: of wall time; `math.inf` for no end.
        begun: when they began to count, in `time.monotonic()`'s seconds.
    """

    def __init__(self, seconds: float, begun: float):
        super().__init__()
        self.seconds, self._begun, self._earlier, self._step = seconds, begun, 0.0, 0.0
        self.trained = 0.0
        """Seconds inside training steps, in all calls."""

    @property
    def taken(self) -> float:
        """Seconds that are gone."""
        return self._earlier + time.monotonic() - self._begun

    @property
    def spent(self) -> float:
        """Share of the time that is gone, 1 or more when it is over."""
        return self.taken / self.seconds

    def on_train_batch_begin(self, batch, logs=None):
        self._step = time.monotonic()

    def on_train_batch_end(self, batch, logs=None):
        self.trained += time.monotonic() - self._step
        self._stop_in_time()

    def on_epoch_end(self, epoch, logs=None):
        self._stop_in_time()  # validation takes time too, and Keras would begin another epoch

    def get_state(self) -> dict:
        """What `set_state` takes."""
        return {"seconds": self.taken, "trained": self.trained}

    def set_state(self, values: dict) -> None:
        """Adds the time of earlier calls."""
        self._earlier, self.trained = values["seconds"], values.get("trained", 0.0)

    def _stop_in_time(self) -> None:
        if self.spent >= 1.0:
            self.model.stop_training = True


class Anneal(keras.callbacks.Callback):
    """Learning rate for a budget of time: a linear warmup by steps, then a cosine that ends with the time.

    Args:
        peak: highest learning rate.
        warmup: steps until the peak.
        budget: tells how much of the time is spent.
    """

    def __init__(self, peak: float, warmup: int, budget: Budget):
        super().__init__()
        self.peak, self.warmup, self.budget = peak, max(warmup, 1), budget

    def on_train_batch_begin(self, batch, logs=None):
        # Updates, of which several batches may make one, and a bad batch none.
        step = int(self.model.optimizer.iterations) + 1
        fall = 0.01 + 0.99 * 0.5 * (1.0 + math.cos(math.pi * min(self.budget.spent, 1.0)))
        self.model.optimizer.learning_rate = self.peak * min(1.0, step / self.warmup) * fall
