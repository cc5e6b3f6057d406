"""Rows 21 and 22: a batch whose loss is no number, in a whole run. The parts are tested in
tests/units/training/test_guarded.py and test_finite.py."""

import json

import numpy as np
import pytest
from keras import ops

from pipelines import objective
from pipelines.__main__ import main
from seq2seq_keras import objectives, tokens, training
from seq2seq_keras.serial import serializable
from seq2seq_keras.training import snapshots
from tests.pipelines.conftest import arguments, write
from tests.units.training import line

FAST = "--model lstm --depth 1 --decode-rows 0 --monitor val_loss --beam 1 --average 1".split()


@serializable
class Poisoned(objectives.CrossEntropy):
    """NaN for every batch whose labels hold `poison`; everywhere for None."""

    def __init__(self, poison: int | None):
        super().__init__(0.0)
        self.poison = poison

    def __call__(self, y_true, y_pred, sample_weight=None):
        loss = super().__call__(y_true, y_pred, sample_weight)
        bad = True if self.poison is None else ops.any(ops.equal(y_true, self.poison))
        return loss * ops.where(bad, float("nan"), 1.0)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """The corpus of the pipelines' tests, with one pair that has a letter no other has."""
    folder = write(tmp_path_factory.mktemp("corpus"))
    for side in ("source", "target"):
        with open(folder / f"train.{side}", "a") as file:
            file.write("bad pair\n")
    return folder


def test_a_poisoned_batch_is_skipped_counted_and_written_down(corpus, tmp_path, monkeypatch):
    texts = [(corpus / f"train.{side}").read_text().splitlines() for side in ("source", "target")]
    poison = tokens.learn("words", [*texts[0], *texts[1]]).pieces.index("bad")
    monkeypatch.setattr(objective, "loss", lambda *_: Poisoned(poison))
    run = tmp_path / "run"
    assert main(arguments(corpus, run, *FAST)) == 0
    history = json.loads((run / "history.json").read_text())
    assert [row["skipped_updates"] for row in history] == [1, 2]
    assert all(np.isfinite(value) for row in history for value in row.values())
    kept = sorted((run / "bad_batches").iterdir())
    assert [path.name[:11] for path in kept] == ["epoch-00000", "epoch-00001"]
    for path in kept:
        with np.load(path) as batch:
            assert "bad pair" in batch["source_text"].tolist() and "bad pair" in batch["labels_text"].tolist()
            assert batch["source"].shape[0] == batch["labels"].shape[0] == len(batch["source_text"])
    for path in training.files(run / "checkpoints"):
        arrays = snapshots.read(path).arrays
        assert all(np.isfinite(array).all() for name, array in arrays.items() if name.startswith("model"))


def test_a_run_of_poisoned_batches_ends_with_its_cause_and_the_weights_it_had(corpus, tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(objective, "loss", lambda *_: Poisoned(None))
    run = tmp_path / "run"
    assert main(arguments(corpus, run, *FAST, "--batch-tokens", "24")) == 2
    said = capfd.readouterr().err.strip().splitlines()[-1]
    assert said.startswith("error: 10 steps in a row were not finite (the last one, step 10 of epoch 1: loss nan")
    assert len(list((run / "bad_batches").iterdir())) == 10
    assert not (run / "model").exists()


def test_the_scale_of_the_loss_falls_recovers_and_survives_a_resume(tmp_path):
    def prepared(scale: float):
        model = line.compiled("mixed_float16")
        model.optimizer.dynamic_growth_steps = 5
        model.optimizer.build(model.trainable_variables)
        model.optimizer.dynamic_scale.assign(scale)
        return model

    def fit(model, epochs, *callbacks):
        callbacks = [training.RequireFinite(limit=2), *callbacks]
        model.fit(line.batches(), epochs=epochs, shuffle=False, verbose=0, callbacks=callbacks)

    too_much = 2.0**24
    model = prepared(too_much)
    first = model.get_weights()
    fit(model, 2, training.Checkpoints(tmp_path, every=0))
    found = float(model.optimizer.dynamic_scale)
    assert found < too_much / 16
    assert int(training.guard(model).skipped) == 0  # finding the scale is no fault
    assert 0 < int(model.optimizer.iterations) < 2 * line.ROWS
    for ours, theirs in zip(model.get_weights(), first):
        assert np.isfinite(ours).all() and not np.array_equal(ours, theirs)

    again = prepared(1.0)
    training.Checkpoints(tmp_path).restore(again)
    assert float(again.optimizer.dynamic_scale) == found
    assert int(again.optimizer.step_counter) == int(model.optimizer.step_counter)

    low = prepared(2.0)
    fit(low, 1)
    assert float(low.optimizer.dynamic_scale) == 8.0  # twice in 12 steps
