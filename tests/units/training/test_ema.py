"""Averages of the weights along the way."""

import keras
import numpy as np
import pytest

from seq2seq_keras import training
from seq2seq_keras.training import snapshots
from tests import oracles
from tests.units.training.test_checkpoints import Die

INPUTS = np.random.default_rng(1).normal(size=(8, 3)).astype("float32")
TARGETS = np.random.default_rng(2).normal(size=(8, 2)).astype("float32")
EPOCHS, STEPS = 3, 4


def test_the_average_follows_its_formula_and_training_does_not_see_it():
    plain, ours = keras.Variable(np.ones(3, "float32")), keras.Variable(np.ones(3, "float32"))
    sgd, averaged = keras.optimizers.SGD(0.5), training.Averaged(keras.optimizers.SGD(0.5), 0.3)
    expected = np.ones(3)
    for n in range(1, 8):
        gradient = np.array([1.0, -n, n % 3], "float32")
        sgd.apply([gradient], [plain])
        averaged.apply([gradient], [ours])
        decay = min(0.3, (1 + n) / (10 + n))
        expected = decay * expected + (1 - decay) * oracles.numbers(plain.value)
        np.testing.assert_array_equal(ours.value, plain.value)
    averaged.finalize_variable_values([ours])
    np.testing.assert_allclose(ours.value, expected, rtol=1e-6)


def test_before_the_first_update_the_average_is_the_weights():
    weight, optimizer = keras.Variable(np.ones(3, "float32")), training.Averaged(keras.optimizers.SGD(0.5))
    optimizer.build([weight])
    optimizer.finalize_variable_values([weight])
    np.testing.assert_array_equal(weight.value, np.ones(3))


class Look(keras.callbacks.Callback):
    """The weights, and the loss on the validation pairs, at the end of each epoch."""

    def __init__(self):
        super().__init__()
        self.seen, self.losses = [], []

    def on_epoch_end(self, epoch, logs=None):
        self.seen.append(self.model.get_weights())
        self.losses.append(logs["val_loss"])


def compiled(optimizer):
    keras.utils.set_random_seed(7)
    model = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(2)])
    model.compile(training.GuardedOptimizer(optimizer), "mse", run_eagerly=True)
    return model


def averaging():
    return compiled(training.Averaged(keras.optimizers.Adam(0.1), 0.9))


def run(model, callbacks, epoch: int = 0):
    options = {"batch_size": len(INPUTS) // STEPS, "validation_data": (INPUTS, TARGETS), "verbose": 0, "shuffle": False}
    model.fit(INPUTS, TARGETS, epochs=EPOCHS, initial_epoch=epoch, callbacks=callbacks, **options)


def parts(folder):
    """Callbacks in the order they stand in: from the averages on, what sees them, their end, what does not."""
    shown, best = training.ShowAverages(), training.Best(folder / "best.npz")
    return [shown, Look(), best, shown.end, training.Checkpoints(folder / "states", every=0, keep=9, others=[best])]


def states(folder) -> list[list[np.ndarray]]:
    """What each checkpoint holds, in order."""
    return [list(snapshots.read(path).arrays.values()) for path in training.files(folder / "states")]


def same(one, other):
    for ours, theirs in zip(one, other, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_others_see_the_average_and_training_goes_on_with_the_weights(tmp_path):
    plain, raw = compiled(keras.optimizers.Adam(0.1)), Look()
    run(plain, [raw])
    model, (shown, look, best, end, checkpoints) = averaging(), parts(tmp_path)
    run(model, [shown, look, best, end, checkpoints])
    for state, weights, averages in zip(states(tmp_path), raw.seen, look.seen, strict=True):
        same(state[: len(weights)], weights)
        assert max(np.abs(one - other).max() for one, other in zip(weights, averages)) > 1e-2
    # What validation measured is the average, and so is what fit leaves behind and what is kept as the best.
    assert model.evaluate(INPUTS, TARGETS, verbose=0) == pytest.approx(look.losses[-1], rel=1e-6)
    same(model.get_weights(), look.seen[-1])
    model.set_weights([0 * weight for weight in model.get_weights()])
    assert best.restore(model)
    same(model.get_weights(), look.seen[best.epoch])


def test_a_killed_run_resumes_exactly(tmp_path):
    whole = averaging()
    run(whole, parts(tmp_path / "whole"))
    with pytest.raises(RuntimeError, match="killed"):
        run(averaging(), [*parts(tmp_path / "killed"), Die(STEPS + 2)])
    model, callbacks = averaging(), parts(tmp_path / "killed")
    assert callbacks[-1].restore(model) == (1, 0)
    run(model, callbacks, epoch=1)
    same(states(tmp_path / "killed")[-1], states(tmp_path / "whole")[-1])
    same(model.get_weights(), whole.get_weights())


def test_keras_own_averages_are_shown_too():
    model, shown, look = compiled(keras.optimizers.Adam(0.1, use_ema=True)), training.ShowAverages(), Look()
    run(model, [shown, look, shown.end])
    same(model.get_weights(), look.seen[-1])


@pytest.mark.parametrize("decay", [-0.1, 1.0])
def test_a_decay_that_is_no_share_is_refused(decay):
    with pytest.raises(ValueError, match="decay must be at least 0 and below 1"):
        training.Averaged(keras.optimizers.SGD(0.1), decay)
