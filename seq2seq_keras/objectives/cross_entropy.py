"""Cross-entropy over the real positions of a sequence."""

import keras
from keras import ops

from seq2seq_keras.context import PAD
from seq2seq_keras.serial import serializable


def token_log_probs(labels, logits):
    """log p of each label under its logits: (B, T) int and (B, T, V) float to (B, T) float32."""
    logits = ops.cast(logits, "float32")
    return -ops.sparse_categorical_crossentropy(labels, logits, from_logits=True)


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
        logits = ops.cast(y_pred, "float32")
        if self.smoothing:
            size = logits.shape[-1]
            low = self.smoothing / size
            hit = ops.equal(ops.expand_dims(y_true, -1), ops.arange(size, dtype=y_true.dtype))
            wanted = ops.where(hit, 1.0 - self.smoothing + low, low)
            losses = ops.categorical_crossentropy(wanted, logits, from_logits=True)
        else:
            losses = -token_log_probs(y_true, logits)
        total = ops.sum(losses * real)
        # Reduced over tokens here; what Keras then reduces is a scalar.
        return total / ops.maximum(ops.sum(real), 1.0) if self.reduction == "mean" else total
