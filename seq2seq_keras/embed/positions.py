"""Where a vector stands in its sequence."""

import math

import keras
from keras import ops

from seq2seq_keras.serial import serializable


class Positions(keras.layers.Layer):
    """How the layers of a Transformer know where a vector stands: at the input, in the heads, or in the scores.

    A kind overrides the hooks that it needs; here each does nothing, but that token vectors are scaled by sqrt(D) to
    unit variance.

    Call:
        inputs: (B, T, D) float token vectors, or (N, D).
        positions: (T,), (B, T) or (N,) int, position of each vector; by default 0..T-1.
        returns: what `add` makes of them, of the same shape.
    """

    limit = None
    """Number of positions there are; None where they never end."""

    def add(self, inputs, positions):
        """Token vectors and their positions to the inputs of the first layer."""
        return inputs * math.sqrt(inputs.shape[-1])

    def turn(self, heads, positions):
        """Queries or keys of self-attention (B, H, T, d) and their positions, (T,) or (B, T), to the same shape."""
        return heads

    def bias(self, queries, keys):
        """What is added to the scores of self-attention: positions of the queries, (T,) or (B, T), and of the keys,
        (S,), to (1 or B, H, T, S) float32; None adds nothing."""
        return None

    def check(self, length) -> None:
        """Raises ValueError where `length` is a number of more positions than there are. Of a tensor it cannot tell."""
        if self.limit is not None and isinstance(length, int) and length > self.limit:
            raise ValueError(f"there are {self.limit} positions, their limit; found a length of {length}")

    def call(self, inputs, positions=None):
        if positions is None:
            self.check(inputs.shape[1])
            positions = ops.arange(ops.shape(inputs)[1])
        return self.add(inputs, positions)

    def compute_output_shape(self, inputs_shape, positions_shape=None):
        return inputs_shape


class Placed:
    """Where the queries and keys of a stack's self-attentions stand, told once for all of its layers.

    Not a tuple: Keras would cast what is in it, and scores want their bias in float32.

    Args:
        positions: those of the stack.
        queries: (T,) or (B, T) int, positions of the queries, and of the keys that are made with them.
        keys: (S,) int, positions of all keys that the queries look at.
    """

    def __init__(self, positions: Positions, queries, keys):
        self._positions, self._queries = positions, queries
        self.bias = positions.bias(queries, keys)
        """(1 or B, H, T, S) float32, or None."""

    def turn(self, heads):
        """Queries, or the keys made with them, (B, H, T, d)."""
        return self._positions.turn(heads, self._queries)


@serializable
class SinusoidalPositions(Positions):
    """Scales token vectors by sqrt(D) and adds sin/cos of their position.

    PE(p, i) = sin(p / 10000^(i / (D/2))) for the first half of the vector, cos for the second half: the
    frequencies of the paper, laid out in halves instead of interleaved (a fixed permutation of the axes).

    Call: as `Positions`.

    Raises:
        ValueError: vectors of an odd width.

    Reference: Vaswani et al., 2017, section 3.5.
    """

    def add(self, inputs, positions):
        width = inputs.shape[-1]
        if width % 2:
            raise ValueError(f"inputs must be of an even width, half for sines; found {width}")
        rates = ops.exp(ops.arange(0, width // 2, dtype="float32") * (-math.log(10_000.0) / (width // 2)))
        angles = ops.expand_dims(ops.cast(positions, "float32"), -1) * rates
        signal = ops.concatenate([ops.sin(angles), ops.cos(angles)], axis=-1)
        return inputs * math.sqrt(width) + ops.cast(signal, inputs.dtype)


@serializable
class NoPositions(Positions):
    """Scales token vectors by sqrt(D) and says nothing of where they stand; a causal mask alone tells a decoder some.

    Call: as `Positions`.

    Reference: Haviv et al., 2022.
    """
