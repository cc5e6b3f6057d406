import time

import keras
import numpy as np
import pytest

from pipelines import runs, watch


@pytest.fixture
def model():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.0), "mse", jit_compile=False)
    return model


def test_training_ends_after_the_step_in_which_the_time_runs_out(model):
    budget = watch.Budget(1.0, time.monotonic() - 1)
    history = model.fit(np.ones((8, 1)), np.ones((8, 1)), batch_size=2, epochs=3, verbose=0, callbacks=[budget])
    assert budget.spent >= 1 and len(history.epoch) == 1
    assert int(model.optimizer.iterations) == 1


def test_the_rate_rises_by_updates_and_ends_with_the_time(model, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(watch.time, "monotonic", lambda: clock[0])
    anneal, rates = watch.Anneal(peak=1.0, warmup=4, budget=watch.Budget(100.0, 0.0)), []
    anneal.set_model(model)
    anneal.on_train_begin()
    for updates, moment in enumerate((0, 0, 0, 0, 50, 100, 200)):
        clock[0] = moment
        model.optimizer.iterations.assign(updates)
        anneal.on_train_batch_begin(0)
        rates.append(float(model.optimizer.learning_rate))
    np.testing.assert_allclose(rates, [0.25, 0.5, 0.75, 1.0, 0.505, 0.01, 0.01], rtol=1e-5)


def test_a_resumed_run_has_the_time_and_the_rate_that_are_left(model, monkeypatch):
    clock = [1_000.0]
    monkeypatch.setattr(watch.time, "monotonic", lambda: clock[0])
    first = watch.Budget(100.0, 990.0)
    clock[0] = 1_040.0
    kept = first.get_state()
    clock[0] = 5_000.0  # stopped for a while, on a machine that counts from elsewhere
    resumed = watch.Budget(100.0, 5_000.0)
    resumed.set_state(kept)
    assert resumed.spent == pytest.approx(0.5)
    model.optimizer.iterations.assign(3)
    anneal = watch.Anneal(peak=1.0, warmup=4, budget=resumed)
    anneal.set_model(model)
    anneal.on_train_begin()
    anneal.on_train_batch_begin(0)
    assert float(model.optimizer.learning_rate) == pytest.approx(0.505)


def test_history_tells_the_time_of_training_steps_apart_and_a_resumed_run_goes_on_with_it(monkeypatch, tmp_path):
    clock = [0.0]
    monkeypatch.setattr(watch.time, "monotonic", lambda: clock[0])

    def epoch(number, budget, history):
        history.on_epoch_begin(number)
        for _ in range(2):
            clock[0] += 7.0  # waiting for data, saving
            budget.on_train_batch_begin(0)
            clock[0] += 1.5
            budget.on_train_batch_end(0)
        clock[0] += 30.0  # validation
        history.on_epoch_end(number, {})

    first = watch.Budget(1e9, 0.0)
    history = watch.KeepHistory(tmp_path / "history.json", first)
    epoch(0, first, history)
    kept = first.get_state()
    epoch(1, first, history)  # lost: the run is stopped and goes on from what was kept
    resumed = watch.Budget(1e9, 0.0)
    resumed.set_state(kept)
    again = watch.KeepHistory(tmp_path / "history.json", resumed, epoch=1)
    again.on_train_begin()
    epoch(1, resumed, again)
    assert [row["train_seconds"] for row in again.rows] == [3.0, 3.0]
    assert [row["seconds"] for row in again.rows] == [47.0, 47.0]


def test_history_of_a_resumed_run_replaces_what_is_done_again(tmp_path):
    first = watch.KeepHistory(tmp_path / "history.json", watch.Budget(100.0, 0.0))
    for epoch in range(3):
        first.on_epoch_begin(epoch)
        first.on_epoch_end(epoch, {"loss": float(epoch)})
    again = watch.KeepHistory(tmp_path / "history.json", watch.Budget(100.0, 0.0), epoch=2)
    assert len(again.rows) == 3  # were there nothing to train, nothing would be lost
    again.on_train_begin()
    again.on_epoch_begin(2)
    again.on_epoch_end(2, {"loss": 9.0})
    assert [(row["epoch"], row["loss"]) for row in runs.read_json(tmp_path / "history.json")] == [
        (1, 0),
        (2, 1),
        (3, 9),
    ]
