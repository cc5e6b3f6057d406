"""What a pipeline does between the steps of `fit`: keep the history, and stop when the time is up."""

import math
import time
from pathlib import Path

import keras

from pipelines import runs


class KeepHistory(keras.callbacks.Callback):
    """Writes the logs of every epoch to `history.json`; a resumed run goes on where it stopped.

    Args:
        path: the file.
        epoch: first epoch of this call of `fit`; what the file says about it and later ones is replaced.
    """

    def __init__(self, path: Path, epoch: int = 0):
        super().__init__()
        self.path = Path(path)
        self.rows = runs.read_json(self.path)[:epoch] if self.path.exists() else []
        self._begun = time.monotonic()

    def on_epoch_begin(self, epoch, logs=None):
        self._begun = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        row = {name: float(value) for name, value in (logs or {}).items()}
        self.rows.append({"epoch": epoch + 1, "seconds": round(time.monotonic() - self._begun, 1), **row})
        runs.write_json(self.path, self.rows)


class Deadline(keras.callbacks.Callback):
    """Stops training after the step during which the time ran out.

    Args:
        end: in `time.monotonic()`'s seconds.
    """

    def __init__(self, end: float):
        super().__init__()
        self.end, self.passed = end, False

    def on_train_batch_end(self, batch, logs=None):
        if time.monotonic() > self.end:
            self.passed = self.model.stop_training = True


class AnnealToDeadline(keras.callbacks.Callback):
    """Learning rate for a budget of time: a linear warmup by steps, then a cosine that ends at the deadline.

    Args:
        peak: highest learning rate.
        warmup: steps until the peak.
        end: deadline in `time.monotonic()`'s seconds.
    """

    def __init__(self, peak: float, warmup: int, end: float):
        super().__init__()
        self.peak, self.warmup, self.end = peak, max(warmup, 1), end
        self._begun, self._step = time.monotonic(), 0

    def on_train_batch_begin(self, batch, logs=None):
        self._step += 1
        share = min(1.0, (time.monotonic() - self._begun) / max(self.end - self._begun, 1e-9))
        fall = 0.01 + 0.99 * 0.5 * (1.0 + math.cos(math.pi * share))
        self.model.optimizer.learning_rate = self.peak * min(1.0, self._step / self.warmup) * fall
