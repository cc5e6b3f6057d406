"""k small batches that are learned from as one large batch."""

import keras
import numpy as np
import pytest

from seq2seq_keras import models, objectives, training
from seq2seq_keras.context import PAD
from seq2seq_keras.training import snapshots
from tests import cases, oracles
from tests.units.training import small
from tests.units.training.test_checkpoints import Die

LENGTHS = [(5, 3), (2, 4), (5, 5), (1, 2), (4, 4), (3, 1)]
"""Source and target lengths of the pairs; two of them are a small batch, so that their tokens differ in number."""


def batch(rows: slice):
    random = np.random.default_rng(4)
    source, target = (np.full((len(LENGTHS), 6), PAD, "int32") for _ in range(2))
    for row, (long, short) in enumerate(LENGTHS):
        source[row, :long], target[row, :short] = random.integers(4, 12, long), random.integers(4, 12, short)
    begun = np.concatenate([np.full((len(LENGTHS), 1), 2, "int32"), target[:, :-1]], axis=1)
    return {"source": source[rows], "target": begun[rows]}, target[rows]


def trained(optimizer, batches):
    """A model without dropout that has seen the batches, one after the other."""
    keras.utils.set_random_seed(3)
    model = models.transformer(12, width=8, depth=1, heads=2, dropout=0.0)
    model.compile(optimizer, objectives.CrossEntropy(0.1), run_eagerly=True)
    for rows in batches:
        model.train_on_batch(*batch(rows))
    return model


SMALL = [slice(0, 2), slice(2, 4), slice(4, 6)]
LARGE = slice(0, 6)
PRECISIONS = ("float32", "mixed_float16")


def test_a_rate_by_updates_and_clipping_of_the_mean_make_small_batches_one_large_one():
    def inner():
        # SGD: Adam would make a difference of 1e-8 one of 1e-2 where a gradient is all but zero.
        rate = keras.optimizers.schedules.PiecewiseConstantDecay([0], [0.1, 0.4])
        return keras.optimizers.SGD(rate, momentum=0.9, global_clipnorm=0.05)

    large = trained(training.GuardedOptimizer(inner()), [LARGE] * 2)
    small_ones = trained(training.GuardedOptimizer(training.Accumulated(inner(), 3)), SMALL * 2)
    assert int(small_ones.optimizer.iterations) == int(large.optimizer.iterations) == 2
    for ours, theirs in zip(small_ones.get_weights(), large.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("mean", [True, False])
def test_each_token_counts_once_or_the_sum_is_taken(mean):
    weight = keras.Variable(np.zeros(4, "float32"))
    optimizer = training.Accumulated(keras.optimizers.SGD(1.0), 3, mean=mean)
    labels = [batch(rows)[1] for rows in SMALL]
    gradients = [cases.ramp(4, scale=1.0 + step) for step in range(3)]
    for gradient, rows in zip(gradients, labels):
        np.testing.assert_array_equal(weight.value, np.zeros(4))
        optimizer.weigh(rows)
        optimizer.apply([gradient], [weight])
    counts = [int((rows != PAD).sum()) for rows in labels]
    assert len(set(counts)) > 1
    expected = np.average(gradients, axis=0, weights=counts) if mean else np.sum(gradients, axis=0)
    np.testing.assert_allclose(weight.value, -expected, rtol=1e-5)


def test_nobody_weighs_then_it_is_what_keras_has():
    plain, ours = keras.Variable(cases.ramp(3, 4)), keras.Variable(cases.ramp(3, 4))
    keras_own = keras.optimizers.Adam(0.01, gradient_accumulation_steps=2)
    accumulated = training.Accumulated(keras.optimizers.Adam(0.01), 2)
    for step in range(7):
        gradient = cases.ramp(3, 4, scale=0.5 + step) * (-1) ** step
        keras_own.apply([gradient], [plain])
        accumulated.apply([gradient], [ours])
        np.testing.assert_allclose(oracles.numbers(ours.value), oracles.numbers(plain.value), rtol=1e-6, atol=1e-7)
    assert int(accumulated.iterations) == 3 and int(accumulated.taken) == 1


def test_a_batch_that_is_no_number_is_left_out_of_its_update():
    def found(gradients):
        weight = keras.Variable(np.zeros(2, "float32"))
        optimizer = training.GuardedOptimizer(training.Accumulated(keras.optimizers.SGD(1.0), 2))
        for gradient in gradients:
            optimizer.apply([np.full(2, gradient, "float32")], [weight])
        return oracles.numbers(weight.value), int(optimizer.skipped)

    np.testing.assert_array_equal(found([1.0, np.nan, 3.0])[0], [-2.0, -2.0])
    assert found([1.0, np.nan, 3.0])[1] == 1


def accumulating(policy: str):
    model = small.compiled(policy=policy)
    inner = keras.optimizers.Adam(training.InverseSquareRoot(1e-2, warmup=4), global_clipnorm=1.0)
    optimizer = training.GuardedOptimizer(training.Accumulated(training.Averaged(inner, 0.9), 3))
    model.compile(optimizer, objectives.CrossEntropy(0.1), jit_compile=False)
    return model


@pytest.mark.filterwarnings("ignore:Your input ran out of data")
@pytest.mark.slow  # the default suite resumes adapters between the batches of an update, in test_lora.py
@pytest.mark.parametrize("policy", PRECISIONS)
def test_resuming_between_the_batches_of_an_update_is_exact(tmp_path, policy):
    made = small.examples()[0]
    whole = accumulating(policy)
    whole_run = training.Checkpoints(tmp_path / "whole", every=0)
    small.fit(whole, made, callbacks=[whole_run], epochs=2)
    with pytest.raises(RuntimeError, match="killed"):
        small.fit(accumulating(policy), made, callbacks=[training.Checkpoints(tmp_path / "killed", every=1), Die(5)])
    keras.utils.set_random_seed(99)
    model, checkpoints = accumulating(policy), training.Checkpoints(tmp_path / "killed", every=1)
    position = checkpoints.restore(model)
    assert position == (1, 1)  # five batches: one update, and two thirds of the next
    small.fit(model, made, position, [checkpoints], epochs=2)
    ours, theirs = (snapshots.read(training.files(tmp_path / name)[-1]).arrays for name in ("killed", "whole"))
    for array, (name, other) in zip(ours.values(), theirs.items(), strict=True):
        np.testing.assert_array_equal(array, other, err_msg=name)
    for one, other in zip(model.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_it_comes_back_from_its_config():
    made = training.Accumulated(training.Averaged(keras.optimizers.Adam(0.5), 0.9), 4, mean=False)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(made))
    assert (again.steps, again.mean, again.inner_optimizer.decay) == (4, False, 0.9)
    assert again.learning_rate == 0.5
    again.learning_rate = 0.25
    assert float(again.inner_optimizer.inner_optimizer.learning_rate) == 0.25


def test_no_batches_make_no_update():
    with pytest.raises(ValueError, match="steps must be at least 1, found 0"):
        training.Accumulated(keras.optimizers.SGD(1.0), 0)
