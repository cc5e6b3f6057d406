"""Words of the source that the decoder says again."""

import keras
from keras import ops

from seq2seq_keras.serial import serializable

_TINY = 1e-30
"""A share of attention below it counts as it: its logarithm and the slope of that are finite."""


@serializable
class PointerGenerator(keras.layers.Layer):
    """Mixes what the decoder would say with what it looks at.

    p(w) = g p_vocab(w) + (1 - g) sum_{i: x_i = w} a_i,  g = sigmoid(v . [o_t; y_(t-1)] + b).

    The gate of the paper sees the state, the context vector and the input; o_t is made of the first two here. What is
    copied are ids of the one vocabulary that source and target share, so that an unknown word is copied as unknown.

    Call:
        logits: (B, V) or (B, T, V) float32, what the decoder would say.
        outputs: (B, D) or (B, T, D) float, o_t of the decoder.
        inputs: (B, E) or (B, T, E) float, vector of the id said before.
        weights: (B, S) or (B, T, S) float32, where the decoder looked; 0 at padding.
        source: (B, S) int32 ids of the source.
        returns: log p, float32, in the shape of the logits.

    Reference: See et al., 2017, equations 8 and 9; Gu et al., 2016.
    """

    def __init__(self, **kwargs):
        # Weights and logits are float32, and mixed precision would round them on their way in.
        super().__init__(autocast=False, **kwargs)
        self.gate = keras.layers.Dense(1, name="gate")

    def build(self, logits_shape, outputs_shape, inputs_shape, weights_shape, source_shape):
        self.gate.build((None, outputs_shape[-1] + inputs_shape[-1]))

    def call(self, logits, outputs, inputs, weights, source):
        if len(logits.shape) == 2:
            one = (ops.expand_dims(given, 1) for given in (logits, outputs, inputs, weights))
            return ops.squeeze(self._mixed(*one, source), 1)
        return self._mixed(logits, outputs, inputs, weights, source)

    def _mixed(self, logits, outputs, inputs, weights, source):
        gate = ops.cast(self.gate(ops.concatenate([outputs, ops.cast(inputs, outputs.dtype)], axis=-1)), "float32")
        said = ops.log_softmax(logits) + ops.log_sigmoid(gate)  # (B, T, V)

        # Only ids of the source change, so that nothing else here is as wide as the vocabulary.
        same = ops.equal(ops.expand_dims(source, 1), ops.expand_dims(source, 2))  # (B, S, S)
        shares = ops.einsum("bts,bsi->bti", weights, ops.cast(same, "float32"))
        copied = ops.log(ops.maximum(shares, _TINY)) + ops.log_sigmoid(-gate)
        ids = ops.broadcast_to(ops.expand_dims(source, 1), ops.shape(weights))  # (B, T, S)
        # log(e^said + e^copied) - said; of an id that the source has several times, once.
        more = ops.softplus(copied - ops.take_along_axis(said, ids, axis=-1))
        more = more * ops.expand_dims(ops.cast(_first(same), "float32"), 1)
        return said + _spread(more, ids, said)


def _first(same):
    """(B, S, S) bool, which positions hold the same, to (B, S): whether none before a position does."""
    places = ops.arange(ops.shape(same)[1])
    before = ops.less(ops.expand_dims(places, 0), ops.expand_dims(places, 1))  # (S, S)
    return ops.logical_not(ops.any(ops.logical_and(same, before), axis=-1))


def _spread(values, ids, like):
    """(B, T, S) values at their ids, added up in zeros (B, T, V), as `like` has them."""
    size = like.shape[-1]
    rows = ops.shape(values)[0] * ops.shape(values)[1]
    row = ops.repeat(ops.arange(rows, dtype="int32"), ops.shape(values)[2])
    places = ops.stack([row, ops.reshape(ids, (-1,))], axis=-1)
    return ops.reshape(ops.scatter(places, ops.reshape(values, (-1,)), (rows, size)), ops.shape(like))
