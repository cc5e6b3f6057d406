"""What a recurrent decoder says, out of all it knows."""

import keras
from keras import ops

from seq2seq_keras.serial import serializable


@serializable
class Maxout(keras.layers.Layer):
    """o = max(a, b), [a; b] = W x + w: each number the larger of two linear maps.

    The papers pair neighbours, max(t_(2j-1), t_(2j)); here halves are paired: a fixed permutation of W.

    Args:
        units: width D of the output.

    Call:
        inputs: (..., E) float.
        returns: (..., D) float.

    Reference: Goodfellow et al., 2013; Cho et al., 2014, appendix A.1; Bahdanau et al., 2015, appendix A.2.2.
    """

    def __init__(self, units: int, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.pieces = keras.layers.Dense(2 * units, name="pieces")

    def build(self, inputs_shape):
        self.pieces.build(inputs_shape)

    def call(self, inputs):
        return ops.maximum(*ops.split(self.pieces(inputs), 2, axis=-1))
