"""Row 18: the disk is full. What was there stays whole, the message names the file, and the run goes on once there is
room. On a real file system of a few kilobytes, where this process may mount one."""

import errno
import json
import os
from pathlib import Path

import keras
import numpy as np
import pytest

from pipelines.__main__ import main
from seq2seq_keras import training
from seq2seq_keras.errors import InputError
from seq2seq_keras.training import snapshots, tensorboard
from tests.faults.lives import end, life
from tests.pipelines.conftest import arguments
from tests.units.training import line

BIG = "64m"
SHARES = (0.1, 0.25, 0.4, 0.55, 0.7, 0.85)
"""Of what a run writes: the disk is full in another file each time."""


def fill(folder: Path) -> Path:
    """Leaves no byte."""
    ballast = folder / "ballast"
    with open(ballast, "wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 1024)
        except OSError as error:
            assert error.errno == errno.ENOSPC
    return ballast


def fitted(folder: Path, epochs: int):
    model, checkpoints = line.compiled(), training.Checkpoints(folder, every=5)
    epoch, step = checkpoints.restore(model)
    assert not step
    model.fit(line.batches(), epochs=epochs, initial_epoch=epoch, shuffle=False, verbose=0, callbacks=[checkpoints])
    return model


def test_a_checkpoint_that_finds_no_room_leaves_those_before_and_training_goes_on_later(disk, tmp_path):
    folder = disk("256k") / "checkpoints"
    fitted(folder, epochs=1)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    ballast = fill(folder.parent)
    with pytest.raises(InputError, match=r"epoch-\d+-step-\d+.npz.*No space left on device"):
        fitted(folder, epochs=3)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    ballast.unlink()
    for path in training.files(folder)[:-1]:
        assert snapshots.read(path)
    for ours, theirs in zip(fitted(folder, 3).get_weights(), fitted(tmp_path / "whole", 3).get_weights()):
        np.testing.assert_array_equal(ours, theirs)


@pytest.fixture(scope="module")
def whole(corpus, tmp_path_factory):
    """A run with room enough, and the bytes it takes on a disk."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    assert end(life(main, arguments(corpus, folder, "--checkpoint-every", "2"))) == 0
    return folder, sum(4096 + path.stat().st_size // 4096 * 4096 for path in folder.rglob("*"))


def answer(command: list[str], report: Path) -> int:
    """What a command says at its end, and its code: any error but a user's is a traceback."""
    os.close(1), os.close(2)
    with open(report, "w") as file:
        os.dup2(file.fileno(), 1), os.dup2(file.fileno(), 2)
        return main(command)


@pytest.mark.slow
@pytest.mark.parametrize("share", SHARES)
def test_a_run_on_a_disk_that_fills_up_ends_in_one_line_and_goes_on_when_there_is_room(
    corpus, whole, disk, tmp_path, share
):
    finished, size = whole
    run = disk(f"{int(size * share) // 1024}k") / "run"
    command = arguments(corpus, run, "--checkpoint-every", "2")
    code = end(life(answer, command, tmp_path / "said"))
    said = (tmp_path / "said").read_text().strip().splitlines()
    assert code == 2 and said[-1].startswith("error: ") and str(run) in said[-1], (code, said[-12:])
    assert not any("Traceback" in text for text in said)
    for path in training.files(run / "checkpoints"):
        snapshots.read(path)
    for path in run.glob("*.json"):
        json.loads(path.read_text())
    disk(BIG)
    assert end(life(answer, command, tmp_path / "said")) == 0, (tmp_path / "said").read_text()
    ours, theirs = (snapshots.read(training.files(at / "checkpoints")[-1]).arrays for at in (run, finished))
    for name, array in theirs.items():
        np.testing.assert_array_equal(ours[name], array, err_msg=name)
    assert (run / "model" / "model.keras").exists()


def test_logs_that_find_no_room_are_told_in_one_line(disk):
    logs = disk("64k") / "logs"
    model, board = line.compiled(), training.TensorBoard(logs, [tensorboard.Scalars(every=1)])
    full = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, _: fill(logs.parent))
    with pytest.raises(InputError, match="logs: cannot be written .No space left on device.. Make room") as told:
        model.fit(line.batches(), epochs=40, shuffle=False, verbose=0, callbacks=[full, board])
    assert "\n" not in str(told.value)
    (logs.parent / "ballast").unlink()
    board.close()
