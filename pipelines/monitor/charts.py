"""Pictures of a report: on light and on dark paper alike, so without a ground of their own."""

import io
from collections.abc import Iterable

import matplotlib
import matplotlib.colors
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

INK = "#808080"
"""Of axes and words: grey that reads on white and on black."""
STYLE = {
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "xtick.color": INK,
    "ytick.color": INK,
    "font.size": 9,
}
Curves = dict[str, tuple[np.ndarray, np.ndarray]]


def curves(drawn: Curves, colors: dict[str, str], across: str) -> bytes:
    """One figure of one or more runs, as PNG.

    Args:
        drawn: name of a run to x (n,) and y (n,).
        colors: name of a run to its colour.
        across: what x is.
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(4.2, 2.7), layout="constrained")
        axes = figure.subplots()
        for name, (x, y) in drawn.items():
            axes.plot(x, y, color=colors[name], linewidth=1.4, marker="." if len(x) < 3 else "")
        axes.set_xlabel(across)
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        axes.ticklabel_format(axis="y", useOffset=False, scilimits=(-3, 5))
        return _png(figure)


def colors(names: list[str]) -> dict[str, str]:
    """Name of each run to a colour of its own; they repeat after twenty."""
    palette = matplotlib.colormaps["tab10" if len(names) <= 10 else "tab20"].colors
    return {name: matplotlib.colors.to_hex(palette[place % len(palette)]) for place, name in enumerate(names)}


def histograms(tags: dict[str, list[np.ndarray]]) -> bytes:
    """A panel for each weight: its distribution at every step, the later the darker.

    Args:
        tags: path to buckets (k, 3) by step, as `Events.histograms` has them.
    """
    columns = 4
    rows = -(-len(tags) // columns)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(3 * columns, 1.9 * rows), layout="constrained")
        places = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes, (name, steps) in zip(places, tags.items()):
            for place, buckets in enumerate(steps, start=1):
                middles, counts = buckets[:, :2].mean(axis=1), buckets[:, 2]
                axes.plot(
                    middles, counts / max(counts.max(), 1e-12), color="C0", alpha=0.15 + 0.85 * place / len(steps)
                )
            axes.set_title(_end(name), fontsize=8, parse_math=False)
            axes.set_yticks([])
            axes.locator_params(axis="x", nbins=4)
        for axes in places[len(tags) :]:
            axes.set_visible(False)
        return _png(figure)


def projection(vectors: np.ndarray, labels: Iterable[str]) -> bytes:
    """Vectors on their two main axes, with labels.

    Args:
        vectors: (N, D) float, N at least 2.
        labels: N texts.
    """
    centred = vectors - vectors.mean(axis=0)
    places = centred @ np.linalg.svd(centred, full_matrices=False)[2][:2].T
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(9, 6), layout="constrained")
        axes = figure.subplots()
        axes.scatter(*places.T, s=6, color="C0", alpha=0.5)
        for (x, y), label in zip(places, labels):
            axes.annotate(label, (x, y), fontsize=8, color=INK, parse_math=False)
        axes.set(xlabel="first axis", ylabel="second axis")
        return _png(figure)


def _end(name: str, most: int = 34) -> str:
    return name if len(name) <= most else "..." + name[-most:]


def _png(figure: Figure) -> bytes:
    written = io.BytesIO()
    figure.savefig(written, format="png", dpi=110, transparent=True)
    return written.getvalue()
