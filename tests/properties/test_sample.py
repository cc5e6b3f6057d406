"""Sampling against NumPy, over random tables of probabilities."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from seq2seq_keras.context import BOS, EOS, PAD
from seq2seq_keras.decode import truncation
from seq2seq_keras.decode.generate import generate
from seq2seq_keras.decode.sample import Sample
from seq2seq_keras.decode.truncation import drawn, most_likely, weights
from tests.units.decode.spelling import Table

SIZE, LENGTH = 7, 5
SOURCES = np.array([[0], [1]], "int32")
SEEDS = st.integers(0, 2**31)
TEMPERATURES = st.sampled_from([0.3, 1.0, 2.5])
TOP_K = st.none() | st.integers(1, SIZE + 2)
SHARES = st.none() | st.floats(0.05, 0.95)


def left(log_probs, temperature, top_k, top_p, min_p) -> set[int]:
    """Ids that truncation leaves, by NumPy in float64."""
    ids = [i for i in np.argsort(-log_probs, kind="stable") if np.isfinite(log_probs[i])][:top_k]
    mass = np.exp((log_probs[ids] - log_probs[ids[0]]) / temperature)
    if top_p is not None:
        short = np.cumsum(mass) / mass.sum() < top_p
        ids, mass = ids[: short.sum() + 1], mass[: short.sum() + 1]
    return {int(i) for i, share in zip(ids, mass, strict=True) if share >= (min_p or 0.0)}


@settings(deadline=None, max_examples=40)
@given(SEEDS, SEEDS, TEMPERATURES, TOP_K, SHARES, SHARES)
def test_nothing_is_said_that_was_cut_off_and_scores_are_true(table_seed, seed, temperature, top_k, top_p, min_p):
    model = Table(np.random.default_rng(table_seed).normal(0, 2, (2, LENGTH, SIZE, SIZE, SIZE)))
    search = Sample(temperature, top_k, top_p, min_p, count=4, n_best=4, seed=seed)
    found = generate(model, SOURCES, search, LENGTH)
    for row in range(2):
        for place in range(4):
            ids = np.asarray(found.ids[row, place])
            said = ids[: int(found.lengths[row, place])].tolist()
            assert (ids[len(said) :] == PAD).all()
            assert EOS not in said[:-1]
            assert said[-1] == EOS or len(said) == LENGTH
            np.testing.assert_allclose(found.scores[row, place], sum(model.log_probs(row, said)), atol=1e-5)
            last, now = PAD, BOS
            for time, following in enumerate(said):
                log_probs = model.logits[row, time, last, now].astype("float64")
                log_probs[[PAD, BOS]] = -np.inf
                assert following in left(log_probs, temperature, top_k, top_p, min_p)
                last, now = now, following


@settings(deadline=None, max_examples=100)
@given(SEEDS, TEMPERATURES, TOP_K, SHARES, st.integers(0, 3), st.integers(1, SIZE + 1), st.booleans())
def test_what_stays_is_what_numpy_leaves(seed, temperature, top_k, top_p, forbidden, few, tensors):
    """However many are looked at first, and whether settings are numbers or tensors."""
    ranks = np.random.default_rng(seed).normal(0, 2, (6, SIZE)).astype("float32")
    ranks[:, :forbidden] = -np.inf
    found = np.asarray(weights(ranks, temperature))
    asked = top_k, top_p
    if tensors:
        asked = ops.convert_to_tensor(top_k or 0, "int32"), ops.convert_to_tensor(top_p or 1.0, "float32")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(truncation, "_FEW", few)
        stays = np.asarray(most_likely(ranks, found, *asked)) & (found > 0)
    for row in range(6):
        assert set(np.flatnonzero(stays[row]).tolist()) == left(
            ranks[row].astype("float64"), temperature, top_k, top_p, None
        )


@settings(deadline=None, max_examples=60)
@given(SEEDS, st.integers(1, 50))
def test_a_draw_is_where_the_summed_probability_passes_the_number(seed, size):
    generator = np.random.default_rng(seed)
    given_weights = np.where(generator.random((20, size)) < 0.4, 0, generator.random((20, size))).astype("float32")
    given_weights[:, -1] += 0.01
    numbers = generator.random(20).astype("float32")
    numbers[:2] = 2.0**-24, 1 - 2.0**-24
    ids = np.asarray(drawn(given_weights, numbers))
    for row, number in enumerate(numbers):
        sums = np.cumsum(given_weights[row].astype("float64")) / given_weights[row].sum(dtype="float64")
        assert given_weights[row, ids[row]] > 0
        assert (sums[ids[row] - 1] if ids[row] else 0) <= number + 1e-6
        assert sums[ids[row]] >= number - 1e-6
