"""The position-wise half of a Transformer layer."""

import keras

from seq2seq_keras.serial import serializable


@serializable
class FeedForward(keras.layers.Layer):
    """Two dense maps with a ReLU between, the same at every position.

    Args:
        width: model width D.
        inner: width between the two maps.

    Call:
        inputs: (B, T, D) float.
        returns: (B, T, D) float.

    Reference: Vaswani et al., 2017, section 3.3.
    """

    def __init__(self, width: int, inner: int, **kwargs):
        super().__init__(**kwargs)
        self.width, self.inner = width, inner
        self.widen = keras.layers.Dense(inner, activation="relu", name="widen")
        self.narrow = keras.layers.Dense(width, name="narrow")

    def build(self, inputs_shape):
        self.widen.build(inputs_shape)
        self.narrow.build((*inputs_shape[:-1], self.inner))

    def call(self, inputs):
        return self.narrow(self.widen(inputs))

    def compute_output_shape(self, inputs_shape):
        return inputs_shape
