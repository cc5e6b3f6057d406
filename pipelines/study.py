"""What each idea of the field is worth: one question, a few models trained alike, a table, a plot, a verdict.

    python -m pipelines study length
    python -m pipelines study depth --minutes 5 --seeds 0 1 2 --train.source a.en --train.target a.de \\
        --valid.source c.en --valid.target c.de --test.source e.en --test.target e.de --output runs/studies/depth_de

Each model is a run of its own in the study's folder. What is trained is not trained again: the same command goes on
where it was stopped, and further seeds join those that are there. Beside the runs: results.md, results.csv,
results.json, results.png, and the same in logs/ for TensorBoard.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from pipelines import (
    runs,
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
from seq2seq_keras.errors import InputError


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
    check(settings)
    folder = settings.output or Path("runs/studies") / settings.name
    question = study_questions.of(settings)
    print(f"{settings.name}: {question.asks}", flush=True)
    report = {**study_results.about(settings), "name": settings.name, "asks": question.asks, "claim": question.claim}
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


def check(settings: Study) -> None:
    """Refuses what would fail after hours of work."""
    if not settings.seeds or len(set(settings.seeds)) < len(settings.seeds):
        raise InputError(f"--seeds is {settings.seeds}", expected="one or more, each once")
    for name in ("minutes", "epochs", "pairs", "parameters", "beam"):
        value = getattr(settings, name)
        if value is not None and value <= 0:
            raise InputError(f"--{name} is {value}", expected="more than 0")
    if settings.name == "embeddings" and not (settings.source_vectors or settings.target_vectors):
        raise InputError(
            "embeddings needs vectors to begin with",
            remedy="give a GloVe or word2vec text file with --source-vectors, --target-vectors or both",
        )
    if settings.name != "embeddings" and (settings.source_vectors or settings.target_vectors):
        raise InputError(f"{settings.name} takes no vectors", remedy="leave --source-vectors and --target-vectors out")
    if settings.parameters and settings.name != "families":
        raise InputError(f"--parameters is not for {settings.name}", expected="it with families")
    folder = settings.output or Path("runs/studies") / settings.name
    runs.check_report_folder(folder)


def _trained(settings: Study, question: Question, folder: Path) -> tuple[Done | None, int]:
    """Trains and scores all variants; nothing, and the exit code, where a signal stopped it."""
    corpora = study_data.read(settings)
    asked, variants, budgets = study_data.translation(settings, corpora, folder), question.variants, question.budgets
    described, figure = corpora.described, corpora.figure
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
