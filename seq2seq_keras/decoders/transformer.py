"""Causal self-attention with a cache, and attention to the source."""

from functools import partial

import keras
from keras import ops

from seq2seq_keras.attention import causal
from seq2seq_keras.attention.cache import writer
from seq2seq_keras.attention.norms import last_norm
from seq2seq_keras.context import DecodeState
from seq2seq_keras.decoders.transformer_branches import (
    BranchedCarry,
    Growth,
    first_caches,
    first_carry,
    lengthened_caches,
    lengthened_carry,
    rows_of,
)
from seq2seq_keras.decoders.transformer_layer import TransformerDecoderLayer
from seq2seq_keras.decoders.transformer_state import TransformerCarry, TransformerFixed, last_look, nothing_said
from seq2seq_keras.dropout import Dropout
from seq2seq_keras.embed import Placed, positions_of
from seq2seq_keras.serial import serializable


@serializable
class TransformerDecoder(keras.layers.Layer):
    """A stack of causal Transformer layers over the encoder's memory; where norms come before, a last one closes it.

    Built on a context without a memory it is a decoder alone, and looks only at what was said.

    Args:
        width: model width D, also that of the inputs.
        depth: number of layers.
        heads: number of heads.
        inner: width inside the feed-forward parts.
        dropout: share of the embeddings and of each sub-layer's output set to zero in training.
        norms: `pre` or `post`, where the norms stand (`attention.norms`).
        positions: a name of `embed.POSITIONS`, or the part itself, which no other stack may have.
        activation: of the feed-forward parts (`FeedForward`).
        memory_heads: heads M of keys and values, all that caches hold; None is as many as `heads`.

    Call:
        inputs: (B, T, D) float, vectors of the target shifted right; positions are added here.
        context: `Context` with memory and mask, or with neither.
        looked: also return where the last layer's heads looked, on average.
        returns: (B, T, D) float; with `looked` also the weights, (B, T, S) float32.

    Raises:
        ValueError: another name of norms, positions or activation, heads that do not divide, or a context with a memory
            where the decoder was built without, or the other way round, or `looked` without a memory.

    Reference: Vaswani et al., 2017.
    """

    shares_fixed = True
    """The rows of one source can share `fixed`: N rows of `carry` over fewer rows of it, those of a source adjacent."""

    def __init__(
        self,
        width: int,
        depth: int,
        heads: int,
        inner: int,
        dropout: float = 0.0,
        norms: str = "pre",
        positions="sinusoidal",
        activation: str = "relu",
        memory_heads: int | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.width, self.depth, self.heads, self.inner, self.dropout = width, depth, heads, inner, dropout
        self.norms, self.activation, self.memory_heads = norms, activation, memory_heads
        self.positions = positions_of(positions, heads, causal=True)
        self.drop = Dropout(dropout)
        layer = partial(TransformerDecoderLayer, width, heads, inner, dropout, norms, activation, memory_heads)
        self.layers = [layer(name=f"layer_{i}") for i in range(depth)]
        self.norm = last_norm(norms)
        self.has_memory = None

    def build(self, inputs_shape, context_shape=None):
        memory_shape = context_shape[0] if context_shape else ()
        self.has_memory = bool(memory_shape)
        for layer in self.layers:
            layer.build(inputs_shape, memory_shape=memory_shape)
        if self.norm is not None:
            self.norm.build(inputs_shape)
        if not self.positions.built:  # a part that was given, or comes out of a config, may be
            self.positions.build(inputs_shape)

    def call(self, inputs, context, training=None, looked=False):
        self._check(context)
        if looked and not self.has_memory:
            raise ValueError("looked needs a context with a memory, found one without")
        # Padding of the target is on the right, so the causal mask hides it from every real position.
        seen, places = causal(ops.shape(inputs)[1]), ops.arange(ops.shape(inputs)[1])
        given = {"placed": Placed(self.positions, places, places), "training": training}
        if self.has_memory:
            given |= {"memory": context.memory, "source_seen": _over_heads(context.mask)}
        inputs = self.drop(self.positions(inputs), training=training)
        for layer in self.layers[:-1]:
            inputs = layer(inputs, seen, **given)
        if not looked:
            return self._close(self.layers[-1](inputs, seen, **given))
        inputs, weights = self.layers[-1](inputs, seen, looked=True, **given)
        return self._close(inputs), weights

    def init_state(self, context, max_length: int) -> DecodeState:
        """The state before the first step, with room for `max_length` of them.

        Raises:
            ValueError: more steps than there are positions, or a context of no leaf at all: it says how many rows.
        """
        self._check(context)
        self.positions.check(max_length)
        heads, width = self.layers[0].self_attention.kept_heads, self.width // self.heads
        carry = nothing_said(context, self.depth, heads, max_length, width, self.compute_dtype)
        caches = [list(layer.source_attention.remember(context.memory)) for layer in self.layers if self.has_memory]
        return DecodeState(carry, TransformerFixed(caches, context.mask))

    def branch(self, state: DecodeState, rows: int) -> DecodeState:
        """The state before the first step for so many rows of each source, which may go on from one another's
        beginnings: search reorders the carry, and no cache is copied for it."""
        return state._replace(carry=first_carry(state.carry, rows), grown=first_caches(state.carry.caches, rows))

    def lengthen(self, state: DecodeState, max_length: int) -> DecodeState:
        """A state that `branch` made, after some steps, with room for `max_length` of them, no fewer than it has."""
        self.positions.check(max_length)
        return state._replace(
            carry=lengthened_carry(state.carry, max_length),
            grown=lengthened_caches(state.grown, max_length * rows_of(state.carry)),
        )

    def step(self, inputs, state: DecodeState):
        return self._grow(inputs, state) if state.grown else self._advance(inputs, 1, state)

    def extend(self, inputs, state: DecodeState):
        """N steps at once, N static: (B, N, D) to (B, N, D) and the state after them; its alignment is the last one's.

        A position beyond the room of the caches is not kept, and what it gives means nothing.
        """
        _, count, width = inputs.shape
        outputs, state = self._advance(ops.reshape(inputs, (-1, width)), count, state)
        return ops.reshape(outputs, (-1, count, width)), state

    def rewind(self, state: DecodeState, position) -> DecodeState:
        """The state after the first `position` of the steps taken, (B,) int32; its alignment stays as it is."""
        return state._replace(carry=state.carry._replace(position=position))

    @property
    def alignment(self):
        """Where the step that led to a state looked, mean over the last layer's heads: state to (B, S) float32. There
        is none where the decoder was built without a memory."""
        if self.has_memory is False:
            raise AttributeError("a decoder without a memory has no alignment")
        return self._looked

    def _looked(self, state: DecodeState):
        return state.carry.weights

    def _advance(self, inputs, count: int, state: DecodeState):
        """`count` steps at once, flat (B*count, D) to the same. Flat matrices: a step is many small products."""
        (position, caches, weights), fixed, _ = state
        where = ops.add(ops.expand_dims(position, -1), ops.arange(count, dtype="int32"))  # (B, count)
        places = ops.arange(ops.shape(caches[0][0])[2], dtype="int32")
        seen = ops.expand_dims(ops.less_equal(places, ops.expand_dims(where, -1)), 1)  # (B, 1, count, L)
        write, placed = writer(position, count, caches[0][0]), Placed(self.positions, where, places)
        inputs = self.positions(inputs, ops.reshape(where, (-1,)))
        outputs, caches, looked = self._through(inputs, count, caches, write, seen, placed, fixed)
        if self.has_memory:
            weights = last_look(looked, count, ops.shape(position)[0])
        return outputs, DecodeState(TransformerCarry(ops.add(position, count), caches, weights), fixed)

    def _grow(self, inputs, state: DecodeState):
        """One step of branches: the rows of a source are as so many positions that look at the same caches."""
        (position, _, weights), fixed, grown = state
        growth = Growth(state.carry, grown[0][0])
        placed = Placed(self.positions, growth.where, growth.places)
        inputs = self.positions(inputs, position)
        outputs, grown, looked = self._through(inputs, growth.rows, grown, growth.write, growth.seen, placed, fixed)
        if self.has_memory:
            weights = last_look(looked, 1, ops.shape(position)[0])
        return outputs, DecodeState(BranchedCarry(ops.add(position, 1), growth.family, weights), fixed, grown)

    def _through(self, inputs, count: int, caches: list, write, seen, placed, fixed: TransformerFixed):
        """All layers: outputs, the caches after them, and where the last one looked."""
        source_seen, new = _over_heads(fixed.mask) if self.has_memory else None, []
        for layer, cache, source in zip(self.layers, caches, fixed.caches or [None] * self.depth):
            inputs, cache, looked = layer.step(inputs, count, cache, write, seen, placed, source, source_seen)
            new.append(cache)
        return self._close(inputs), new, looked

    def _close(self, inputs):
        return inputs if self.norm is None else self.norm(inputs)

    def _check(self, context) -> None:
        found = not isinstance(context.memory, tuple)
        if found != self.has_memory:
            kinds = {True: "a memory", False: "no memory", None: "nothing yet"}
            raise ValueError(f"the decoder was built on {kinds[self.has_memory]}, found a context of {kinds[found]}")


def _over_heads(mask):
    """(B, S) to (B, 1, 1, S)."""
    return ops.expand_dims(ops.expand_dims(mask, 1), 1)
