"""Models that decide together: the mean of what they say, and no more."""

import numpy as np
import pytest
import tensorflow as tf
from keras import tree

from seq2seq_keras import export
from seq2seq_keras.context import BOS, DecodeState
from seq2seq_keras.decode import Beam, Greedy, generate
from seq2seq_keras.decode.ensemble import Ensemble
from tests import cases
from tests.units.decode.spelling import ALPHABET, Tree, letters, read
from tests.units.decode.test_search import SOURCES, found, stepper
from tests.units.export.conftest import MAX_LENGTH, MAX_SOURCE, build

SURE = {"": {"c": 0.9, "b": 0.1}, "c": {"a": 1.0}, "ca": {"t": 1.0}, "b": {"e": 1.0}}
UNSURE = {"": {"b": 0.6, "c": 0.4}, "c": {"a": 1.0}, "ca": {"r": 0.7, "t": 0.3}, "b": {"e": 1.0}}
"""Together they say "cat": "c" 0.65, "t" 0.65."""
ONE = np.array([[0]], "int32")
ACROSS = [Greedy(), Beam(3, 1.0, n_best=2)]


def kinds(*names):
    return [case for case in cases.MODELS if case.name in names]


def together(*tables, weights=None):
    return Ensemble([Tree([table], 8) for table in tables], weights)


def same(one, other, atol=1e-5):
    np.testing.assert_array_equal(one.ids, other.ids)
    np.testing.assert_allclose(one.scores, other.scores, atol=atol)
    np.testing.assert_allclose(one.token_log_probs, other.token_log_probs, atol=atol)


def test_the_mean_of_their_probabilities_decides():
    hypotheses = generate(together(SURE, UNSURE), ONE, Greedy(), 8)
    assert read(hypotheses.ids[0, 0]) == "cat.____"
    np.testing.assert_allclose(np.exp(hypotheses.token_log_probs[0, 0, :4]), [0.65, 1.0, 0.65, 1.0], rtol=1e-5)


def test_a_weight_is_a_share_whatever_their_sum():
    heavy = generate(together(SURE, UNSURE, weights=(1, 3)), ONE, Greedy(), 8)
    assert read(heavy.ids[0, 0]) == "car.____"
    np.testing.assert_allclose(np.exp(heavy.token_log_probs[0, 0, :3]), [0.525, 1.0, 0.525], rtol=1e-5)


def test_what_all_forbid_stays_forbidden_and_what_one_allows_does_not():
    logits, _ = together(SURE, UNSURE).step(np.array([BOS]), together(SURE, UNSURE).init_state(ONE, 8))
    allowed = {ALPHABET[i] for i in np.flatnonzero(np.isfinite(logits[0]))}
    assert allowed == {"b", "c"}
    np.testing.assert_allclose(np.exp(logits[0, letters("b")[0]]), 0.35, rtol=1e-5)


def test_the_mean_is_that_of_numpy():
    random, weights = np.random.default_rng(3), np.array([0.2, 0.5, 0.3])
    rows = random.normal(0, 4, (3, 2, 7)).astype("float32")

    class Says:
        def __init__(self, logits):
            self.logits = logits

        def init_state(self, source, max_length):
            return DecodeState((), ())

        def step(self, ids, state):
            return self.logits, state

    ensemble = Ensemble([Says(row) for row in rows], weights)
    found, _ = ensemble.step(np.zeros(2, "int32"), ensemble.init_state(None, 1))
    each = np.exp(rows.astype("float64"))
    each /= each.sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(found, np.log(np.tensordot(weights, each, 1)), atol=1e-5)


@pytest.mark.parametrize("search", ACROSS, ids=str)
def test_one_member_is_the_member_itself(search):
    same(generate(Ensemble([stepper()]), SOURCES, search, 8), found(search)[1])


@pytest.mark.parametrize("case", kinds("lstm", "attention", "transformer"), ids=str)
@pytest.mark.parametrize("search", ACROSS, ids=str)
def test_one_model_is_the_model_itself_in_both_loops(case, search):
    model = case.build()
    cases.shake(model, 1.5)

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.int32)])
    def run(source):
        return generate(Ensemble([model]), source, search, 10)

    alone = generate(model, cases.sources(), search, 10)
    same(generate(Ensemble([model]), cases.sources(), search, 10), alone)
    same(run(cases.sources()), alone)


def test_models_of_unlike_kinds_say_the_same_in_both_loops():
    members = [case.build() for case in kinds("lstm", "attention", "transformer")]
    for place, model in enumerate(members):
        cases.shake(model, 1.5 + place)
    ensemble = Ensemble(members, (1, 2, 3))
    assert ensemble.branch is None and ensemble.lengthen is None and ensemble.alignment is None

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.int32)])
    def run(source):
        return generate(ensemble, source, Beam(3, n_best=3), 10)

    whole = generate(ensemble, cases.sources(), Beam(3, n_best=3), 10)
    same(run(cases.sources()), whole)
    same(run(cases.sources(padding=3)), whole)
    alone = [run(cases.sources()[row : row + 1]) for row in range(3)]
    for row, one in enumerate(alone):
        np.testing.assert_array_equal(one.ids[0], whole.ids[row])


def test_members_that_can_lengthen_their_states_and_say_where_they_looked_do_so():
    case = kinds("transformer")[0]
    members = [case.build(), case.build()]
    cases.shake(members[0], 1.5)
    cases.shake(members[1], 0.7)
    ensemble = Ensemble(members, (3, 1))
    state = ensemble.init_state(cases.sources(), 2)
    branched = ensemble.branch(state, 2)
    assert {cache.shape[2] for cache in tree.flatten(branched.grown)} == {4}
    assert {cache.shape[2] for cache in tree.flatten(ensemble.lengthen(branched, 5).grown)} == {10}

    _, after = ensemble.step(cases.targets()[:, 0], state)
    own = [member.step(cases.targets()[:, 0], member.init_state(cases.sources(), 2))[1] for member in members]
    expected = 0.75 * np.asarray(members[0].alignment(own[0])) + 0.25 * np.asarray(members[1].alignment(own[1]))
    np.testing.assert_allclose(ensemble.alignment(after), expected, atol=1e-6)
    search = Beam(2, coverage_penalty=0.5)
    same(generate(Ensemble(members[:1]), cases.sources(), search, 9), generate(members[0], cases.sources(), search, 9))


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A live model and its export."""
    model, source, target = build("transformer-two-vocabularies")
    model.compile("adam", "mse")
    folder = tmp_path_factory.mktemp("ensemble") / "name" / "1"
    limits = {"max_source": MAX_SOURCE, "max_length": MAX_LENGTH}
    export.write(folder, model, source, target, search=Greedy(), **limits, settings={})
    return model, export.load(folder)


def test_an_export_and_a_live_model_decide_together(exported):
    model, loaded = exported
    other = kinds("lstm-two-vocabularies")[0].build()
    cases.shake(other, 2.0)
    source, search = cases.sources(), Beam(3, n_best=2)
    expected = generate(Ensemble([model, other]), source, search, MAX_LENGTH)
    same(generate(Ensemble([loaded, other]), source, search, MAX_LENGTH), expected)

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.int32)])
    def run(source):
        return generate(Ensemble([loaded, other]), source, search, MAX_LENGTH)

    same(run(source), expected)
    same(generate(Ensemble([loaded]), source, search, MAX_LENGTH), generate(model, source, search, MAX_LENGTH))


def test_a_member_that_breaks_empties_its_row_and_no_other():
    broken = stepper()
    broken.logits[0] = np.nan
    hypotheses = generate(Ensemble([stepper(), broken]), SOURCES, Greedy(), 8)
    assert hypotheses.lengths[:, 0].numpy().tolist() == [0, *found(Greedy())[1].lengths[1:, 0].numpy()]
    assert np.isneginf(hypotheses.scores[0, 0])


@pytest.mark.parametrize(
    "members, weights, said",
    [
        ([], None, "at least one"),
        ([None, None], (1.0,), "as many as the steppers, 2, found 1"),
        ([None, None], (1.0, 0.0), "positive"),
        ([None, None], (1.0, float("nan")), "positive"),
    ],
    ids=["none", "fewer", "zero", "nan"],
)
def test_members_and_weights_that_make_no_sense_are_refused(members, weights, said):
    with pytest.raises(ValueError, match=said):
        Ensemble(members, weights)


def test_vocabularies_of_unequal_size_are_refused():
    model = kinds("lstm")[0].build()
    with pytest.raises(ValueError, match=r"one vocabulary, found vocabularies of \[30, 23\] ids"):
        generate(Ensemble([stepper(), model]), SOURCES, Greedy(), 8)
