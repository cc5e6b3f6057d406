"""The cost of looking twice at one place."""

import keras
import numpy as np

from seq2seq_keras.objectives import CoverageLoss, CrossEntropy
from tests import cases, oracles

WEIGHTS = oracles.softmax(cases.ramp(3, 5, 6, scale=2.0)).astype("float32")
LENGTHS = [5, 2, 1]
REAL = np.arange(5) < np.array(LENGTHS)[:, None]


def test_the_loss_is_the_papers_formula_over_real_steps():
    layer, outputs = CoverageLoss(0.5), cases.ramp(3, 5, 8)
    np.testing.assert_array_equal(layer(outputs, WEIGHTS, REAL, training=True), outputs)
    np.testing.assert_allclose(layer.losses, [0.5 * oracles.coverage(WEIGHTS.astype("float64"), LENGTHS)], rtol=1e-6)


def test_who_never_looks_twice_at_one_place_pays_nothing():
    layer = CoverageLoss()
    layer(cases.ramp(1, 6, 8), np.eye(6, dtype="float32")[None], np.ones((1, 6), bool), training=True)
    np.testing.assert_allclose(layer.losses, [0.0], atol=1e-7)


def test_evaluation_knows_nothing_of_it():
    layer = CoverageLoss()
    layer(cases.ramp(3, 5, 8), WEIGHTS, REAL)
    assert not layer.losses


def test_a_model_pays_for_it_in_training_alone():
    model = cases.pointer_generator(coverage_loss=0.7)
    model.compile(keras.optimizers.SGD(0.0), CrossEntropy(), run_eagerly=True)
    inputs, labels = {"source": cases.sources(), "target": cases.targets()}, np.roll(cases.targets(), -1, 1)
    looked = np.array(model.attention(cases.sources(), cases.targets()), "float64")
    extra = model.train_on_batch(inputs, labels) - model.test_on_batch(inputs, labels)
    np.testing.assert_allclose(extra, 0.7 * oracles.coverage(looked, [5, 5, 5]), rtol=1e-3)
