"""A stack of recurrent layers, left to right."""

import keras

from seq2seq_keras.context import Encoded
from seq2seq_keras.encoders.silence import silent
from seq2seq_keras.recurrence import Stack
from seq2seq_keras.serial import serializable


@serializable
class RecurrentEncoder(keras.layers.Layer):
    """Reads the source left to right: h_t = f(x_t, h_(t-1)), several layers deep.

    Args:
        cell: `rnn`, `gru`, `lstm` or a `recurrence.Cell`.
        units: width D of every layer.
        depth: number of layers.
        dropout: share of the inputs of every layer set to zero in training.

    Call:
        inputs: (B, S, E) float.
        real: (B, S) bool, True where real. (Not called `mask`: Keras would pass that along by itself.)
        returns: `Encoded`: sequence (B, S, D), mask, state: one list a layer, each (B, D), as they were after
            the last real position.

    Reference: Sutskever et al., 2014.
    """

    def __init__(self, cell, units: int, depth: int = 1, dropout: float = 0.0, **kwargs):
        super().__init__(**kwargs)
        self.cell, self.units, self.depth, self.dropout = cell, units, depth, dropout
        self.stack = Stack(cell, units, depth, dropout, name="stack")

    def build(self, inputs_shape, real_shape=None):
        self.stack.build(inputs_shape)

    def call(self, inputs, real, training=None):
        sequence, state = self.stack(inputs, real=real, training=training)
        return Encoded(silent(sequence, real), real, state)
