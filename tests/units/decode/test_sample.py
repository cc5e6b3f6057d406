"""Sampling of words whose probabilities can be multiplied by hand."""

import dataclasses
from collections import Counter

import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from seq2seq_keras.decode import truncation
from seq2seq_keras.decode.controls import Control
from seq2seq_keras.decode.generate import generate
from seq2seq_keras.decode.greedy import Greedy
from seq2seq_keras.decode.sample import Sample
from tests.units.decode.spelling import Table, Tree, letters, read

GARDEN_PATH = {
    "": {"c": 0.6, "d": 0.4},
    "c": {"a": 0.4, "o": 0.35, "u": 0.25},
    "ca": {"t": 0.6, "r": 0.4},
    "d": {"o": 1.0},
    "do": {"g": 1.0},
}
WORDS = {"cat": 0.144, "car": 0.096, "co": 0.21, "cu": 0.15, "dog": 0.4}
LETTERS = {"": {"a": 0.5, "b": 0.3, "c": 0.2}}
ENDLESS = {"a" * n: {"a": 0.99, ".": 0.01} for n in range(5)}
ONE = np.array([[0]], "int32")
MANY = 4000
SOURCES = np.array([[0], [1], [2]], "int32")


@dataclasses.dataclass(frozen=True)
class Mute(Control):
    """Nothing may be said of the sources whose first id is `which`."""

    which: int

    def begin(self, source):
        return ops.equal(source[:, 0], self.which)

    def __call__(self, ranks, said, known):
        return ops.where(known[:, None, None], float("-inf"), ranks)


@dataclasses.dataclass(frozen=True)
class Without(Control):
    """One id is never said."""

    unwanted: int

    def __call__(self, ranks, said, known):
        return ops.where(ops.equal(ops.arange(ranks.shape[-1]), self.unwanted), float("-inf"), ranks)


def words(table, search, max_length=5) -> list[str]:
    found = generate(Tree([table], max_length), ONE, search, max_length)
    return [read(ids).rstrip("_").rstrip(".") for ids in np.asarray(found.ids[0])]


def drawn(table, **settings) -> Counter:
    return Counter(words(table, Sample(count=MANY, n_best=MANY, **settings)))


def long_table() -> Table:
    """Random, of twelve steps: sources end at different times."""
    return Table(np.random.default_rng(3).normal(0, 1.5, (3, 12, 7, 7, 7)))


def same(one, other):
    np.testing.assert_array_equal(one.ids, other.ids)
    np.testing.assert_array_equal(one.lengths, other.lengths)
    np.testing.assert_allclose(one.scores, other.scores, rtol=1e-5)
    np.testing.assert_allclose(one.token_log_probs, other.token_log_probs, rtol=1e-5, atol=1e-6)


def rows(hypotheses, which):
    return type(hypotheses)(*(np.asarray(leaf)[which] for leaf in hypotheses))


def test_words_come_as_often_as_they_are_likely():
    counts = drawn(GARDEN_PATH)
    assert set(counts) == set(WORDS)
    chi_square = sum((counts[word] - MANY * p) ** 2 / (MANY * p) for word, p in WORDS.items())
    assert chi_square < 23.5, "of 4 degrees of freedom: once in 10,000 times"


@pytest.mark.parametrize("temperature", [0.5, 2.0])
def test_temperature_is_a_power_of_the_probabilities(temperature):
    counts, powers = drawn(LETTERS, temperature=temperature), np.array([0.5, 0.3, 0.2]) ** (1 / temperature)
    expected = MANY * powers / powers.sum()
    found = np.array([counts[letter] for letter in "abc"])
    assert np.sum((found - expected) ** 2 / expected) < 18.4, "of 2 degrees of freedom: once in 10,000 times"


def test_cold_is_greedy():
    assert words(GARDEN_PATH, Sample(temperature=1e-3)) == words(GARDEN_PATH, Greedy()) == ["cat"]
    assert words(GARDEN_PATH, Sample(top_k=1, temperature=9.0)) == ["cat"]


@pytest.mark.parametrize(
    ("settings", "left"),
    [
        ({"top_k": 2}, "ab"),
        ({"top_k": 100}, "abc"),
        ({"top_p": 0.5}, "a"),
        ({"top_p": 0.51}, "ab"),
        ({"top_p": 0.79}, "ab"),
        ({"top_p": 0.81}, "abc"),
        ({"top_p": 1.0}, "abc"),
        ({"top_p": 1e-9}, "a"),
        ({"min_p": 0.0}, "abc"),
        ({"min_p": 0.5}, "ab"),
        ({"min_p": 0.7}, "a"),
        ({"min_p": 1.0}, "a"),
        ({"top_k": 2, "top_p": 0.6}, "a"),
        ({"top_p": 0.85, "temperature": 0.5}, "ab"),
        ({"min_p": 0.5, "temperature": 0.5}, "a"),
        ({"top_p": 0.9, "min_p": 0.5}, "ab"),
        ({"top_p": 0.5, "controls": (Without(letters("a")[0]),)}, "b"),
    ],
    ids=str,
)
def test_what_is_cut_off_is_never_said_and_the_rest_is(settings, left):
    """The mass of a and b is 0.5 + 0.3; of a at temperature 0.5, 25/38, and of b 9/38."""
    assert set(drawn(LETTERS, **settings)) == set(left)


def test_of_equals_exactly_as_many_stay_as_asked_and_equally_often():
    table = {"": dict.fromkeys("abcde", 0.2)}
    counts = drawn(table, top_k=3)
    assert set(counts) == set("abc")
    assert min(counts.values()) > 0.9 * MANY / 3
    assert set(drawn(table, top_p=0.35)) == set("ab")


def test_the_best_of_many_comes_first_and_scores_are_its_log_probability():
    found = generate(Tree([GARDEN_PATH], 5), ONE, Sample(count=64, n_best=64), 5)
    scores = np.asarray(found.scores[0])
    assert (np.diff(scores) <= 0).all()
    np.testing.assert_allclose(scores, found.log_probs[0], rtol=1e-6)
    for ids, score in zip(np.asarray(found.ids[0]), scores, strict=True):
        np.testing.assert_allclose(np.exp(score), WORDS[read(ids).rstrip("_.")], rtol=1e-5)
    one = generate(Tree([GARDEN_PATH], 5), ONE, Sample(count=64), 5)
    assert read(one.ids[0, 0]) == "dog._"
    np.testing.assert_allclose(one.scores, found.scores[:, :1])


def test_controls_and_temperature_do_not_change_what_a_sample_scores():
    search = Sample(0.3, count=9, n_best=9, controls=(Without(letters("d")[0]),))
    found = generate(Tree([GARDEN_PATH], 5), ONE, search, 5)
    for ids, score in zip(np.asarray(found.ids[0]), np.asarray(found.scores[0]), strict=True):
        np.testing.assert_allclose(np.exp(score), WORDS[read(ids).rstrip("_.")], rtol=1e-5)


def test_what_was_cut_comes_after_what_ended():
    found = words(ENDLESS, Sample(count=200, n_best=200), 4)
    whole = found.index("aaaa")
    assert set(found[whole:]) == {"aaaa"}, "likelier than any that ended"
    assert 0 < whole < 200


def test_the_same_seed_says_the_same_and_another_something_else():
    first, again, other = (
        generate(long_table(), SOURCES, Sample(count=4, n_best=4, seed=seed), 12) for seed in (1, 1, 2)
    )
    same(first, again)
    assert not np.array_equal(first.ids, other.ids)


def test_equal_sources_get_equal_samples_and_samples_of_one_source_differ():
    found = generate(long_table(), SOURCES[[1, 1]], Sample(count=8, n_best=8), 12)
    np.testing.assert_array_equal(found.ids[0], found.ids[1])
    assert len({tuple(ids) for ids in np.asarray(found.ids[0]).tolist()}) > 4


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({}, marks=pytest.mark.slow),
        pytest.param({"top_p": 0.9}, marks=pytest.mark.slow),
        {"top_k": 4, "top_p": 0.9, "min_p": 0.05, "temperature": 1.3},
    ],
    ids=str,
)
def test_neither_batch_nor_padding_nor_order_nor_graph_nor_compiler_changes_a_text(settings, monkeypatch):
    monkeypatch.setattr(truncation, "_FEW", 2)  # sometimes enough
    model, search = long_table(), Sample(count=3, n_best=3, seed=5, **settings)
    sources = np.array([[1, 4], [0, 5], [2, 0]], "int32")
    together = generate(model, sources, search, 12)
    lengths = np.asarray(together.lengths).max(axis=1)
    assert lengths.min() <= 8 < lengths.max(), "some leave an open batch, and some stay"
    backwards = generate(model, sources[::-1], search, 12)
    same(rows(backwards, [2, 1, 0]), together)
    padded = generate(model, np.pad(sources, [(0, 0), (0, 3)]), search, 12)
    same(padded, together)
    for row in range(3):
        alone = generate(model, sources[row : row + 1], search, 12)
        same(alone, rows(together, [row]))
    opened = tf.function(
        lambda source: generate(model, source, search, 12), input_signature=[tf.TensorSpec([None, None], tf.int32)]
    )
    same(opened(sources), together)
    assert opened(sources[:0]).ids.shape == (0, 3, 12)
    compiled = tf.function(lambda source: generate(model, source, search, 12), jit_compile=True)
    same(compiled(tf.constant(sources)), together)


def test_the_loop_ends_with_the_last_sample():
    stepper = Tree([GARDEN_PATH], 64)
    generate(stepper, ONE, Sample(count=4), 64)
    assert stepper.steps <= 5


def test_settings_may_be_inputs_of_a_graph_traced_once():
    model, traces = long_table(), []
    real, whole = tf.TensorSpec([], tf.float32), tf.TensorSpec([], tf.int32)

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.int32), real, whole, real, real, whole])
    def run(source, temperature, top_k, top_p, min_p, seed):
        traces.append(1)
        return generate(model, source, Sample(temperature, top_k, top_p, min_p, 3, 3, seed), 12)

    for settings in [(0.7, 3, 0.8, 0.1, 4), (1.5, 100, 0.9, 0.0, 4), (1.0, 2, 1.0, 0.3, 0)]:
        same(run(SOURCES, *settings), generate(model, SOURCES, Sample(*settings[:4], 3, 3, settings[4]), 12))
    plain = generate(model, SOURCES, Sample(count=3, n_best=3), 12)
    for top_k, top_p, min_p in [(0, 1.0, 0.0), (-5, 7.0, -1.0)]:
        same(run(SOURCES, 1.0, top_k, top_p, min_p, 0), plain)
    greedy = generate(model, SOURCES, Greedy(), 12)
    for settings in [
        (0.0, 0, 1.0, 0.0),
        (-1.0, 0, 1.0, 0.0),
        (np.nan, 0, 1.0, 0.0),
        (1.0, 1, 1.0, 0.0),
        (1.0, 0, -1.0, 0.0),
        (1.0, 0, 1.0, 2.0),
        (1.0, 0, 1.0, np.nan),
    ]:
        np.testing.assert_array_equal(run(SOURCES, *settings, 0).ids[:, 0], greedy.ids[:, 0])
    assert len(traces) == 1


def test_searches_are_equal_by_their_settings_and_by_which_tensors_they_hold():
    assert Sample(0.5, count=2) == Sample(0.5, count=2) != Sample(0.6, count=2)
    assert hash(Sample(0.5)) == hash(Sample(0.5))
    one, other = tf.constant(0.5), tf.constant(0.5)
    assert Sample(one) == Sample(one) != Sample(other)
    assert len({Sample(one), Sample(one), Sample(0.5), Sample(other)}) == 3
    assert Sample() != Greedy()


def test_a_source_of_which_nothing_may_be_said_gets_empty_samples_and_the_others_theirs():
    found, whole = (
        generate(long_table(), SOURCES, Sample(count=2, n_best=2, controls=controls), 12)
        for controls in ((Mute(1),), ())
    )
    same(rows(found, [0, 2]), rows(whole, [0, 2]))
    assert np.isneginf(found.scores[1]).all()
    assert not np.any(found.lengths[1])
    assert not np.any(found.ids[1])


def test_samples_that_meet_numbers_that_are_none_are_empty_and_come_last():
    """And those of the same source that ended before, or of other sources, are as they were."""
    broken = {"": {"a": 0.4, "b": 0.6}, "b": {"c": np.nan}}
    search = Sample(count=16, n_best=16)
    found = generate(Tree([broken, GARDEN_PATH], 5), SOURCES[:2], search, 5)
    texts = [read(ids) for ids in np.asarray(found.ids[0])]
    kept = texts.count("a.___")
    assert 0 < kept < 16
    assert texts == ["a.___"] * kept + ["_____"] * (16 - kept)
    assert np.asarray(found.lengths[0]).tolist() == [2] * kept + [0] * (16 - kept)
    np.testing.assert_allclose(np.exp(found.scores[0]), [0.4] * kept + [0.0] * (16 - kept), rtol=1e-5)
    whole = generate(Tree([GARDEN_PATH, GARDEN_PATH], 5), SOURCES[:2], search, 5)
    same(rows(found, [1]), rows(whole, [1]))


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"temperature": 0}, "Greedy"),
        ({"temperature": -1.0}, "Greedy"),
        ({"temperature": float("nan")}, "temperature"),
        ({"temperature": float("inf")}, "temperature"),
        ({"temperature": None}, "temperature"),
        ({"top_k": 0}, "top_k"),
        ({"top_k": 2.5}, "top_k"),
        ({"top_p": 0.0}, "Greedy"),
        ({"top_p": 1.1}, "top_p"),
        ({"min_p": -0.1}, "min_p"),
        ({"min_p": 1.1}, "min_p"),
        ({"count": 0}, "count"),
        ({"n_best": 0}, "n_best"),
        ({"count": 2, "n_best": 3}, "n_best"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**32}, "seed"),
        ({"seed": 0.5}, "seed"),
        ({"seed": None}, "seed"),
    ],
    ids=str,
)
def test_settings_that_make_no_sense_are_refused(wrong, says):
    with pytest.raises(ValueError, match=f"must be.*{says}|{says} must be"):
        Sample(**wrong)


def test_a_tensor_that_is_no_scalar_is_refused():
    with pytest.raises(ValueError, match="temperature must be a scalar"):
        Sample(tf.constant([0.5, 0.7]))
