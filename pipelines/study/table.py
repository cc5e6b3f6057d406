"""The table of a study, as Markdown and as CSV."""

import csv
import io
import statistics
from typing import NamedTuple

from pipelines.bench import tables
from pipelines.study import chance
from pipelines.study.trained import Row


class Figure(NamedTuple):
    """How a figure is shown."""

    title: str
    form: str = "{:.1f}"
    more_is_better: bool = False


FIGURES = {
    "wer": Figure("word error rate"),
    "per": Figure("phoneme error rate"),
    "bleu": Figure("BLEU", more_is_better=True),
    "chrf": Figure("chrF", more_is_better=True),
    "perplexity": Figure("perplexity", "{:.3f}"),
    "parameters": Figure("parameters", "{:,.0f}"),
    "width": Figure("width", "{:.0f}"),
    "epochs": Figure("epochs", "{:.0f}"),
    "seconds": Figure("seconds", "{:.0f}"),
    "rate": Figure("target tokens/s", "{:,.0f}", more_is_better=True),
    "reached": Figure("seconds to the loss all reach", "{:.0f}"),
    "lost": Figure("% lost from short to long"),
    "factor_first": Figure("factor a step, untrained", "{:.3f}"),
    "factor": Figure("factor a step, trained", "{:.3f}"),
    "unsteadiness_first": Figure("unsteadiness, untrained", "{:.3f}"),
    "unsteadiness": Figure("unsteadiness, trained", "{:.3f}"),
    "oldest_first": Figure("oldest/latest, untrained", "{:.1e}"),
    "oldest": Figure("oldest/latest, trained", "{:.1e}"),
    "largest": Figure("largest in training", "{:.3g}"),
    "right": Figure("% recalled", "{:.1f}", more_is_better=True),
}
"""Every figure a table may have."""

_LOST = (
    "Lost: what the longest group of sources is worse than the shortest, in points of an error rate, or in percent of "
    "BLEU and only where that of the shortest is 1 or more."
)
_FACTOR = "Unsteadiness: the absolute logarithm of the factor, 0 where the norm neither vanishes nor explodes."


def summed(found: list[Row]) -> dict:
    """Of all rows: `budgets`, `summary` (budget to variant to figure to mean, least and most) and `runs`."""
    summary: dict[str, dict[str, dict[str, list[float]]]] = {}
    for row in found:
        columns = summary.setdefault(row.budget, {}).setdefault(row.variant, {})
        for name, value in row.figures.items():
            columns.setdefault(name, []).append(value)
    for columns in (columns for variants in summary.values() for columns in variants.values()):
        for name, values in columns.items():
            columns[name] = [statistics.fmean(values), min(values), max(values)]
    return {"budgets": list(summary), "summary": summary, "runs": [row._asdict() for row in found]}


def render(report: dict) -> str:
    """The report as Markdown."""
    pages = [f"# {report['name']}: {report['asks']}"]
    for budget, variants in report["summary"].items():
        columns = [name for name in report["columns"] if any(name in figures for figures in variants.values())]
        cells = [
            (name, *(_cell(figures.get(column), FIGURES[column].form) for column in columns))
            for name, figures in variants.items()
        ]
        titles = (budget, *(FIGURES[column].title for column in columns))
        pages.append(tables.page(titles, cells, []).strip())
    scored = [run for run in report["runs"] if run["by_length"]]
    if scored:
        pages += [_by_length(report, budget) for budget in dict.fromkeys(run["budget"] for run in scored)]
    pages += report["verdict"]
    return "\n\n".join([*pages, "\n".join(f"- {note}" for note in _notes(report))]) + "\n"


def spreadsheet(report: dict) -> str:
    """The report as CSV: a line for each variant, with mean, least and most of every figure."""
    columns = list(dict.fromkeys(name for row in report["runs"] for name in row["figures"]))
    written = io.StringIO()
    lines = csv.writer(written, lineterminator="\n")
    titles = [title for name in columns for title in (name, f"{name}_least", f"{name}_most")]
    lines.writerow(["budget", "variant", *titles])
    for budget, variants in report["summary"].items():
        for name, figures in variants.items():
            lines.writerow([budget, name, *(value for column in columns for value in figures.get(column, [""] * 3))])
    return written.getvalue()


def _cell(values: list[float] | None, form: str) -> str:
    if values is None:
        return ""
    return tables.span(values, form) if values[1] < values[2] else form.format(values[0])


def _by_length(report: dict, budget: str) -> str:
    """The score by the length of the source, a column for each group of sources."""
    rows = [row for row in report["runs"] if row["budget"] == budget]
    figure = report["data"]["by_length"]
    groups = [group["sources"] for group in rows[0]["by_length"]]
    cells = []
    for name in report["summary"][budget]:
        held = [row["by_length"] for row in rows if row["variant"] == name]
        values = [[groups[place][figure] for groups in held] for place in range(len(groups))]
        cells.append((name, *(_cell([statistics.fmean(v), min(v), max(v)], FIGURES[figure].form) for v in values)))
    unit = "letters" if report["data"]["task"] == "spelling" else "words"
    titles = (f"{budget}, {FIGURES[figure].title}", *(f"{group} {unit}" for group in groups))
    return tables.page(titles, cells, []).strip()


def _notes(report: dict) -> list[str]:
    seeds = sorted(
        {len({run["seed"] for run in report["runs"] if run["budget"] == name}) for name in report["budgets"]}
    )
    data = report["data"]
    notes = [
        f"Mean (least to most) over {' or '.join(map(str, seeds))} seed{'s' if seeds[-1] > 1 else ''}; "
        "perplexity is of the validation pairs.",
        f"Data: {data['name']}; {data['train']:,} pairs to train on, {data['valid']:,} to watch, {data['test']:,} "
        "sources to score on.",
        *([data["recall"]] if "recall" in data else []),
        *report["remarks"],
        *([_LOST] if "lost" in report["columns"] else []),
        *([_FACTOR] if "factor" in report["columns"] else []),
        chance.ASSUMED,
    ]
    return [*notes, *tables.origin(report)]
