"""A stack of self-attention layers."""

import keras
from keras import ops

from seq2seq_keras.attention import MultiHeadAttention
from seq2seq_keras.attention.feed_forward import FeedForward
from seq2seq_keras.attention.norms import after, before, last_norm, layer_norm
from seq2seq_keras.context import Encoded
from seq2seq_keras.dropout import Dropout
from seq2seq_keras.embed import Placed, positions_of
from seq2seq_keras.serial import serializable


@serializable
class TransformerEncoderLayer(keras.layers.Layer):
    """Self-attention, then feed-forward, each with a residual connection and a norm.

    Args:
        width: model width D.
        heads: number of heads.
        inner: width inside the feed-forward part.
        dropout: share of each sub-layer's output set to zero in training.
        norms: `pre` or `post`, where the norms stand (`attention.norms`).
        activation: of the feed-forward part (`FeedForward`).
        memory_heads: heads of keys and values; None is as many as `heads`.

    Call:
        inputs: (B, S, D) float.
        seen: bool, broadcast to (B, 1, S, S).
        placed: `embed.Placed`; None is no positions.
        returns: (B, S, D) float.

    Reference: Vaswani et al., 2017; Xiong et al., 2020 for the place of the norm.
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
        self.attention_norm = layer_norm()
        self.attention = MultiHeadAttention(width, heads, memory_heads, name="attention")
        self.feed_forward_norm = layer_norm()
        self.feed_forward = FeedForward(width, inner, activation, name="feed_forward")
        self.drop = Dropout(dropout)

    def build(self, inputs_shape, seen_shape=None):
        for layer in (self.attention_norm, self.attention, self.feed_forward_norm, self.feed_forward):
            layer.build(inputs_shape)

    def call(self, inputs, seen, placed=None, training=None):
        given = before(self.norms, self.attention_norm, inputs)
        found = self.drop(self.attention(given, given, seen, placed=placed), training=training)
        inputs = after(self.norms, self.attention_norm, inputs, found)
        given = before(self.norms, self.feed_forward_norm, inputs)
        made = self.drop(self.feed_forward(given), training=training)
        return after(self.norms, self.feed_forward_norm, inputs, made)


@serializable
class TransformerEncoder(keras.layers.Layer):
    """Every position looks at every real position, several layers deep; where norms come before, a last one closes.

    Args:
        width: model width D, also that of the inputs.
        depth: number of layers.
        heads: number of heads.
        inner: width inside the feed-forward parts.
        dropout: share of the embeddings and of each sub-layer's output set to zero in training.
        norms: `pre` or `post`, where the norms stand (`attention.norms`).
        positions: a name of `embed.POSITIONS`, or the part itself, which no other stack may have.
        activation: of the feed-forward parts (`FeedForward`).
        memory_heads: heads of keys and values; None is as many as `heads`.

    Call:
        inputs: (B, S, D) float, token vectors; positions are added here.
        real: (B, S) bool, True where real. (Not called `mask`: Keras would pass that along by itself.)
        returns: `Encoded`: sequence (B, S, D), mask, no state.

    Raises:
        ValueError: another name of norms, positions or activation, or heads that do not divide.

    Reference: Vaswani et al., 2017.
    """

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
        self.positions = positions_of(positions, heads, causal=False)
        self.drop = Dropout(dropout)
        options = {"norms": norms, "activation": activation, "memory_heads": memory_heads}
        self.layers = [
            TransformerEncoderLayer(width, heads, inner, dropout, **options, name=f"layer_{i}") for i in range(depth)
        ]
        self.norm = last_norm(norms)

    def build(self, inputs_shape, real_shape=None):
        for layer in (*self.layers, *([] if self.norm is None else [self.norm])):
            layer.build(inputs_shape)
        if not self.positions.built:  # a part that was given, or comes out of a config, may be
            self.positions.build(inputs_shape)

    def call(self, inputs, real, training=None):
        seen = ops.expand_dims(ops.expand_dims(real, 1), 1)  # (B, 1, 1, S)
        places = ops.arange(ops.shape(inputs)[1])
        placed = Placed(self.positions, places, places)
        inputs = self.drop(self.positions(inputs), training=training)
        for layer in self.layers:
            inputs = layer(inputs, seen, placed=placed, training=training)
        return Encoded(inputs if self.norm is None else self.norm(inputs), real, ())
