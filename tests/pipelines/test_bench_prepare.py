"""The bench of `prepare`: what it makes up, what it sees of memory, and its table."""

import json
import subprocess
import sys

import pytest

from pipelines import memory
from pipelines.__main__ import main
from pipelines.bench import prepare


def test_made_up_pairs_have_known_faults(tmp_path, monkeypatch):
    monkeypatch.setattr(prepare, "_CHUNK", 2_000)
    size = prepare.write(tmp_path, 5_000)
    sources, targets = ((tmp_path / side).read_text().split("\n")[:-1] for side in ("source", "target"))
    assert len(sources) == len(targets) == 5_000
    assert size == (tmp_path / "source").stat().st_size + (tmp_path / "target").stat().st_size
    assert [row for row, text in enumerate(sources) if not text] == [999, 1999, 2999, 3999, 4999]
    pairs = list(zip(sources, targets))
    assert len(pairs) - len(set(pairs)) == 45  # 50 in all, 5 of them with an empty side
    assert (sources[99], targets[99]) == (sources[0], targets[0])
    assert not any(text.startswith(" ") or text.endswith(" ") for text in sources + targets)


def test_memory_of_a_process_and_its_children_is_seen():
    inner = "held = bytearray(b'x') * 60_000_000; import time; time.sleep(1.5)"
    start = f"subprocess.run([sys.executable, '-c', {inner!r}])"
    outer = f"import subprocess, sys; held = bytearray(b'x') * 50_000_000; {start}"
    process = subprocess.Popen([sys.executable, "-c", outer])
    with memory.Watch(process.pid, every=0.02) as watch:
        assert process.wait() == 0
    assert 110e6 < watch.own < 180e6
    assert 1e6 < watch.mapped < 60e6


@pytest.mark.slow
def test_the_bench_measures_a_command_of_its_own(tmp_path, capfd):
    figures = tmp_path / "figures.json"
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    arguments = ["bench", "prepare", "--pairs=3000", "--sample=2000", f"--folder={scratch}", f"--json={figures}"]
    assert main([*arguments, f"--output={tmp_path}"]) == 0
    told = json.loads(figures.read_text())
    assert told["pairs_kept"] == 3000 - 30 and told["left_out"] == {"empty side": 3, "duplicate": 27}
    assert told["pairs_a_second"] == pytest.approx(3000 / told["seconds"], rel=0.1)
    assert told["hours_for_100_million"] == pytest.approx(1e8 / told["pairs_a_second"] / 3600)
    assert told["memory_own"] > 100e6 and told["shard_bytes"] > 10_000
    assert f"| kept | {told['pairs_kept']:,}; left out: empty side 3, duplicate 27 |" in capfd.readouterr().out
    assert (tmp_path / "bench_prepare.md").exists() and not list(scratch.iterdir())


@pytest.mark.parametrize(
    "more, said", [("--pairs=0", "--pairs is 0; expected 1 or more"), ("--folder=/no/such", "there is no such folder")]
)
def test_what_cannot_be_measured_is_refused(capfd, more, said):
    assert main(["bench", "prepare", more]) == 2
    assert said in capfd.readouterr().err
