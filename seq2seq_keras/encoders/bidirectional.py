"""A stack of recurrent layers that read both ways."""

import keras

from seq2seq_keras.context import Encoded
from seq2seq_keras.encoders.silence import silent
from seq2seq_keras.recurrence import Stack
from seq2seq_keras.serial import serializable


@serializable
class BidirectionalEncoder(keras.layers.Layer):
    """Every vector knows what is left and right of it.

    Args:
        cell: `rnn`, `gru`, `lstm` or a `recurrence.Cell`.
        units: width D of every layer's output, both directions together; even if they stand side by side.
        depth: number of layers.
        dropout: share of the inputs of every layer set to zero in training.
        merge: `concat`, half of the width from each direction, or their `sum`.

    Call:
        inputs: (B, S, E) float.
        real: (B, S) bool, True where real. (Not called `mask`: Keras would pass that along by itself.)
        returns: `Encoded`: sequence (B, S, D), mask, state: one list a layer, each (B, D), the final states of
            both directions, joined as the outputs are.

    Raises:
        ValueError: `units` is odd and shared, or another `merge`.

    Reference: Schuster and Paliwal, 1997; Bahdanau et al., 2015.
    """

    def __init__(self, cell, units: int, depth: int = 1, dropout: float = 0.0, merge: str = "concat", **kwargs):
        super().__init__(**kwargs)
        self.cell, self.units, self.depth, self.dropout, self.merge = cell, units, depth, dropout, merge
        self.stack = Stack(cell, units, depth, dropout, both_ways=merge, name="stack")

    def build(self, inputs_shape, real_shape=None):
        self.stack.build(inputs_shape)

    def call(self, inputs, real, training=None):
        sequence, state = self.stack(inputs, real=real, training=training)
        return Encoded(silent(sequence, real), real, state)
