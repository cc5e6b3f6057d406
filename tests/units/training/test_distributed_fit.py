"""On one device `fit_together` is Keras' `fit`, bit for bit: callbacks, validation, stops, signals, exact resume."""

import os
import signal

import keras
import numpy as np
import pytest
import tensorflow as tf

from seq2seq_keras import data, training
from tests.units.training import small


@pytest.fixture(scope="module")
def team():
    return training.Workers(tf.distribute.MirroredStrategy(["CPU:0"]))


@pytest.fixture(scope="module")
def made():
    return small.examples()[0]


class Calls(keras.callbacks.Callback):
    """Writes down what it is told, and stops in the second epoch."""

    def __init__(self):
        super().__init__()
        self.told = []

    def on_epoch_begin(self, epoch, logs=None):
        self.told.append(("epoch", epoch, self.params["steps"], self.params["epochs"]))

    def on_train_batch_begin(self, batch, logs=None):
        self.told.append(("begin", batch))

    def on_train_batch_end(self, batch, logs=None):
        self.told.append(("end", batch, dict(logs)))
        self.model.stop_training = ("epoch ends", 0) in [one[:2] for one in self.told] and batch == 2

    def on_epoch_end(self, epoch, logs=None):
        self.told.append(("epoch ends", epoch, dict(logs)))

    def on_test_begin(self, logs=None):
        self.told.append(("validation",))

    def on_test_end(self, logs=None):
        self.told.append(("validation ends",))

    def on_train_end(self, logs=None):
        self.told.append(("over",))


def together(model, made, team, position=(0, 0), callbacks=(), epochs=small.EPOCHS, validation=None):
    epoch, step = position
    train = data.batch(made, small.BUDGET, seed=2, epoch=epoch, step=step)
    return training.fit_together(model, train, team, epochs, epoch, validation, callbacks)


def test_callbacks_see_what_they_see_in_fit_and_weights_are_the_same_bits(team, made):
    plain, shared = small.compiled(), small.compiled()
    seen, ours = Calls(), Calls()
    validation = data.batch(made, small.BUDGET, shuffle=False)
    train = data.batch(made, small.BUDGET, seed=2)
    plain.fit(train, epochs=3, validation_data=validation, callbacks=[seen], verbose=0, shuffle=False)
    together(shared, made, team, callbacks=[ours], validation=validation)
    assert len(seen.told) > 5
    for theirs, own in zip(seen.told, ours.told, strict=True):
        assert theirs[:2] == own[:2]
        if isinstance(theirs[-1], dict):
            assert theirs[-1].keys() == own[-1].keys()
            for name in theirs[-1]:
                assert theirs[-1][name] == pytest.approx(own[-1][name], rel=1e-6), name
    for weight, other in zip(plain.get_weights(), shared.get_weights()):
        np.testing.assert_array_equal(weight, other)


class Signal(keras.callbacks.Callback):
    """Sends this process a signal after a step."""

    def __init__(self, epoch: int, step: int):
        super().__init__()
        self.place = [epoch, step]

    def on_train_batch_end(self, batch, logs=None):
        if [self._epoch, batch] == self.place:
            os.kill(os.getpid(), signal.SIGTERM)

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch


@pytest.mark.parametrize("place", ["inside", pytest.param("last step", marks=pytest.mark.slow)])
def test_a_signal_saves_and_the_resumed_run_is_exact(team, made, tmp_path, place):
    whole = small.compiled()
    together(whole, made, team)
    steps = int(data.batch(made, small.BUDGET, seed=2).cardinality())
    killed, before = small.compiled(), signal.getsignal(signal.SIGTERM)
    stops = Signal(1, 1 if place == "inside" else steps - 1)
    saved = training.Checkpoints(tmp_path, every=0)
    with pytest.raises(training.Interrupted) as told:
        together(killed, made, team, callbacks=[stops, saved])
    saved.close()
    assert told.value.code == 143
    assert signal.getsignal(signal.SIGTERM) is before
    resumed, saved = small.compiled(), training.Checkpoints(tmp_path, every=0)
    position = saved.restore(resumed)
    assert position == (training.Position(1, 3) if place == "inside" else training.Position(2, 0))
    together(resumed, made, team, position, [saved])
    for weight, other in zip(whole.get_weights(), resumed.get_weights()):
        np.testing.assert_array_equal(weight, other)


def test_a_loss_that_is_no_mean_over_tokens_is_refused(team, made):
    model = small.compiled()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="sum_over_batch_size")
    model.compile(keras.optimizers.SGD(), loss)
    with pytest.raises(ValueError, match="found 'sum_over_batch_size'"):
        together(model, made, team)


def test_devices_come_before_anything_else(team):
    with pytest.raises(ValueError, match="before TensorFlow does anything"):
        training.Workers.devices(2)
