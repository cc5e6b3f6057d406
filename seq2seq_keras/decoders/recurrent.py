"""A recurrent stack that lives from the state the bridge handed over."""

import keras

from seq2seq_keras.context import DecodeState
from seq2seq_keras.dropout import Dropout
from seq2seq_keras.recurrence import Stack
from seq2seq_keras.serial import serializable


@serializable
class RecurrentDecoder(keras.layers.Layer):
    """s_t = f(y_(t-1), s_(t-1)), s_0 from the bridge: the context is the first state and nothing else.

    Args:
        cell: `rnn`, `gru`, `lstm` or a `recurrence.Cell`.
        units: width D of every layer.
        depth: number of layers.
        dropout: share of the inputs of every layer, and of the output, set to zero in training.

    Call:
        inputs: (B, T, E) float, the target shifted right.
        context: `Context` whose state has `state_size`.
        returns: (B, T, D) float.

    Reference: Sutskever et al., 2014.
    """

    def __init__(self, cell, units: int, depth: int = 1, dropout: float = 0.0, **kwargs):
        super().__init__(**kwargs)
        self.cell, self.units, self.depth, self.dropout = cell, units, depth, dropout
        self.stack = Stack(cell, units, depth, dropout, name="stack")
        self.drop = Dropout(dropout)

    @property
    def state_size(self) -> list[list[int]]:
        return self.stack.state_size

    def build(self, inputs_shape, context_shape=None):
        self.stack.build(inputs_shape)

    def call(self, inputs, context, training=None):
        # No mask: padding is on the right, so it comes after everything the loss looks at.
        outputs, _ = self.stack(inputs, context.state, training=training)
        return self.drop(outputs, training=training)

    def init_state(self, context, max_length: int) -> DecodeState:
        return DecodeState(carry=context.state, fixed=())

    def step(self, inputs, state: DecodeState):
        outputs, carry = self.stack.step(inputs, state.carry)
        return outputs, DecodeState(carry, state.fixed)
