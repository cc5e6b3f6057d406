"""A small model guesses, a large one judges: what is said is what the large one says alone."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from seq2seq_keras import models
from seq2seq_keras.context import DecodeState
from seq2seq_keras.decode import Greedy, generate
from seq2seq_keras.decode.speculative import speculative
from tests import cases
from tests.units.decode.spelling import Table, Tree, read
from tests.units.decode.test_search import ENDLESS, GARDEN_PATH, LONG, SOURCES

DOG = {"": {"d": 1.0}, "d": {"o": 1.0}, "do": {"g": 1.0}}
AHEAD = 12
"""More steps than any test takes in vain beyond the length."""


class Remembering:
    """Any stepper, with all it heard in its carry: it goes back, or takes several steps, by starting anew. Eager."""

    def __init__(self, inner, room: int):
        self.inner, self.room, self.looks = inner, room + AHEAD, 0

    def init_state(self, source, max_length):
        nothing = np.zeros((len(source), self.room), "int32")
        carry = (ops.convert_to_tensor(nothing), ops.convert_to_tensor(nothing[:, 0]))
        return DecodeState(carry, self.inner.init_state(source, self.room))

    def step(self, ids, state):
        logits, state = self.extend(ops.expand_dims(ids, 1), state)
        return logits[:, 0], state

    def extend(self, ids, state):
        self.looks += 1
        heard, position = (np.array(leaf) for leaf in state.carry)
        places = position[:, None] + np.arange(ids.shape[1])
        np.put_along_axis(heard, places, np.asarray(ids), axis=1)
        inner, every = state.fixed, []
        for now in heard.T[: places.max(initial=0) + 1]:
            logits, inner = self.inner.step(ops.convert_to_tensor(now), inner)
            every.append(np.asarray(logits))
        found = np.take_along_axis(np.stack(every, axis=1), places[..., None], axis=1)
        carry = (ops.convert_to_tensor(heard), ops.convert_to_tensor(position + np.int32(ids.shape[1])))
        return ops.convert_to_tensor(found), DecodeState(carry, state.fixed)

    def rewind(self, state, position):
        return state._replace(carry=(state.carry[0], position))


def words(found) -> list[str]:
    return [read(ids) for ids in np.asarray(found.hypotheses.ids)[:, 0]]


def large(*tables, length: int = 6) -> Remembering:
    return Remembering(Tree(list(tables), length), length)


def same(hypotheses, expected):
    np.testing.assert_array_equal(hypotheses.ids, expected.ids)
    np.testing.assert_array_equal(hypotheses.lengths, expected.lengths)
    np.testing.assert_allclose(hypotheses.scores, expected.scores, atol=2e-5)
    np.testing.assert_allclose(hypotheses.token_log_probs, expected.token_log_probs, atol=2e-5)


def test_a_draft_that_is_always_right_needs_one_look():
    found = speculative(large(GARDEN_PATH), Tree([GARDEN_PATH], 6), SOURCES[:1], 6)
    assert words(found) == ["cat.__"]
    assert found.looks.numpy().tolist() == [1]
    assert (int(found.judged[0]), int(found.accepted[0]), float(found.acceptance)) == (4, 4, 1.0)


def test_a_draft_that_is_wrong_costs_looks_and_changes_nothing():
    found = speculative(large(GARDEN_PATH), Tree([DOG], 6), SOURCES[:1], 6)
    assert words(found) == ["cat.__"]
    assert found.looks.numpy().tolist() == [4]
    # It thinks of "dog", and that "c", "ca" and "cat" are words: right the third time.
    assert (int(found.judged[0]), int(found.accepted[0]), float(found.acceptance)) == (4, 1, 0.25)


def test_every_row_goes_on_from_its_own_place():
    model = large(GARDEN_PATH, LONG, ENDLESS)
    found = speculative(model, Tree([DOG, LONG, ENDLESS], 6), SOURCES, 6, lookahead=2)
    expected = generate(Tree([GARDEN_PATH, LONG, ENDLESS], 6), SOURCES, Greedy(), 6)
    same(found.hypotheses, expected)
    assert words(found)[0] == "cat.__" and words(found)[2] == "aaaaaa"
    assert found.looks.numpy().tolist()[::2] == [4, 2], "three ids a look where the draft is right"
    assert model.looks == 1 + 4, "one to see the size of its vocabulary, and as many as the slowest row needs"


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**31), st.integers(1, 5), st.integers(1, 6), st.sampled_from([0.0, 0.5, 3.0]))
def test_the_words_are_those_of_greedy_search_whatever_the_draft(seed, lookahead, length, noise):
    random = np.random.default_rng(seed)
    table = random.normal(0, 2, (2, length + AHEAD, 7, 7, 7))
    draft = Table(table + random.normal(0, noise, table.shape))
    source = SOURCES[:2]
    found = speculative(Remembering(Table(table), length), draft, source, length, lookahead)
    same(found.hypotheses, generate(Table(table), source, Greedy(), length))
    assert (np.asarray(found.accepted) <= np.asarray(found.judged)).all()
    if not noise:
        assert float(found.acceptance) == 1.0
        np.testing.assert_array_equal(found.looks, -(-np.asarray(found.hypotheses.lengths)[:, 0] // (lookahead + 1)))


def test_a_large_model_that_breaks_empties_its_row_and_no_other():
    model = large(GARDEN_PATH, ENDLESS)
    model.inner.logits[0, model.inner.keys.index("c")] = np.nan
    found = speculative(model, Tree([GARDEN_PATH, ENDLESS], 6), SOURCES[:2], 6)
    assert words(found) == ["______", "aaaaaa"]
    assert found.hypotheses.lengths[:, 0].numpy().tolist() == [0, 6]
    assert np.isneginf(found.hypotheses.scores[0, 0]) and not np.asarray(found.hypotheses.token_log_probs[0]).any()


def test_a_draft_that_breaks_changes_nothing():
    draft = Tree([GARDEN_PATH], 6)
    draft.logits[:] = np.nan
    assert words(speculative(large(GARDEN_PATH), draft, SOURCES[:1], 6)) == ["cat.__"]


def irregular() -> keras.Model:
    """A Transformer that repeats itself late: its vectors are long, and what it reads is not what it writes."""
    model = models.transformer(cases.VOCABULARY, width=8, depth=2, heads=2, dropout=0.0, tied=False)
    random = np.random.default_rng(3)
    for weight in model.weights:
        noise = random.normal(size=weight.shape)
        if len(weight.shape) == 1:
            weight.assign(0.1 * noise + float("gamma" in weight.path))
        else:
            weight.assign(noise * (8.0 if "embedding" in weight.path else 1.5) / np.sqrt(8))
    return model


def noisy(model: keras.Model) -> keras.Model:
    draft, random = irregular(), np.random.default_rng(5)
    for weight, own in zip(draft.weights, model.weights, strict=True):
        weight.assign(own + 0.1 * random.normal(size=own.shape) * np.std(own))
    return draft


def of_another_kind(model: keras.Model) -> keras.Model:
    draft = next(case for case in cases.MODELS if case.name == "lstm").build()
    cases.shake(draft, 2.0)
    return draft


@pytest.fixture(scope="module")
def transformer():
    return irregular()


@pytest.mark.parametrize(
    "drafted, compiled",
    [(noisy, True), *(pytest.param(one, False, marks=pytest.mark.slow) for one in (noisy, of_another_kind))],
)
def test_a_transformer_says_what_it_says_alone_eagerly_and_in_a_graph(transformer, drafted, compiled):
    draft, source, length = drafted(transformer), tf.constant(cases.sources()), 14
    expected = generate(transformer, source, Greedy(), length)
    assert all(len(set(row)) > 3 for row in np.asarray(expected.ids)[:, 0].tolist())

    def run(source):
        return speculative(transformer, draft, source, length, 3)

    spec = None if compiled else [tf.TensorSpec([None, None], tf.int32)]
    graph = tf.function(run, input_signature=spec, jit_compile=compiled)
    found = graph(source)
    same(found.hypotheses, expected)
    assert drafted is not noisy or 0 < float(found.acceptance) < 1
    if not compiled:
        eager = run(source)
        same(eager.hypotheses, expected)
        np.testing.assert_array_equal(eager.looks, found.looks)
        assert graph(source[:0]).hypotheses.ids.shape == (0, 1, length)


def test_a_model_that_takes_one_step_at_a_time_is_refused_by_name():
    model = next(case for case in cases.MODELS if case.name == "lstm").build()
    with pytest.raises(ValueError, match="found lstm without extend"):
        speculative(model, model, cases.sources(), 5)
    with pytest.raises(ValueError, match="found Tree without extend"):
        speculative(Tree([DOG], 6), Tree([DOG], 6), SOURCES[:1], 5)


def test_numbers_that_make_no_sense_are_refused(transformer):
    with pytest.raises(ValueError, match="lookahead must be at least 1, found 0"):
        speculative(transformer, transformer, cases.sources(), 5, lookahead=0)
    with pytest.raises(ValueError, match="max_length must be at least 1, found 0"):
        speculative(transformer, transformer, cases.sources(), 0)


def test_vocabularies_of_unequal_size_are_refused(transformer):
    with pytest.raises(ValueError, match="one vocabulary, found 23 and 30 ids"):
        speculative(transformer, Tree([DOG], 6), SOURCES[:1], 5)
