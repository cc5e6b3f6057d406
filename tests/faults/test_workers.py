"""Rows 24 to 26, and 14 for several: a worker that is killed, stopped, told to end, or not there. The others end by
themselves, and the run that goes on ends in the weights of one that nobody disturbed, bit for bit."""

import json
import os
import random
import signal
import socket
import time
from pathlib import Path

import numpy as np
import pytest

from pipelines import exits
from pipelines.__main__ import main
from seq2seq_keras import training
from seq2seq_keras.training import snapshots
from tests.faults.lives import await_, end, life
from tests.pipelines.conftest import arguments
from tests.pipelines.test_bad_input import refused

POINTS = 10
PROMPT = 30.0
"""Seconds in which whoever is left must end."""
SIZES = ["--epochs", "2", "--checkpoint-every", "1", "--batch-tokens", "24", "--model", "lstm", "--depth", "1"]


def work(log: Path, task: str, command: list[str]) -> int:
    """A worker, in a process of its own; what it says is in `log`."""
    written = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(written, 1)
    os.dup2(written, 2)
    os.environ["TF_CONFIG"] = task
    return main(command)


def addresses(count: int) -> list[str]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    found = [f"127.0.0.1:{one.getsockname()[1]}" for one in sockets]
    for one in sockets:
        one.close()
    return found


def config(cluster: list[str], number: int) -> str:
    return json.dumps({"cluster": {"worker": cluster}, "task": {"type": "worker", "index": number}})


def start(corpus: Path, output: Path) -> list:
    cluster, command = addresses(2), arguments(corpus, output, *SIZES)
    return [life(work, output.with_suffix(f".{i}.log"), config(cluster, i), command) for i in range(2)]


def trained(output: Path) -> tuple[dict, list]:
    arrays = snapshots.read(training.files(output / "checkpoints")[-1]).arrays
    history = json.loads((output / "history.json").read_text())
    return arrays, [(row["loss"], row["val_loss"], row["val_bleu"]) for row in history]


def same(ours, theirs) -> None:
    assert ours[1] == theirs[1] and ours[0].keys() == theirs[0].keys()
    for name, array in theirs[0].items():
        np.testing.assert_array_equal(ours[0][name], array, err_msg=name)


@pytest.fixture(scope="module")
def whole(corpus, tmp_path_factory):
    """Two workers that nobody disturbed."""
    output = tmp_path_factory.mktemp("whole") / "run"
    for process in start(corpus, output):
        assert end(process) == 0, output.with_suffix(".0.log").read_text()[-2000:]
    return trained(output)


def disturb(corpus: Path, output: Path, victim: int, checkpoints: int, number: int) -> tuple[int, float, str]:
    """Sends a worker a signal once there are so many checkpoints; exit code of the other, seconds, its last line."""
    workers, seen = start(corpus, output), set()

    def come():
        seen.update(path.name for path in training.files(output / "checkpoints"))
        return len(seen) >= checkpoints

    assert await_(come, workers[0]), output.with_suffix(".0.log").read_text()[-2000:]
    os.kill(workers[victim].pid, number)
    begun = time.monotonic()
    code = end(workers[1 - victim])
    taken = time.monotonic() - begun
    if number == signal.SIGSTOP:
        workers[victim].kill()
    workers[victim].join()
    said = output.with_suffix(f".{1 - victim}.log").read_text().strip().splitlines()
    return code, taken, next((line for line in said if line.startswith("error:")), "")


def resumed(corpus: Path, output: Path):
    for process in start(corpus, output):
        assert end(process) == 0, output.with_suffix(".0.log").read_text()[-2000:]
    return trained(output)


@pytest.mark.slow
@pytest.mark.parametrize("point", range(POINTS))
def test_when_a_worker_is_killed_the_other_ends_and_the_run_goes_on_exactly(corpus, whole, tmp_path, point):
    chance = random.Random(point)
    victim = point % 2
    code, taken, said = disturb(corpus, tmp_path / "run", victim, chance.randint(1, 8), signal.SIGKILL)
    assert code == exits.LOST and taken < PROMPT
    assert f"lost worker {victim} at 127.0.0.1:" in said
    same(resumed(corpus, tmp_path / "run"), whole)


@pytest.mark.slow
@pytest.mark.parametrize("victim", [0, 1])
def test_when_a_worker_hangs_the_other_ends(corpus, tmp_path, victim):
    code, taken, said = disturb(corpus, tmp_path / "run", victim, 3, signal.SIGSTOP)
    assert code == exits.LOST and taken < PROMPT
    assert f"lost worker {victim} at 127.0.0.1:" in said


@pytest.mark.slow
@pytest.mark.parametrize("victim", [0, 1])
def test_when_a_worker_is_told_to_end_all_save_and_the_run_goes_on_exactly(corpus, whole, tmp_path, victim):
    code, _, _ = disturb(corpus, tmp_path / "run", victim, 3, signal.SIGTERM)
    assert code == 143
    same(resumed(corpus, tmp_path / "run"), whole)


@pytest.mark.slow
def test_a_run_goes_on_with_as_many_workers_only(corpus, whole, tmp_path, capfd):
    code, _, _ = disturb(corpus, tmp_path / "run", 1, 3, signal.SIGTERM)
    assert code == 143
    said = refused(capfd, arguments(corpus, tmp_path / "run", *SIZES))
    assert "--workers was 2 and is now None" in said


@pytest.mark.parametrize(
    ("text", "complaint"),
    [("{", "cannot be read"), ('{"cluster": {"worker": ["a:1", "b:2"]}}', "has no 'task'")],
)
def test_a_wrong_TF_CONFIG_is_a_mistake(corpus, tmp_path, capfd, monkeypatch, text, complaint):
    monkeypatch.setenv("TF_CONFIG", text)
    assert complaint in refused(capfd, arguments(corpus, tmp_path / "run"))
    assert not (tmp_path / "run").exists()


def test_workers_that_do_not_come_are_named_in_time(corpus, tmp_path, capfd, monkeypatch):
    cluster, begun = addresses(2), time.monotonic()
    monkeypatch.setenv("TF_CONFIG", config(cluster, 0))
    said = refused(capfd, arguments(corpus, tmp_path / "run", "--join-seconds", "0.5"))
    assert f"worker 1 at {cluster[1]} did not come within 0.5 s" in said
    assert time.monotonic() - begun < 10
    assert not (tmp_path / "run").exists()


def test_a_port_that_is_taken_is_a_mistake(corpus, tmp_path, capfd, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        monkeypatch.setenv("TF_CONFIG", config([address, *addresses(1)], 0))
        said = refused(capfd, arguments(corpus, tmp_path / "run"))
    assert f"{address}, cannot be used" in said and not (tmp_path / "run").exists()


def test_more_workers_than_this_process_can_have_are_a_mistake(corpus, tmp_path, capfd):
    # TensorFlow has begun in this process, and its processor cannot be divided any more.
    import tensorflow as tf

    tf.config.list_logical_devices()
    assert "--workers is 2" in refused(capfd, arguments(corpus, tmp_path / "run", "--workers", "2"))
    assert "--workers is 0" in refused(capfd, arguments(corpus, tmp_path / "run", "--workers", "0"))
