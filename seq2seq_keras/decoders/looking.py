"""What recurrent decoders that look back at the source have in common."""

import itertools
from typing import Any, NamedTuple

import keras
from keras import ops

from seq2seq_keras.context import DecodeState
from seq2seq_keras.dropout import Dropout
from seq2seq_keras.recurrence import Stack


class LookingCarry(NamedTuple):
    """What changes from step to step."""

    states: list
    """One list a layer, each (B, D)."""
    output: Any
    """(B, D) what the last step said, where the next one is told; else `()`."""
    weights: Any
    """(B, S) float32: where the last step looked."""
    covered: Any
    """(B, S) float32: sum of the weights of all steps, where the attention wants it; else `()`."""


class LookingFixed(NamedTuple):
    """What stays for the whole sentence."""

    keys: Any
    """(B, S, U) from `attention.prepare`."""
    memory: Any
    """(B, S, M)."""
    mask: Any
    """(B, S) bool."""


class LookingDecoder(keras.layers.Layer):
    """A recurrent stack and an attention, and the loop over them. A decoder says in `_advance` what is one step, and in
    `_say` what needs no loop.

    Args:
        cell: `rnn`, `gru`, `lstm` or a `recurrence.Cell`.
        units: width D of every layer and of the output.
        attention: a ready attention layer, such as `AdditiveAttention(D)`.
        depth: number of recurrent layers.
        dropout: share of the token vectors, between layers and of the output set to zero in training.
        loops: whether a step must wait for more of the one before it than the stack keeps.
    """

    shares_fixed = True
    """The rows of one source can share `fixed`: N rows of `carry` over fewer rows of it, those of a source adjacent."""
    feeds = False
    """Whether a step is told what the one before it said."""

    def __init__(self, cell, units: int, attention, depth: int, dropout: float, loops: bool = True, **kwargs):
        super().__init__(**kwargs)
        self.cell, self.units, self.attention, self.depth, self.dropout = cell, units, attention, depth, dropout
        self.loops = loops
        self.stack = Stack(cell, units, depth, dropout, name="stack")
        self.output_drop = Dropout(dropout)

    @property
    def state_size(self) -> list[list[int]]:
        return self.stack.state_size

    def build_attention(self, memory_shape) -> None:
        """Over a memory of that shape; an attention that came from a config is built already."""
        if not self.attention.built:
            self.attention.build((None, self.units), (None, None, None), memory_shape, memory_shape[:-1])

    def call(self, inputs, context, training=None, looked=False):
        outputs, weights = self._whole(inputs, self.init_state(context, max_length=0), training)
        outputs = self.output_drop(outputs, training=training)
        return (outputs, weights) if looked else outputs

    def init_state(self, context, max_length: int) -> DecodeState:
        memory, mask, states = context
        if isinstance(memory, tuple) or len(states) != self.depth:
            found = "no memory" if isinstance(memory, tuple) else f"states of {len(states)} layers"
            raise ValueError(f"context must have a memory and states of {self.depth} layers, found {found}")
        weights = ops.zeros_like(ops.cast(mask, "float32"))
        output = ops.zeros_like(states[-1][0]) if self.feeds else ()
        carry = LookingCarry(states, output, weights, weights if self.attention.coverage else ())
        return DecodeState(carry, LookingFixed(self.attention.prepare(memory), memory, mask))

    def step(self, inputs, state: DecodeState):
        carry = self._advance(inputs, state.carry, state.fixed)
        output = self._say(carry.output, inputs)
        return output, DecodeState(carry if self.feeds else carry._replace(output=()), state.fixed)

    def alignment(self, state: DecodeState):
        """(B, S) float32: where the step that led to `state` looked."""
        return state.carry.weights

    def _advance(self, inputs, carry, fixed, keep=(), training=None) -> LookingCarry:
        """One position; `keep` are the stack's dropout masks of this step, none at inference."""
        raise NotImplementedError

    def _say(self, output, inputs):
        """Outputs of steps and what went into them, (..., E), to what the decoder says of them, (..., D)."""
        return output

    def _look(self, query, fixed, covered):
        """Where each of (B, D) looks: context (B, M), weights (B, S), and what is covered then."""
        covers = self.attention.coverage
        known = (covered,) if covers else ()
        rows = ops.shape(fixed.mask)[0]
        # Symbolic shapes do not know how many rows there are; in the models made of them each has its own source.
        alone = rows is None or (query.shape[0] is not None and query.shape[0] == fixed.mask.shape[0])
        if not alone:
            query, *known = (ops.reshape(leaf, (rows, -1, ops.shape(leaf)[-1])) for leaf in (query, *known))
        found, weights = self.attention(query, *fixed, *known)
        if not alone:
            found, weights = (ops.reshape(leaf, (-1, ops.shape(leaf)[-1])) for leaf in (found, weights))
        return found, weights, ops.add(covered, weights) if covers else ()

    def _whole(self, inputs, state: DecodeState, training):
        """All steps: outputs (B, T, D) and weights (B, T, S)."""
        parts = [inputs, *self.stack.masks(inputs, training)]
        ends = itertools.accumulate((part.shape[-1] for part in parts), initial=0)
        places = list(itertools.pairwise(ends))
        # One tensor: Keras' scan cannot take several whose length is unknown.
        together = ops.swapaxes(ops.concatenate(parts, axis=-1), 0, 1)  # (T, B, ...)

        def advance(carry, now):
            now, *keep = (now[:, begin:end] for begin, end in places)
            carry = self._advance(now, carry, state.fixed, keep, training)
            return carry, carry

        with self.stack.shared_dropout(state.carry.states, training):
            _, carries = ops.scan(advance, state.carry._replace(output=self._silence(state)), together)
        outputs, weights = (ops.swapaxes(leaf, 0, 1) for leaf in (carries.output, carries.weights))
        return self._say(outputs, inputs), weights

    def _silence(self, state: DecodeState):
        """The `output` of the carry before the first step."""
        return ops.zeros_like(state.carry.states[-1][0])
