"""One trial: a run folder like any other, trained as `translate` trains, and what it came to."""

import contextlib
import math
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import keras
import keras_tuner

from pipelines import checks, runs, steps, translate
from pipelines.settings import Translate, Tune
from pipelines.tune import defaults, oracle, trial_record
from pipelines.tune.defaults import Corpora
from pipelines.tune.median import StopBelowMedian
from pipelines.tune.trial_record import Record
from seq2seq_keras import folders
from seq2seq_keras.errors import InputError


class Stopped(keras_tuner.errors.FatalError):
    """A signal ended a trial, whose state is saved: the exit code is the argument."""


def run(settings: Translate, record: Record, search: Tune, corpora: Corpora, material: steps.Material) -> Record:
    """Trains a run to its end, or takes what it came to, and says so in one line.

    Args:
        record: what is known before; its name is that of the run's folder.
        corpora: the pairs.
        material: the same made ready with the vocabularies that all trials share.

    Returns:
        the record, finished or failed.

    Raises:
        Stopped: a signal came; the same trial goes on from there when it is run again.
    """
    trials = settings.output.parent
    begun = trial_record.read(trials, record.trial)
    record = record._replace(stopped=begun.stopped if begun else None)
    trial_record.write(record, trials)
    try:
        checks.translate(settings)
        record = _measured(_trained(settings, record, search, corpora, material), search.objective, trials)
    except Stopped:
        raise
    except Exception as error:  # what ends a run must not end a search without its cause
        cause = f"{error}" if isinstance(error, InputError) else f"{type(error).__name__}: {error}"
        record = record._replace(status=trial_record.FAILED, cause=runs.one_line(cause))
    trial_record.write(record, trials)
    total = None if search.algorithm == "hyperband" else search.trials or oracle.TRIALS
    sign = oracle.sign(search.objective)
    print(trial_record.line(record, search.objective, total, trial_record.every(trials), sign), flush=True)
    return record


def _trained(settings: Translate, record: Record, search: Tune, corpora: Corpora, material: steps.Material) -> Record:
    folder, trials = settings.output, settings.output.parent
    if (folder / "report.json").exists():
        return record
    if record.begins_with and not folder.exists():
        _promote(trials / record.begins_with, settings)
    if runs.started(folder):
        runs.same_settings(folder, settings)
        runs.same_data(folder, defaults.prints(corpora))
    else:
        steps.begin(folder, settings, material)
    # Hyperband has a rule of its own for who goes on, and the baseline is there to be seen to its end.
    alone = search.algorithm == "hyperband" or not search.median or record.trial == trial_record.BASELINE
    others = [] if alone else [path for path in trials.glob("[0-9]*") if path.is_dir() and path != folder]
    by = "seconds" if search.epochs is None and search.minutes else "epoch"
    median = StopBelowMedian(folder, others, search.objective, oracle.sign(search.objective), by)
    keras.backend.clear_session()
    with _quietly(trials / f"{record.trial}.log"):
        _, code = translate.train_run(settings, *corpora, time.monotonic(), (median,))
    record = record._replace(stopped=median.stopped)
    trial_record.write(record, trials)
    if code:
        raise Stopped(code)
    return record


def _measured(record: Record, objective: str, trials: Path) -> Record:
    report = runs.read_json(trials / record.trial / "report.json")
    if not report["epochs"]:
        raise InputError("its time was over before the first step of training", remedy="raise --minutes")
    score = report["valid"][objective.removeprefix("val_")]
    if not math.isfinite(score):
        raise InputError(f"{objective} is {score}")
    figures = {
        **report["valid"],
        "parameters": report["parameters"],
        "epochs": len(report["epochs"]),
        "minutes": report["minutes"],
    }
    return record._replace(status=trial_record.FINISHED, score=score, figures=figures)


def _promote(earlier: Path, settings: Translate) -> None:
    """A copy of a finished run that has more epochs to go, from where that one stood."""
    without = shutil.ignore_patterns("report.json", "model", ".lock")
    with folders.replacing(settings.output, "", "a trial") as beside:
        shutil.copytree(earlier, beside, ignore=without, dirs_exist_ok=True)
        runs.write_json(beside / "settings.json", runs.plain(settings))


@contextlib.contextmanager
def _quietly(path: Path) -> Iterator[None]:
    """What a run says goes to a file, and not between the lines of the search."""
    with (
        open(path, "a", encoding="utf-8") as log,
        contextlib.redirect_stdout(log),
        contextlib.redirect_stderr(log),
    ):
        yield
