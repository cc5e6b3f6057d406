"""The table of a search, as Markdown and as CSV."""

import csv
import io

from pipelines.bench import tables
from pipelines.tune import trial_record
from pipelines.tune.trial_record import Record

_FORMS = {"parameters": "{:,.0f}", "epochs": "{:.0f}", "minutes": "{:.1f}", "loss": "{:.4f}", "perplexity": "{:.3f}"}
_TITLES = {"wer": "word error rate", "per": "phoneme error rate", "bleu": "BLEU", "chrf": "chrF"}


def ordered(records: list[Record], sign: int) -> list[Record]:
    """The best first, those that failed last."""
    finished = [record for record in records if record.status == trial_record.FINISHED]
    return sorted(finished, key=lambda record: sign * record.score) + [
        record for record in records if record.status != trial_record.FINISHED
    ]


def searched(records: list[Record]) -> list[str]:
    """Names of all that any trial was given."""
    return list(dict.fromkeys(name for record in records for name in trial_record.labelled(record)))


def verdict(records: list[Record], objective: str, sign: int) -> str:
    """The best of the search against the pipeline's own settings, where these were trained too."""
    trials = [record for record in records if record.trial != trial_record.BASELINE]
    counts = {status: sum(record.status == status for record in trials) for status in ("finished", "failed")}
    best, own = (
        trial_record.best(trials, sign),
        trial_record.best([each for each in records if each not in trials], sign),
    )
    said = f"{counts['finished']} trials finished"
    said += f", {counts['failed']} failed" if counts["failed"] else ""
    if best is None:
        return f"{said}."
    stopped = sum(record.stopped is not None for record in trials)
    said += f", {stopped} of them stopped early as worse than the median" if stopped else ""
    said += f". Best: trial {best.trial}, {objective} {best.score:.4f}"
    if own is None:
        return f"{said}."
    relation = "equal to" if best.score == own.score else "better than" if sign * (own.score - best.score) > 0 else ""
    return f"{said}, {relation or 'worse than'} the pipeline's own settings at the same budget, {own.score:.4f}."


def render(report: dict, records: list[Record], sign: int) -> str:
    """The report as Markdown."""
    figures, names = _figures(records), searched(records)
    titles = ("", *(_TITLES.get(name, name) for name in figures), *(name.replace("_", " ") for name in names), "end")
    rows = []
    for record in ordered(records, sign):
        shown = trial_record.labelled(record)
        cells = [_FORMS.get(name, "{:.2f}").format(record.figures[name]) if record.figures else "" for name in figures]
        rows.append((record.trial, *cells, *(str(shown.get(name, "")) for name in names), _end(record)))
    notes = [*report["notes"], *tables.origin(report)]
    table = tables.page(titles, rows, notes)
    return f"# {report['title']}\n\n{report['verdict']}\n\n{table}"


def spreadsheet(records: list[Record], objective: str, sign: int) -> str:
    """A line for each trial."""
    written, figures, names = io.StringIO(), _figures(records), searched(records)
    lines = csv.writer(written, lineterminator="\n")
    lines.writerow(["trial", objective, *figures, *names, "status", "stopped", "cause"])
    for record in ordered(records, sign):
        shown = trial_record.labelled(record)
        cells = [record.figures.get(name, "") for name in figures] + [shown.get(name, "") for name in names]
        score, stopped = ("" if value is None else value for value in (record.score, record.stopped))
        lines.writerow([record.trial, score, *cells, record.status, stopped, record.cause])
    return written.getvalue()


def _figures(records: list[Record]) -> list[str]:
    return list(dict.fromkeys(name for record in records for name in record.figures))


def _end(record: Record) -> str:
    if record.status == trial_record.FAILED:
        return "failed"
    return "" if record.stopped is None else f"stopped after epoch {record.stopped}"
