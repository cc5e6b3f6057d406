"""Causal self-attention with a cache, and attention to the source."""

from typing import Any, NamedTuple

import keras
from keras import ops, tree

from seq2seq_keras.attention import MultiHeadAttention, causal
from seq2seq_keras.attention.cache import writer
from seq2seq_keras.attention.feed_forward import FeedForward
from seq2seq_keras.context import DecodeState
from seq2seq_keras.embed import SinusoidalPositions
from seq2seq_keras.serial import serializable


@serializable
class TransformerDecoderLayer(keras.layers.Layer):
    """Self-attention, attention to the source, feed-forward; each x + f(norm(x)).

    `call` takes all positions, `step` the next ones over cached keys and values; both end in the same sub-layers.

    Args:
        width: model width D.
        heads: number of heads.
        inner: width inside the feed-forward part.
        dropout: share of each sub-layer's output set to zero in training.

    Call:
        inputs: (B, T, D) float.
        memory: (B, S, D) float, from the encoder.
        seen: bool, broadcast to (B, H, T, T): the causal mask.
        source_seen: bool, broadcast to (B, H, T, S): the padding mask of the source.
        returns: (B, T, D) float.
    """

    def __init__(self, width: int, heads: int, inner: int, dropout: float = 0.0, **kwargs):
        super().__init__(**kwargs)
        self.width, self.heads, self.inner, self.dropout = width, heads, inner, dropout
        self.self_norm = keras.layers.LayerNormalization(epsilon=1e-6)
        self.self_attention = MultiHeadAttention(width, heads, name=f"{self.name}_self_attention")
        self.source_norm = keras.layers.LayerNormalization(epsilon=1e-6)
        self.source_attention = MultiHeadAttention(width, heads, name=f"{self.name}_source_attention")
        self.feed_forward_norm = keras.layers.LayerNormalization(epsilon=1e-6)
        self.feed_forward = FeedForward(width, inner, name=f"{self.name}_feed_forward")
        self.drop = keras.layers.Dropout(dropout)

    def build(self, inputs_shape, memory_shape=None, seen_shape=None, source_seen_shape=None):
        for layer in (self.self_norm, self.self_attention, self.source_norm, self.source_attention):
            layer.build(inputs_shape)
        self.feed_forward_norm.build(inputs_shape)
        self.feed_forward.build(inputs_shape)

    def call(self, inputs, memory, seen, source_seen, training=None):
        normed = self.self_norm(inputs)
        inputs = inputs + self.drop(self.self_attention(normed, normed, seen), training=training)
        found = self.source_attention(self.source_norm(inputs), memory, source_seen)
        inputs = inputs + self.drop(found, training=training)
        return inputs + self.drop(self.feed_forward(self.feed_forward_norm(inputs)), training=training)

    def step(self, inputs, count: int, cache, write, seen, source_cache, source_seen):
        """The next N = `count` positions, flat (B*N, D).

        Returns the output (B*N, D), the new cache, and where they looked, (B, H, N, S) where no row shares its source.
        Rows that look at the same source may share its cache: B is then a multiple of its rows.

        Args:
            write: puts keys or values (B, H, N, d) into the cache, from `writer`.
        """
        normed = self.self_norm(inputs)
        fresh = self.self_attention.remember_flat(normed, count)
        cache = [write(old, new) for old, new in zip(cache, fresh)]
        inputs = inputs + self.self_attention.look(normed, *cache, seen)[0]
        found, weights = self.source_attention.look(self.source_norm(inputs), *source_cache, source_seen)
        inputs = inputs + found
        return inputs + self.feed_forward(self.feed_forward_norm(inputs)), cache, weights


class TransformerCarry(NamedTuple):
    """What changes from step to step."""

    position: Any
    """(B,) int32: how many steps were taken."""
    caches: list
    """One [keys, values] a layer, each (B, H, L, d): what earlier positions offer."""
    weights: Any
    """(B, S) float32: where the last layer's heads looked in the last step, on average."""


class TransformerFixed(NamedTuple):
    """What stays for the whole sentence."""

    caches: list
    """One [keys, values] a layer, each (B, H, S, d): the source as each layer's attention sees it."""
    mask: Any
    """(B, S) bool."""


@serializable
class TransformerDecoder(keras.layers.Layer):
    """A stack of causal Transformer layers over the encoder's memory; a last norm closes it.

    Args:
        width: model width D, also that of the inputs.
        depth: number of layers.
        heads: number of heads.
        inner: width inside the feed-forward parts.
        dropout: share of the embeddings and of each sub-layer's output set to zero in training.

    Call:
        inputs: (B, T, D) float, vectors of the target shifted right; positions are added here.
        context: `Context` with memory and mask.
        returns: (B, T, D) float.

    Reference: Vaswani et al., 2017; pre-norm as in Xiong et al., 2020.
    """

    shares_fixed = True
    """The rows of one source can share `fixed`: N rows of `carry` over fewer rows of it, those of a source adjacent."""

    def __init__(self, width: int, depth: int, heads: int, inner: int, dropout: float = 0.0, **kwargs):
        super().__init__(**kwargs)
        self.width, self.depth, self.heads, self.inner, self.dropout = width, depth, heads, inner, dropout
        self.positions = SinusoidalPositions()
        self.drop = keras.layers.Dropout(dropout)
        self.layers = [TransformerDecoderLayer(width, heads, inner, dropout, name=f"layer_{i}") for i in range(depth)]
        self.norm = keras.layers.LayerNormalization(epsilon=1e-6)

    def build(self, inputs_shape, context_shape=None):
        for layer in (*self.layers, self.norm):
            layer.build(inputs_shape)

    def call(self, inputs, context, training=None):
        # Padding of the target is on the right, so the causal mask hides it from every real position.
        seen = causal(ops.shape(inputs)[1])
        source_seen = _over_heads(context.mask)
        inputs = self.drop(self.positions(inputs), training=training)
        for layer in self.layers:
            inputs = layer(inputs, context.memory, seen, source_seen, training=training)
        return self.norm(inputs)

    def init_state(self, context, max_length: int) -> DecodeState:
        nothing = ops.zeros_like(context.memory[:, 0, 0])  # (B,)
        empty = ops.tile(ops.reshape(nothing, (-1, 1, 1, 1)), (1, self.heads, max_length, self.width // self.heads))
        carry = TransformerCarry(
            position=ops.cast(nothing, "int32"),
            caches=[[empty, empty] for _ in self.layers],
            weights=ops.zeros_like(ops.cast(context.mask, "float32")),
        )
        caches = [list(layer.source_attention.remember(context.memory)) for layer in self.layers]
        return DecodeState(carry, TransformerFixed(caches, context.mask))

    def lengthen(self, carry: TransformerCarry, max_length: int) -> TransformerCarry:
        """The carry of the same steps with room for `max_length` of them, no fewer than it has."""
        more = max_length - ops.shape(carry.caches[0][0])[2]
        caches = tree.map_structure(lambda cache: ops.pad(cache, [[0, 0], [0, 0], [0, more], [0, 0]]), carry.caches)
        return carry._replace(caches=caches)

    def step(self, inputs, state: DecodeState):
        return self._advance(inputs, 1, state)

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

    def alignment(self, state: DecodeState):
        """(B, S) float32: where the step that led to `state` looked, mean over the last layer's heads."""
        return state.carry.weights

    def _advance(self, inputs, count: int, state: DecodeState):
        """`count` steps at once, flat (B*count, D) to the same. Flat matrices: a step is many small products."""
        position, caches, _ = state.carry
        where = ops.add(ops.expand_dims(position, -1), ops.arange(count, dtype="int32"))  # (B, count)
        places = ops.arange(ops.shape(caches[0][0])[2], dtype="int32")
        seen = ops.less_equal(places, ops.expand_dims(where, -1))  # (B, count, L)
        write = writer(position, count, caches[0][0])
        seen, source_seen = ops.expand_dims(seen, 1), _over_heads(state.fixed.mask)
        inputs, new = self.positions(inputs, ops.reshape(where, (-1,))), []
        for layer, cache, source_cache in zip(self.layers, caches, state.fixed.caches):
            inputs, cache, weights = layer.step(inputs, count, cache, write, seen, source_cache, source_seen)
            new.append(cache)
        looked, rows = ops.mean(weights, axis=1), ops.shape(position)[0]
        if rows is not None:  # symbolic shapes do not know it, and there every row has a cache of its own
            looked = ops.reshape(looked, (rows, count, ops.shape(weights)[-1]))
        carry = TransformerCarry(ops.add(position, count), new, looked[:, -1])
        return self.norm(inputs), DecodeState(carry, state.fixed)


def _over_heads(mask):
    """(B, S) to (B, 1, 1, S)."""
    return ops.expand_dims(ops.expand_dims(mask, 1), 1)
