"""The runs of a study: each trained as `translate` trains, scored on the test part, and never done twice."""

import re
import statistics
import time
from pathlib import Path
from typing import NamedTuple

import keras

from pipelines import checks, runs, translate
from pipelines.settings import Translate
from pipelines.study import earlier_seeds, scores, splits
from pipelines.study.question import Budget
from pipelines.study.splits import Corpora
from seq2seq_keras.errors import InputError
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
    """Seconds of training steps, and validation perplexity, after each epoch."""
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

    Seeds with which all variants of a budget were trained earlier join those that are given.

    Returns:
        one row a model, and the exit code: 0, or that of a signal, when the same command goes on from there.
    """
    jobs, earlier = [], {budget.name: trained_before(folder, budget.name, variants) for budget in budgets}
    for seed in earlier_seeds.joined(seeds, set().union(*earlier.values())):
        for budget in (budget for budget in budgets if seed in seeds or seed in earlier[budget.name]):
            for name, changes in variants.items():
                every = changes | budget.changes | {"output": place(folder, budget.name, name, seed), "seed": seed}
                settings = splits.changed(asked, every)
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
        InputError: the folder holds a run of other settings or other pairs, or one that could not train.
    """
    folder = settings.output
    finished = (folder / "report.json").exists()
    if runs.started(folder):
        # The vectors of a finished run are read no more: where they lie speaks for what they are.
        free = tuple(name for name in runs.FREE if not (finished and name.endswith("_vectors")))
        runs.same_settings(folder, settings, free)
        parts = {"train": corpora.train, "valid": corpora.valid}
        runs.same_data(folder, {name: runs.fingerprint(part.source, part.target) for name, part in parts.items()})
    if not finished:
        keras.backend.clear_session()
        _, code = translate.train_run(settings, corpora.train, corpora.valid, time.monotonic())
        if code:
            return {}, code
    report = _report(folder)
    wanted = runs.fingerprint(corpora.sources, *corpora.references)
    if not (folder / _SCORES).exists() or runs.read_json(folder / _SCORES)["fingerprint"] != wanted:
        task = TextToText.load(folder / "model")
        found = scores.judged(task.generate(corpora.sources), corpora, settings.tokenize)
        runs.write_json(folder / _SCORES, {"fingerprint": wanted, **found})
    return gathered(runs.read_json(folder / _SCORES), report), 0


def gathered(tested: dict, report: dict) -> dict:
    """What a row holds beside its name, of the score and the report of a run."""
    history, curve, seconds = report["epochs"], [], 0.0
    for epoch in history:
        seconds += epoch["train_seconds"]
        curve.append([round(seconds, 1), epoch["val_perplexity"]])
    figures = {
        **tested["figures"],
        "perplexity": report["valid"]["perplexity"],
        "parameters": report["parameters"],
        "epochs": len(history),
        "seconds": round(60 * report["minutes"], 1),
        "rate": statistics.median(epoch["tokens_per_second"] for epoch in history),
    }
    lost = scores.lost(tested["by_length"])
    figures |= {} if lost is None else {"lost": lost}
    width = report["settings"]["model"]["width"]
    figures |= {} if width is None else {"width": width}
    return {"figures": figures, "by_length": tested["by_length"], "curve": curve}


def time_to_loss(found: list[Row]) -> None:
    """Adds `reached`: seconds of training steps until perplexity was as low as every run of the budget had it once."""
    for row in found:
        target = max(min(loss for _, loss in other.curve) for other in found if other.budget == row.budget)
        row.figures["reached"] = next(seconds for seconds, loss in row.curve if loss <= target)


def trained_before(folder: Path, budget: str, variants: dict[str, dict]) -> set[int]:
    """Seeds with which every variant was trained to the end of a budget."""
    each = []
    for variant in variants:
        reports = place(folder, budget, variant, 0).parent.glob("*/report.json")
        each.append(earlier_seeds.found(path.parent.name for path in reports))
    return set.intersection(*each)


def place(folder: Path, budget: str, variant: str, seed: int) -> Path:
    """Folder of a run."""
    return folder / slug(budget) / slug(variant) / f"seed-{seed}"


def slug(name: str) -> str:
    """A name as a folder."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _report(folder: Path) -> dict:
    """Of a run that was trained to its end."""
    report = runs.read_json(folder / "report.json")
    if not report["epochs"]:
        raise InputError("its time was over before the first step of training", where=folder, remedy="raise --minutes")
    if not all("train_seconds" in epoch for epoch in report["epochs"]):
        raise InputError(
            "was trained before the time of training steps was told apart",
            where=folder,
            remedy="remove it, or name another folder with --output",
        )
    return report
