"""Updates as the pipelines configure them, step by step in NumPy."""

import keras
import numpy as np
import pytest

from tests import cases, oracles

STEPS = 5


def run(optimizer) -> list[np.ndarray]:
    """A weight after each step of gradients that change."""
    weight = keras.Variable(cases.ramp(3, 4))
    found = []
    for gradient in gradients():
        optimizer.apply([gradient], [weight])
        found.append(oracles.numbers(weight.value))
    return found


def gradients() -> list[np.ndarray]:
    return [cases.ramp(3, 4, scale=0.5 + step) * (-1) ** step for step in range(STEPS)]


@pytest.mark.parametrize("clip", [None, 1.0])
def test_adam_follows_its_formula(clip):
    found = run(keras.optimizers.Adam(0.01, beta_1=0.9, beta_2=0.98, epsilon=1e-9, global_clipnorm=clip))
    expected = oracles.adam(cases.ramp(3, 4), gradients(), 0.01, 0.9, 0.98, 1e-9, clip)
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("clip", [None, 1.0])
def test_rmsprop_follows_its_formula(clip):
    found = run(keras.optimizers.RMSprop(0.01, global_clipnorm=clip))
    expected = oracles.rmsprop(cases.ramp(3, 4), gradients(), 0.01, 0.9, 1e-7, clip)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_clipping_is_by_the_norm_of_all_gradients_together():
    weights = [keras.Variable(np.zeros(2, "float32")), keras.Variable(np.zeros(1, "float32"))]
    optimizer = keras.optimizers.SGD(1.0, global_clipnorm=1.0)
    optimizer.apply([np.array([3.0, 0.0], "float32"), np.array([4.0], "float32")], weights)
    np.testing.assert_allclose(weights[0].value, [-0.6, 0.0], atol=1e-6)
    np.testing.assert_allclose(weights[1].value, [-0.8], atol=1e-6)


def test_small_gradients_are_not_clipped():
    gradient = np.array([0.3, 0.4], "float64")
    np.testing.assert_array_equal(oracles.clipped(gradient, 1.0), gradient)
    weight = keras.Variable(np.zeros(2, "float32"))
    keras.optimizers.SGD(1.0, global_clipnorm=1.0).apply([gradient.astype("float32")], [weight])
    np.testing.assert_allclose(weight.value, -gradient, atol=1e-6)
