"""What is not a number neither spreads nor goes unseen."""

import math
from collections.abc import Callable

import keras
from keras import ops

from seq2seq_keras.training.guarded import guard
from seq2seq_keras.training.state import Diverged

_REMEDY = "begin a new run with a lower learning rate, a longer warmup, or clipped gradients"
_LOWEST_SCALE = 1.0
"""Of the loss under float16. A gradient that overflows below it is no matter of the scale."""


class RequireFinite(keras.callbacks.Callback):
    """Ends training when too many steps in a row are not finite; keeps the others out of all figures.

    A step is not finite if its loss is NaN or infinite, or if a `GuardedOptimizer` skipped its update. Running metrics
    become what they were before it, so that one such batch does not spoil the figures of an epoch; the logs of each
    epoch tell `skipped_updates`, those of the whole run. Under mixed_float16 the updates that Keras skips while it
    looks for a scale of the loss are none of these.

    Without a `GuardedOptimizer` weights are spoilt by then, and training ends at the first such loss.

    Put it before all callbacks that read the logs.

    Args:
        limit: such steps in a row that end training.
        keep: is told (epoch, step), both from 0, of each of them; `BadBatches` writes them down.
        step: batches already seen of the first epoch, on resume.

    Raises:
        Diverged: too many; weights are those before the first of them, and so is what was saved.
    """

    def __init__(self, limit: int = 10, keep: Callable[[int, int], object] | None = None, step: int = 0):
        super().__init__()
        if limit < 1:
            raise ValueError(f"limit must be at least 1, found {limit}")
        self.limit, self.keep, self.step = limit, keep, step
        self._guard = None
        self._epoch = self._place = self._row = self._skipped = 0
        self._scale = math.inf
        self._before: list[tuple] = []

    def on_train_begin(self, logs=None):
        self._guard = guard(self.model)
        self._scale = _number(getattr(self.model.optimizer, "dynamic_scale", math.inf))
        if self._guard is not None:
            self._skipped, self._row = _number(self._guard.skipped), _number(self._guard.skipped_in_a_row)

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch, self._place, self.step = epoch, self.step, 0

    def on_train_batch_begin(self, batch, logs=None):
        if self._guard is not None:
            self._before = [(variable, ops.copy(variable)) for variable in self.model.metrics_variables]

    def on_train_batch_end(self, batch, logs=None):
        loss = (logs or {}).get("loss", 0.0)
        if self._guard is None:
            if not math.isfinite(loss):
                raise Diverged(f"the loss is {loss} after step {batch + 1} of this epoch", remedy=_REMEDY)
            return
        place, self._place = self._place, self._place + 1
        if self._finite(loss):
            self._row = 0
            return
        self._row += 1
        self._mend(logs)
        if self.keep is not None:
            self.keep(self._epoch, place)
        if self._row >= self.limit:
            raise Diverged(
                f"{self._row} steps in a row were not finite (the last one, step {place + 1} of epoch "
                f"{self._epoch + 1}: loss {loss:.4g}, gradient norm {_number(self._guard.gradient_norm):.4g}); no such "
                "gradient touched the weights",
                remedy="look for bad values in the data; if there are none, " + _REMEDY,
            )

    def on_epoch_end(self, epoch, logs=None):
        if self._guard is not None and logs is not None:
            logs["skipped_updates"] = _number(self._guard.skipped)

    def _finite(self, loss: float) -> bool:
        skipped = _number(self._guard.skipped)
        good = skipped == self._skipped and math.isfinite(loss)
        scale = getattr(self.model.optimizer, "dynamic_scale", None)
        if scale is not None and skipped == self._skipped:
            # The optimizer that scales the loss skips before the guard sees anything.
            before, self._scale = self._scale, _number(scale)
            good = good and not self._scale < min(before, _LOWEST_SCALE)
            if not good:
                self._guard.skip()
                skipped += 1
        self._skipped = skipped
        return good

    def _mend(self, logs: dict) -> None:
        if len(self._before) < len(self.model.metrics_variables):
            self.model.reset_metrics()  # some were made by this very step
        for variable, value in self._before:
            variable.assign(value)
        found = self.model.get_metrics_result()
        logs.update({name: _number(value) for name, value in found.items() if name in logs})


def _number(value) -> float:
    return ops.convert_to_numpy(value).item()
