"""Text to text, from aligned files to a saved translator.

    python -m pipelines translate --train.source a.en --train.target a.de --valid.source c.en --valid.target c.de \\
        --model transformer --output runs/en_de

What it reaches, and in what time, is in the README's table of results.
"""

import math
import time

from pipelines import adapt, checks, leftovers, runs, scores, steps, watch, workers
from pipelines.monitor import pages
from pipelines.settings import Translate
from pipelines.workers import follow
from seq2seq_keras import data, training
from seq2seq_keras.errors import InputError


def run(settings: Translate) -> int:
    """The command; returns the exit code."""
    begun = time.monotonic()
    settings = adapt.inherited(settings, Translate(settings.output))
    checks.translate(settings)
    checks.watched_pairs(settings)
    if workers.to_launch(settings):
        return workers.launch("translate", settings)
    team, settings = workers.join(settings)
    if workers.is_chief(team) and runs.started(settings.output):
        runs.same_settings(settings.output, settings)
    train, valid = steps.read_training(settings.train), steps.read(settings.valid, "valid")
    if train is None:
        raise InputError("no training pairs", remedy="give --train.source and --train.target, or --train.tsv")
    if not workers.is_chief(team):
        return follow.follow(settings, train, valid, team)
    report, code = train_run(settings, train, valid, begun, team=team)
    if settings.json:
        runs.write_json(settings.json, report)
    return code


def train_run(
    settings: Translate,
    train: data.Corpus | data.Shards,
    valid: data.Corpus | None,
    begun: float,
    watching: tuple = (),
    team: training.Workers | None = None,
) -> tuple[dict, int]:
    """Trains, or resumes, the run in `settings.output`, and saves its translator.

    Args:
        begun: when the command began, in `time.monotonic()`'s seconds; `settings.minutes` count from there.
        watching: further callbacks, which see the logs that `steps.fit` gathers.
        team: those that train together, of which this process is the chief; None where one device trains alone.

    Returns:
        the report, and the exit code: 0, or 130 and 143 after a signal, when the same command resumes.
    """
    folder = settings.output
    resumed, judge = runs.started(folder), scores.judge(settings)
    with training.FolderLock(folder):
        material = steps.prepare(train, valid, settings, folder, resumed)
        model = steps.build(settings, material)
        workers.agree(team, material.report["fingerprints"])
        if resumed:
            runs.same_data(folder, material.report["fingerprints"])
        else:
            steps.begin(folder, settings, material)
        translator = steps.translator(model, material, settings)
        print(
            f"{folder}: {'resumed' if resumed else 'new run'}\n{steps.describe(model, material, settings)}", flush=True
        )
        budget = watch.Budget(math.inf if settings.minutes is None else 60 * settings.minutes, begun)
        history, code = steps.fit(model, translator, material, settings, judge, budget, watching, team)
        report = {"settings": runs.plain(settings), "data": material.report, "epochs": history}
        report["minutes"] = round(budget.taken / 60, 2)
        if code:
            print(f"stopped by a signal; the same command resumes {folder}", flush=True)
            return report, code
        report["weights"] = steps.choose_weights(model, translator, material, settings, judge)
        translator.save(folder / "model")
        report["valid"] = steps.measure(model, translator, material, settings, judge)
        report["parameters"] = model.count_params()
        pages.final(settings, report)
        runs.write_json(folder / "report.json", report)
        leftovers.remove(folder)
    workers.end(team)
    print(f"weights: {report['weights']}\nvalid: {scores.line(report['valid'])}", flush=True)
    print(f"trained for {report['minutes']} minutes; saved: {folder / 'model'}", flush=True)
    return report, 0
