"""Text to text, from aligned files to a saved translator.

    python -m pipelines translate --train.source a.en --train.target a.de --valid.source c.en --valid.target c.de \\
        --model transformer --output runs/en_de

What it reaches, and in what time, is in the README's table of results.
"""

import time

from pipelines import runs, scores, steps
from pipelines.settings import Translate
from seq2seq_keras import data
from seq2seq_keras.errors import InputError


def run(settings: Translate) -> int:
    """The command; returns the exit code."""
    begun = time.monotonic()
    resumed = runs.started(settings.output)
    if resumed:
        runs.same_settings(settings.output, settings)
    train, valid = steps.read(settings.train, "train"), steps.read(settings.valid, "valid")
    if train is None:
        raise InputError("no training pairs", remedy="give --train.source and --train.target, or --train.tsv")
    report, code = train_run(settings, train, valid, scores.Overlap(settings.tokenize), begun)
    if settings.json:
        runs.write_json(settings.json, report)
    return code


def train_run(settings, train: data.Corpus, valid: data.Corpus | None, score, begun: float) -> tuple[dict, int]:
    """Trains, or resumes, the run in `settings.output`, and saves its translator.

    Args:
        score: (outputs, references) to a dict of figures.
        begun: when the command began, in `time.monotonic()`'s seconds.

    Returns:
        the report, and the exit code: 0, or 130 and 143 after a signal, when the same command resumes.
    """
    folder, resumed = settings.output, runs.started(settings.output)
    material = steps.prepare(train, valid, settings, folder)
    if resumed:
        runs.same_data(folder, material.report["fingerprints"])
    model = steps.build(settings, material)
    if not resumed:
        steps.begin(folder, settings, material)
    print(steps.describe(model, material, "resumed" if resumed else "new"), flush=True)
    end = None if settings.minutes is None else begun + 60 * settings.minutes
    history, code = steps.fit(model, material, settings, folder, score, end)
    report = {"settings": runs.plain(settings), "data": material.report, "epochs": history}
    report["minutes"] = round((time.monotonic() - begun) / 60, 2)
    if code:
        print(f"stopped by a signal; the same command resumes {folder}", flush=True)
        return report, code
    steps.choose_weights(model, material, settings, folder)
    translator = steps.translator(model, material, settings)
    translator.save(folder / "model")
    report["valid"] = steps.measure(translator, model, material, settings, score)
    report["parameters"] = model.count_params()
    runs.write_json(folder / "report.json", report)
    print(f"valid: {scores.line(report['valid'])}\nsaved: {folder / 'model'}", flush=True)
    return report, 0
