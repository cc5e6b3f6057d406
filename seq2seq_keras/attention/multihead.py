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
        self.query = keras.layers.Dense(width, name=f"{self.name}_query")
        self.key_value = keras.layers.Dense(2 * width, name=f"{self.name}_key_value")
        self.join = keras.layers.Dense(width, name=f"{self.name}_join")
        self.split = keras.layers.Reshape((-1, heads, self.head_width), name=f"{self.name}_split")
        self.split_both = keras.layers.Reshape((-1, 2 * heads, self.head_width), name=f"{self.name}_split_both")
        self.merge = keras.layers.Reshape((-1, width), name=f"{self.name}_merge")

    def build(self, inputs_shape, memory_shape=None, seen_shape=None):
        for layer in (self.query, self.key_value, self.join):
            layer.build((None, None, self.width))

    def queries(self, inputs):
        """(B, T, D) to (B, H, T, d)."""
        return ops.swapaxes(self.split(self.query(inputs)), 1, 2)

    def remember(self, memory):
        """(B, S, D) to keys and values, each (B, H, S, d): computed once, then cached."""
        both = ops.swapaxes(self.split_both(self.key_value(memory)), 1, 2)  # (B, 2H, S, d)
        return tuple(ops.split(both, 2, axis=1))

    def call(self, inputs, memory, seen):
        mixed, _ = self._mix(self.queries(inputs), *self.remember(memory), seen)
        return self.join(self.merge(ops.swapaxes(mixed, 1, 2)))

    def remember_flat(self, inputs, positions: int):
        """`remember` of (B*T, D), T = `positions`: flat matrices make cheap steps."""
        both = ops.reshape(self.key_value(inputs), (-1, positions, 2 * self.heads, self.head_width))
        return tuple(ops.split(ops.swapaxes(both, 1, 2), 2, axis=1))

    def look(self, inputs, keys, values, seen):
        """Rows (B*T, D) over keys and values (B, H, S, d), T rows over each: output (B*T, D), weights (B, H, T, S)
        float32. T is whatever the shapes make it."""
        # Symbolic shapes do not know B; in the models made of them one row looks at each source.
        shape = (-1, 1) if ops.shape(keys)[0] is None else (ops.shape(keys)[0], -1)
        queries = ops.reshape(self.query(inputs), (*shape, self.heads, self.head_width))
        mixed, weights = self._mix(ops.swapaxes(queries, 1, 2), keys, values, seen)
        return self.join(ops.reshape(ops.swapaxes(mixed, 1, 2), (-1, self.width))), weights

    def _mix(self, queries, keys, values, seen):
        """Queries (B, H, T, d) over keys and values: heads (B, H, T, d), weights (B, H, T, S) float32."""
        scores = ops.einsum("bhtk,bhsk->bhts", queries * self.head_width**-0.5, keys)
        weights = ops.softmax(hide(scores, seen))
        return ops.matmul(ops.cast(weights, values.dtype), values), weights

    def compute_output_shape(self, inputs_shape, memory_shape=None, seen_shape=None):
        return inputs_shape
