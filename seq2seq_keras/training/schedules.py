"""Learning rate by step. The other choice is Keras' own `CosineDecay` with `warmup_target` and `warmup_steps`."""

import keras
from keras import ops

from seq2seq_keras.serial import serializable


@serializable
class InverseSquareRoot(keras.optimizers.schedules.LearningRateSchedule):
    """Rises in a straight line to `peak` at step `warmup`, then falls with the square root of the step.

    rate(n) = peak * min(n / warmup, sqrt(warmup / n)), n counted from 1 so that the first step already learns.

    Args:
        peak: highest learning rate.
        warmup: steps until the peak; 0 is like 1, no warmup.

    Reference: Vaswani et al., 2017, section 5.3.
    """

    def __init__(self, peak: float, warmup: int):
        if peak <= 0 or warmup < 0:
            raise ValueError(f"peak must be positive and warmup not negative, found peak={peak}, warmup={warmup}")
        self.peak, self.warmup = peak, warmup

    def __call__(self, step):
        n, warmup = ops.cast(step, "float32") + 1.0, float(max(self.warmup, 1))
        return self.peak * ops.minimum(n / warmup, ops.sqrt(warmup / n))
