"""Search against an exhaustive one, over random tables of probabilities."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from seq2seq_keras.context import BOS, EOS, PAD
from seq2seq_keras.decode import Beam, Greedy, generate, score
from tests.units.decode.spelling import Table, exhaustive

SIZE, LENGTH = 6, 4
WIDE = (SIZE - 3) ** (LENGTH - 1) + SIZE
"""Holds every beginning of `LENGTH - 1` ids together with all that end beside them."""
SOURCES = np.array([[0], [1]], "int32")
SEEDS = st.integers(0, 2**31)
PENALTIES = st.sampled_from([0.0, 0.6, 1.0, 2.0])


def table(seed: int, sharpness: float = 2.0) -> Table:
    return Table(np.random.default_rng(seed).normal(0, sharpness, (2, LENGTH, SIZE, SIZE, SIZE)))


def said(ids) -> tuple[int, ...]:
    return tuple(int(i) for i in ids if i != PAD)


@settings(deadline=None, max_examples=40)
@given(SEEDS, PENALTIES, st.integers(1, 5))
def test_a_wide_beam_is_exhaustive_search(seed, penalty, n_best):
    model = table(seed)
    hypotheses = generate(model, SOURCES, Beam(WIDE, penalty, n_best=n_best), LENGTH)
    for row in range(2):
        best = exhaustive(model, row, LENGTH, penalty)[:n_best]
        np.testing.assert_allclose(hypotheses.scores[row], [score for score, _ in best], atol=1e-5)
        assert [said(ids) for ids in np.asarray(hypotheses.ids[row])] == [ids for _, ids in best]


@settings(deadline=None, max_examples=30)
@given(SEEDS, PENALTIES)
def test_a_beam_of_one_is_greedy(seed, penalty):
    model = table(seed)
    greedy, beam = (generate(model, SOURCES, search, LENGTH) for search in (Greedy(), Beam(1, penalty)))
    np.testing.assert_array_equal(greedy.ids, beam.ids)
    np.testing.assert_array_equal(greedy.lengths, beam.lengths)
    np.testing.assert_allclose(greedy.log_probs, beam.log_probs, atol=1e-5)


@settings(deadline=None, max_examples=30)
@given(SEEDS, PENALTIES, st.integers(1, 6))
def test_what_is_returned_is_scored_truly_and_says_nothing_forbidden(seed, penalty, width):
    model = table(seed)
    hypotheses = generate(model, SOURCES, Beam(width, penalty, n_best=width), LENGTH)
    scores = np.asarray(hypotheses.scores)
    for place in range(width):
        ids = np.asarray(hypotheses.ids[:, place])
        _, sums = score(model, SOURCES, ids)
        for row in range(2):
            length, words = int(hypotheses.lengths[row, place]), said(ids[row])
            assert length == len(words)
            if not length:
                assert np.isneginf(scores[row, place])
                continue
            assert BOS not in words
            assert EOS not in words[:-1]
            assert (ids[row, length:] == PAD).all()
            true = sum(model.log_probs(row, words))
            np.testing.assert_allclose(hypotheses.log_probs[row, place], true, atol=1e-5)
            np.testing.assert_allclose(sums[row], true, atol=1e-5)
            np.testing.assert_allclose(scores[row, place], true / ((5 + length) / 6) ** penalty, atol=1e-5)
    kept = np.where(np.isneginf(scores), -1e9, scores)
    assert (np.diff(kept, axis=1) <= 0).all()


@settings(deadline=None, max_examples=20)
@given(SEEDS, st.integers(1, 4))
def test_ending_early_is_as_good_as_going_on(seed, width):
    """A search of the same width that is never done finds nothing else."""

    class Restless(Beam):
        def finished(self, state, time):
            return ops.zeros_like(super().finished(state, time))

    model = table(seed)
    early, late = (generate(model, SOURCES, kind(width, 0.6), LENGTH) for kind in (Beam, Restless))
    np.testing.assert_array_equal(early.ids, late.ids)
    np.testing.assert_array_equal(early.scores, late.scores)


def test_the_oracle_counts_every_ending():
    assert len(exhaustive(table(0), 0, LENGTH, 0.0)) == sum((SIZE - 3) ** n for n in range(LENGTH))
    with pytest.raises(ValueError, match="n_best"):
        Beam(2, n_best=3)
