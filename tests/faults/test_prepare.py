"""Faults while a corpus is prepared: rows 1, 2, 4, 5 and 9 of the fault matrix for this path, kills, a full disk (row
18), and row 29, workers of Apache Beam that fail."""

import errno
import json
import multiprocessing
import os
import signal
import sys
import threading
import time
from functools import partial

import numpy as np
import pytest

from pipelines.__main__ import main
from pipelines.prepare import jobs, local, worker
from seq2seq_keras import data
from seq2seq_keras.training import FolderLock, snapshots
from tests.faults.lives import await_, end, life
from tests.pipelines.test_prepare import command, content, raw, refused, training

SHARDS = 4


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    return raw(tmp_path_factory.mktemp("raw"))


@pytest.fixture(scope="module")
def clean(texts, tmp_path_factory):
    """What an undisturbed command writes."""
    folder = tmp_path_factory.mktemp("clean") / "corpus"
    assert main(command(texts, folder, f"--shards={SHARDS}")) == 0
    return content(folder)


def same_pairs(folder) -> list[bytes]:
    return [path.read_bytes() for path in sorted(folder.glob("shard-*"))]


def test_damaged_rows_are_counted_and_all_others_are_as_without_them(texts, tmp_path):
    """Rows 1 and 4: broken UTF-8 in 1 row of 100, a NUL, and a line far over the limit."""
    sources = (texts / "raw.source").read_bytes().split(b"\n")[:-1]
    targets = (texts / "raw.target").read_bytes().split(b"\n")[:-1]
    for name, damage in (("whole", False), ("damaged", True)):
        (tmp_path / name).mkdir()
        left, right = list(sources), list(targets)
        for row, bad in ((100, b"\xff\xfe"), (200, b"caf\xe9"), (300, b"x" * 2**20), (350, b"a\0b")):
            left.insert(row, bad if damage else b"\xd1\x8f")  # Cyrillic, which is filtered
            right.insert(row, b"a")
        for side, lines in (("source", left), ("target", right)):
            (tmp_path / name / f"raw.{side}").write_bytes(b"\n".join(lines) + b"\n")
        assert main(command(tmp_path / name, tmp_path / f"{name}.out", f"--shards={SHARDS}")) == 0
    manifest = json.loads((tmp_path / "damaged.out" / "manifest.json").read_text())
    lines = {reason: part["lines"] for reason, part in manifest["rejected"].items()}
    assert lines == {"invalid UTF-8": [101, 201], "too long": [301], "NUL character": [351], "empty side": [6, 7]}
    assert same_pairs(tmp_path / "damaged.out") == same_pairs(tmp_path / "whole.out")


def test_rows_with_other_columns_are_counted(tmp_path):
    """Row 2."""
    pairs = data.reverse_pairs(300, 3, lengths=(3, 9))
    rows = [f"{source}\t{target}" for source, target in zip(pairs.source, pairs.target)]
    rows[10], rows[20] = "one", "one\ttwo\tthree"
    (tmp_path / "table").write_text("\n".join(rows))
    arguments = f"prepare --train.tsv {tmp_path / 'table'} --tokens.kind words --jobs 1 --output {tmp_path / 'out'}"
    assert main(arguments.split()) == 0
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["rejected"] == {"wrong number of columns": {"count": 2, "lines": [11, 21]}}


def test_too_many_damaged_rows_stop_it(texts, tmp_path, capfd):
    """Row 9."""
    said = refused(capfd, command(texts, tmp_path / "out", "--train.max-reject-fraction", "0.004"), code=3)
    assert "2 or more of 400 rows cannot be used (empty side: 2, first in line 6)" in said
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("number", [0, 2])
def test_a_full_disk_leaves_what_was_done_and_the_same_command_goes_on(
    texts, clean, tmp_path, monkeypatch, capfd, number
):
    """Row 18, at a shard."""
    written, write = [], worker.data.write_shard

    def full(folder, name, examples):
        if len(written) == number:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written.append(name)
        return write(folder, name, examples)

    arguments = command(texts, tmp_path / "out", f"--shards={SHARDS}")
    with monkeypatch.context() as patch:
        patch.setattr(worker.data, "write_shard", full)
        assert main(arguments) == 2
    said = capfd.readouterr().err
    assert "No space left on device" in said and "the same command goes on" in said and "Traceback" not in said
    assert not (tmp_path / "out").exists()
    again = []
    monkeypatch.setattr(worker.data, "write_shard", lambda *given: again.append(given[1]) or write(*given))
    assert main(arguments) == 0
    assert content(tmp_path / "out") == clean
    assert len(again) == SHARDS - number and not set(again) & set(written)


def test_other_settings_begin_anew(texts, clean, tmp_path, monkeypatch):
    """What a stopped command left is not mixed with what another one makes."""

    def stopped(*_):
        raise OSError(errno.EIO, "stopped")

    with monkeypatch.context() as patch:
        patch.setattr(worker.data, "write_shard", stopped)
        assert main(command(texts, tmp_path / "out", f"--shards={SHARDS}", "--seed=5")) == 2
    assert main(command(texts, tmp_path / "out", f"--shards={SHARDS}")) == 0
    assert content(tmp_path / "out") == clean


def alone(arguments: list[str], lines: int) -> int:
    jobs.LINES_OF_A_SPAN = lines
    return main(arguments)


@pytest.mark.slow
def test_killed_at_any_file_and_begun_again_gives_the_same_bytes(texts, clean, tmp_path):
    arguments = command(texts, tmp_path / "out", f"--shards={SHARDS}")
    work = tmp_path / ".out.work"

    def files() -> int:
        # Not `rglob`, which fails where a folder goes while it looks.
        return sum(len(folders) + len(names) for _, folders, names in os.walk(work))

    kills = 0
    for more in (2, 4, 8, 12, 3, 3, 3, 3, 1, 1):
        begun = files()
        process = life(alone, arguments, 40)
        if await_(lambda wanted=begun + more: files() >= wanted, process):
            os.kill(process.pid, signal.SIGKILL)
            kills += 1
        end(process)
        if process.exitcode == 0:
            break
        assert not (tmp_path / "out").exists()
    assert kills >= 2
    assert end(life(alone, arguments, 40)) == 0
    assert content(tmp_path / "out") == clean
    assert not list(tmp_path.glob(".out*"))


@pytest.mark.slow
def test_training_on_shards_killed_and_resumed_is_as_never_killed(texts, tmp_path):
    """Row 12 for this order of batches, which goes from shard to shard."""
    assert main(command(texts, tmp_path / "shards", f"--shards={SHARDS}")) == 0
    whole, killed = (
        [*training(tmp_path / "shards", tmp_path / name), "--epochs=2", "--checkpoint-every=1", "--dropout=0.1"]
        for name in ("whole", "killed")
    )
    assert end(life(alone, whole, 40)) == 0
    folder = tmp_path / "killed" / "checkpoints"
    for name in ("epoch-00000-step-0000005", "epoch-00001-step-0000003"):
        process = life(alone, killed, 40)
        assert await_(lambda path=folder / f"{name}.npz": path.exists(), process)
        os.kill(process.pid, signal.SIGKILL)
        end(process)
    assert end(life(alone, killed, 40)) == 0
    last = [
        snapshots.read(max((tmp_path / name / "checkpoints").glob("epoch-00002-*.npz"))).arrays
        for name in ("whole", "killed")
    ]
    assert last[0].keys() == last[1].keys()
    for name, array in last[0].items():
        np.testing.assert_array_equal(last[1][name], array, err_msg=name)


def slowly(folder, number: int) -> None:
    (folder / f"{number}.begun").touch()
    time.sleep(30)
    (folder / f"{number}.done").touch()


def test_ended_by_a_signal_it_waits_for_no_worker_and_leaves_none(tmp_path):
    def end_when_at_work():
        while len(list(tmp_path.iterdir())) < 2:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    ender = threading.Thread(target=end_when_at_work)
    ender.start()
    try:
        with pytest.raises(SystemExit, match="143"):
            list(local._each(partial(slowly, tmp_path), range(6), processes=2))
    finally:
        signal.signal(signal.SIGTERM, before)
        ender.join()
    assert not multiprocessing.active_children()
    assert not list(tmp_path.glob("*.done"))


def test_two_commands_do_not_share_a_folder(texts, tmp_path, capfd):
    with FolderLock(tmp_path / ".out.work"):
        assert "another run" in refused(capfd, command(texts, tmp_path / "out"))


@pytest.fixture
def beam():
    pytest.importorskip("apache_beam")
    return ["--runner=beam", "--beam", "direct_runner_bundle_retry", _BUNDLES]


_BUNDLES = "runner=apache_beam.runners.direct.direct_runner.BundleBasedDirectRunner"
"""The local runner that tries again what failed."""


def test_beam_writes_the_same_bytes(texts, clean, tmp_path, monkeypatch):
    pytest.importorskip("apache_beam")
    monkeypatch.setattr(jobs, "LINES_OF_A_SPAN", 30)
    assert main(command(texts, tmp_path / "out", f"--shards={SHARDS}", "--runner=beam")) == 0
    assert content(tmp_path / "out") == clean


def test_workers_of_beam_that_fail_change_no_byte(texts, clean, tmp_path, monkeypatch, beam):
    """Row 29: both things that Beam's workers do fail now and then, three times in one bundle, which has four tries."""
    monkeypatch.setattr(jobs, "LINES_OF_A_SPAN", 30)
    failed, once = [], threading.Lock()

    def failing(call, chosen):
        def run(*given):
            with once:
                first = chosen(*given) and given[-1] not in failed
                if first:
                    failed.append(given[-1])
            made = call(*given)
            if first:
                raise RuntimeError("injected")
            return made

        return run

    monkeypatch.setattr(worker, "clean", failing(worker.clean, lambda _, span: span.first % 180 == 1))
    monkeypatch.setattr(worker, "finish", failing(worker.finish, lambda _, shard: shard == 1))
    assert main(command(texts, tmp_path / "out", f"--shards={SHARDS}", *beam)) == 0
    assert len(failed) == 4
    assert content(tmp_path / "out") == clean


def test_without_beam_the_remedy_is_named(texts, tmp_path, monkeypatch, capfd):
    monkeypatch.setitem(sys.modules, "pipelines.prepare.beam", None)
    assert "pip install -e '.[beam]'" in refused(capfd, command(texts, tmp_path / "out", "--runner=beam"))
