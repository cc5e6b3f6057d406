"""Figures as PNG files."""

import io
from pathlib import Path

from matplotlib.figure import Figure  # without pyplot: no display, no global state

from pipelines import runs
from seq2seq_keras.training.tensorboard import heat_map


def curves(history: list[dict], path: Path) -> None:
    """Loss and, where there is one, validation score by epoch.

    Args:
        history: one dict an epoch, as `history.json` holds them.
    """
    epochs = [row["epoch"] for row in history]
    figure = Figure(figsize=(6, 4), layout="constrained")
    left = figure.subplots()
    for name in ("loss", "val_loss"):
        if all(name in row for row in history):
            left.plot(epochs, [row[name] for row in history], marker=".", label=name)
    left.set(xlabel="epoch", ylabel="loss")
    if all("val_bleu" in row for row in history):
        right = left.twinx()
        right.plot(epochs, [row["val_bleu"] for row in history], color="tab:green", marker=".", label="val_bleu")
        right.set_ylabel("BLEU")
    figure.legend(loc="outside upper center", ncols=3)
    save(figure, path)


def by_length(rows: list[dict], path: Path) -> None:
    """BLEU by source length.

    Args:
        rows: dicts with `words`, `rows` and `bleu`, one a bucket.
    """
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    bars = axes.bar([row["words"] for row in rows], [row["bleu"] for row in rows], color="tab:blue")
    axes.bar_label(bars, labels=[f"{row['rows']} rows" for row in rows], fontsize=8)
    axes.set(xlabel="words in the source", ylabel="BLEU")
    save(figure, path)


def lengths(columns: dict[str, dict[str, list]], path: Path) -> None:
    """How long lines are.

    Args:
        columns: name to `edges` and `counts` of a histogram.
    """
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    for name, histogram in columns.items():
        axes.stairs(histogram["counts"], histogram["edges"], label=name)
    axes.set(xlabel="words", ylabel="lines")
    axes.legend()
    save(figure, path)


def alignment(title: str, source: list[str], target: list[str], weights, path: Path) -> None:
    """Where the model looked: a row for each target piece, a column for each source piece.

    Args:
        weights: (T, S) from 0 to 1.
    """
    runs.write_bytes(path, heat_map(title, source, target, weights))


def save(figure: Figure, path: Path) -> None:
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", dpi=120)
    runs.write_bytes(path, drawn.getvalue())
