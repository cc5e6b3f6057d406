"""A stack of recurrent layers that sums up as it climbs."""

import keras
from keras import ops

from seq2seq_keras.context import Encoded
from seq2seq_keras.encoders.silence import silent
from seq2seq_keras.recurrence import Cell, Stack
from seq2seq_keras.serial import serializable


@serializable
class PyramidalEncoder(keras.layers.Layer):
    """Each layer but the first reads pairs of what the one below says: h_i^j = f([h_2i^(j-1); h_(2i+1)^(j-1)]).

    Every layer reads both ways. A sequence of S gives ceil(S / 2^(depth - 1)) vectors: attention has less to look at,
    which is what long inputs (speech, bytes) want.

    Args:
        cell: `rnn`, `gru`, `lstm` or a `recurrence.Cell` without residual: inputs are twice as wide as outputs.
        units: width D of every layer's output, even: half of it from each direction.
        depth: number of layers.
        dropout: share of the inputs of every layer set to zero in training.

    Call:
        inputs: (B, S, E) float.
        real: (B, S) bool, True where real.
        returns: `Encoded`: sequence (B, S', D) and mask (B, S') with S' as above, a vector being real where any of its
            inputs is; state: one list a layer, each (B, D), the final states of both directions side by side.

    Raises:
        ValueError: `units` is odd, or the cell has residuals.

    Reference: Chan et al., 2016 (Listen, Attend and Spell).
    """

    def __init__(self, cell, units: int, depth: int = 3, dropout: float = 0.0, **kwargs):
        super().__init__(**kwargs)
        if Cell.of(cell).residual:
            raise ValueError("cell must have no residual: a pyramid's layers are twice as wide below as above")
        self.cell, self.units, self.depth, self.dropout = cell, units, depth, dropout
        self.levels = [Stack(cell, units, 1, dropout, both_ways="concat", name=f"level_{i}") for i in range(depth)]

    @property
    def shortens(self) -> bool:
        """Whether a vector stands for several positions of the source: what looks at it cannot say at which."""
        return self.depth > 1

    def build(self, inputs_shape, real_shape=None):
        for place, level in enumerate(self.levels):
            level.build((*inputs_shape[:-1], 2 * self.units if place else inputs_shape[-1]))

    def call(self, inputs, real, training=None):
        states = []
        for place, level in enumerate(self.levels):
            if place:
                inputs, real = paired(inputs, real)
            outputs, state = level(inputs, real=real, training=training)
            inputs = silent(outputs, real)
            states += state
        return Encoded(inputs, real, states)


def paired(sequence, real):
    """Neighbours as one: (B, S, D) and (B, S) to (B, ceil(S/2), 2D) and (B, ceil(S/2)); an odd one out gets zeros."""
    rows, length = ops.shape(sequence)[:2]
    odd = length % 2
    sequence = ops.pad(sequence, [[0, 0], [0, odd], [0, 0]])
    sequence = ops.reshape(sequence, (rows, (length + odd) // 2, 2 * sequence.shape[-1]))
    return sequence, real[:, ::2]
