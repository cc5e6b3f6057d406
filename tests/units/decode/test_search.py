"""Search over words whose probabilities can be multiplied by hand."""

import numpy as np
import pytest
import tensorflow as tf

from seq2seq_keras.decode import Beam, Greedy, generate, score
from tests.units.decode.spelling import Tree, read

GARDEN_PATH = {
    "": {"c": 0.6, "d": 0.4},
    "c": {"a": 0.4, "o": 0.35, "u": 0.25},
    "ca": {"t": 0.6, "r": 0.4},
    "d": {"o": 1.0},
    "do": {"g": 1.0},
}
"""Greedy takes "c" (0.6) and ends in "cat" (0.144); "dog" has 0.4."""

LONG = {"": {"a": 0.5, ".": 0.5}, "a": {"b": 1.0}, "ab": {"c": 0.95, ".": 0.05}, "abc": {".": 1.0}}
"""Ending at once has 0.5, "abc" 0.475, less; a length penalty prefers it."""

ENDLESS = {"a" * n: {"a": 1.0} for n in range(12)}

SOURCES = np.array([[0], [1], [2]], "int32")


def stepper():
    return Tree([GARDEN_PATH, LONG, ENDLESS], max_length=8)


def found(search, sources=SOURCES, max_length=8):
    hypotheses = generate(stepper(), sources, search, max_length)
    return [[read(ids) for ids in row] for row in np.asarray(hypotheses.ids)], hypotheses


def test_greedy_takes_the_garden_path():
    words, hypotheses = found(Greedy())
    assert words[0] == ["cat.____"]
    np.testing.assert_allclose(np.exp(hypotheses.log_probs[0]), [0.6 * 0.4 * 0.6], rtol=1e-5)
    assert hypotheses.lengths[0].numpy().tolist() == [4]


def test_beam_sees_the_better_word_behind_the_worse_letter():
    words, hypotheses = found(Beam(2, length_penalty=0.0))
    assert words[0] == ["dog.____"]
    np.testing.assert_allclose(np.exp(hypotheses.scores[0]), [0.4], rtol=1e-5)


def test_length_penalty_prefers_the_longer_word():
    assert found(Beam(3, length_penalty=0.0))[0][1] == ["._______"]
    words, hypotheses = found(Beam(3, length_penalty=1.0))
    assert words[1] == ["abc.____"]
    np.testing.assert_allclose(hypotheses.scores[1], [np.log(0.475) / ((5 + 4) / 6)], rtol=1e-5)
    np.testing.assert_allclose(hypotheses.log_probs[1], [np.log(0.475)], rtol=1e-5)


def test_what_never_ends_is_cut_at_the_length():
    for search in (Greedy(), Beam(2)):
        words, hypotheses = found(search)
        assert words[2] == ["aaaaaaaa"]
        assert hypotheses.lengths[2].numpy().tolist() == [8]


def test_n_best_is_sorted_and_leaves_empty_what_was_not_found():
    words, hypotheses = found(Beam(5, length_penalty=0.0, n_best=5))
    assert words[1] == ["._______", "abc.____", "ab._____", "________", "________"]
    scores = np.asarray(hypotheses.scores)
    assert (np.diff(scores[0]) <= 0).all()
    assert np.isneginf(scores[1, 3:]).all()
    assert hypotheses.lengths[1].numpy().tolist() == [1, 4, 3, 0, 0]


def test_a_cut_hypothesis_never_beats_one_that_ended():
    table = {"": {"a": 0.98, ".": 0.02}} | {"a" * n: {"a": 0.999, ".": 0.001} for n in range(1, 12)}
    hypotheses = generate(Tree([table], 8), SOURCES[:1], Beam(4, 0.6), 4)
    assert read(hypotheses.ids[0, 0]) == ".___"


@pytest.mark.parametrize("search", [Greedy(), Beam(1), Beam(3, 1.0, n_best=2)], ids=str)
def test_batch_equals_one_by_one(search):
    together = generate(stepper(), SOURCES, search, 8)
    for row in range(3):
        alone = generate(stepper(), SOURCES[row : row + 1], search, 8)
        for one, many in zip(alone, together, strict=True):
            np.testing.assert_allclose(one[0], many[row], rtol=1e-6)


@pytest.mark.parametrize("search", [Greedy(), Beam(2)], ids=str)
def test_the_loop_ends_with_the_last_row(search):
    ended = stepper()
    generate(ended, SOURCES[:2], search, 64)
    assert ended.steps <= 5


@pytest.mark.parametrize("search", [Greedy(), Beam(3, n_best=2)], ids=str)
def test_in_a_graph_of_unknown_batch_as_eagerly_and_traced_once(search):
    model, traces = stepper(), []

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.int32)])
    def run(source):
        traces.append(1)
        return generate(model, source, search, 8)

    for rows in (3, 1, 2, 0):
        graph, eager = run(SOURCES[:rows]), generate(stepper(), SOURCES[:rows], search, 8)
        for one, other in zip(graph, eager, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-6)
    assert len(traces) == 1
    assert model.steps == 1, "the step is traced into the loop, not unrolled"


def test_score_is_that_of_the_search_and_padding_counts_nothing():
    hypotheses = generate(stepper(), SOURCES, Beam(3, 0.6), 8)
    tokens, sums = score(stepper(), SOURCES, hypotheses.ids[:, 0])
    np.testing.assert_allclose(sums, hypotheses.log_probs[:, 0], rtol=1e-5)
    assert tokens.shape == (3, 8)
    np.testing.assert_array_equal(np.asarray(tokens)[0, 4:], 0.0)
    with pytest.raises(ValueError, match="static"):
        tf.function(score, input_signature=None).get_concrete_function(
            stepper(), tf.TensorSpec([None, None], tf.int32), tf.TensorSpec([None, None], tf.int32)
        )


@pytest.mark.parametrize(
    "wrong", [{"width": 0}, {"n_best": 0}, {"width": 2, "n_best": 3}, {"length_penalty": -0.1}], ids=str
)
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match="must"):
        Beam(**wrong)


def test_no_length_is_refused():
    with pytest.raises(ValueError, match="max_length"):
        generate(stepper(), SOURCES, Greedy(), 0)
