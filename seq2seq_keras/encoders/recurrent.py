"""A stack of recurrent layers, left to right."""

import keras
from keras import ops

from seq2seq_keras import recurrence
from seq2seq_keras.context import Encoded
from seq2seq_keras.serial import serializable


@serializable
class RecurrentEncoder(keras.layers.Layer):
    """Reads the source left to right: h_t = f(x_t, h_(t-1)), several layers deep.

    Args:
        cell: `lstm` or `gru`.
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

    def __init__(self, cell: str, units: int, depth: int = 1, dropout: float = 0.0, **kwargs):
        super().__init__(**kwargs)
        self.cell, self.units, self.depth, self.dropout = cell, units, depth, dropout
        self.layers = [recurrence.layer(cell, units, f"layer_{i}") for i in range(depth)]
        self.drops = [keras.layers.Dropout(dropout) for _ in range(depth)]

    def build(self, inputs_shape, real_shape=None):
        for layer in self.layers:
            layer.build(inputs_shape)
            inputs_shape = (*inputs_shape[:-1], self.units)

    def call(self, inputs, real, training=None):
        state = []
        for layer, drop in zip(self.layers, self.drops):
            inputs, *final = layer(drop(inputs, training=training), mask=real, training=training)
            state.append(list(final))
        # Zeros where padded: nothing downstream can depend on what a cell does there.
        weight = ops.expand_dims(ops.cast(real, inputs.dtype), -1)
        return Encoded(inputs * weight, real, state)
