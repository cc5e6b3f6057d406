"""A recurrent stack that is told the same context vector at every step."""

import keras
from keras import ops

from seq2seq_keras.context import DecodeState
from seq2seq_keras.decoders.maxout import Maxout
from seq2seq_keras.dropout import Dropout
from seq2seq_keras.recurrence import Stack
from seq2seq_keras.serial import serializable


@serializable
class ConditionedDecoder(keras.layers.Layer):
    """s_t = f([y_(t-1); c], s_(t-1)),  o_t = g(s_t, y_(t-1), c): the context need not survive in the state.

    g is a maxout of two linear maps of all three, as in the paper. c goes into the lowest layer of a deeper stack.

    Args:
        cell: `rnn`, `gru`, `lstm` or a `recurrence.Cell`.
        units: width D of every layer and of the output.
        depth: number of layers.
        dropout: share of the inputs of every layer, and of the output, set to zero in training.

    Call:
        inputs: (B, T, E) float, the target shifted right.
        context: `Context` whose state has `state_size`, and whose memory begins with c, as that of `Summary` does.
        returns: (B, T, D) float.

    Raises:
        ValueError: a context without memory.

    Reference: Cho et al., 2014, section 2.2 and appendix A.1.
    """

    def __init__(self, cell, units: int, depth: int = 1, dropout: float = 0.0, **kwargs):
        super().__init__(**kwargs)
        self.cell, self.units, self.depth, self.dropout = cell, units, depth, dropout
        self.stack = Stack(cell, units, depth, dropout, name="stack")
        self.readout = Maxout(units, name="readout")
        self.drop = Dropout(dropout)

    @property
    def state_size(self) -> list[list[int]]:
        return self.stack.state_size

    def build(self, inputs_shape, context_shape):
        if not context_shape[0]:
            raise ValueError("context must have a memory, the vector to be told at every step; found none")
        told = inputs_shape[-1] + context_shape[0][-1]
        self.stack.build((None, None, told))
        self.readout.build((None, None, self.units + told))

    def call(self, inputs, context, training=None):
        vector = context.memory[:, :1]
        told = ops.concatenate([inputs, ops.repeat(vector, ops.shape(inputs)[1], axis=1)], axis=-1)
        outputs, _ = self.stack(told, context.state, training=training)
        return self.drop(self.readout(ops.concatenate([outputs, told], axis=-1)), training=training)

    def init_state(self, context, max_length: int) -> DecodeState:
        return DecodeState(carry=context.state, fixed=context.memory[:, 0])

    def step(self, inputs, state: DecodeState):
        told = ops.concatenate([inputs, state.fixed], axis=-1)
        outputs, carry = self.stack.step(told, state.carry)
        return self.readout(ops.concatenate([outputs, told], axis=-1)), DecodeState(carry, state.fixed)
