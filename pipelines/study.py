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

from pipelines import (
    runs,
    study_checks,
    study_data,
    study_encoders,
    study_gradients,
    study_plots,
    study_questions,
    study_results,
    study_runs,
    study_sizes,
    study_table,
    study_verdict,
)
from pipelines.settings import Study
from pipelines.study_question import Question


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
    question, folder = study_questions.of(settings), study_data.folder(settings)
    study_checks.study(settings, question)
    print(f"{settings.name}: {question.asks}", flush=True)
    report = {**study_results.about(settings), "name": settings.name, "asks": question.asks, "claim": question.claim}
    report["remarks"] = list(question.remarks)
    done, code = _trained(settings, question, folder)
    if code:
        return code
    report |= {"data": done.data, **study_table.summed(done.rows)}
    report["columns"] = [name or done.figure for name in question.columns]
    report["verdict"] = [
        study_verdict.sentence(question, done.rows, done.figure, budget) for budget in report["budgets"]
    ]
    study_results.write(report, done.draw(), folder)
    if settings.json:
        runs.write_json(settings.json, report)
    return 0


def _trained(settings: Study, question: Question, folder: Path) -> tuple[Done | None, int]:
    """Trains and scores all variants; nothing, and the exit code, where a signal stopped it."""
    corpora = study_data.read(settings)
    asked, variants, budgets = study_data.translation(settings, corpora, folder), question.variants, question.budgets
    described, figure = corpora.described, corpora.figure
    study_checks.variants(asked, question)
    if settings.name == "gradients":
        rows, code = study_encoders.rows(asked, variants, budgets, settings.seeds, corpora, folder)
        if code:
            return None, code
        rows = study_gradients.rows(settings, folder) + rows
        described |= {"recall": study_gradients.DESCRIBED}
        return Done(rows, described, figure, partial(study_plots.gradients, rows)), 0
    if question.exposed:
        asked = study_data.changed(asked, {"monitor": f"val_{corpora.by_length}", "decode_rows": study_data.WATCHED})
    if question.equal:
        variants = study_sizes.equal(variants, asked, corpora, settings.parameters)
    rows, code = study_runs.rows(asked, variants, budgets, settings.seeds, corpora, folder)
    if code:
        return None, code
    if question.exposed:
        study_runs.time_to_loss(rows)
    return Done(rows, described, figure, partial(study_plots.trained, rows, figure, corpora.by_length)), 0
