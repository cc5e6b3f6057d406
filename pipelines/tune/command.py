"""Good settings by trying: random, Bayesian or Hyperband search with KerasTuner over any pipeline.

    python -m pipelines tune --trials 12 --baseline
    python -m pipelines tune --pipeline translate --train.source a.en --train.target a.de --valid.source c.en \\
        --valid.target c.de --model lstm transformer --space width=128,256 dropout=0.1:0.4 --objective val_bleu

Each trial is a run of its own in trials/ of the search's folder. What is finished is not trained again: the same
command goes on where it was stopped, also in the middle of a trial, and with a larger --trials it goes on for longer.
Beside the trials: results.md, results.csv, results.json, results.png, logs/ with TensorBoard's table of
hyperparameters and its parallel coordinates, and best/, a run that evaluate, export and generate read.
"""

import os
import time

import keras

from pipelines import runs, steps
from pipelines.settings import Tune
from pipelines.tune import checks, chief, defaults, oracle, results, space, trial_record, trial_run, workers
from pipelines.tune.trial_record import Record
from pipelines.tune.trial_run import Stopped
from pipelines.tune.tuner import Failed, Translators, Trials
from seq2seq_keras import training
from seq2seq_keras.errors import InputError


def run(settings: Tune) -> int:
    """The command; returns the exit code."""
    checks.check(settings)
    role = workers.role(os.environ, settings)
    begun = time.monotonic()
    corpora, folder = defaults.read(settings), defaults.folder(settings)
    if role == "worker":
        return search(settings, corpora)
    with training.FolderLock(folder):
        checks.same(settings, corpora)
        code = search(settings, corpora, lead=settings.workers > 1)
        if code:
            print(f"stopped by a signal; the same command goes on in {folder}", flush=True)
            return code
        minutes = (time.monotonic() - begun) / 60
        report = results.write(settings, corpora, trial_record.every(folder / "trials"), minutes)
    if settings.json:
        runs.write_json(settings.json, report)
    return 0


def search(settings: Tune, corpora: defaults.Corpora, lead: bool = False) -> int:
    """Runs all trials that are not finished; returns the exit code: 0, or that of a signal.

    Args:
        lead: have other processes train, as many as the settings say.

    Raises:
        InputError: a trial could not train, with its cause.
    """
    folder, family = defaults.folder(settings), defaults.families_of(settings)[0]
    first = defaults.trial(settings, family, {}, folder)
    model = Translators(settings, corpora, steps.prepare(*corpora, first, folder, resumed=False))
    try:
        trials = Trials(model, oracle.of(settings))
        keras.backend.clear_session()  # of the models that KerasTuner built to learn what is searched
        code = chief.lead(trials, settings) if lead else workers.search(trials)
        if settings.baseline and not code and not workers.is_worker(os.environ):
            _baseline(settings, model)
    except Stopped as stopped:
        return stopped.args[0]
    except Failed as failed:
        raise _failure(str(failed), settings) from None
    return code


def _baseline(settings: Tune, model: Translators) -> None:
    trials = defaults.folder(settings) / "trials"
    asked = defaults.baseline(settings)
    done = trial_record.read(trials, trial_record.BASELINE)
    if done is not None and done.status == trial_record.FINISHED:
        return
    record = Record(trial_record.BASELINE, asked.model.family, space.held(model.ranges, asked))
    record = trial_run.run(asked, record, settings, model.corpora, model.material)
    if record.status == trial_record.FAILED:
        raise Failed(record.cause)


def _failure(cause: str, settings: Tune) -> InputError:
    return InputError(
        f"a trial could not train: {cause}",
        where=defaults.folder(settings) / "trials",
        remedy="mend the cause and repeat the command, or count such trials with --failed skip",
    )
