import numpy as np
import pytest
import tensorflow as tf

from seq2seq_keras.metrics.sequence import Perplexity, TokenAccuracy
from seq2seq_keras.objectives import CrossEntropy, token_log_probs
from tests import cases, oracles

LABELS = np.array([[5, 2, 6, 3], [4, 3, 0, 0]], "int32")


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.4])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_loss_is_the_masked_sum_or_mean(smoothing, reduction):
    logits = cases.ramp(2, 4, 7, scale=3)
    total, count = oracles.cross_entropy(LABELS, logits, smoothing)
    loss = CrossEntropy(smoothing, reduction)(LABELS, logits)
    np.testing.assert_allclose(loss, total / count if reduction == "mean" else total, rtol=1e-5)


def test_gradient_is_p_minus_y():
    logits = tf.constant(cases.ramp(2, 4, 7, scale=2))
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = CrossEntropy(0.1, reduction="sum")(LABELS, logits)
    wanted = np.eye(7)[LABELS] * 0.9 + 0.1 / 7
    expected = (oracles.softmax(logits.numpy().astype("float64")) - wanted) * (LABELS != 0)[..., None]
    np.testing.assert_allclose(tape.gradient(loss, logits), expected, atol=1e-6)


def test_a_batch_of_padding_costs_nothing_and_is_finite():
    assert float(CrossEntropy(0.1)(np.zeros((2, 3), "int32"), cases.ramp(2, 3, 7))) == 0.0


def test_token_log_probs_are_logs_of_the_softmax():
    logits = cases.ramp(2, 4, 7, scale=3)
    expected = np.log(np.take_along_axis(oracles.softmax(logits.astype("float64")), LABELS[..., None], -1))[..., 0]
    np.testing.assert_allclose(token_log_probs(LABELS, logits), expected, atol=1e-5)


def test_metrics_weigh_tokens_and_not_batches():
    first, second = cases.ramp(2, 4, 7, scale=3), cases.ramp(1, 2, 7, scale=2)
    perplexity, accuracy = Perplexity(), TokenAccuracy()
    for metric in (perplexity, accuracy):
        metric.update_state(LABELS, first)
        metric.update_state(np.array([[6, 0]], "int32"), second)
    sums = [oracles.cross_entropy(LABELS, first, 0.0), oracles.cross_entropy(np.array([[6, 0]]), second, 0.0)]
    total, count = map(sum, zip(*sums))
    np.testing.assert_allclose(perplexity.result(), np.exp(total / count), rtol=1e-5)
    hits = (first.argmax(-1) == LABELS)[LABELS != 0].sum() + (second[0, 0].argmax() == 6)
    np.testing.assert_allclose(accuracy.result(), hits / count)
