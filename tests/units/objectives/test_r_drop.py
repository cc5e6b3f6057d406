import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from seq2seq_keras import models
from seq2seq_keras.objectives import CrossEntropy, RDrop
from tests import cases, oracles

LABELS = np.array([[5, 2, 6, 3], [4, 3, 0, 0]], "int32")
FIRST, SECOND = cases.ramp(2, 4, 7, scale=3), cases.ramp(4, 2, 7, scale=2).reshape(2, 4, 7)


def compiled(dropout: float, policy: str = "float32"):
    keras.config.set_dtype_policy(policy)
    model = models.transformer(cases.VOCABULARY, width=8, depth=1, heads=2, dropout=dropout)
    model.compile(keras.optimizers.SGD(0.1), RDrop(CrossEntropy(0.1)), run_eagerly=True)
    return model


def batch(length: int = 5):
    inputs = {"source": cases.sources(), "target": cases.targets(length)}
    return inputs, np.roll(inputs["target"], -1, axis=1)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_loss_is_the_mean_cross_entropy_and_the_symmetric_divergence(reduction):
    loss = RDrop(CrossEntropy(0.1, reduction), alpha=3.0)(LABELS, np.stack([FIRST, SECOND], axis=1))
    total, count = oracles.r_drop(LABELS, FIRST, SECOND, 0.1, alpha=3.0)
    np.testing.assert_allclose(loss, total / count if reduction == "mean" else total, rtol=1e-5)


def test_gradient_is_that_of_the_formula_by_small_differences():
    both = tf.constant(np.stack([FIRST, SECOND], axis=1))
    with tf.GradientTape() as tape:
        tape.watch(both)
        loss = RDrop(CrossEntropy(0.1, "sum"), alpha=3.0)(LABELS, both)
    found = tape.gradient(loss, both).numpy()
    for which, place in ((0, (0, 1, 2)), (1, (0, 3, 6)), (0, (1, 0, 4)), (1, (1, 3, 3))):
        sides = []
        for small in (1e-5, -1e-5):
            moved = [FIRST.astype("float64"), SECOND.astype("float64")]
            moved[which][place] += small
            sides.append(oracles.r_drop(LABELS, *moved, 0.1, alpha=3.0)[0])
        np.testing.assert_allclose(found[place[0], which, *place[1:]], (sides[0] - sides[1]) / 2e-5, atol=1e-4)


def test_equal_passes_leave_the_loss_alone():
    loss = CrossEntropy(0.1)
    np.testing.assert_allclose(RDrop(loss)(LABELS, np.stack([FIRST, FIRST], axis=1)), loss(LABELS, FIRST), rtol=1e-6)


def test_evaluation_is_the_loss_of_one_pass():
    model, (inputs, labels) = compiled(dropout=0.5), batch()
    expected = CrossEntropy(0.1)(labels, model(inputs, training=False))
    np.testing.assert_allclose(model.evaluate(inputs, labels, verbose=0), expected, rtol=1e-5)


def test_training_without_dropout_is_that_of_the_loss_alone():
    model, (inputs, labels) = compiled(dropout=0.0), batch()
    plain = compiled(dropout=0.0)
    plain.set_weights(model.get_weights())
    plain.compile(keras.optimizers.SGD(0.1), CrossEntropy(0.1), run_eagerly=True)
    for one in (model, plain):
        one.train_on_batch(inputs, labels)
    for ours, theirs in zip(model.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16", "mixed_float16"])
def test_the_passes_drop_other_units_in_every_precision(policy):
    model, (inputs, labels) = compiled(0.5, policy), batch()
    first = model(inputs, training=True)
    both = np.array(model.loss.predictions(model, inputs, first))
    assert both.shape == (3, 2, 5, cases.VOCABULARY)
    np.testing.assert_array_equal(both[:, 0], first)
    assert np.abs(both[:, 0] - both[:, 1]).max() > 0.01
    assert np.isfinite(model.compute_loss(inputs, labels, first))


def test_config_round_trip():
    config = json.loads(json.dumps(keras.losses.serialize(RDrop(CrossEntropy(0.2, "sum"), alpha=2.0))))
    again = keras.losses.deserialize(config)
    assert (again.alpha, again.reduction, again.loss.smoothing) == (2.0, "sum", 0.2)


def test_a_negative_alpha_is_refused():
    with pytest.raises(ValueError, match="alpha must be 0 or more, found -1"):
        RDrop(CrossEntropy(), alpha=-1)
