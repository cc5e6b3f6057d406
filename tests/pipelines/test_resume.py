"""A run killed at any step and started again by the same command ends in the same weights as one never killed."""

import json
import signal
import subprocess
import sys
import time

import numpy as np

from seq2seq_keras.training import snapshots
from tests.pipelines.conftest import arguments

EPOCHS = ["--epochs", "4", "--checkpoint-every", "1", "--batch-tokens", "24", "--model", "lstm", "--depth", "1"]


def start(corpus, output) -> subprocess.Popen:
    command = arguments(corpus, output, *EPOCHS)
    return subprocess.Popen(
        [sys.executable, "-m", "pipelines", *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def kill_after(process, output, checkpoints: int, number: int) -> str:
    """Sends the signal once so many more checkpoints have been seen; returns what was printed."""
    seen, begun = set(), time.monotonic()
    before = {path.name for path in (output / "checkpoints").glob("*.npz")}
    while len(seen) < checkpoints:
        assert process.poll() is None, process.stdout.read()
        assert time.monotonic() - begun < 240
        seen |= {path.name for path in (output / "checkpoints").glob("*.npz")} - before
        time.sleep(0.002)
    process.send_signal(number)
    return process.communicate(timeout=240)[0]


def last(output):
    return snapshots.read(max((output / "checkpoints").glob("epoch-00004-*.npz"))).arrays


def test_killed_twice_and_resumed_equals_never_killed(corpus, tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    uninterrupted = start(corpus, whole)
    printed = uninterrupted.communicate(timeout=300)[0]
    assert uninterrupted.returncode == 0, printed

    first = start(corpus, killed)
    kill_after(first, killed, 3, signal.SIGKILL)
    assert first.returncode == -signal.SIGKILL
    second = start(corpus, killed)
    printed = kill_after(second, killed, 5, signal.SIGTERM)
    assert second.returncode == 143, printed
    assert "the same command resumes" in printed
    third = start(corpus, killed)
    printed = third.communicate(timeout=300)[0]
    assert third.returncode == 0, printed

    ours, theirs = last(killed), last(whole)
    assert ours.keys() == theirs.keys()
    for name, array in theirs.items():
        np.testing.assert_array_equal(ours[name], array, err_msg=name)
    histories = [json.loads((folder / "history.json").read_text()) for folder in (killed, whole)]
    figures = [[(row["loss"], row["val_loss"], row["val_bleu"]) for row in history] for history in histories]
    assert figures[0] == figures[1]
