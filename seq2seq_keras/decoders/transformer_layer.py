"""One layer of a Transformer decoder."""

import keras
from keras import ops

from seq2seq_keras.attention import MultiHeadAttention
from seq2seq_keras.attention.feed_forward import FeedForward
from seq2seq_keras.attention.norms import after, before, layer_norm
from seq2seq_keras.dropout import Dropout
from seq2seq_keras.serial import serializable


@serializable
class TransformerDecoderLayer(keras.layers.Layer):
    """Self-attention, attention to the source, feed-forward, each with a residual connection and a norm.

    `call` takes all positions, `step` the next ones over cached keys and values; both end in the same sub-layers.
    Built without a memory it has no attention to the source.

    Args:
        width: model width D.
        heads: number of heads.
        inner: width inside the feed-forward part.
        dropout: share of each sub-layer's output set to zero in training.
        norms: `pre` or `post`, where the norms stand (`attention.norms`).
        activation: of the feed-forward part (`FeedForward`).
        memory_heads: heads of keys and values; None is as many as `heads`.

    Call:
        inputs: (B, T, D) float.
        seen: bool, broadcast to (B, 1, T, T): the causal mask.
        memory: (B, S, W) float, from the encoder; None without.
        source_seen: bool, broadcast to (B, 1, T, S): the padding mask of the source; None without memory.
        placed: `embed.Placed`; None is no positions.
        looked: also returns where it looked in the memory, (B, T, S) float32, mean over heads.
        returns: (B, T, D) float.
    """

    def __init__(
        self,
        width: int,
        heads: int,
        inner: int,
        dropout: float = 0.0,
        norms: str = "pre",
        activation: str = "relu",
        memory_heads: int | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.width, self.heads, self.inner, self.dropout = width, heads, inner, dropout
        self.norms, self.activation, self.memory_heads = norms, activation, memory_heads
        self.self_norm = layer_norm()
        self.self_attention = MultiHeadAttention(width, heads, memory_heads, name=f"{self.name}_self_attention")
        self.source_norm = layer_norm()
        self.source_attention = MultiHeadAttention(width, heads, memory_heads, name=f"{self.name}_source_attention")
        self.feed_forward_norm = layer_norm()
        self.feed_forward = FeedForward(width, inner, activation, name=f"{self.name}_feed_forward")
        self.drop = Dropout(dropout)

    def build(self, inputs_shape, seen_shape=None, memory_shape=None, source_seen_shape=None):
        for layer in (self.self_norm, self.self_attention, self.feed_forward_norm, self.feed_forward):
            layer.build(inputs_shape)
        if memory_shape:
            self.source_norm.build(inputs_shape)
            self.source_attention.build(inputs_shape, memory_shape)

    def call(self, inputs, seen, memory=None, source_seen=None, placed=None, looked=False, training=None):
        given = before(self.norms, self.self_norm, inputs)
        found = self.drop(self.self_attention(given, given, seen, placed=placed), training=training)
        inputs = after(self.norms, self.self_norm, inputs, found)
        if memory is None:
            return self._feed(inputs, training)
        given = before(self.norms, self.source_norm, inputs)
        found, weights = self.source_attention(given, memory, source_seen, looked=True)
        inputs = after(self.norms, self.source_norm, inputs, self.drop(found, training=training))
        inputs = self._feed(inputs, training)
        return (inputs, ops.mean(weights, axis=1)) if looked else inputs

    def step(self, inputs, count: int, cache, write, seen, placed, source_cache=None, source_seen=None):
        """The next N = `count` positions, flat (B*N, D).

        Returns the output (B*N, D), the new cache, and where they looked, (B, H, N, S) where no row shares its source;
        None without one. Rows that look at the same source may share its cache: B is then a multiple of its rows.

        Args:
            write: puts keys or values (B, M, N, d) into the cache, from `writer`.
        """
        given, weights = before(self.norms, self.self_norm, inputs), None
        fresh = self.self_attention.remember_flat(given, count, placed)
        cache = [write(old, new) for old, new in zip(cache, fresh)]
        found, _ = self.self_attention.look(given, *cache, seen, placed)
        inputs = after(self.norms, self.self_norm, inputs, found)
        if source_cache is not None:
            given = before(self.norms, self.source_norm, inputs)
            found, weights = self.source_attention.look(given, *source_cache, source_seen)
            inputs = after(self.norms, self.source_norm, inputs, found)
        return self._feed(inputs, False), cache, weights

    def _feed(self, inputs, training):
        given = before(self.norms, self.feed_forward_norm, inputs)
        return after(self.norms, self.feed_forward_norm, inputs, self.drop(self.feed_forward(given), training=training))
