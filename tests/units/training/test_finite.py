"""Batches that are no numbers: kept out of weights and figures, written down, and too many in a row are the end."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from seq2seq_keras import training
from tests.units.training.line import ROWS, batches, compiled

BAD = {3, 4, 8}


class Record(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.steps, self.epochs = [], []

    def on_train_batch_end(self, batch, logs=None):
        self.steps.append(dict(logs))

    def on_epoch_end(self, epoch, logs=None):
        self.epochs.append(dict(logs))


def fitted(data, policy="float32", epochs=1, **how):
    model, record = compiled(policy), Record()
    model.fit(data, epochs=epochs, shuffle=False, verbose=0, callbacks=[training.RequireFinite(**how), record])
    return model, record


@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
def test_a_run_with_bad_batches_is_one_without_them(policy):
    told = []
    model, record = fitted(batches(BAD), policy, keep=lambda *place: told.append(place))
    clean, expected = fitted(batches(keep=set(range(ROWS)) - BAD), policy)
    for ours, theirs in zip(model.get_weights(), clean.get_weights()):
        np.testing.assert_array_equal(ours, theirs)
    assert record.epochs[0] == expected.epochs[0] | {"skipped_updates": 3}
    assert told == [(0, step) for step in sorted(BAD)]
    assert [step for step, logs in enumerate(record.steps) if step and logs == record.steps[step - 1]] == sorted(BAD)
    assert int(training.guard(model).skipped_in_a_row) == 0


def test_a_first_batch_that_is_bad_spoils_no_figure():
    _, record = fitted(batches({0}), epochs=2)
    _, expected = fitted(batches(keep=set(range(1, ROWS))), epochs=2)
    assert record.steps[0] == {"loss": 0.0, "mae": 0.0}
    for found, wanted, skipped in zip(record.epochs, expected.epochs, (1, 2)):
        assert found == wanted | {"skipped_updates": skipped}


@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
def test_too_many_in_a_row_end_training_with_the_weights_before_them(policy):
    told, model = [], compiled(policy)
    guarded = training.RequireFinite(limit=3, keep=lambda *place: told.append(place), step=20)
    with pytest.raises(training.Diverged, match="3 steps in a row were not finite .*step 28 of epoch 1: loss nan"):
        model.fit(batches({2, 5, 6, 7, 9}), shuffle=False, verbose=0, callbacks=[guarded])
    clean, _ = fitted(batches(keep={0, 1, 3, 4}), policy)
    for ours, theirs in zip(model.get_weights(), clean.get_weights()):
        np.testing.assert_array_equal(ours, theirs)
    assert told == [(0, step) for step in (22, 25, 26, 27)]  # counted from where the run was resumed


def test_a_row_goes_on_after_a_resume():
    model = compiled()
    model.optimizer.build(model.trainable_variables)
    model.optimizer.skipped_in_a_row.assign(2)
    with pytest.raises(training.Diverged):
        model.fit(batches({0}), shuffle=False, verbose=0, callbacks=[training.RequireFinite(limit=3)])


def test_a_loss_scale_that_falls_and_falls_is_told():
    model = compiled("mixed_float16")
    model.optimizer.build(model.trainable_variables)
    model.optimizer.dynamic_scale.assign(4.0)
    huge = batches().map(lambda inputs, labels: (inputs, labels + 1e6))
    with pytest.raises(training.Diverged, match="2 steps in a row .*step 4 of"):
        model.fit(huge, shuffle=False, verbose=0, callbacks=[training.RequireFinite(limit=2)])
    model.fit(batches(), shuffle=False, verbose=0, callbacks=[training.RequireFinite(limit=3)])
    assert float(model.optimizer.dynamic_scale) == 0.25  # low, but it does not fall


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_without_a_guard_the_first_loss_that_is_no_number_ends_training_with_advice(loss):
    with pytest.raises(training.Diverged, match="learning rate"):
        training.RequireFinite().on_train_batch_end(3, {"loss": loss})


def test_a_limit_that_is_none_is_refused():
    with pytest.raises(ValueError, match="limit must be at least 1, found 0"):
        training.RequireFinite(limit=0)


def test_bad_batches_are_written_with_their_texts_and_no_more_than_asked_for(tmp_path):
    def batches(epoch, step):
        yield {"source": tf.constant([[5, epoch]]), "target": tf.constant([[1, step]])}, tf.constant([[step, 3]])

    bad = training.BadBatches(tmp_path / "bad", batches, {"source": lambda ids: [f"says {ids.tolist()}"]}, most=2)
    for step in (7, 7, 8, 9):
        bad(2, step)
    names = sorted(path.name for path in (tmp_path / "bad").iterdir())
    assert names == ["epoch-00002-step-0000007.npz", "epoch-00002-step-0000008.npz"]
    with np.load(tmp_path / "bad" / names[0]) as found:
        assert found["source"].tolist() == [[5, 2]] and found["target"].tolist() == [[1, 7]]
        assert found["labels"].tolist() == [[7, 3]] and found["source_text"].tolist() == ["says [[5, 2]]"]
