"""Runs, studies and tunings as one HTML file that asks nothing of a network."""

import base64
import datetime
from pathlib import Path

import jinja2
import markdown_it
import markupsafe
import numpy as np

from pipelines import runs
from pipelines.monitor import charts, event_files, overview, pages
from pipelines.monitor.event_files import Events
from pipelines.monitor.folders import Found, Run

TEMPLATE = Path(__file__).with_name("report.html")
COMPARED = ("loss", "val_loss", "val_perplexity", "val_accuracy", "val_bleu", "val_chrf", "val_wer", "val_per")
"""Figures by epoch in which runs are compared."""
BY_STEP = (
    "loss",
    "perplexity",
    "accuracy",
    "learning_rate",
    "gradient_norm",
    "tokens_per_second",
    "padding",
    "utilisation",
    "skipped_updates",
)
"""Figures by step of each run."""
_POINTS = 2000
"""Of a curve at most: a picture has no more columns."""
_NAMED = 20
"""Runs whose colours are named; of more the colours repeat."""
_LABELS = 150
"""Entries of a vocabulary that are drawn."""
_PANELS = 24
"""Weights whose histograms are drawn."""


def write(folder: Path, found: Found, path: Path) -> dict:
    """Writes the file; returns the tables in it."""
    events = [event_files.read(pages.folder(run.folder)) for run in found.runs]
    tables = {
        "reached": overview.reached(found.runs, events),
        "differences": overview.differences(found.runs) if len(found.runs) > 1 else [],
    }
    colors = charts.colors([run.name for run in found.runs])
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    environment.filters |= {"picture": _picture, "markdown": _markdown}
    page = environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        title=folder.absolute().name,
        date=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        tables=found.tables,
        curves=_compared(found.runs, colors),
        colors=colors if 1 < len(colors) <= _NAMED else {},
        runs=[_section(run, seen) for run, seen in zip(found.runs, events)],
        **tables,
    )
    runs.write_text(path, page)
    return tables


def _compared(found: list[Run], colors: dict[str, str]) -> dict[str, bytes]:
    """A picture by epoch of each figure that any run has, all runs in it."""
    pictures = {}
    for name in COMPARED:
        rows = {run.name: [row for row in run.history if name in row] for run in found}
        curves = {run: [[row[key] for row in each] for key in ("epoch", name)] for run, each in rows.items() if each}
        if curves:
            pictures[name] = charts.curves(curves, colors, "epoch")
    return pictures


def _section(run: Run, events: Events) -> dict:
    """What the template shows of one run."""
    color = charts.colors([run.name])
    steps = {name: events.scalars[f"step/{name}"] for name in BY_STEP if f"step/{name}" in events.scalars}
    vectors = event_files.vectors(pages.folder(run.folder))
    weights = dict(list(events.histograms.items())[:_PANELS])
    return {
        "name": run.name,
        "steps": {n: charts.curves({run.name: _thin(*curve)}, color, "step") for n, curve in steps.items()},
        "texts": {title: events.texts[tag] for title, tag in _TEXTS.items() if tag in events.texts},
        "maps": [image for tag, image in sorted(events.images.items()) if tag.startswith("attention/")],
        "projections": {name: _projection(*table) for name, table in vectors.items() if len(table[1]) > 1},
        "histograms": charts.histograms(weights) if weights else b"",
        "settings": overview.settings(run),
    }


_TEXTS = {"Decoded samples": "samples", "Where the time of a step goes": "profile"}


def _projection(labels: list[str], vectors: np.ndarray) -> bytes:
    return charts.projection(vectors[:_LABELS], labels[:_LABELS])


def _thin(steps: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    every = -(-len(steps) // _POINTS)
    return steps[::every], values[::every]


def _picture(content: bytes) -> str:
    """PNG as the address of itself."""
    return "data:image/png;base64," + base64.b64encode(content).decode()


def _markdown(text: str) -> markupsafe.Markup:
    """Markdown as HTML; what is HTML in it already is shown as it is written, and pictures are not fetched."""
    reader = (
        markdown_it.MarkdownIt("commonmark", {"html": False}).enable("table").disable(["image", "link", "autolink"])
    )
    return markupsafe.Markup(reader.render(text))
