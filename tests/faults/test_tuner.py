"""Row 28: a killed search, a killed worker and a restarted chief lose one trial's time at most, and repeat none."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import pytest

from pipelines import runs, translate
from pipelines.__main__ import main
from pipelines.tune import oracle, trial_record, tuner
from tests.pipelines.test_tune import OLD, command, untrained

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.filterwarnings(f"ignore:{OLD}:DeprecationWarning")


class Killed(BaseException):
    """Nothing catches it."""


@pytest.fixture
def trainer(monkeypatch):
    return untrained(monkeypatch)


@pytest.mark.parametrize("after_report", [False, True], ids=["in training", "after its last word"])
def test_a_killed_search_runs_no_finished_trial_again(after_report, tmp_path, trainer, monkeypatch):
    def killed(settings, *rest):
        if settings.output.name == "1":
            if after_report:
                trainer(settings, *rest)
            raise Killed
        return trainer(settings, *rest)

    monkeypatch.setattr(translate, "train_run", killed)
    with pytest.raises(Killed):
        main(command(tmp_path))
    drawn = trial_record.read(tmp_path / "search" / "trials", "1").values
    monkeypatch.setattr(translate, "train_run", trainer)
    assert main(command(tmp_path)) == 0
    assert trainer.trained == ["0", "1", "2"]
    assert trial_record.read(tmp_path / "search" / "trials", "1").values == drawn


def test_a_search_that_was_never_stopped_draws_the_same_trials(tmp_path, trainer, monkeypatch):
    places = [tmp_path / "whole", tmp_path / "killed"]
    for place in places:
        place.mkdir()
    assert main(command(places[0])) == 0
    monkeypatch.setattr(oracle._Random, "end_trial", lambda *_: (_ for _ in ()).throw(Killed))
    with pytest.raises(Killed):
        main(command(places[1]))
    monkeypatch.undo()
    monkeypatch.setattr(translate, "train_run", trainer)
    monkeypatch.setattr(keras.backend, "clear_session", lambda: None)
    monkeypatch.setattr(tuner.Translators, "build", lambda self, hp: self.asked(hp))
    assert main(command(places[1])) == 0
    drawn = [[each.values for each in trial_record.every(place / "search" / "trials")] for place in places]
    assert drawn[0] == drawn[1] and len(drawn[0]) == 3


@pytest.mark.slow
def test_killed_workers_and_a_restarted_chief_lose_one_trial_at_most(tmp_path):
    line = [sys.executable, "-m", "pipelines", *command(tmp_path, "--epochs=20", "--trials=4", "--workers=2")]
    trials = tmp_path / "search" / "trials"
    with open(tmp_path / "first.txt", "w") as said:
        chief = subprocess.Popen(line, cwd=ROOT, stdout=said, stderr=said, start_new_session=True)
        try:
            name, worker = _training(trials, chief)
            os.kill(worker, signal.SIGKILL)
            _wait(lambda: "another takes up" in (tmp_path / "first.txt").read_text(), chief)
            _wait(lambda: len(_finished(trials)) >= 2, chief)
        finally:
            chief.kill()
            chief.wait()
    before = {path: path.stat().st_mtime_ns for path in _finished(trials)}
    assert f"ended with code -9 in trial {name}" in (tmp_path / "first.txt").read_text()
    _wait(lambda: not _alive(worker for _, worker in _locks(trials)), None)
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr
    records = trial_record.every(trials)
    assert [record.status for record in records] == [trial_record.FINISHED] * 4
    assert {path: path.stat().st_mtime_ns for path in before} == before
    for record in records:
        said = (trials / f"{record.trial}.log").read_text()
        assert said.count("trained for") == 1, said
        assert len(runs.read_json(trials / record.trial / "history.json")) == 20 or record.stopped
    assert (tmp_path / "search" / "best" / "model").is_dir()


def _training(trials: Path, chief) -> tuple[str, int]:
    """A trial that has trained an epoch and is not finished, and the process that trains it."""
    found: list = []

    def look() -> bool:
        found[:] = [
            (name, worker)
            for name, worker in _locks(trials)
            if (trials / name / "history.json").exists() and not (trials / name / "report.json").exists()
        ]
        return bool(found)

    _wait(look, chief)
    return found[0]


def _locks(trials: Path) -> list[tuple[str, int]]:
    held = [(path.parent.name, path.read_text().strip()) for path in trials.glob("*/.lock")]
    return [(name, int(owner)) for name, owner in held if owner]


def _finished(trials: Path) -> list[Path]:
    return sorted(trials.glob("*/report.json"))


def _alive(processes) -> bool:
    for process in processes:
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            continue
        return True
    return False


def _wait(true, chief, seconds: float = 400.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "nothing happened in time"
        assert chief is None or chief.poll() is None, f"the search ended with {chief.returncode}"
        time.sleep(0.05)
