"""A recurrent stack that lives from the state the bridge handed over."""

import keras

from seq2seq_keras import recurrence
from seq2seq_keras.context import DecodeState
from seq2seq_keras.serial import serializable


@serializable
class RecurrentDecoder(keras.layers.Layer):
    """s_t = f(y_(t-1), s_(t-1)), s_0 from the bridge: the context is the first state and nothing else.

    Args:
        cell: `lstm` or `gru`.
        units: width D of every layer.
        depth: number of layers.
        dropout: share of the inputs of every layer, and of the output, set to zero in training.

    Call:
        inputs: (B, T, E) float, the target shifted right.
        context: `Context` whose state has `state_size`.
        returns: (B, T, D) float.

    Reference: Sutskever et al., 2014.
    """

    def __init__(self, cell: str, units: int, depth: int = 1, dropout: float = 0.0, **kwargs):
        super().__init__(**kwargs)
        self.cell, self.units, self.depth, self.dropout = cell, units, depth, dropout
        self.layers = [recurrence.layer(cell, units, f"layer_{i}") for i in range(depth)]
        self.drops = [keras.layers.Dropout(dropout) for _ in range(depth + 1)]

    @property
    def state_size(self) -> list[list[int]]:
        return recurrence.state_size(self.cell, self.units, self.depth)

    def build(self, inputs_shape, context_shape=None):
        for layer in self.layers:
            layer.build(inputs_shape)
            inputs_shape = (*inputs_shape[:-1], self.units)

    def call(self, inputs, context, training=None):
        for layer, drop, state in zip(self.layers, self.drops, context.state):
            # No mask: padding is on the right, so it comes after everything the loss looks at.
            inputs, *_ = layer(drop(inputs, training=training), initial_state=state, training=training)
        return self.drops[-1](inputs, training=training)

    def init_state(self, context, max_length: int) -> DecodeState:
        return DecodeState(carry=context.state, fixed=())

    def step(self, inputs, state: DecodeState):
        carry = []
        for layer, states in zip(self.layers, state.carry):
            inputs, states = layer.cell(inputs, states)
            carry.append(list(states) if isinstance(states, (list, tuple)) else [states])
        return inputs, DecodeState(carry, state.fixed)
