"""The whole sequence as one vector, in four ways: `Encoded` to (B, D)."""

import keras
from keras import ops

from seq2seq_keras.attention.masks import hide
from seq2seq_keras.serial import serializable


class Pool(keras.layers.Layer):
    """What `Summary` asks of a pool: `Encoded` to one vector, and how wide that is."""

    def width(self, encoded_shape) -> int:
        """Width of the vector, from the shapes of an `Encoded`."""
        return encoded_shape[0][-1]


@serializable
class LastState(Pool):
    """What the encoder knew at its end: h_N.

    Call:
        encoded: `Encoded`.
        returns: (B, D): the final state of the topmost layer (of an LSTM h, not c); of an encoder without states the
            vector at the last real position.

    Reference: Sutskever et al., 2014; Cho et al., 2014.
    """

    def width(self, encoded_shape) -> int:
        return encoded_shape[2][-1][0][-1] if len(encoded_shape[2]) else super().width(encoded_shape)

    def call(self, encoded):
        if len(encoded.state):
            return encoded.state[-1][0]
        after = ops.pad(encoded.mask[:, 1:], [[0, 0], [0, 1]])
        last = ops.logical_and(encoded.mask, ops.logical_not(after))
        return ops.sum(encoded.sequence * ops.expand_dims(ops.cast(last, encoded.sequence.dtype), -1), axis=1)


@serializable
class MeanPool(Pool):
    """sum_i h_i / N over the N real positions.

    Call:
        encoded: `Encoded`.
        returns: (B, D).
    """

    def call(self, encoded):
        # float32: a long sum would lose small terms, or overflow.
        real = ops.expand_dims(ops.cast(encoded.mask, "float32"), -1)
        total = ops.sum(ops.cast(encoded.sequence, "float32") * real, axis=1)
        return ops.cast(total / ops.maximum(ops.sum(real, axis=1), 1.0), encoded.sequence.dtype)


@serializable
class MaxPool(Pool):
    """max_i h_i over the real positions, each axis by itself.

    Call:
        encoded: `Encoded`.
        returns: (B, D).

    Reference: Conneau et al., 2017.
    """

    def call(self, encoded):
        seen = hide(encoded.sequence, ops.expand_dims(encoded.mask, -1))
        return ops.cast(ops.max(seen, axis=1), encoded.sequence.dtype)


@serializable
class AttentionPool(Pool):
    """sum_i a_i h_i, a = softmax over real positions of v . tanh(W h_i + b): v is a query that is learned.

    Args:
        units: width of the score space.

    Call:
        encoded: `Encoded`.
        returns: (B, D).

    Reference: Yang et al., 2016; Lin et al., 2017.
    """

    def __init__(self, units: int, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.projection = keras.layers.Dense(units, activation="tanh", name="projection")
        self.energy = keras.layers.Dense(1, use_bias=False, name="energy")

    def build(self, encoded_shape):
        self.projection.build(encoded_shape[0])
        self.energy.build((*encoded_shape[0][:-1], self.units))

    def call(self, encoded):
        scores = ops.squeeze(self.energy(self.projection(encoded.sequence)), -1)  # (B, S)
        weights = ops.softmax(hide(scores, encoded.mask), axis=-1)
        return ops.einsum("bs,bsd->bd", ops.cast(weights, encoded.sequence.dtype), encoded.sequence)
