"""Where the model looks."""

import io
import textwrap
import warnings
from collections.abc import Callable, Iterable

import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure

from seq2seq_keras.training.tensorboard.board import Page


class AttentionMaps(Page):
    """A picture of each map after each epoch, `attention/1`, `attention/2` ...

    Args:
        maps: returns the maps to draw, each (title, columns, rows, (R, C) weights).
    """

    def __init__(self, maps: Callable[[], Iterable[tuple[str, list[str], list[str], np.ndarray]]]):
        self.maps = maps

    def after_epoch(self, model, epoch, logs):
        for number, (title, columns, rows, weights) in enumerate(self.maps(), start=1):
            image = heat_map(title, columns, rows, weights)
            tf.summary.image(f"attention/{number}", tf.io.decode_png(image, channels=4)[None])


def heat_map(title: str, columns: list[str], rows: list[str], weights: np.ndarray) -> bytes:
    """An attention map as PNG: what each row's step looked at.

    Args:
        columns: C source pieces.
        rows: R target pieces.
        weights: (R, C) from 0 to 1.
    """
    wide = 2 + 0.3 * len(columns)
    lines = textwrap.wrap(title, max(12, int(10 * wide)))
    figure = Figure(figsize=(wide, 1.2 + 0.25 * len(lines) + 0.3 * len(rows)), layout="constrained")
    axes = figure.subplots()
    axes.imshow(weights, vmin=0.0, vmax=1.0, cmap="Blues", aspect="auto")
    # A dollar sign would be read as mathematics, and any text may come here.
    axes.set_xticks(range(len(columns)), columns, rotation=90, parse_math=False)
    axes.set_yticks(range(len(rows)), rows, parse_math=False)
    figure.suptitle("\n".join(lines), fontsize="medium", parse_math=False)
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # the picture has a box there, which says as much
        figure.savefig(file, format="png", dpi=100)
    return file.getvalue()
