"""Rows 12 and 13: `kill -9` at any step, and in the middle of writing a checkpoint. The run that goes on ends in the
weights of one that nobody killed, bit for bit."""

import json
import os
import random
import signal
import time
from pathlib import Path

import keras
import numpy as np
import pytest

from pipelines.__main__ import main
from seq2seq_keras import objectives, training
from seq2seq_keras.training import snapshots
from tests.faults.lives import await_, end, life
from tests.pipelines.conftest import arguments
from tests.units.training import small

POINTS = 20
WRITES = 50
EPOCHS = ["--epochs", "2", "--checkpoint-every", "1", "--batch-tokens", "24", "--model", "lstm", "--depth", "1"]
WIDE = 20_000
"""So that writing a checkpoint takes long enough to be hit."""


def trained(folder: Path) -> tuple[dict, list]:
    """What a whole run ends in: the last checkpoint, and the figures of every epoch."""
    arrays = snapshots.read(training.files(folder / "checkpoints")[-1]).arrays
    history = json.loads((folder / "history.json").read_text())
    return arrays, [(row["loss"], row["val_loss"], row["val_bleu"]) for row in history]


def same(ours: dict, theirs: dict) -> None:
    assert ours.keys() == theirs.keys()
    for name, array in theirs.items():
        np.testing.assert_array_equal(ours[name], array, err_msg=name)


@pytest.fixture(scope="module")
def whole(corpus, tmp_path_factory):
    """A run that nobody killed, and the checkpoints that it wrote on its way."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    process, seen = life(main, arguments(corpus, folder, *EPOCHS)), set()

    def done():
        seen.update(path.name for path in training.files(folder / "checkpoints"))
        return False

    await_(done, process, 0.0005)
    assert end(process) == 0
    return trained(folder), len(seen)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(POINTS))
def test_a_run_killed_at_a_random_step_ends_in_the_same_weights(corpus, whole, tmp_path, seed):
    chance, folder, seen = random.Random(seed), tmp_path / "run", set()
    (expected, figures), count = whole
    point = chance.randrange(1, count)

    def reached():
        seen.update(path.name for path in training.files(folder / "checkpoints"))
        return len(seen) >= point

    process = life(main, arguments(corpus, folder, *EPOCHS))
    assert await_(reached, process)
    time.sleep(chance.uniform(0.0, 0.02))
    os.kill(process.pid, signal.SIGKILL)
    assert end(process) == -signal.SIGKILL
    assert end(life(main, arguments(corpus, folder, *EPOCHS))) == 0
    found, told = trained(folder)
    same(found, expected)
    assert told == figures
    assert not list(folder.rglob(f"*{snapshots.UNFINISHED}"))
    assert [path.name for path in folder.rglob(".*")] == [".lock"]


def quick(width: int = WIDE) -> keras.Model:
    """A model that is made in no time, has much to write, and draws random numbers."""
    keras.utils.set_random_seed(5)
    source, target = (keras.Input((None,), dtype="int32", name=name) for name in ("source", "target"))
    heard = keras.layers.Dropout(0.3)(keras.layers.Embedding(12, width)(target))
    model = keras.Model({"source": source, "target": target}, keras.layers.Dense(12)(heard))
    optimizer = training.GuardedOptimizer(keras.optimizers.Adam(1e-3), clip=1.0)
    model.compile(optimizer, objectives.CrossEntropy(0.1), metrics=[training.TokenCount()], jit_compile=False)
    return model


def learn(folder: Path) -> int:
    """A run of the library alone, which writes its state after every step."""
    made, model = small.examples()[0], quick()
    checkpoints = training.Checkpoints(folder, every=1)
    position = checkpoints.restore(model)
    small.fit(model, made, position, [checkpoints], epochs=_EPOCHS)
    return 0


_EPOCHS = 2 + WRITES // 2  # a life makes at most two whole steps, of four in an epoch


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Your input ran out of data")
def test_a_run_killed_fifty_times_while_it_writes_ends_in_the_same_weights(tmp_path):
    chance, folder, hit = random.Random(1), tmp_path / "killed", 0
    assert end(life(learn, tmp_path / "whole")) == 0
    took = _seconds_of_a_write(tmp_path / "whole")

    def writing():
        return any(name.endswith(snapshots.UNFINISHED) for name in os.listdir(folder)) if folder.exists() else False

    for number in range(WRITES):
        process = life(learn, folder)
        for _ in range(chance.randrange(1, 4)):  # the first, second or third write of this life
            assert await_(lambda: not writing(), process, 0.0002) and await_(writing, process, 0.0002), (
                f"after {number} kills"
            )
        time.sleep(chance.uniform(0.0, took))
        before = training.files(folder)
        os.kill(process.pid, signal.SIGKILL)
        assert end(process) == -signal.SIGKILL
        hit += writing()
        # The newest is whole, and at most the step whose state was being written is lost.
        if before:
            assert training.files(folder)[-1] >= before[-1]
            snapshots.read(training.files(folder)[-1])
    assert end(life(learn, folder)) == 0
    assert not writing()
    same(*(snapshots.read(training.files(place)[-1]).arrays for place in (folder, tmp_path / "whole")))
    assert hit >= WRITES // 2, f"only {hit} of {WRITES} kills fell into a write"


def _seconds_of_a_write(folder: Path) -> float:
    found, begun = snapshots.read(training.files(folder)[-1]), time.monotonic()
    snapshots.write(folder / "timed.npz", found.arrays, found.facts)
    return time.monotonic() - begun


class Killed(BaseException):
    """Nothing of ours runs after it: no handler catches it but that of the test."""


MOMENTS = ["write", "flush", "fsync", "replace", "synced"]


@pytest.mark.parametrize("moment", MOMENTS)
def test_death_at_any_moment_of_a_write_leaves_the_old_file_or_the_new_one(tmp_path, monkeypatch, moment):
    path, old, new = (
        tmp_path / "epoch-00000-step-0000001.npz",
        {"model/0000/a": np.zeros(9)},
        {"model/0000/a": np.ones(9)},
    )
    snapshots.write(path, old, {})
    place = {
        "write": (snapshots, "_write_zip"),
        "flush": (snapshots, "_seal"),
        "fsync": (snapshots.os, "fsync"),
        "replace": (snapshots.os, "replace"),
        "synced": (snapshots, "_sync_folder"),
    }[moment]

    def die(*_):
        raise Killed

    monkeypatch.setattr(*place, die)
    with pytest.raises(Killed):
        snapshots.write(path, new, {})
    monkeypatch.undo()
    same(snapshots.read(path).arrays, new if moment == "synced" else old)
    assert training.files(tmp_path) == [path]  # what is unfinished is not taken for a checkpoint
    checkpoints = training.Checkpoints(tmp_path)
    checkpoints.on_train_begin()
    checkpoints.close()
    assert list(tmp_path.iterdir()) == [path]  # and goes at the next start
