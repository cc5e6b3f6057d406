"""The bench of overhead: what it times, what it says, and that it runs."""

import multiprocessing
import time

import pytest

from pipelines import runs
from pipelines.__main__ import main
from pipelines.bench import alternating, overhead
from seq2seq_keras.errors import InputError

MACHINE = {"cpu": "a processor", "cores": 2, "gpu": []}


class Line:
    """One end of a connection that never waits."""

    def __init__(self):
        self.sent = []

    def send(self, value):
        self.sent.append(value)

    def recv(self):
        return "go"


def test_a_training_tells_how_long_an_epoch_took_and_waiting_does_not_count():
    clock, line = iter([0.0, 7.0, 50.0, 52.0, 70.0, 75.0, 99.0]), Line()
    baton = alternating.Baton(line, lambda: next(clock))
    for _ in range(3):
        baton()
    assert line.sent[1:] == [2.0, 5.0]


def test_a_training_that_ends_is_told_and_none_is_left_over():
    started = alternating.trainings("tests.pipelines.test_bench_overhead", {"goes_on": (), "ends": ()})
    with pytest.raises(InputError, match="ended before its time"), started:
        pass
    assert not multiprocessing.active_children()


def ends(connection):
    """A training that fails before it has begun."""


def goes_on(connection):
    """A training of epochs that take no time."""
    baton = alternating.Baton(connection, time.perf_counter)
    while True:
        baton()


def test_the_table_tells_milliseconds_a_step_and_the_share_by_turn():
    report = {
        "summary": {"fit": [2.0, 1.9, 2.2], "everything": [2.08, 2.0, 2.3], "overhead": [0.04, 0.03, 0.06]},
        "settings": {"turns": 3},
        "steps": 100,
        "data": {"name": "made-up", "pairs": 1500},
        "machine": MACHINE,
        "versions": {"keras": "3"},
        "date": "today",
        "command": "python",
    }
    lines = overhead.render(report).splitlines()
    cells = {
        row[0]: row[1] for row in ([cell.strip() for cell in line.split("|")[1:-1]] for line in lines if "|" in line)
    }
    assert cells["fit"] == "20.00 (19.00 to 22.00)" and cells["everything"] == "20.80 (20.00 to 23.00)"
    assert cells["overhead"] == "4.0% (3.0% to 6.0%)"


def test_a_number_that_measures_nothing_is_refused(capsys):
    assert main(["bench", "overhead", "--turns", "0"]) == 2
    assert "--turns is 0" in capsys.readouterr().err


@pytest.mark.slow
def test_both_ways_are_trained_and_the_share_is_of_the_same_turn(tmp_path):
    sizes = "--family lstm --width 8 --depth 1 --vocabulary 400 --pairs 200 --turns 2".split()
    assert main(["bench", "overhead", *sizes, "--output", str(tmp_path), "--json", str(tmp_path / "b.json")]) == 0
    report = runs.read_json(tmp_path / "b.json")
    shares = sorted(turn["everything"] / turn["fit"] - 1 for turn in report["turns"])
    assert report["summary"]["overhead"][1:] == pytest.approx([shares[0], shares[-1]])
    assert "python -m pipelines bench overhead" in (tmp_path / overhead.FILE).read_text()
