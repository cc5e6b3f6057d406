import os
import signal
import warnings

import keras
import numpy as np
import pytest

from seq2seq_keras import data, training
from seq2seq_keras.errors import InputError
from tests.units.training import small

pytestmark = pytest.mark.filterwarnings("ignore:Your input ran out of data")


class Die(keras.callbacks.Callback):
    """Ends the process's fit as a kill would: nothing of ours runs after it."""

    def __init__(self, steps: int):
        super().__init__()
        self.left = steps

    def on_train_batch_end(self, batch, logs=None):
        self.left -= 1
        if self.left == 0:
            raise RuntimeError("killed")


class Send(keras.callbacks.Callback):
    """A signal before a step of the first epoch."""

    def __init__(self, number: int, step: int):
        super().__init__()
        self.number, self.step = number, step

    def on_train_batch_begin(self, batch, logs=None):
        if batch == self.step:
            os.kill(os.getpid(), self.number)


class Record(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.rows = {}

    def on_epoch_end(self, epoch, logs=None):
        self.rows[epoch] = dict(logs)


@pytest.fixture(scope="module")
def made():
    return small.examples()[0]


@pytest.fixture(scope="module")
def steps(made):
    return len(data.plan(made, small.BUDGET, 2))


@pytest.fixture(scope="module")
def uninterrupted(made):
    model, record = small.compiled(), Record()
    small.fit(model, made, callbacks=[record])
    return model.get_weights(), record.rows


@pytest.mark.parametrize(
    "killed_after", [pytest.param(1, marks=pytest.mark.slow), 4, 5, pytest.param(7, marks=pytest.mark.slow)]
)
def test_a_killed_and_resumed_run_equals_one_never_killed(made, steps, uninterrupted, tmp_path, killed_after):
    assert steps == 4  # so that 4 is the end of an epoch and the others are not
    with pytest.raises(RuntimeError, match="killed"):
        small.fit(small.compiled(), made, callbacks=[training.Checkpoints(tmp_path, every=1), Die(killed_after)])

    keras.utils.set_random_seed(99)
    model, record, checkpoints = small.compiled(), Record(), training.Checkpoints(tmp_path, every=1)
    position = checkpoints.restore(model)
    # The last step of an epoch is saved with the end of the epoch, which was not reached when killed after 4.
    assert position == ((0, 3) if killed_after == 4 else divmod(killed_after, steps))
    small.fit(model, made, position, [record, checkpoints])
    for ours, theirs in zip(model.get_weights(), uninterrupted[0], strict=True):
        np.testing.assert_array_equal(ours, theirs)
    for epoch in range(position.epoch, small.EPOCHS):
        assert record.rows[epoch] == uninterrupted[1][epoch]


def test_resuming_often_changes_nothing(made, uninterrupted, tmp_path):
    for _ in range(20):
        model, checkpoints = small.compiled(), training.Checkpoints(tmp_path, every=2)
        position = checkpoints.restore(model)
        try:
            small.fit(model, made, position, [checkpoints, Die(3)])
            break
        except RuntimeError:
            continue
    for ours, theirs in zip(model.get_weights(), uninterrupted[0], strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_damaged_checkpoint_is_named_and_the_one_before_is_taken(made, tmp_path):
    small.fit(small.compiled(), made, callbacks=[training.Checkpoints(tmp_path, every=0)])
    newest = training.files(tmp_path)[-1]
    newest.write_bytes(newest.read_bytes()[:-100])
    with pytest.warns(UserWarning, match=newest.name):
        assert training.Checkpoints(tmp_path).restore(small.compiled()) == (2, 0)


def test_nothing_but_damaged_checkpoints_is_an_error_that_names_them(made, tmp_path):
    small.fit(small.compiled(), made, callbacks=[training.Checkpoints(tmp_path, every=0)])
    for path in training.files(tmp_path):
        path.write_bytes(path.read_bytes()[:200])
    with warnings.catch_warnings(), pytest.raises(InputError, match="epoch-00003.*cut short"):
        warnings.simplefilter("ignore")
        training.Checkpoints(tmp_path).restore(small.compiled())


@pytest.mark.parametrize("other", [{"width": 16}, {"size": 13}, {"family": "attention"}], ids=str)
def test_a_checkpoint_of_another_model_is_refused_and_changes_nothing(made, tmp_path, other):
    small.fit(small.compiled(), made, callbacks=[training.Checkpoints(tmp_path, every=0)], epochs=1)
    model = small.compiled(**other)
    before = model.get_weights()
    with pytest.raises(InputError, match="does not fit this model"):
        training.Checkpoints(tmp_path).restore(model)
    for ours, theirs in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_another_number_of_callbacks_is_refused_and_changes_nothing(made, tmp_path):
    small.fit(small.compiled(), made, callbacks=[training.Checkpoints(tmp_path, every=0)], epochs=1)
    model = small.compiled()
    before = model.get_weights()
    best = training.Best(tmp_path / "best.npz", monitor="loss")
    with pytest.raises(InputError, match="state of 0 other callbacks; expected 1"):
        training.Checkpoints(tmp_path, others=[best]).restore(model)
    for ours, theirs in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)


RECIPES = {
    "attention": {"family": "attention"},
    "transformer-rmsprop": {"family": "transformer", "optimizer": keras.optimizers.RMSprop},
    "lstm-float16": {"family": "lstm", "policy": "mixed_float16"},
}


@pytest.mark.parametrize(
    "recipe",
    [pytest.param(how, id=name, marks=[pytest.mark.slow] * (name != "lstm-float16")) for name, how in RECIPES.items()],
)
def test_every_family_optimizer_and_precision_resumes_exactly(made, tmp_path, recipe):
    whole = small.compiled(**recipe)
    small.fit(whole, made, epochs=2)
    with pytest.raises(RuntimeError, match="killed"):
        small.fit(small.compiled(**recipe), made, callbacks=[training.Checkpoints(tmp_path, every=1), Die(6)], epochs=2)
    keras.utils.set_random_seed(99)
    model, checkpoints = small.compiled(**recipe), training.Checkpoints(tmp_path, every=1)
    position = checkpoints.restore(model)
    assert position == (1, 2)
    small.fit(model, made, position, [checkpoints], epochs=2)
    for ours, theirs in zip(model.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


class Stop(keras.callbacks.Callback):
    """Ends training after a step of the first epoch, as a deadline does."""

    def on_train_batch_end(self, batch, logs=None):
        self.model.stop_training = batch == 1


def test_an_epoch_that_was_stopped_is_kept_with_what_came_of_its_end(made, uninterrupted, tmp_path):
    def callbacks():
        best = training.Best(tmp_path / "best.npz", monitor="loss")
        return best, training.Checkpoints(tmp_path / "checkpoints", every=0, others=[best])

    best, checkpoints = callbacks()
    small.fit(small.compiled(), made, callbacks=[Stop(), best, checkpoints])
    assert np.isfinite(best.value)
    again, checkpoints = callbacks()
    model = small.compiled()
    position = checkpoints.restore(model)
    assert position == (0, 2)
    assert again.value == best.value
    small.fit(model, made, position, [again, checkpoints])
    for ours, theirs in zip(model.get_weights(), uninterrupted[0], strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_no_checkpoint_is_the_begin(tmp_path):
    assert training.Checkpoints(tmp_path / "none").restore(small.compiled()) == (0, 0)


@pytest.mark.parametrize("number,step,place", [(signal.SIGTERM, 1, (0, 2)), (signal.SIGINT, 3, (1, 0))])
def test_a_signal_ends_the_step_saves_and_tells(made, tmp_path, number, step, place):
    before = signal.getsignal(number)
    with pytest.raises(training.Interrupted) as stopped:
        small.fit(small.compiled(), made, callbacks=[Send(number, step), training.Checkpoints(tmp_path, every=0)])
    assert stopped.value.code == 128 + number
    assert signal.getsignal(number) is before
    assert training.Checkpoints(tmp_path).restore(small.compiled()) == place


def test_old_checkpoints_go_and_the_newest_stay(made, tmp_path):
    small.fit(small.compiled(), made, callbacks=[training.Checkpoints(tmp_path, every=1, keep=2)])
    kept = [path.name for path in training.files(tmp_path)]
    assert kept == ["epoch-00002-step-0000000.npz", "epoch-00002-step-0000003.npz", "epoch-00003-step-0000000.npz"]
    assert len(training.files(tmp_path, whole_epochs=True)) == 2


def test_a_full_disk_is_told_and_the_checkpoints_there_stay(made, tmp_path, monkeypatch):
    small.fit(small.compiled(), made, callbacks=[training.Checkpoints(tmp_path, every=0)], epochs=1)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match="No space left"):
        small.fit(small.compiled(), made, callbacks=[training.Checkpoints(tmp_path, every=1)])
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_weights_that_are_not_numbers_are_never_saved(made, tmp_path):
    model = small.compiled()
    weights = model.get_weights()
    weights[0][0, 0] = np.nan
    model.set_weights(weights)
    with pytest.raises(training.Diverged, match="not finite"):
        small.fit(model, made, callbacks=[training.Checkpoints(tmp_path, every=1)])
    assert not training.files(tmp_path)


def test_an_epoch_cut_short_is_resumed_inside(made, tmp_path):
    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = batch == 1

    small.fit(small.compiled(), made, callbacks=[Stop(), training.Checkpoints(tmp_path, every=0)])
    assert training.Checkpoints(tmp_path).restore(small.compiled()) == (0, 2)
