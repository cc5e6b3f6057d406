"""Two passes with different dropout, drawn towards each other."""

import keras
from keras import ops

from seq2seq_keras.context import PAD
from seq2seq_keras.serial import serializable


def symmetric_divergence(first, second, weights):
    """sum_t w_t * (KL(p_t || q_t) + KL(q_t || p_t)) = sum_t w_t * sum_v (p - q)(log p - log q), and its own gradient.

    With respect to the logits of p it is w * (p * (log p - log q - KL(p || q)) + p - q); for those of q it is the same
    with both changed.

    Args:
        first: (B, T, V) float32 logits of p.
        second: (B, T, V) float32 logits of q.
        weights: (B, T) float32.

    Returns:
        scalar float32.
    """

    @ops.custom_gradient
    def total(first, second):
        ours, theirs = ops.log_softmax(first), ops.log_softmax(second)
        p, q, apart = ops.exp(ours), ops.exp(theirs), ours - theirs
        forward = ops.sum(p * apart, axis=-1, keepdims=True)
        backward = -ops.sum(q * apart, axis=-1, keepdims=True)
        each = ops.squeeze(forward + backward, -1)

        def gradient(*arguments, upstream=None):
            upstream = arguments[0] if upstream is None else upstream
            scale, unequal = ops.expand_dims(weights * upstream, -1), p - q
            return scale * (p * (apart - forward) + unequal), -scale * (q * (apart + backward) + unequal)

        return ops.sum(each * weights), gradient

    return total(first, second)


@serializable
class RDrop(keras.losses.Loss):
    """(loss_1 + loss_2) / 2 + alpha / 4 * (KL(p_1 || p_2) + KL(p_2 || p_1)), of two passes that drop other units.

    This is half of what the paper minimises, so that its alpha (5 for translation) means the same here and the loss
    keeps the scale of one pass. A training step takes two passes; evaluation takes one, and is `loss` alone.

    Args:
        loss: of one pass, such as `CrossEntropy`; its `reduction` is also that of the divergence, over real tokens.
        alpha: weight of the divergence, 0 or more.

    Call:
        y_true: (B, T) int labels, PAD where there is nothing to learn.
        y_pred: (B, T, V) float logits of one pass, or (B, 2, T, V) of two, as `predictions` makes them.
        returns: scalar float32.

    Raises:
        ValueError: a negative alpha.

    Reference: Liang et al., 2021, equations 1 to 4.
    """

    def __init__(self, loss, alpha: float = 5.0, name: str = "r_drop"):
        if alpha < 0:
            raise ValueError(f"alpha must be 0 or more, found {alpha}")
        super().__init__(name=name, reduction=loss.reduction, dtype="float32")
        self.loss, self.alpha = loss, alpha

    def predictions(self, model, x, y_pred):
        """The logits of the pass that was made and of another one, with masks of its own: (B, 2, T, V)."""
        return ops.stack([y_pred, model(x, training=True)], axis=1)

    def call(self, y_true, y_pred):
        if len(y_pred.shape) == 3:
            return self.loss(y_true, y_pred)
        first, second = ops.unstack(y_pred, 2, axis=1)
        real = ops.cast(ops.not_equal(y_true, PAD), "float32")
        if self.reduction == "mean":
            real = real / ops.maximum(ops.sum(real), 1.0)
        each = self.loss(y_true, first) + self.loss(y_true, second)
        return 0.5 * each + 0.25 * self.alpha * symmetric_divergence(first, second, real)
