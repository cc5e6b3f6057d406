"""The cost of looking where one has looked before."""

import keras
from keras import ops

from seq2seq_keras.serial import serializable


@serializable
class CoverageLoss(keras.layers.Layer):
    """Adds weight * mean_t sum_i min(a_t,i, c_t,i), c_t = a_1 + ... + a_(t-1), to what training minimises.

    The mean is over the real steps of the batch, also beside a cross-entropy that is a sum. Of two passes in one step,
    as R-Drop makes them, the second one's counts. At evaluation nothing is added: the
    loss of a model with coverage is to be compared with those of others.

    Args:
        weight: how much it counts beside the cross-entropy; the paper has 1.

    Call:
        outputs: any tensor of the decoder, to be handed on.
        weights: (B, T, S) float32, where each step looked.
        real: (B, T) bool, which steps count.
        returns: `outputs`.

    Reference: See et al., 2017, equations 10 to 13.
    """

    def __init__(self, weight: float = 1.0, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.weight = weight

    def call(self, outputs, weights, real, training=None):
        if training:
            self.add_loss(self.weight * coverage(weights, real))
        return outputs


def coverage(weights, real):
    """mean over real t of sum_i min(a_t,i, c_t,i): (B, T, S) float32 and (B, T) bool to a scalar."""
    covered = ops.cumsum(weights, axis=1) - weights
    real = ops.cast(real, weights.dtype)
    again = ops.sum(ops.minimum(weights, covered), axis=-1) * real
    return ops.sum(again) / ops.maximum(ops.sum(real), 1.0)
