"""Multi-head attention, with projections kept apart so that a decoder can cache them."""

import keras
from keras import ops

from seq2seq_keras.attention.cache import mixture, products
from seq2seq_keras.attention.grouped import mix_grouped
from seq2seq_keras.attention.masks import hide
from seq2seq_keras.serial import serializable


@serializable
class MultiHeadAttention(keras.layers.Layer):
    """Several scaled dot-product attentions side by side.

    softmax(Q K^T / sqrt(d) + b) V for each head of width d = D / H, heads joined by one projection. Keys and values
    may have fewer heads M than queries: H / M heads of queries side by side then look at the same ones.

    Args:
        width: model width D.
        heads: number of heads H; must divide `width`.
        memory_heads: number of heads M of keys and values; must divide `heads`. None is as many as `heads`.

    Call:
        inputs: (B, T, D) float, the queries.
        memory: (B, S, W) float, the keys and values; W is D as a rule.
        seen: bool, broadcast to (B, 1, T, S), True where a query may look.
        placed: `embed.Placed`, which turns queries and keys and has the bias b; None does neither.
        looked: also returns where it looked, (B, H, T, S) float32.
        returns: (B, T, D) float.

    Raises:
        ValueError: `heads` does not divide `width`, or `memory_heads` not `heads`.

    Reference: Vaswani et al., 2017, section 3.2; Shazeer, 2019 (one) and Ainslie et al., 2023 (several) for fewer
    heads of keys and values.
    """

    def __init__(self, width: int, heads: int, memory_heads: int | None = None, **kwargs):
        super().__init__(**kwargs)
        if width % heads:
            raise ValueError(f"heads must divide width, found width {width} and heads {heads}")
        self.width, self.heads, self.memory_heads = width, heads, memory_heads
        self.kept_heads = heads if memory_heads is None else memory_heads
        if self.kept_heads < 1 or heads % self.kept_heads:
            raise ValueError(f"memory_heads must divide heads, found heads {heads} and memory_heads {memory_heads}")
        self.head_width = width // heads
        # Full names: a functional view of one step shows these layers side by side with those of other stages.
        self.query = keras.layers.Dense(width, name=f"{self.name}_query")
        self.key_value = keras.layers.Dense(2 * self.kept_heads * self.head_width, name=f"{self.name}_key_value")
        self.join = keras.layers.Dense(width, name=f"{self.name}_join")
        self.split = keras.layers.Reshape((-1, heads, self.head_width), name=f"{self.name}_split")
        both = (-1, 2 * self.kept_heads, self.head_width)
        self.split_both = keras.layers.Reshape(both, name=f"{self.name}_split_both")
        self.merge = keras.layers.Reshape((-1, width), name=f"{self.name}_merge")

    def build(self, inputs_shape, memory_shape=None, seen_shape=None):
        self.query.build((None, None, self.width))
        self.key_value.build((None, None, memory_shape[-1] if memory_shape else self.width))
        self.join.build((None, None, self.width))

    def queries(self, inputs):
        """(B, T, D) to (B, H, T, d)."""
        return ops.swapaxes(self.split(self.query(inputs)), 1, 2)

    def remember(self, memory):
        """(B, S, D) to keys and values, each (B, M, S, d): computed once, then cached."""
        both = ops.swapaxes(self.split_both(self.key_value(memory)), 1, 2)  # (B, 2M, S, d)
        return tuple(ops.split(both, 2, axis=1))

    def call(self, inputs, memory, seen, placed=None, looked=False):
        queries, (keys, values) = self.queries(inputs), self.remember(memory)
        if placed is not None:
            queries, keys = placed.turn(queries), placed.turn(keys)
        mixed, weights = self._mix(queries, [keys], [values], seen, placed)
        joined = self.join(self.merge(mixed))
        return (joined, weights) if looked else joined

    def remember_flat(self, inputs, positions: int, placed=None):
        """`remember` of (B*T, D), T = `positions`: flat matrices make cheap steps. Keys are kept turned."""
        both = ops.reshape(self.key_value(inputs), (-1, positions, 2 * self.kept_heads, self.head_width))
        keys, values = ops.split(ops.swapaxes(both, 1, 2), 2, axis=1)
        return keys if placed is None else placed.turn(keys), values

    def look(self, inputs, keys, values, seen, placed=None):
        """Rows (B*T, D) over keys and values (B, M, S, d), T rows over each: output (B*T, D), weights (B, H, T, S)
        float32. T is whatever the shapes make it.

        Args:
            keys: may be a list, of those of earlier positions and those of later ones, and so `values`.
            seen: as of a call; None hides nothing.
        """
        keys, values = (list(kept) if isinstance(kept, (list, tuple)) else [kept] for kept in (keys, values))
        # Symbolic shapes do not know B; in the models made of them one row looks at each source.
        shape = (-1, 1) if ops.shape(keys[0])[0] is None else (ops.shape(keys[0])[0], -1)
        queries = ops.swapaxes(ops.reshape(self.query(inputs), (*shape, self.heads, self.head_width)), 1, 2)
        queries = queries if placed is None else placed.turn(queries)
        mixed, weights = self._mix(queries, keys, values, seen, placed)
        return self.join(ops.reshape(mixed, (-1, self.width))), weights

    def _mix(self, queries, keys, values, seen, placed):
        """Queries (B, H, T, d) over keys and values in parts (B, M, S, d): heads side by side (B, T, ..., d), and
        weights (B, H, T, S) float32."""
        queries, bias = queries * self.head_width**-0.5, None if placed is None else placed.bias
        if self.kept_heads != self.heads:
            return mix_grouped(queries, keys, values, seen, bias)
        weights = ops.softmax(hide(products("bhtk,bhsk->bhts", queries, keys), seen, bias))
        return mixture("bhts,bhsk->bthk", ops.cast(weights, values[0].dtype), values), weights

    def compute_output_shape(self, inputs_shape, memory_shape=None, seen_shape=None):
        return inputs_shape
