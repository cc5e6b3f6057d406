"""A stack of recurrent layers that read both ways."""

import keras
from keras import ops

from seq2seq_keras import recurrence
from seq2seq_keras.context import Encoded
from seq2seq_keras.serial import serializable


@serializable
class BidirectionalEncoder(keras.layers.Layer):
    """Every vector knows what is left and right of it: half of its width from each direction.

    Args:
        cell: `lstm` or `gru`.
        units: width D of every layer's output, both directions together; even.
        depth: number of layers.
        dropout: share of the inputs of every layer set to zero in training.

    Call:
        inputs: (B, S, E) float.
        real: (B, S) bool, True where real. (Not called `mask`: Keras would pass that along by itself.)
        returns: `Encoded`: sequence (B, S, D), mask, state: one list a layer, each (B, D), the final states of
            both directions side by side.

    Raises:
        ValueError: `units` is odd.

    Reference: Schuster and Paliwal, 1997; Bahdanau et al., 2015.
    """

    def __init__(self, cell: str, units: int, depth: int = 1, dropout: float = 0.0, **kwargs):
        super().__init__(**kwargs)
        if units % 2:
            raise ValueError(f"units must be even, half for each direction; found {units}")
        self.cell, self.units, self.depth, self.dropout = cell, units, depth, dropout
        self.layers = [
            keras.layers.Bidirectional(recurrence.layer(cell, units // 2, f"half_{i}"), name=f"layer_{i}")
            for i in range(depth)
        ]
        self.drops = [keras.layers.Dropout(dropout) for _ in range(depth)]

    def build(self, inputs_shape, real_shape=None):
        for layer in self.layers:
            layer.build(inputs_shape)
            inputs_shape = (*inputs_shape[:-1], self.units)

    def call(self, inputs, real, training=None):
        state = []
        for layer, drop in zip(self.layers, self.drops):
            inputs, *final = layer(drop(inputs, training=training), mask=real, training=training)
            half = len(final) // 2
            pairs = zip(final[:half], final[half:])
            state.append([ops.concatenate(pair, axis=-1) for pair in pairs])
        # Zeros where padded: nothing downstream can depend on what a cell does there.
        weight = ops.expand_dims(ops.cast(real, inputs.dtype), -1)
        return Encoded(inputs * weight, real, state)
