"""Search over every model: beam of width 1 is greedy, a wide one is exhaustive, a score is that of the ids."""

import itertools
import sys

import numpy as np
import pytest
import tensorflow as tf

from seq2seq_keras import decode
from seq2seq_keras.context import EOS, PAD, UNK
from seq2seq_keras.decode.controls import MinLength, NoRepeat
from tests import cases

LENGTH = 3
SOURCES = np.array([[4, 5, 4, EOS], [5, EOS, PAD, PAD]], "int32")
WORDS = (UNK, 4, 5)
"""What a hypothesis over six ids may hold besides its end."""
WIDE = (len(WORDS) + 1) * len(WORDS) ** (LENGTH - 1)
"""As many beams as there are ways to go on at the last step: none can push out one that ends there."""


@pytest.fixture(params=cases.costly(cases.MODELS), ids=str, scope="module")
def model(request):
    before, cases.VOCABULARY = cases.VOCABULARY, 6
    model = request.param.build()
    cases.VOCABULARY = before
    cases.shake(model, 1.5)
    return model


def test_a_beam_of_one_is_greedy(model):
    greedy, beam = (
        decode.generate(model, SOURCES, search, LENGTH) for search in (decode.Greedy(), decode.Beam(1, 0.0))
    )
    np.testing.assert_array_equal(greedy.ids, beam.ids)
    np.testing.assert_allclose(greedy.log_probs, beam.log_probs, atol=1e-5)


@pytest.mark.parametrize("penalty", [0.0, 1.0])
def test_a_wide_beam_is_exhaustive_search_and_its_scores_are_those_of_its_ids(model, penalty):
    ended = [(*word, EOS) for length in range(LENGTH) for word in itertools.product(WORDS, repeat=length)]
    padded = np.array([[*ids, *[PAD] * (LENGTH - len(ids))] for ids in ended], "int32")
    found = decode.generate(model, SOURCES, decode.Beam(WIDE, penalty, n_best=3), LENGTH)
    for row, source in enumerate(SOURCES):
        _, sums = decode.score(model, np.repeat(source[None], len(ended), axis=0), padded)
        scores = np.asarray(sums) / ((5 + (padded != PAD).sum(axis=1)) / 6) ** penalty
        best = np.argsort(-scores)[:3]
        np.testing.assert_allclose(found.scores[row], scores[best], atol=1e-4)
        np.testing.assert_array_equal(found.ids[row], padded[best])


SEARCHES = [
    decode.Greedy((MinLength(1),)),
    decode.Beam(2, controls=(NoRepeat(1),)),
    decode.DiverseBeam(4, groups=2),
    decode.LexicalBeam(((5,),), bank=2),
    decode.Sample(top_k=3, count=2, n_best=2),
]


def test_the_most_likely_sample_is_greedy(model):
    greedy, sample = (decode.generate(model, SOURCES, how, LENGTH) for how in (decode.Greedy(), decode.Sample(top_k=1)))
    np.testing.assert_array_equal(greedy.ids, sample.ids)
    np.testing.assert_allclose(greedy.scores, sample.scores, atol=1e-5)


@pytest.mark.parametrize(
    "search",
    [pytest.param(one, marks=[pytest.mark.slow] * (place > 1)) for place, one in enumerate(SEARCHES)],
    ids=lambda search: type(search).__name__,
)
def test_search_is_traced_once_for_every_batch_and_length(model, search):
    traces = []

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.int32)])
    def run(source):
        traces.append(1)
        return decode.generate(model, source, search, LENGTH)

    wide = run(np.pad(SOURCES, [(0, 0), (0, 3)]))
    one = run(SOURCES[1:, :2])
    assert len(traces) == 1
    np.testing.assert_array_equal(one.ids[0], wide.ids[1])
    np.testing.assert_allclose(one.scores[0], wide.scores[1], atol=1e-5)


def test_rows_that_go_on_from_one_another_find_what_copies_of_their_states_find(model):
    """In both loops."""
    copied = cases.Apart(model)
    for search in (decode.Greedy(), decode.Beam(3, 1.0, n_best=3), decode.Sample(count=2, n_best=2, seed=1)):
        expected = decode.generate(copied, SOURCES, search, 9)

        @tf.function(input_signature=[tf.TensorSpec([None, None], tf.int32)])
        def run(source):
            return decode.generate(model, source, search, 9)  # noqa: B023

        for found in (decode.generate(model, SOURCES, search, 9), run(SOURCES)):
            np.testing.assert_array_equal(found.ids, expected.ids)
            np.testing.assert_allclose(found.scores, expected.scores, rtol=1e-5, atol=1e-5)


def test_a_state_that_is_lengthened_on_the_way_says_the_same(model, monkeypatch):
    """Also where a row ends before its state has all its room, and in a beam."""
    length = 7
    for search in (decode.Greedy(), decode.Beam(3, 1.0, n_best=3)):
        whole = decode.generate(model, SOURCES, search, length)
        with monkeypatch.context() as patched:
            patched.setattr(sys.modules[decode.generate.__module__], "_ROOMS", (1, 2, 4, 99))
            grown = decode.generate(model, SOURCES, search, length)
        np.testing.assert_array_equal(grown.ids, whole.ids)
        np.testing.assert_allclose(grown.scores, whole.scores, rtol=1e-5, atol=1e-5)
