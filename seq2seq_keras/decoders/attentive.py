"""A recurrent stack that looks back at the source before it speaks."""

from typing import Any, NamedTuple

import keras
from keras import ops

from seq2seq_keras.context import DecodeState
from seq2seq_keras.recurrence import Stack
from seq2seq_keras.serial import serializable


class AttentiveCarry(NamedTuple):
    """What changes from step to step."""

    states: list
    """One list a layer, each (B, D)."""
    output: Any
    """(B, D) attentional vector of the last step, fed back into the next one."""
    weights: Any
    """(B, S) float32: where the last step looked."""


class AttentiveFixed(NamedTuple):
    """What stays for the whole sentence."""

    keys: Any
    """(B, S, U) from `attention.prepare`."""
    memory: Any
    """(B, S, M)."""
    mask: Any
    """(B, S) bool."""


@serializable
class AttentiveDecoder(keras.layers.Layer):
    """A recurrent decoder with attention and input feeding.

    s_t = f([y_(t-1); o_(t-1)], s_(t-1)),  c_t = attention(s_t, h_1..h_S),  o_t = tanh(W [s_t; c_t]).
    Feeding o_(t-1) back tells the decoder what it has already looked at.

    Args:
        cell: `rnn`, `gru`, `lstm` or a `recurrence.Cell`.
        units: width D of every layer and of the output.
        attention: a ready attention layer, such as `AdditiveAttention(D)`.
        depth: number of recurrent layers.
        dropout: share of the inputs of every layer, and of the output, set to zero in training.

    Call:
        inputs: (B, T, E) float, the target shifted right.
        context: `Context` with memory, mask and a state of `state_size`.
        returns: (B, T, D) float.

    Reference: Luong et al., 2015 (input feeding); Bahdanau et al., 2015 (additive attention).
    """

    def __init__(self, cell, units: int, attention, depth: int = 1, dropout: float = 0.0, **kwargs):
        super().__init__(**kwargs)
        self.cell, self.units, self.attention, self.depth, self.dropout = (
            cell,
            units,
            attention,
            depth,
            dropout,
        )
        self.stack = Stack(cell, units, depth, name="stack")
        self.join = keras.layers.Dense(units, activation="tanh", name="join")
        self.input_drop = keras.layers.Dropout(dropout)
        self.between_drops = [keras.layers.Dropout(dropout) for _ in range(depth - 1)]
        self.output_drop = keras.layers.Dropout(dropout)

    @property
    def state_size(self) -> list[list[int]]:
        return self.stack.state_size

    def build(self, inputs_shape, context_shape):
        memory_shape, units = tuple(context_shape[0]), self.units
        self.stack.build((None, None, inputs_shape[-1] + units))
        if not self.attention.built:  # a layer that came from a config is
            self.attention.build((None, units), (None, None, None), memory_shape, memory_shape[:-1])
        self.join.build((None, units + memory_shape[-1]))

    def call(self, inputs, context, training=None):
        state = self.init_state(context, max_length=0)
        inputs = self.input_drop(inputs, training=training)
        # Dropout masks between layers are drawn for all steps at once: no random state changes inside the loop.
        whole = ops.ones((*ops.shape(inputs)[:2], self.units), dtype=self.compute_dtype)
        keep = [drop(whole, training=training) for drop in self.between_drops]
        # One tensor: Keras' scan cannot take several whose length is unknown.
        together = ops.swapaxes(ops.concatenate([inputs, *keep], axis=-1), 0, 1)  # (T, B, ...)
        width = inputs.shape[-1]

        def advance(carry, now):
            keep = [now[:, i : i + self.units] for i in range(width, now.shape[-1], self.units)]
            carry = self._advance(now[:, :width], carry, state.fixed, keep, training)
            return carry, carry

        self.stack.begin_steps(state.carry.states, training)
        _, carries = ops.scan(advance, state.carry, together)
        self.stack.end_steps()
        return self.output_drop(ops.swapaxes(carries.output, 0, 1), training=training)

    def init_state(self, context, max_length: int) -> DecodeState:
        memory, mask, states = context
        output = ops.zeros_like(states[-1][0])
        carry = AttentiveCarry(states, output, ops.zeros_like(ops.cast(mask, "float32")))
        return DecodeState(carry, AttentiveFixed(self.attention.prepare(memory), memory, mask))

    def step(self, inputs, state: DecodeState):
        carry = self._advance(inputs, state.carry, state.fixed)
        return carry.output, DecodeState(carry, state.fixed)

    def alignment(self, state: DecodeState):
        """(B, S) float32: where the step that led to `state` looked."""
        return state.carry.weights

    def _advance(self, inputs, carry, fixed, keep=(), training=None):
        """One position; `keep` are the dropout masks between layers, (B, D) each, none at inference."""
        inputs = ops.concatenate([inputs, carry.output], axis=-1)
        outputs, states = self.stack.step(inputs, carry.states, keep, training)
        found, weights = self.attention(outputs, fixed.keys, fixed.memory, fixed.mask)
        output = self.join(ops.concatenate([outputs, found], axis=-1))
        return AttentiveCarry(states, output, weights)
