"""Where a vector stands in its sequence."""

import math

import keras
from keras import ops

from seq2seq_keras.serial import serializable


@serializable
class SinusoidalPositions(keras.layers.Layer):
    """Scales token vectors by sqrt(D) and adds sin/cos of their position.

    PE(p, i) = sin(p / 10000^(i / (D/2))) for the first half of the vector, cos for the second half: the
    frequencies of the paper, laid out in halves instead of interleaved (a fixed permutation of the axes).

    Call:
        inputs: (B, T, D) float.
        positions: (N,) or (B, 1) int, position of each vector; by default 0..T-1.
        returns: (B, T, D) float.

    Reference: Vaswani et al., 2017, section 3.5.
    """

    def call(self, inputs, positions=None):
        width = inputs.shape[-1]
        if positions is None:
            positions = ops.arange(ops.shape(inputs)[1])
        rates = ops.exp(ops.arange(0, width // 2, dtype="float32") * (-math.log(10_000.0) / (width // 2)))
        angles = ops.expand_dims(ops.cast(positions, "float32"), -1) * rates
        signal = ops.concatenate([ops.sin(angles), ops.cos(angles)], axis=-1)
        return inputs * math.sqrt(width) + ops.cast(signal, inputs.dtype)

    def compute_output_shape(self, inputs_shape, positions_shape=None):
        return inputs_shape
