"""Additive attention."""

import keras
from keras import ops

from seq2seq_keras.attention.masks import hide
from seq2seq_keras.serial import serializable


@serializable
class AdditiveAttention(keras.layers.Layer):
    """Lets the decoder look back at every encoder position.

    score(q, k) = v . tanh(W q + U k), softmax over real positions, weighted sum of the memory.

    Args:
        units: width of the score space.

    Call:
        query: (B, D) float, decoder output at this step.
        keys: (B, S, units) float, from `prepare(memory)`, computed once per source.
        memory: (B, S, M) float.
        seen: (B, S) bool, True where real.
        returns: context (B, M) float, weights (B, S) float32 that sum to 1.

    Reference: Bahdanau et al., 2015.
    """

    def __init__(self, units: int, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.query_projection = keras.layers.Dense(units, name="query")
        self.memory_projection = keras.layers.Dense(units, use_bias=False, name="memory")
        self.energy = keras.layers.Dense(1, use_bias=False, name="energy")

    def build(self, query_shape, keys_shape, memory_shape, seen_shape):
        self.query_projection.build(query_shape)
        if not self.memory_projection.built:  # `prepare` may have come first
            self.memory_projection.build(memory_shape)
        self.energy.build((*memory_shape[:-1], self.units))

    def prepare(self, memory):
        """(B, S, M) memory to (B, S, units) keys."""
        return self.memory_projection(memory)

    def call(self, query, keys, memory, seen):
        space = ops.tanh(ops.expand_dims(self.query_projection(query), 1) + keys)  # (B, S, units)
        scores = ops.squeeze(self.energy(space), -1)  # (B, S)
        weights = ops.softmax(hide(scores, seen))
        context = ops.einsum("bs,bsm->bm", ops.cast(weights, memory.dtype), memory)
        return context, weights
