"""The runs of a study: each trained as `translate` trains, scored on the test part, and never done twice."""

import re
import statistics
import time
from pathlib import Path
from typing import NamedTuple

import keras

from pipelines import checks, runs, study_data, study_scores, translate
from pipelines.settings import Translate
from pipelines.study_data import Corpora
from pipelines.study_question import Budget
from seq2seq_keras.tasks import TextToText

_SCORES = "test.json"
"""What a run scored, in its folder."""


class Row(NamedTuple):
    """One trained model."""

    variant: str
    budget: str
    seed: int
    figures: dict[str, float]
    by_length: list[dict] = []
    """`sources` (their lengths in words), `rows` and the score of each group of test sources."""
    curve: list[list[float]] = []
    """Seconds of training and validation perplexity after each epoch."""
    norms: dict[str, list[float]] = {}
    """Of gradients through time: norm of dL/dh_t by position, with the `first` weights and `trained`."""


def rows(
    asked: Translate,
    variants: dict[str, dict],
    budgets: tuple[Budget, ...],
    seeds: tuple[int, ...],
    corpora: Corpora,
    folder: Path,
) -> tuple[list[Row], int]:
    """Trains and scores what is not yet; the seeds take turns, so that all variants share the machine's moods.

    Returns:
        one row a model, and the exit code: 0, or that of a signal, when the same command goes on from there.
    """
    jobs = []
    for seed in seeds:
        for budget in budgets:
            for name, changes in variants.items():
                every = changes | budget.changes | {"output": place(folder, budget.name, name, seed), "seed": seed}
                settings = study_data.changed(asked, every)
                checks.translate(settings)
                jobs.append((name, budget, seed, settings))
    found = []
    for number, (name, budget, seed, settings) in enumerate(jobs, start=1):
        print(f"\n{number}/{len(jobs)}: {name}, {budget.name}, seed {seed}", flush=True)
        figures, code = one(settings, corpora)
        if code:
            return found, code
        found.append(Row(name, budget.name, seed, **figures))
    return found, 0


def one(settings: Translate, corpora: Corpora) -> tuple[dict, int]:
    """Figures of one run, which is trained and scored unless it was.

    Raises:
        InputError: the folder holds a run of other settings or other pairs.
    """
    folder = settings.output
    if runs.started(folder):
        runs.same_settings(folder, settings)
        parts = {"train": corpora.train, "valid": corpora.valid}
        runs.same_data(folder, {name: runs.fingerprint(part.source, part.target) for name, part in parts.items()})
    if not (folder / "report.json").exists():
        keras.backend.clear_session()
        _, code = translate.train_run(settings, corpora.train, corpora.valid, time.monotonic())
        if code:
            return {}, code
    wanted = runs.fingerprint(corpora.sources, *corpora.references)
    if not (folder / _SCORES).exists() or runs.read_json(folder / _SCORES)["fingerprint"] != wanted:
        task = TextToText.load(folder / "model")
        found = study_scores.judged(task.generate(corpora.sources), corpora, settings.tokenize)
        runs.write_json(folder / _SCORES, {"fingerprint": wanted, **found})
    tested, report = runs.read_json(folder / _SCORES), runs.read_json(folder / "report.json")
    return gathered(tested, report), 0


def gathered(tested: dict, report: dict) -> dict:
    """What a row holds beside its name, of the score and the report of a run."""
    history, curve, seconds = report["epochs"], [], 0.0
    for epoch in history:
        seconds += epoch["seconds"]
        curve.append([round(seconds, 1), epoch["val_perplexity"]])
    figures = {
        **tested["figures"],
        "perplexity": report["valid"]["perplexity"],
        "parameters": report["parameters"],
        "epochs": len(history),
        "seconds": round(60 * report["minutes"], 1),
        "rate": statistics.median(epoch["tokens_per_second"] for epoch in history),
        "lost": tested["lost"],
    }
    width = report["settings"]["model"]["width"]
    figures |= {} if width is None else {"width": width}
    return {"figures": figures, "by_length": tested["by_length"], "curve": curve}


def time_to_loss(found: list[Row]) -> None:
    """Adds `reached`: seconds of training until the perplexity was as low as every run of the budget had it once."""
    for row in found:
        target = max(min(loss for _, loss in other.curve) for other in found if other.budget == row.budget)
        row.figures["reached"] = next(seconds for seconds, loss in row.curve if loss <= target)


def place(folder: Path, budget: str, variant: str, seed: int) -> Path:
    """Folder of a run."""
    return folder / slug(budget) / slug(variant) / f"seed-{seed}"


def slug(name: str) -> str:
    """A name as a folder."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
