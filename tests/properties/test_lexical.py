"""Beams that must hold phrases, against every hypothesis there is, over random tables of probabilities."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from seq2seq_keras.context import EOS
from seq2seq_keras.decode import Beam, generate
from seq2seq_keras.decode.lexical import LexicalBeam
from tests.properties.test_search import LENGTH, PENALTIES, SEEDS, SOURCES, WIDE, said, table
from tests.units.decode.spelling import exhaustive

PHRASES = st.lists(st.lists(st.sampled_from([1, 4, 5]), min_size=1, max_size=3).map(tuple), max_size=2).map(tuple)


def holds(ids: tuple[int, ...], phrases) -> bool:
    return all(any(ids[i : i + len(p)] == p for i in range(len(ids))) for p in phrases)


@settings(deadline=None, max_examples=25)
@given(SEEDS, PENALTIES, PHRASES, st.integers(1, 4))
def test_a_wide_one_finds_the_best_that_hold_all_phrases(seed, penalty, phrases, n_best):
    model = table(seed)
    hypotheses = generate(model, SOURCES, LexicalBeam(phrases, WIDE, penalty, n_best), LENGTH)
    for row in range(2):
        best = [pair for pair in exhaustive(model, row, LENGTH, penalty) if holds(pair[1], phrases)][:n_best]
        found = [said(ids) for ids in np.asarray(hypotheses.ids[row])]
        if not best:
            assert EOS not in found[0]
            continue
        np.testing.assert_allclose(hypotheses.scores[row, : len(best)], [score for score, _ in best], atol=1e-5)
        assert found[: len(best)] == [ids for _, ids in best]
        assert np.isneginf(hypotheses.scores[row, len(best) :]).all()


@settings(deadline=None, max_examples=25)
@given(SEEDS, PENALTIES, PHRASES, st.integers(1, 4))
def test_what_ends_holds_all_phrases_once_each_and_is_scored_truly(seed, penalty, phrases, bank):
    model = table(seed)
    hypotheses = generate(model, SOURCES, LexicalBeam(phrases, bank, penalty, bank), LENGTH)
    for row in range(2):
        words = [said(ids) for ids in np.asarray(hypotheses.ids[row]) if said(ids)]
        assert words, "there is always something"
        assert len(set(words)) == len(words), "no hypothesis twice"
        for place, ids in enumerate(words):
            assert EOS not in ids[:-1]
            assert ids[-1] != EOS or holds(ids, phrases)
            assert ids[-1] == EOS or len(ids) == LENGTH
            true = sum(model.log_probs(row, ids))
            np.testing.assert_allclose(hypotheses.log_probs[row, place], true, atol=1e-5)
            np.testing.assert_allclose(hypotheses.scores[row, place], true / ((5 + len(ids)) / 6) ** penalty, atol=1e-5)


@settings(deadline=None, max_examples=10)
@given(SEEDS, PENALTIES, st.integers(1, 5))
def test_no_phrase_is_beam(seed, penalty, width):
    model = table(seed)
    searches = LexicalBeam((), width, penalty, width), Beam(width, penalty, width)
    one, other = (generate(model, SOURCES, search, LENGTH) for search in searches)
    np.testing.assert_array_equal(one.ids, other.ids)
    np.testing.assert_allclose(one.scores, other.scores, atol=1e-5)


@settings(deadline=None, max_examples=10)
@given(SEEDS, PHRASES, st.integers(1, 3))
def test_ending_early_is_as_good_as_going_on(seed, phrases, bank):
    class Restless(LexicalBeam):
        def finished(self, state, time):
            return ops.zeros_like(super().finished(state, time))

    model = table(seed)
    early, late = (generate(model, SOURCES, kind(phrases, bank, 0.6), LENGTH) for kind in (LexicalBeam, Restless))
    np.testing.assert_array_equal(early.ids, late.ids)
    np.testing.assert_array_equal(early.scores, late.scores)
