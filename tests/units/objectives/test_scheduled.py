import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from seq2seq_keras import decode
from seq2seq_keras.attention import AdditiveAttention
from seq2seq_keras.bridges import CopyStates, KeepMemory
from seq2seq_keras.context import BOS, EOS, PAD, UNK
from seq2seq_keras.decoders import AttentiveDecoder, RecurrentDecoder, TransformerDecoder
from seq2seq_keras.embed import TokenTable
from seq2seq_keras.encoders import RecurrentEncoder, TransformerEncoder
from seq2seq_keras.models import Seq2Seq
from seq2seq_keras.objectives import Constant, CrossEntropy, Linear, RDrop, ScheduledSampling
from seq2seq_keras.objectives.own_words import in_one_pass, step_by_step
from tests import cases, oracles

PARTS = {
    "lstm": lambda dropout: (
        RecurrentEncoder("lstm", 8),
        CopyStates(),
        RecurrentDecoder("lstm", 8, dropout=dropout),
    ),
    "attention": lambda dropout: (
        RecurrentEncoder("gru", 8),
        KeepMemory(CopyStates()),
        AttentiveDecoder("gru", 8, AdditiveAttention(6), dropout=dropout),
    ),
    "transformer": lambda dropout: (
        TransformerEncoder(8, depth=1, heads=2, inner=16),
        KeepMemory(),
        TransformerDecoder(8, depth=1, heads=2, inner=16, dropout=dropout),
    ),
}


def batch(length: int = 5) -> dict:
    target = cases.targets(length)
    target[1, -2:] = PAD
    return {"source": cases.sources(), "target": target}


def compiled(family: str, loss, policy: str = "float32", dropout: float = 0.0, **how):
    keras.config.set_dtype_policy(policy)
    keras.utils.set_random_seed(3)
    model = Seq2Seq(TokenTable(cases.VOCABULARY, 8, tied=False), *PARTS[family](dropout))
    model.set_weights([3 * weight if weight.dtype.kind == "f" else weight for weight in model.get_weights()])
    model.compile(keras.optimizers.SGD(0.1), loss, jit_compile=False, **how)
    return model


def likeliest(logits, places):
    return np.argmax(logits, axis=-1).astype("int32")


def speakable(logits) -> np.ndarray:
    return np.where(np.isin(np.arange(cases.VOCABULARY), [PAD, BOS]), -np.inf, logits)


def sampling(share: float, **options) -> ScheduledSampling:
    return ScheduledSampling(CrossEntropy(), Constant(share), **options)


@pytest.mark.parametrize("family", ["attention", "transformer"])
def test_free_running_feeds_what_greedy_search_says(family):
    model, x = compiled(family, sampling(0.0, way="steps")), batch()
    said = np.array(decode.generate(model, x["source"], decode.Greedy(), 4).ids)[:, 0]
    fed = np.array(model.loss.inputs(model, x)["target"])
    np.testing.assert_array_equal(fed[:, 0], BOS)
    for row in range(3):
        ends = min([4, *np.flatnonzero(said[row] == EOS) + 1])
        real = x["target"][row, 1 : 1 + ends] != PAD
        np.testing.assert_array_equal(fed[row, 1 : 1 + ends][real], said[row, :ends][real])


def test_steps_go_on_from_what_was_fed_and_a_pass_from_the_truth():
    model, x = compiled("lstm", sampling(0.5)), batch()
    keep = np.array([[1, 1, 0, 0, 1], [1, 0, 0, 1, 1], [1, 0, 0, 0, 0]], "bool")
    stepped, passed = (np.array(way(model, x, keep, likeliest)) for way in (step_by_step, in_one_pass))
    for fed, before in ((stepped, stepped), (passed, x["target"])):
        said = likeliest(speakable(model({"source": x["source"], "target": before})), None)
        own = np.concatenate([x["target"][:, :1], said[:, :-1]], axis=1)
        np.testing.assert_array_equal(fed, np.where(keep | (x["target"] == PAD), x["target"], own))
    assert (stepped != passed).any()


@pytest.mark.parametrize("way", ["steps", "pass"])
def test_padding_and_begin_are_fed_where_they_were_and_nowhere_else(way):
    model, x = compiled("lstm", sampling(0.0, way=way)), batch()
    model.set_weights([np.zeros_like(weight) for weight in model.get_weights()])
    # All logits are equal, so that the likeliest id would be PAD.
    expected = np.where((x["target"] == PAD) | (x["target"] == BOS), x["target"], UNK)
    np.testing.assert_array_equal(model.loss.inputs(model, x)["target"], expected)


def test_the_share_of_true_words_is_the_schedule_s():
    model = compiled("lstm", sampling(0.3))
    x = {"source": np.tile(cases.sources(), (100, 1)), "target": np.tile(cases.targets(20), (100, 1))}
    model.loss.way = "pass"
    own = likeliest(speakable(model(x)), None)[:, :-1]
    differ = own != x["target"][:, 1:]
    fed = np.array(model.loss.inputs(model, x)["target"])[:, 1:]
    kept = (fed == x["target"][:, 1:])[differ]
    assert kept.size > 4000
    np.testing.assert_allclose(kept.mean(), 0.3, atol=0.03)


def test_what_is_fed_depends_on_seed_and_step_only():
    model, other, x = compiled("lstm", sampling(0.5)), sampling(0.5, seed=1), batch(20)

    def fed(loss, step):
        model.optimizer.iterations.assign(step)
        return np.array(loss.inputs(model, x)["target"])

    first = fed(model.loss, 3)
    assert (fed(model.loss, 4) != first).any()
    assert (fed(other, 3) != first).any()
    np.testing.assert_array_equal(fed(model.loss, 3), first)


def test_words_are_drawn_as_often_as_they_are_likely():
    logits = cases.ramp(5, scale=2)
    choose = sampling(0.0, sample=True)._drawn((2000, 3), 7)
    drawn = np.array([choose(np.tile(logits, (2000, 1)), place) for place in range(3)])
    found = np.bincount(drawn.ravel(), minlength=5) / drawn.size
    np.testing.assert_allclose(found, oracles.softmax(logits.astype("float64")), atol=0.02)


def test_a_schedule_at_one_is_teacher_forcing_to_the_bit():
    x, weights = batch(), []
    for loss in (CrossEntropy(0.1), ScheduledSampling(CrossEntropy(0.1), Linear(0.5), steps_per_epoch=9)):
        model = compiled("lstm", loss, dropout=0.5, run_eagerly=True)
        for _ in range(2):
            model.train_on_batch(x, x["target"])
        weights.append(model.get_weights())
    for ours, theirs in zip(*weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_training_step_is_one_of_the_loss_on_the_words_fed():
    x = batch()
    model = compiled("attention", sampling(0.4), run_eagerly=True)
    plain = compiled("attention", CrossEntropy(), run_eagerly=True)
    fed = model.loss.inputs(model, x)
    assert (np.array(fed["target"]) != x["target"]).any()
    model.train_on_batch(x, x["target"])
    plain.train_on_batch({name: np.array(ids) for name, ids in fed.items()}, x["target"])
    for ours, theirs in zip(model.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_gradients_are_those_of_a_loop_that_feeds_itself():
    model, x = compiled("lstm", sampling(0.4)), batch()
    fed, labels = model.loss.inputs(model, x), np.roll(x["target"], -1, axis=1)
    with tf.GradientTape() as tape:
        loss = CrossEntropy()(labels, model(fed))
    found = tape.gradient(loss, model.trainable_weights)

    own = 0
    with tf.GradientTape() as tape:
        state, said = model.init_state(x["source"], 5), []
        for time in range(5):
            ids = np.array(fed["target"])[:, time]
            for row in np.flatnonzero(ids != x["target"][:, time]):
                assert ids[row] == np.argmax(speakable(said[-1])[row])
                own += 1
            logits, state = model.step(ids, state)
            said.append(logits)
        loss = CrossEntropy()(labels, tf.stack(said, axis=1))
    assert own > 3
    for ours, theirs in zip(found, tape.gradient(loss, model.trainable_weights), strict=True):
        np.testing.assert_allclose(tf.convert_to_tensor(ours), tf.convert_to_tensor(theirs), atol=1e-5)


@pytest.mark.parametrize("family,way", [("attention", "steps"), ("transformer", "pass")])
def test_a_graph_of_any_shape_feeds_what_eager_code_does(family, way):
    model, x = compiled(family, sampling(0.4, way=way)), batch()
    shapes = {name: tf.TensorSpec((None, None), "int32") for name in x}
    graph = tf.function(lambda x: model.loss.inputs(model, x), input_signature=[shapes])
    for step in (0, 5):
        model.optimizer.iterations.assign(step)
        np.testing.assert_array_equal(graph(x)["target"], model.loss.inputs(model, x)["target"])


@pytest.mark.parametrize("policy,sample", [("mixed_bfloat16", False), ("mixed_float16", True)])
def test_both_ways_feed_words_in_every_precision(policy, sample):
    model = compiled("attention", sampling(0.0, sample=sample), policy)
    for way in ("steps", "pass"):
        model.loss.way = way
        fed = np.array(model.loss.inputs(model, batch())["target"])
        assert fed.dtype == "int32" and (fed >= 0).all() and (fed < cases.VOCABULARY).all()


def test_evaluation_is_the_loss_under_teacher_forcing():
    model, x = compiled("lstm", sampling(0.0), run_eagerly=True), batch()
    found = model.evaluate(x, x["target"], verbose=0)
    np.testing.assert_allclose(found, CrossEntropy()(x["target"], model(x)), rtol=1e-5)


def test_the_way_is_by_whether_a_decoder_looks_at_all_earlier_steps():
    for family, way in (("lstm", step_by_step), ("attention", step_by_step), ("transformer", in_one_pass)):
        assert sampling(0.0)._way_of(compiled(family, CrossEntropy())) is way
        assert sampling(0.0, way="pass")._way_of(None) is in_one_pass


def test_the_passes_of_r_drop_are_fed_the_same_words():
    model, x = compiled("lstm", ScheduledSampling(RDrop(CrossEntropy()), Constant(0.0)), dropout=0.5), batch()
    first = model(x, training=True)
    assert tuple(model.loss.predictions(model, x, first).shape) == (3, 2, 5, cases.VOCABULARY)
    assert sampling(0.0).predictions(model, x, first) is first


def test_epochs_are_counted_in_steps():
    loss = ScheduledSampling(CrossEntropy(), Linear(0.25), steps_per_epoch=10)
    assert [float(loss.share(step)) for step in (0, 9, 10, 29, 40, 99)] == [1.0, 1.0, 0.75, 0.5, 0.0, 0.0]
    assert float(ScheduledSampling(CrossEntropy(), Linear(0.25)).share(3)) == 0.25


def test_config_round_trip():
    loss = ScheduledSampling(CrossEntropy(0.2, "sum"), Linear(0.1, 0.5), 7, way="pass", sample=True, seed=4)
    again = keras.losses.deserialize(json.loads(json.dumps(keras.losses.serialize(loss))))
    assert again.loss.smoothing == 0.2 and again.reduction == "sum"
    for name in ("schedule", "steps_per_epoch", "way", "sample", "seed"):
        assert getattr(again, name) == getattr(loss, name)


@pytest.mark.parametrize(
    "options,message", [({"way": "x"}, "way must be one of"), ({"steps_per_epoch": 0}, "1 or more")]
)
def test_senseless_settings_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        sampling(0.5, **options)
