"""Rows 14 and 15: a signal between two steps is tests/units/training/test_checkpoints.py's; here it comes while the
state is being written."""

import os
import signal

import pytest

from seq2seq_keras import training
from seq2seq_keras.training import snapshots
from tests.units.training import small


@pytest.fixture(scope="module")
def made():
    return small.examples()[0]


@pytest.fixture(scope="module")
def model():
    return small.compiled()


def during_the_save(monkeypatch, number: int, times: int) -> list:
    """Sends a signal from inside each write, before anything is on the disk for sure."""
    sync, seen = os.fsync, []

    def send(descriptor):
        seen.append(descriptor)
        for _ in range(times):
            os.kill(os.getpid(), number)
        sync(descriptor)

    monkeypatch.setattr(snapshots.os, "fsync", send)
    return seen


@pytest.mark.parametrize("times", [1, 2])
def test_sigterm_during_a_save_and_again_tears_no_file(model, made, tmp_path, monkeypatch, times):
    before, seen = signal.getsignal(signal.SIGTERM), during_the_save(monkeypatch, signal.SIGTERM, times)
    with pytest.raises(training.Interrupted) as stopped:
        small.fit(model, made, callbacks=[training.Checkpoints(tmp_path, every=2)])
    assert stopped.value.code == 143 and seen
    # The write in which it came, after step 2, and that of the step in which it was noticed.
    found = [snapshots.read(path).facts for path in training.files(tmp_path)]
    assert [(facts["epoch"], facts["step"]) for facts in found] == [(0, 2), (0, 3)]
    assert not list(tmp_path.glob(f"*{snapshots.UNFINISHED}"))
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_second_control_c_during_a_save_leaves_the_checkpoint_before(model, made, tmp_path, monkeypatch):
    small.fit(model, made, callbacks=[training.Checkpoints(tmp_path, every=0)], epochs=1)
    (before,) = training.files(tmp_path)
    content = before.read_bytes()
    during_the_save(monkeypatch, signal.SIGINT, 2)
    checkpoints = training.Checkpoints(tmp_path, every=1)
    with pytest.raises(KeyboardInterrupt):
        small.fit(model, made, callbacks=[checkpoints], epochs=1)
    checkpoints.close()
    monkeypatch.undo()
    assert training.files(tmp_path) == [before] and before.read_bytes() == content
    assert list(tmp_path.glob(f"*{snapshots.UNFINISHED}"))
    small.fit(model, made, callbacks=[training.Checkpoints(tmp_path, every=0)], epochs=1)
    assert not list(tmp_path.glob(f"*{snapshots.UNFINISHED}"))
