"""Diverse beams against the algorithm written out over lists, and against `Beam`."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from seq2seq_keras.context import EOS
from seq2seq_keras.decode import Beam, generate
from seq2seq_keras.decode.diverse import DiverseBeam
from tests.properties.test_search import LENGTH, PENALTIES, SEEDS, SIZE, SOURCES, said, table

SPEAKABLE = [i for i in range(SIZE) if i not in (0, 2)]


def scale(ids, penalty: float) -> float:
    return ((5 + len(ids)) / 6) ** penalty


def groups_by_lists(model, row: int, groups: int, size: int, diversity: float, penalty: float) -> list[list[tuple]]:
    """What each group ended, as (score less cost, score, ids), best first: Vijayakumar et al., 2018, algorithm 1."""
    growing, ended = [[(0.0, 0.0, ())] for _ in range(groups)], [[] for _ in range(groups)]
    for _ in range(LENGTH):
        earlier = []
        for group in range(groups):
            options = []
            for _, paid, ids in growing[group]:
                for i in SPEAKABLE:
                    log_prob, pays = sum(model.log_probs(row, (*ids, i))), paid + diversity * earlier.count(i)
                    options.append((log_prob - pays, log_prob, pays, (*ids, i)))
            best = sorted(options, reverse=True)[:size]
            earlier += [ids[-1] for *_, ids in best if ids[-1] != EOS]
            over = [
                ((log_prob - pays) / scale(ids, penalty), log_prob / scale(ids, penalty), ids)
                for _, log_prob, pays, ids in best
                if ids[-1] == EOS
            ]
            ended[group] = sorted(ended[group] + over, reverse=True)
            growing[group] = [(log_prob, pays, ids) for _, log_prob, pays, ids in best if ids[-1] != EOS]
    return ended


@settings(deadline=None, max_examples=25)
@given(SEEDS, PENALTIES, st.integers(1, 3), st.integers(1, 3), st.sampled_from([0.0, 0.3, 1.0, 5.0]))
def test_it_is_the_algorithm_written_out(seed, penalty, groups, size, diversity):
    model = table(seed)
    hypotheses = generate(model, SOURCES, DiverseBeam(groups * size, groups, diversity, penalty, groups * size), LENGTH)
    for row in range(2):
        ended = groups_by_lists(model, row, groups, size, diversity, penalty)
        expected = sorted(((score, ids) for group in ended for _, score, ids in group[:size]), reverse=True)
        if not expected:
            continue
        scores = np.asarray(hypotheses.scores[row])
        np.testing.assert_allclose(scores[: len(expected)], [score for score, _ in expected], atol=1e-4)
        assert np.isneginf(scores[len(expected) :]).all()
        found = sorted(said(ids) for ids in np.asarray(hypotheses.ids[row, : len(expected)]))
        assert found == sorted(ids for _, ids in expected)


@settings(deadline=None, max_examples=15)
@given(SEEDS, PENALTIES, st.integers(1, 5), st.data())
def test_one_group_is_beam(seed, penalty, width, data):
    model, n_best = table(seed), data.draw(st.integers(1, width))
    searches = DiverseBeam(width, 1, 2.0, penalty, n_best), Beam(width, penalty, n_best)
    for one, other in zip(*(generate(model, SOURCES, search, LENGTH) for search in searches), strict=True):
        np.testing.assert_array_equal(one, other)


@settings(deadline=None, max_examples=15)
@given(SEEDS, st.integers(1, 3))
def test_ending_early_is_as_good_as_going_on(seed, size):
    class Restless(DiverseBeam):
        def finished(self, state, time):
            return ops.zeros_like(super().finished(state, time))

    model = table(seed)
    early, late = (generate(model, SOURCES, kind(2 * size, 2, 1.0, 0.6, 2), LENGTH) for kind in (DiverseBeam, Restless))
    np.testing.assert_array_equal(early.ids, late.ids)
    np.testing.assert_array_equal(early.scores, late.scores)
