"""What each idea of the field is worth: one question, a few models trained alike, a table, a plot, a verdict.

    python -m pipelines study length
    python -m pipelines study depth --minutes 5 --seeds 0 1 2 --train.source a.en --train.target a.de \\
        --valid.source c.en --valid.target c.de --test.source e.en --test.target e.de --output runs/studies/depth_de

Each model is a run of its own in the study's folder. What is trained is not trained again: the same command goes on
where it was stopped, and seeds that were trained earlier for the same budget join those that are given. Beside the
runs: results.md, results.csv, results.json, results.png, and the same in logs/study/ for TensorBoard.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from pipelines import runs
from pipelines.settings import Study
from pipelines.study import (
    checks,
    encoders,
    plots,
    questions,
    results,
    sizes,
    splits,
    table,
    through_time,
    trained,
    verdict,
)
from pipelines.study.question import Question


class Done(NamedTuple):
    """What was measured."""

    rows: list
    data: dict
    """What it was measured on, for the report."""
    figure: str
    """The score that decides."""
    draw: Callable[[], bytes]
    """Makes the picture."""


def run(settings: Study) -> int:
    """The command; returns the exit code."""
    question, folder = questions.of(settings), splits.folder(settings)
    checks.study(settings, question)
    print(f"{settings.name}: {question.asks}", flush=True)
    report = {**results.about(settings), "name": settings.name, "asks": question.asks, "claim": question.claim}
    report["remarks"] = list(question.remarks)
    done, code = _trained(settings, question, folder)
    if code:
        return code
    report |= {"data": done.data, **table.summed(done.rows)}
    report["columns"] = [name or done.figure for name in question.columns]
    report["verdict"] = [verdict.sentence(question, done.rows, done.figure, budget) for budget in report["budgets"]]
    results.write(report, done.draw(), folder)
    if settings.json:
        runs.write_json(settings.json, report)
    return 0


def _trained(settings: Study, question: Question, folder: Path) -> tuple[Done | None, int]:
    """Trains and scores all variants; nothing, and the exit code, where a signal stopped it."""
    corpora = splits.read(settings)
    asked, variants, budgets = splits.translation(settings, corpora, folder), question.variants, question.budgets
    described, figure = corpora.described, corpora.figure
    checks.variants(asked, question)
    if settings.name == "gradients":
        rows, code = encoders.rows(asked, variants, budgets, settings.seeds, corpora, folder)
        if code:
            return None, code
        rows = through_time.rows(settings, folder) + rows
        described |= {"recall": through_time.DESCRIBED}
        return Done(rows, described, figure, partial(plots.gradients, rows)), 0
    if question.exposed:
        asked = splits.changed(asked, {"monitor": f"val_{corpora.by_length}", "decode_rows": splits.WATCHED})
    if question.equal:
        variants = sizes.equal(variants, asked, corpora, settings.parameters)
    rows, code = trained.rows(asked, variants, budgets, settings.seeds, corpora, folder)
    if code:
        return None, code
    if question.exposed:
        trained.time_to_loss(rows)
    return Done(rows, described, figure, partial(plots.trained, rows, figure, corpora.by_length)), 0
