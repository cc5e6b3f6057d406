"""Cross-entropy over the real positions of a sequence."""

import keras
from keras import ops

from seq2seq_keras.context import PAD
from seq2seq_keras.serial import serializable


def token_log_probs(labels, logits):
    """log p of each label under its logits: (B, T) int and (B, T, V) float to (B, T) float32."""
    # The fused softmax-cross-entropy kernels take twice the time of this on a CPU; and the graph optimiser computes
    # the log-softmax once for the loss and all metrics.
    log_probs = ops.log_softmax(ops.cast(logits, "float32"))
    return ops.squeeze(ops.take_along_axis(log_probs, ops.expand_dims(labels, -1), axis=-1), -1)


def smoothed_cross_entropy(labels, logits, weights, smoothing: float):
    """sum_t w_t * (-sum_v q_v log p_v) and its own gradient, w_t * (p - q), in one pass over the logits.

    Args:
        labels: (B, T) int.
        logits: (B, T, V) float32.
        weights: (B, T) float32.
        smoothing: q = (1 - smoothing) * onehot(label) + smoothing / V.

    Returns:
        scalar float32.
    """
    size = logits.shape[-1]
    low = smoothing / size
    high = 1.0 - smoothing + low

    @ops.custom_gradient
    def total(logits):
        log_probs = ops.log_softmax(logits)
        picked = ops.squeeze(ops.take_along_axis(log_probs, ops.expand_dims(labels, -1), axis=-1), -1)
        each = -(1.0 - smoothing) * picked
        if smoothing:
            each = each - smoothing * ops.mean(log_probs, axis=-1)

        def gradient(*arguments, upstream=None):
            upstream = arguments[0] if upstream is None else upstream
            hit = ops.equal(ops.expand_dims(labels, -1), ops.arange(size, dtype=labels.dtype))
            return (ops.exp(log_probs) - ops.where(hit, high, low)) * ops.expand_dims(weights * upstream, -1)

        return ops.sum(each * weights), gradient

    return total(logits)


@serializable
class CrossEntropy(keras.losses.Loss):
    """L = -sum_t q_t . log p_t over positions whose label is not PAD, q_t the smoothed one-hot label.

    q = (1 - smoothing) * onehot(y) + smoothing / V.

    Args:
        smoothing: share of probability spread over the whole vocabulary, 0 to below 1.
        reduction: `mean` over the real tokens of the batch, so that the loss is in nats a token; or their `sum`.

    Call:
        y_true: (B, T) int labels, PAD where there is nothing to learn.
        y_pred: (B, T, V) float logits.
        returns: scalar float32.

    Raises:
        ValueError: another reduction.

    Reference: Szegedy et al., 2016 (smoothing); Vaswani et al., 2017, section 5.4.
    """

    def __init__(self, smoothing: float = 0.0, reduction: str = "mean", name: str = "cross_entropy"):
        if reduction not in ("mean", "sum"):
            raise ValueError(f"reduction must be mean or sum, found {reduction!r}")
        super().__init__(name=name, reduction=reduction, dtype="float32")
        self.smoothing = smoothing

    def call(self, y_true, y_pred):
        real = ops.cast(ops.not_equal(y_true, PAD), "float32")
        if self.reduction == "mean":
            real = real / ops.maximum(ops.sum(real), 1.0)
        # Reduced over tokens here; what Keras then reduces is a scalar.
        return smoothed_cross_entropy(y_true, ops.cast(y_pred, "float32"), real, self.smoothing)
