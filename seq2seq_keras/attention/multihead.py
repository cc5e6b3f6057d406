"""Multi-head attention, with projections kept apart so that a decoder can cache them."""

import keras
from keras import ops

from seq2seq_keras.attention.masks import hide
from seq2seq_keras.serial import serializable


@serializable
class MultiHeadAttention(keras.layers.Layer):
    """Several scaled dot-product attentions side by side.

    softmax(Q K^T / sqrt(d)) V for each head of width d = D / H, heads joined by one projection.

    Args:
        width: model width D.
        heads: number of heads H; must divide `width`.

    Call:
        inputs: (B, T, D) float, the queries.
        memory: (B, S, D) float, the keys and values.
        seen: bool, broadcast to (B, H, T, S), True where a query may look.
        returns: (B, T, D) float.

    Raises:
        ValueError: `heads` does not divide `width`.

    Reference: Vaswani et al., 2017, section 3.2.
    """

    def __init__(self, width: int, heads: int, **kwargs):
        super().__init__(**kwargs)
        if width % heads:
            raise ValueError(f"heads must divide width, found width {width} and heads {heads}")
        self.width, self.heads = width, heads
        self.head_width = width // heads

        # Full names: a functional view of one step shows these layers side by side with those of other stages.
        def split(part):  # (B, T, D) -> (B, H, T, d)
            return keras.layers.EinsumDense(
                "btd,dhk->bhtk", (heads, None, self.head_width), bias_axes="hk", name=f"{self.name}_{part}"
            )

        self.query, self.key, self.value = split("query"), split("key"), split("value")
        self.join = keras.layers.EinsumDense(
            "bhtk,hkd->btd", (None, width), bias_axes="d", name=f"{self.name}_join"
        )

    def build(self, inputs_shape, memory_shape=None, seen_shape=None):
        self.query.build((None, None, self.width))
        self.key.build((None, None, self.width))
        self.value.build((None, None, self.width))
        self.join.build((None, self.heads, None, self.head_width))

    def queries(self, inputs):
        """(B, T, D) to (B, H, T, d)."""
        return self.query(inputs)

    def remember(self, memory):
        """(B, S, D) to keys and values, each (B, H, S, d): computed once, then cached."""
        return self.key(memory), self.value(memory)

    def attend(self, queries, keys, values, seen):
        """Queries (B, H, T, d) over cached keys and values: output (B, T, D), weights (B, H, T, S) float32."""
        scores = ops.einsum("bhtk,bhsk->bhts", queries * self.head_width**-0.5, keys)
        weights = ops.softmax(hide(scores, seen))
        mixed = ops.einsum("bhts,bhsk->bhtk", ops.cast(weights, values.dtype), values)
        return self.join(mixed), weights

    def call(self, inputs, memory, seen):
        return self.attend(self.queries(inputs), *self.remember(memory), seen)[0]

    def compute_output_shape(self, inputs_shape, memory_shape=None, seen_shape=None):
        return inputs_shape
