"""The highest places of rows: the same, of equals the first, however they are looked for."""

import numpy as np
import pytest
import tensorflow as tf

from seq2seq_keras.context import BOS, PAD
from seq2seq_keras.decode.places import likeliest, top_k

ROWS = 3
SIZES = [2, 17, 511, 512, 1000, 7919]
COUNTS = [1, 10, 17]


def scores(size: int, kind: str) -> np.ndarray:
    """(ROWS, size) float32."""
    found = np.random.default_rng(size).normal(size=(ROWS, size)).astype("float32")
    if kind == "equals":
        return np.round(found)
    if kind == "impossible":
        found[:, size // 3 :] = -np.inf
        found[0] = -np.inf
    return found


def by_sorting(rows: np.ndarray, count: int) -> np.ndarray:
    return np.argsort(-rows, axis=-1, kind="stable")[:, :count]


@pytest.mark.parametrize("kind", ["any", "equals", "impossible"])
@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("size", SIZES)
def test_the_highest_are_those_that_sorting_finds(size, count, kind):
    rows, count = scores(size, kind), min(size, count)
    expected = by_sorting(rows, count)
    best, places = top_k(tf.constant(rows), count)  # of fixed shapes
    np.testing.assert_array_equal(places, expected)
    np.testing.assert_array_equal(best, np.take_along_axis(rows, expected, axis=-1))


@pytest.mark.parametrize("kind", ["any", "equals", "impossible"])
@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("size", [5, 511, 512, 1000, 7919])
def test_what_may_be_said_is_ranked_alike_in_fixed_and_open_shapes(size, count, kind):
    logits = scores(size, kind)
    logits[1, size // 2] = np.nan
    count = min(size - 2, count)
    expected = np.array(logits)
    expected[:, [PAD, BOS]] = -np.inf
    expected[1] = -np.inf
    order = by_sorting(expected, count)
    with np.errstate(divide="ignore", invalid="ignore"):
        log_probs = expected - np.log(np.sum(np.exp(logits.astype("float64")), axis=-1, keepdims=True))
    log_probs = np.take_along_axis(np.where(np.isnan(log_probs), -np.inf, log_probs), order, axis=-1)
    open_rows = tf.function(lambda rows: likeliest(rows, count), [tf.TensorSpec([None, size])], autograph=False)
    for found in (likeliest(tf.constant(logits), count), open_rows(tf.constant(logits))):
        np.testing.assert_allclose(found[0], log_probs, rtol=1e-5)
        sure = np.isfinite(log_probs)
        np.testing.assert_array_equal(np.where(sure, found[1], 0), np.where(sure, order, 0))


@pytest.mark.parametrize("size", [17, 1000])
def test_xla_finds_the_same(size):
    rows = scores(size, "equals")
    compiled = tf.function(lambda rows: top_k(rows, 5), autograph=False, jit_compile=True)
    np.testing.assert_array_equal(compiled(tf.constant(rows))[1], by_sorting(rows, 5))


@pytest.mark.parametrize("size", [17, 1000])
def test_of_no_rows_there_are_no_highest(size):
    none = tf.zeros([0, size])
    for found in (*top_k(none, 5), *likeliest(none, 1), *likeliest(none, 5)):
        assert found.shape[0] == 0
