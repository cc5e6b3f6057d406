"""A recurrent stack that looks back at the source before it speaks."""

import keras
from keras import ops

from seq2seq_keras.decoders.looking import LookingDecoder
from seq2seq_keras.serial import serializable


@serializable
class AttentiveDecoder(LookingDecoder):
    """A recurrent decoder that looks after each step of its stack.

    s_t = f([y_(t-1); o_(t-1)], s_(t-1)),  c_t = attention(s_t, h_1..h_S),  o_t = tanh(W [s_t; c_t]).
    Feeding o_(t-1) back tells the decoder what it has already looked at. Without it s_t = f(y_(t-1), s_(t-1)) knows
    nothing of the attention: a whole sequence runs through the fused layers, and all of it looks at once.

    Args:
        cell: `rnn`, `gru`, `lstm` or a `recurrence.Cell`.
        units: width D of every layer and of the output.
        attention: a ready attention layer, such as `AdditiveAttention(D)`.
        depth: number of recurrent layers.
        dropout: share of the token vectors, between layers and of the output set to zero in training.
        input_feeding: tells the next step what this one said.

    Call:
        inputs: (B, T, E) float, the target shifted right.
        context: `Context` with memory, mask and a state of `state_size`.
        looked: returns also where it looked.
        returns: (B, T, D) float; with `looked` also the weights, (B, T, S) float32.

    Reference: Luong et al., 2015, sections 3.1 and 3.3; Bahdanau et al., 2015 (additive attention).
    """

    def __init__(
        self,
        cell,
        units: int,
        attention,
        depth: int = 1,
        dropout: float = 0.0,
        input_feeding: bool = True,
        **kwargs,
    ):
        super().__init__(cell, units, attention, depth, dropout, loops=input_feeding or attention.coverage, **kwargs)
        self.input_feeding = self.feeds = input_feeding
        self.join = keras.layers.Dense(units, activation="tanh", name="join")

    def build(self, inputs_shape, context_shape):
        memory_shape, units = tuple(context_shape[0]), self.units
        self.stack.build((None, None, inputs_shape[-1] + units * self.feeds))
        self.build_attention(memory_shape)
        self.join.build((None, units + memory_shape[-1]))

    def _whole(self, inputs, state, training):
        if self.loops:
            return super()._whole(inputs, state, training)
        outputs, _ = self.stack(inputs, state.carry.states, training=training)
        found, weights = self.attention(outputs, *state.fixed)
        return self.join(ops.concatenate([outputs, found], axis=-1)), weights

    def _advance(self, inputs, carry, fixed, keep=(), training=None):
        if self.feeds:
            inputs = ops.concatenate([inputs, carry.output], axis=-1)
        outputs, states = self.stack.step(inputs, carry.states, keep, training)
        found, weights, covered = self._look(outputs, fixed, carry.covered)
        output = self.join(ops.concatenate([outputs, found], axis=-1))
        return carry._replace(states=states, output=output, weights=weights, covered=covered)
