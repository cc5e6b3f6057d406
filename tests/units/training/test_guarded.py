"""The optimizer that refuses what is not a number."""

import keras
import numpy as np
import pytest

from seq2seq_keras import training
from seq2seq_keras.training import state
from tests import cases, oracles
from tests.units.training import small

BAD = [float("nan"), float("inf"), -float("inf")]


def gradients(step: int) -> list[np.ndarray]:
    return [cases.ramp(3, 4, scale=0.5 + step) * (-1) ** step, cases.ramp(2, scale=1.0 + step)]


def variables() -> list[keras.Variable]:
    return [keras.Variable(cases.ramp(3, 4)), keras.Variable(cases.ramp(2))]


def values(found) -> list[np.ndarray]:
    return [oracles.numbers(variable.value) for variable in found]


@pytest.mark.parametrize("clip", [None, 1.0, 1e6])
@pytest.mark.parametrize("kind", [keras.optimizers.Adam, keras.optimizers.RMSprop, keras.optimizers.SGD])
def test_finite_steps_are_those_of_the_optimizer_inside(kind, clip):
    plain, guarded = kind(0.01, global_clipnorm=clip), training.GuardedOptimizer(kind(0.01), clip)
    ours, theirs = variables(), variables()
    for step in range(4):
        guarded.apply(gradients(step), ours)
        plain.apply(gradients(step), theirs)
    for one, other in zip(values(ours), values(theirs)):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-7)
    assert int(guarded.iterations) == 4 and int(guarded.skipped) == 0


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("inside_a_graph", [False, True])
def test_a_gradient_that_is_no_number_moves_nothing_but_the_counts(bad, inside_a_graph):
    import tensorflow as tf

    optimizer, weights = training.GuardedOptimizer(keras.optimizers.Adam(0.01), clip=1.0), variables()
    optimizer.build(weights)

    def apply(*grads):
        optimizer.apply(list(grads), weights)

    apply = tf.function(apply) if inside_a_graph else apply
    apply(*gradients(0))
    before, inner = values(weights), values(optimizer.inner_optimizer.variables)
    poisoned = gradients(1)
    poisoned[1][0] = bad
    apply(*poisoned)
    apply(*poisoned)
    for one, other in zip(values(weights) + values(optimizer.inner_optimizer.variables), before + inner):
        np.testing.assert_array_equal(one, other)
    assert (int(optimizer.iterations), int(optimizer.skipped), int(optimizer.skipped_in_a_row)) == (1, 2, 2)
    assert not np.isfinite(float(optimizer.gradient_norm))
    apply(*gradients(2))
    assert (int(optimizer.iterations), int(optimizer.skipped), int(optimizer.skipped_in_a_row)) == (2, 2, 0)


def test_skipped_steps_leave_no_trace_in_those_that_follow():
    with_bad, without = (training.GuardedOptimizer(keras.optimizers.Adam(0.01), clip=1.0) for _ in range(2))
    ours, theirs = variables(), variables()
    for step in range(4):
        with_bad.apply([np.full((3, 4), np.nan, "float32"), np.zeros(2, "float32")], ours)
        with_bad.apply(gradients(step), ours)
        without.apply(gradients(step), theirs)
    for one, other in zip(values(ours), values(theirs)):
        np.testing.assert_array_equal(one, other)


def test_the_norm_is_of_all_gradients_before_clipping():
    optimizer = training.GuardedOptimizer(keras.optimizers.SGD(1.0), clip=1.0)
    weights = [keras.Variable(np.zeros(2, "float32")), keras.Variable(np.zeros(1, "float32"))]
    optimizer.apply([np.array([3.0, 0.0], "float32"), np.array([4.0], "float32")], weights)
    assert float(optimizer.gradient_norm) == pytest.approx(5.0)
    np.testing.assert_allclose(weights[0].value, [-0.6, 0.0], atol=1e-6)
    np.testing.assert_allclose(weights[1].value, [-0.8], atol=1e-6)


def test_a_row_looked_up_twice_counts_with_the_sum_of_its_gradients():
    import tensorflow as tf

    optimizer, table = training.GuardedOptimizer(keras.optimizers.SGD(1.0)), keras.Variable(np.zeros((3, 2), "float32"))
    twice = tf.IndexedSlices(tf.constant([[3.0, 0.0], [0.0, 4.0]]), tf.constant([1, 1]), tf.constant([3, 2]))
    optimizer.apply([twice], [table])
    assert float(optimizer.gradient_norm) == pytest.approx(5.0)
    np.testing.assert_allclose(table.value, [[0, 0], [-3, -4], [0, 0]])


def test_a_variable_without_gradient_stays():
    optimizer, weights = training.GuardedOptimizer(keras.optimizers.SGD(1.0), clip=1.0), variables()
    with pytest.warns(UserWarning, match="Gradients do not exist"):
        optimizer.apply([None, gradients(0)[1]], weights)
    np.testing.assert_array_equal(weights[0].value, cases.ramp(3, 4))
    assert not np.allclose(weights[1].value, cases.ramp(2))


def test_rate_and_averages_are_those_of_the_optimizer_inside():
    inner = keras.optimizers.SGD(0.5, use_ema=True, ema_momentum=0.5)
    optimizer, weight = training.GuardedOptimizer(inner), keras.Variable(np.zeros(1, "float32"))
    optimizer.learning_rate = 0.25
    assert float(inner.learning_rate) == float(optimizer.learning_rate) == 0.25
    optimizer.apply([np.array([4.0], "float32")], [weight])
    np.testing.assert_allclose(weight.value, [-1.0])
    optimizer.apply([np.array([4.0], "float32")], [weight])
    optimizer.finalize_variable_values([weight])
    np.testing.assert_allclose(weight.value, [-1.5])  # the mean of the values after both steps


def test_it_is_made_again_from_its_config():
    optimizer = training.GuardedOptimizer(keras.optimizers.Adam(training.InverseSquareRoot(0.1, 3), beta_2=0.98), 2.0)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(optimizer))
    assert type(again) is training.GuardedOptimizer and again.clip == 2.0
    assert again.inner_optimizer.get_config() == optimizer.inner_optimizer.get_config()


@pytest.mark.parametrize(
    "inner,clip,message",
    [
        (keras.optimizers.SGD, 0.0, "clip must be positive"),
        (lambda: keras.optimizers.SGD(clipnorm=1.0), 1.0, "clipped in one place"),
        (lambda: keras.optimizers.SGD(loss_scale_factor=8.0), None, "LossScaleOptimizer"),
    ],
)
def test_what_cannot_go_together_is_refused(inner, clip, message):
    with pytest.raises(ValueError, match=message):
        training.GuardedOptimizer(inner(), clip)


@pytest.mark.parametrize("policy", ["float32", pytest.param("mixed_float16", marks=pytest.mark.slow)])
def test_the_guard_of_a_model_is_found_and_its_counts_are_part_of_its_state(policy):
    made, first, second = small.examples()[0], small.compiled(policy=policy), small.compiled(policy=policy)
    small.fit(first, made, epochs=1)
    found = training.guard(first)
    found.skipped.assign(3)
    state.set_training_state(second, state.training_state(first))
    assert int(training.guard(second).skipped) == 3
    assert float(training.guard(second).gradient_norm) == float(found.gradient_norm) > 0


def test_a_model_without_guard_has_none():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    assert training.guard(model) is None
