"""Words of the source said again: the mixture of the paper, word by word."""

import numpy as np
import pytest
import tensorflow as tf

from seq2seq_keras.decoders import PointerGenerator
from tests import cases, oracles

SOURCE = np.array([[4, 6, 4, 4, 2, 0], [5, 2, 0, 0, 0, 0], [6, 7, 6, 5, 4, 2]], "int32")
SIZE, STEPS = 9, 4


def given():
    """logits (B, T, V), outputs, inputs, weights (B, T, S) and the source."""
    scores = np.where((SOURCE == 0)[:, None], -np.inf, cases.ramp(3, STEPS, 6, scale=2.0))
    weights = oracles.softmax(scores).astype("float32")
    return cases.ramp(3, STEPS, SIZE, scale=3.0), cases.ramp(3, STEPS, 8), cases.ramp(3, STEPS, 5), weights, SOURCE


@pytest.fixture
def copy():
    copy = PointerGenerator()
    copy(*given())
    cases.shake(copy)
    return copy


def by_hand(copy):
    logits, outputs, inputs, weights, source = given()
    kernel, bias = map(oracles.numbers, copy.gate.weights)
    gates = oracles.sigmoid(np.concatenate([outputs, inputs], -1) @ kernel + bias)[..., 0]
    words = oracles.softmax(logits.astype("float64"))
    rows = [
        [oracles.copied(words[b, t], gates[b, t], weights[b, t], source[b]) for t in range(STEPS)] for b in range(3)
    ]
    return np.array(rows)


def test_the_copy_distribution_is_the_papers_formula(copy):
    found = copy(*given())
    assert found.dtype == "float32"
    np.testing.assert_allclose(np.exp(found), by_hand(copy), atol=1e-6)
    np.testing.assert_allclose(np.exp(found).sum(-1), 1.0, atol=1e-5)


def test_one_step_is_a_step_of_the_whole(copy):
    logits, outputs, inputs, weights, source = given()
    whole = copy(*given())
    for t in range(STEPS):
        one = copy(logits[:, t], outputs[:, t], inputs[:, t], weights[:, t], source)
        np.testing.assert_allclose(one, whole[:, t], atol=1e-6)


def test_a_graph_and_xla_say_the_same(copy):
    whole = copy(*given())
    for jit in (False, True):
        np.testing.assert_allclose(tf.function(copy.__call__, jit_compile=jit)(*given()), whole, atol=1e-6)


def test_gradients_are_finite_where_a_word_is_all_but_impossible(copy):
    logits, outputs, inputs, weights, source = map(tf.constant, given())
    with tf.GradientTape() as tape:
        tape.watch([logits, outputs, weights])
        found = copy(logits * 60.0, outputs * 60.0, inputs, weights, source)
        total = tf.reduce_sum(found[:, :, 4])
    for gradient in tape.gradient(total, [logits, outputs, weights]):
        assert np.isfinite(gradient).all()


def test_only_what_the_source_holds_gains(copy):
    logits, *rest = given()
    rest[-1] = np.full_like(SOURCE, 3)
    found, alone = np.exp(copy(logits, *rest)), oracles.softmax(logits.astype("float64"))
    assert np.all(np.delete(found / alone, 3, axis=-1) < 1) and np.all(found[..., 3] > 0)
