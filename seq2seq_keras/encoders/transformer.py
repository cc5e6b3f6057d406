"""A stack of self-attention layers."""

import keras
from keras import ops

from seq2seq_keras.attention import MultiHeadAttention
from seq2seq_keras.attention.feed_forward import FeedForward
from seq2seq_keras.context import Encoded
from seq2seq_keras.embed import SinusoidalPositions
from seq2seq_keras.serial import serializable


@serializable
class TransformerEncoderLayer(keras.layers.Layer):
    """x + attention(norm(x)), then x + feed-forward(norm(x)): the pre-norm layer.

    Args:
        width: model width D.
        heads: number of heads.
        inner: width inside the feed-forward part.
        dropout: share of each sub-layer's output set to zero in training.

    Call:
        inputs: (B, S, D) float.
        seen: bool, broadcast to (B, H, S, S).
        returns: (B, S, D) float.

    Reference: Vaswani et al., 2017; Xiong et al., 2020 for the place of the norm.
    """

    def __init__(self, width: int, heads: int, inner: int, dropout: float = 0.0, **kwargs):
        super().__init__(**kwargs)
        self.width, self.heads, self.inner, self.dropout = width, heads, inner, dropout
        self.attention_norm = keras.layers.LayerNormalization(epsilon=1e-6)
        self.attention = MultiHeadAttention(width, heads, name="attention")
        self.feed_forward_norm = keras.layers.LayerNormalization(epsilon=1e-6)
        self.feed_forward = FeedForward(width, inner, name="feed_forward")
        self.drop = keras.layers.Dropout(dropout)

    def build(self, inputs_shape, seen_shape=None):
        for layer in (self.attention_norm, self.attention, self.feed_forward_norm, self.feed_forward):
            layer.build(inputs_shape)

    def call(self, inputs, seen, training=None):
        normed = self.attention_norm(inputs)
        inputs = inputs + self.drop(self.attention(normed, normed, seen), training=training)
        return inputs + self.drop(self.feed_forward(self.feed_forward_norm(inputs)), training=training)


@serializable
class TransformerEncoder(keras.layers.Layer):
    """Every position looks at every real position, several layers deep; a last norm closes the stack.

    Args:
        width: model width D, also that of the inputs.
        depth: number of layers.
        heads: number of heads.
        inner: width inside the feed-forward parts.
        dropout: share of the embeddings and of each sub-layer's output set to zero in training.

    Call:
        inputs: (B, S, D) float, token vectors; positions are added here.
        real: (B, S) bool, True where real. (Not called `mask`: Keras would pass that along by itself.)
        returns: `Encoded`: sequence (B, S, D), mask, no state.

    Reference: Vaswani et al., 2017.
    """

    def __init__(self, width: int, depth: int, heads: int, inner: int, dropout: float = 0.0, **kwargs):
        super().__init__(**kwargs)
        self.width, self.depth, self.heads, self.inner, self.dropout = width, depth, heads, inner, dropout
        self.positions = SinusoidalPositions()
        self.drop = keras.layers.Dropout(dropout)
        self.layers = [TransformerEncoderLayer(width, heads, inner, dropout, name=f"layer_{i}") for i in range(depth)]
        self.norm = keras.layers.LayerNormalization(epsilon=1e-6)

    def build(self, inputs_shape, real_shape=None):
        for layer in (*self.layers, self.norm):
            layer.build(inputs_shape)

    def call(self, inputs, real, training=None):
        seen = ops.expand_dims(ops.expand_dims(real, 1), 1)  # (B, 1, 1, S)
        inputs = self.drop(self.positions(inputs), training=training)
        for layer in self.layers:
            inputs = layer(inputs, seen, training=training)
        return Encoded(self.norm(inputs), real, ())
