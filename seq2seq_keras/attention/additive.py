"""Additive attention."""

import keras
from keras import ops

from seq2seq_keras.attention.look import look
from seq2seq_keras.serial import serializable


@serializable
class AdditiveAttention(keras.layers.Layer):
    """Lets the decoder look back at every encoder position.

    score(q, k) = v . tanh(W q + U k), softmax over real positions, weighted sum of the memory. With coverage
    v . tanh(W q + U k + w_c a), where a is the attention that this position has had from all earlier steps.

    Args:
        units: width of the score space.
        coverage: the score knows where earlier steps looked.

    Call:
        query: (B, D) float, decoder output at this step; or (B, T, D), several steps.
        keys: (B, S, units) float, from `prepare(memory)`, computed once per source.
        memory: (B, S, M) float.
        seen: (B, S) bool, True where real.
        covered: (B, S) or (B, T, S) float, sum of the weights of earlier steps; None without coverage.
        returns: context (B, M) or (B, T, M) float, weights (B, S) or (B, T, S) float32 that sum to 1.

    Raises:
        ValueError: `covered` without coverage, or coverage without it.

    Reference: Bahdanau et al., 2015; See et al., 2017, equation 11 (coverage).
    """

    def __init__(self, units: int, coverage: bool = False, **kwargs):
        super().__init__(**kwargs)
        self.units, self.coverage = units, coverage
        self.query_projection = keras.layers.Dense(units, name="query")
        self.memory_projection = keras.layers.Dense(units, use_bias=False, name="memory")
        self.energy = keras.layers.Dense(1, use_bias=False, name="energy")
        if coverage:
            self.coverage_projection = keras.layers.Dense(units, use_bias=False, name="coverage")

    def build(self, query_shape, keys_shape, memory_shape, seen_shape, covered_shape=None):
        self.query_projection.build(query_shape)
        if not self.memory_projection.built:  # `prepare` may have come first
            self.memory_projection.build(memory_shape)
        self.energy.build((*memory_shape[:-1], self.units))
        if self.coverage:
            self.coverage_projection.build((*memory_shape[:-1], 1))

    def prepare(self, memory):
        """(B, S, M) memory to (B, S, units) keys."""
        return self.memory_projection(memory)

    def call(self, query, keys, memory, seen, covered=None):
        if self.coverage != (covered is not None):
            found = "None" if covered is None else "a tensor"
            raise ValueError(f"covered goes with coverage=True alone; coverage is {self.coverage}, covered {found}")
        space = ops.expand_dims(self.query_projection(query), -2)  # (B, 1, units) or (B, T, 1, units)
        space = space + (ops.expand_dims(keys, 1) if len(query.shape) == 3 else keys)
        if self.coverage:
            space = space + self.coverage_projection(ops.expand_dims(covered, -1))
        scores = ops.squeeze(self.energy(ops.tanh(space)), -1)
        return look(scores, memory, seen)
