"""Rows 42 and 43: neither where a program runs, nor when, nor by how many threads its input is made changes a byte."""

import io
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from pipelines import exits
from pipelines.__main__ import main
from seq2seq_keras import data, training
from seq2seq_keras.training import snapshots
from tests.faults.test_kill import quick
from tests.pipelines.conftest import arguments
from tests.units.training import small

ROOT = Path(__file__).parents[2]
PLACES = {
    "ascii": {"LC_ALL": "C", "LANG": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
    "no home": {"HOME": None, "KERAS_HOME": None, "XDG_CACHE_HOME": None},
    "a home that cannot be written": {"HOME": "/proc/1"},
}


@pytest.fixture(scope="module")
def made():
    return small.examples()[0]


def weights(made, threads: int | None = None) -> list:
    model, batches = quick(8), data.batch(made, small.BUDGET, seed=2)
    if threads:
        options = tf.data.Options()
        options.threading.private_threadpool_size = threads
        batches = batches.with_options(options)
    model.fit(batches, epochs=2, verbose=0, shuffle=False)
    return model.get_weights()


@pytest.mark.parametrize("threads", [(None, None), (1, 2)], ids=["twice", "one and two threads"])
def test_the_same_seed_gives_the_same_weights(made, threads):
    for ours, theirs in zip(*(weights(made, number) for number in threads)):
        np.testing.assert_array_equal(ours, theirs)


def test_a_clock_that_jumps_changes_no_weight(made, tmp_path, monkeypatch):
    def run(folder):
        model = quick(8)
        throughput = training.Throughput()
        small.fit(model, made, callbacks=[throughput, training.Checkpoints(folder, every=2)], epochs=2)
        return model.get_weights(), throughput.rate

    steady, _ = run(tmp_path / "steady")
    moment = iter(range(10**9, 0, -3600))  # an hour back, each time that anybody looks
    monkeypatch.setattr(time, "time", lambda: float(next(moment)))
    jumping, rate = run(tmp_path / "jumping")
    for ours, theirs in zip(steady, jumping):
        np.testing.assert_array_equal(ours, theirs)
    assert rate > 0
    for one, other in zip(*(training.files(tmp_path / name) for name in ("steady", "jumping")), strict=True):
        assert one.name == other.name


def test_texts_are_said_in_utf_8_whatever_the_locale(monkeypatch):
    said = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stderr", said)
    assert main(["translate", "--größe", "8"]) == exits.MISTAKE
    said.flush()
    assert "größe" in said.buffer.getvalue().decode("utf-8")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus")
    for name, count in (("train", 40), ("valid", 8)):
        texts = [f"Größe {number} \N{SNOWMAN}\u2028\U0001f600" for number in range(count)]
        for side in ("source", "target"):
            (folder / f"{name}.{side}").write_bytes("\n".join(texts).encode() + b"\n")
    return folder


def commands(corpus: Path, folder: Path, changes: dict) -> list[bytes]:
    """What a run and its translations come to: bytes."""
    there = {name: value for name, value in {**os.environ, **changes}.items() if value is not None}

    def call(*words, text: bytes = b"") -> bytes:
        command = [sys.executable, "-m", "pipelines", *map(str, words)]
        done = subprocess.run(command, cwd=ROOT, env=there, input=text, capture_output=True)
        assert done.returncode == 0, done.stderr.decode()[-2000:]
        return done.stdout

    run = folder / "run"
    call(*arguments(corpus, run, "--model", "lstm", "--depth", "1", "--tokens.kind", "bytes"))
    sources = (corpus / "valid.source").read_bytes()
    said = call("generate", f"--model={run}", text=sources)
    pairs = [f"--source={corpus / 'valid.source'}", f"--reference={corpus / 'valid.target'}"]
    call("evaluate", f"--run={run}", *pairs)
    call("export", f"--run={run}", f"--to={folder / 'export' / '1'}")
    exported = call("generate", f"--model={folder / 'export' / '1'}", text=sources)
    arrays = snapshots.read(training.files(run / "checkpoints")[-1]).arrays
    vocabulary = [path.read_bytes() for path in sorted((run / "source").iterdir())]
    return [said, exported, *vocabulary, *(array.tobytes() for array in arrays.values())]


@pytest.fixture(scope="module")
def usual(corpus, tmp_path_factory):
    return commands(corpus, tmp_path_factory.mktemp("usual"), {"LC_ALL": "C.UTF-8"})


@pytest.mark.slow
@pytest.mark.parametrize("place", PLACES)
def test_every_command_gives_the_same_bytes_anywhere(corpus, usual, tmp_path, place):
    assert commands(corpus, tmp_path, PLACES[place]) == usual
