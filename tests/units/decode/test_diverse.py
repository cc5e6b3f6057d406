"""Diverse beams over words whose probabilities can be multiplied by hand."""

import numpy as np
import pytest
import tensorflow as tf

from seq2seq_keras.decode import Beam, generate, score
from seq2seq_keras.decode.diverse import DiverseBeam
from tests.units.decode.spelling import Table, Tree, read

ANIMALS = {
    "": {"c": 0.7, "d": 0.2, "p": 0.1},
    "c": {"a": 0.9, "o": 0.1},
    "ca": {"t": 0.6, "r": 0.4},
    "d": {"o": 0.9, "a": 0.1},
    "do": {"g": 0.8, "t": 0.2},
    "p": {"i": 1.0},
    "pi": {"g": 1.0},
}
END = {"": {".": 0.6, "a": 0.4}}
ENDLESS = {"a" * n: {"a": 1.0} for n in range(12)}
TABLES, SOURCES = [ANIMALS, END, ENDLESS], np.array([[0], [1], [2]], "int32")


def found(search, sources=SOURCES, max_length=6):
    hypotheses = generate(Tree(TABLES, max_length), sources, search, max_length)
    return [[read(ids).rstrip("_") for ids in row] for row in np.asarray(hypotheses.ids)], hypotheses


def test_every_group_goes_its_own_way():
    words, hypotheses = found(DiverseBeam(3, groups=3, diversity=3.0, length_penalty=0.0, n_best=3))
    assert words[0] == ["cat.", "dog.", "pig."]
    np.testing.assert_allclose(np.exp(hypotheses.scores[0]), [0.378, 0.144, 0.1], rtol=1e-5)


def test_the_penalty_counts_how_often_an_id_was_just_said():
    """The second group pays 0.4 to say "c" (0.7 against 0.2), the third 0.8: e^-0.8 * 0.7 is more than 0.2 as well."""
    assert [word[0] for word in found(DiverseBeam(3, 3, 0.4, 0.0, n_best=3))[0][0]] == ["c", "c", "c"]
    # At 1.0 the second still says "c" (0.258 against 0.2), the third does not (0.095).
    assert sorted(word[0] for word in found(DiverseBeam(3, 3, 1.0, 0.0, n_best=3))[0][0]) == ["c", "c", "d"]


def test_scores_are_those_of_the_ids_and_not_of_the_diversity():
    words, hypotheses = found(DiverseBeam(4, 2, 2.0, 1.0, n_best=4))
    for place in range(4):
        _, sums = score(Tree(TABLES, 6), SOURCES[:1], hypotheses.ids[:1, place])
        np.testing.assert_allclose(hypotheses.log_probs[0, place], sums[0], rtol=1e-5)
        length = len(words[0][place])
        np.testing.assert_allclose(hypotheses.scores[0, place], sums[0] / ((5 + length) / 6), rtol=1e-5)
    assert (np.diff(hypotheses.scores[0]) <= 0).all()


def test_the_best_of_every_group_comes_before_any_second_best():
    """The groups find cat and car, pig and then cat again."""
    assert found(DiverseBeam(4, 2, 5.0, 0.0, n_best=1))[0][0] == ["cat."]
    assert found(DiverseBeam(4, 2, 5.0, 0.0, n_best=2))[0][0] == ["cat.", "pig."]
    assert found(DiverseBeam(4, 2, 5.0, 0.0, n_best=3))[0][0] == ["cat.", "cat.", "pig."]
    assert found(DiverseBeam(4, 2, 5.0, 0.0, n_best=4))[0][0] == ["cat.", "cat.", "car.", "pig."]


def test_without_diversity_every_group_is_the_same_beam():
    words, hypotheses = found(DiverseBeam(4, 2, 0.0, 0.6, n_best=2))
    alone, one = found(Beam(2, 0.6))
    for row in range(3):
        assert words[row] == alone[row] * 2
        np.testing.assert_allclose(hypotheses.scores[row], np.repeat(one.scores[row], 2), rtol=1e-6)


def test_a_text_may_end_wherever_another_ended():
    assert found(DiverseBeam(2, 2, 9.0, 0.0, n_best=2))[0][1] == [".", "."]


def test_what_never_ends_is_cut_only_where_nothing_ended():
    words, hypotheses = found(DiverseBeam(2, 2, 0.5, 0.0, n_best=2))
    assert words[2] == ["aaaaaa", "aaaaaa"]
    assert hypotheses.lengths[2].numpy().tolist() == [6, 6]
    some = {"": {"c": 0.5, "a": 0.5}, "c": {".": 1.0}} | {"a" * n: {"a": 1.0} for n in range(1, 12)}
    hypotheses = generate(Tree([some], 6), SOURCES[:1], DiverseBeam(2, 2, 9.0, 0.0, n_best=2), 6)
    assert [read(ids) for ids in np.asarray(hypotheses.ids[0])] == ["c.____", "______"]
    assert np.isneginf(hypotheses.scores[0, 1])


def test_a_beam_wider_than_the_vocabulary_finds_what_there_is():
    logits = np.random.default_rng(0).normal(size=(1, 3, 5, 5, 5))
    hypotheses = generate(Table(logits), SOURCES[:1], DiverseBeam(8, 2, 0.5, 0.0, n_best=8), 3)
    one = generate(Table(logits), SOURCES[:1], Beam(8, 0.0), 3)
    np.testing.assert_array_equal(hypotheses.ids[0, 0], one.ids[0, 0])


def test_a_row_of_nan_is_empty_and_harms_no_other():
    logits = np.random.default_rng(0).normal(size=(2, 4, 6, 6, 6))
    broken = logits.copy()
    broken[0, 1:] = np.nan
    search = DiverseBeam(4, 2, 0.5, 0.0, n_best=2)
    whole, part = (generate(Table(table), SOURCES[:2], search, 4) for table in (logits, broken))
    for one, other in zip(whole, part, strict=True):
        np.testing.assert_array_equal(one[1], other[1])
    assert not np.isnan(part.scores).any()


def test_batch_equals_one_by_one():
    search = DiverseBeam(4, 2, 0.7, 0.6, n_best=3)
    together = found(search)[1]
    for row in range(3):
        for one, many in zip(found(search, SOURCES[row : row + 1])[1], together, strict=True):
            np.testing.assert_allclose(one[0], many[row], rtol=1e-6)


@pytest.mark.parametrize("compiled", [False, True], ids=["graph", "xla"])
def test_in_a_graph_as_eagerly(compiled):
    search, model = DiverseBeam(4, 2, 0.7, 0.6, n_best=3), Tree(TABLES, 6)
    rows = 3 if compiled else None

    @tf.function(input_signature=[tf.TensorSpec([rows, 1], tf.int32)], jit_compile=compiled)
    def run(source):
        return generate(model, source, search, 6)

    for sources in [SOURCES] if compiled else [SOURCES, SOURCES[:1], SOURCES[:0]]:
        for one, other in zip(run(sources), found(search, sources)[1], strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-5)


@pytest.mark.parametrize(
    "wrong",
    [
        {"width": 0},
        {"groups": 0},
        {"width": 4, "groups": 3},
        {"diversity": -0.1},
        {"diversity": float("inf")},
        {"diversity": float("nan")},
        {"length_penalty": -1.0},
        {"n_best": 0},
        {"n_best": 7},
    ],
    ids=str,
)
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match=list(wrong)[-1]):
        DiverseBeam(**wrong)
