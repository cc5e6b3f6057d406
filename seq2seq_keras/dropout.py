"""Dropout whose random numbers cost a quarter."""

import keras
from keras import ops

from seq2seq_keras.serial import serializable

_LEVELS = 256


@serializable
class Dropout(keras.layers.Layer):
    """Sets a share of the inputs to zero in training and scales what is left, so that the mean stays.

    On a CPU much of a training step of Keras' own layer goes into random numbers: here each byte of one decides about
    a unit of its own, so that `rate` is rounded to a 256th. What is kept is scaled by the share that is really kept.

    Args:
        rate: share set to zero, 0 to below 1.

    Call:
        inputs: float of any shape.
        returns: the same shape and dtype.

    Raises:
        ValueError: another rate.

    Reference: Srivastava et al., 2014.
    """

    def __init__(self, rate: float, **kwargs):
        super().__init__(**kwargs)
        if not 0.0 <= rate < 1.0:
            raise ValueError(f"rate must be at least 0 and below 1, found {rate}")
        self.rate = rate
        self.dropped = min(round(rate * _LEVELS), _LEVELS - 1)
        if self.dropped:
            self.seed_generator = keras.random.SeedGenerator()
        self.built = self.supports_masking = True

    def call(self, inputs, training=False):
        if not training or not self.dropped:
            return inputs
        size = ops.size(inputs)
        words = keras.random.randint(((size + 3) // 4, 1), -(2**31), 2**31 - 1, seed=self.seed_generator)
        chances = ops.reshape(ops.reshape(ops.view(words, "uint8"), (-1,))[:size], ops.shape(inputs))
        kept = ops.cast(ops.greater_equal(chances, ops.cast(self.dropped, "uint8")), inputs.dtype)
        return inputs * (kept * (_LEVELS / (_LEVELS - self.dropped)))

    def compute_output_shape(self, inputs_shape):
        return inputs_shape
