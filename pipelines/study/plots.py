"""The picture of a study."""

import io

import numpy as np
from matplotlib.figure import Figure

from pipelines.study import table
from pipelines.study.trained import Row


def trained(found: list[Row], figure: str, by_length: str) -> bytes:
    """A row for each budget: the score by variant, the score by length of the source, and the learning curves.

    Args:
        figure: the score, as `study.table.FIGURES` names it.
        by_length: the score to compare lengths by.
    """
    budgets = list(dict.fromkeys(row.budget for row in found))
    drawn = Figure(figsize=(14, 4.2 * len(budgets)), layout="constrained")
    title = table.FIGURES[figure].title
    for budget, axes in zip(budgets, drawn.subplots(len(budgets), 3, squeeze=False)):
        rows = [row for row in found if row.budget == budget]
        for place, variant in enumerate(dict.fromkeys(row.variant for row in rows)):
            held, color = [row for row in rows if row.variant == variant], f"C{place}"
            scores = [row.figures[figure] for row in held]
            axes[0].bar(place, np.mean(scores), color=color)
            axes[0].plot([place] * len(scores), scores, "k.")
            _lengths(axes[1], held, by_length, color)
            for row in held:
                axes[2].plot(*zip(*row.curve), color=color, marker=".", alpha=0.7)
            axes[2].plot([], [], color=color, label=variant)
        names = list(dict.fromkeys(row.variant for row in rows))
        axes[0].set_xticks(range(len(names)), names, rotation=20, ha="right")
        axes[0].set(ylabel=title, title=budget)
        axes[1].set(xlabel="length of the source", ylabel=table.FIGURES[by_length].title, title="by length")
        axes[2].set(xlabel="seconds of training steps", ylabel="validation perplexity", yscale="log", title="learning")
        axes[2].legend()
    return _png(drawn)


def gradients(found: list[Row]) -> bytes:
    """Norm of dL/dh_t by distance, on a logarithmic scale: with first weights and after training, a row a budget."""
    budgets = list(dict.fromkeys(row.budget for row in found))
    drawn = Figure(figsize=(13, 4.2 * len(budgets)), layout="constrained")
    for budget, panels in zip(budgets, drawn.subplots(len(budgets), 2, squeeze=False, sharey="row")):
        rows = [row for row in found if row.budget == budget]
        for axes, moment in zip(panels, ("first", "trained")):
            for place, variant in enumerate(dict.fromkeys(row.variant for row in rows)):
                norms = np.array([row.norms[moment] for row in rows if row.variant == variant])
                # What underflows to 0 has no logarithm: the line ends there.
                with np.errstate(divide="ignore"):
                    mean = np.exp(np.mean(np.log(norms), axis=0))[::-1]
                shown = np.where(mean > 0, mean, np.nan)
                axes.plot(shown, color=f"C{place // 2}", linestyle="-" if place % 2 else "--", label=variant)
            axes.set(xlabel="steps back in time", yscale="log", title=f"{budget}: {moment} weights")
        panels[0].set_ylabel("norm of dL/dh_t")
        panels[1].legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return _png(drawn)


def _lengths(axes, held: list[Row], figure: str, color: str) -> None:
    groups = [group["sources"] for group in held[0].by_length]
    values = [[group[figure] for group in row.by_length] for row in held]
    axes.plot(range(len(groups)), np.mean(values, axis=0), color=color, marker="o")
    axes.set_xticks(range(len(groups)), groups)


def _png(figure: Figure) -> bytes:
    written = io.BytesIO()
    figure.savefig(written, format="png", dpi=90)
    return written.getvalue()
