"""Pages for TensorBoard: curves, decoded samples beside references, attention maps."""

import io
import math
import os
import warnings
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf
from keras import ops
from matplotlib.figure import Figure


class TensorBoard(keras.callbacks.Callback):
    """Writes what a person watches while a sequence model trains; steps go on counting after a resume.

    Scalars by step: loss, perplexity, learning rate, tokens a second. By epoch: every figure in the logs, decoded
    samples as text, attention maps as images.

    Args:
        folder: of the logs.
        every: steps between scalars.
        throughput: `Throughput`, for its rate.
        samples: returns (sources, outputs, references), after each epoch.
        attention: returns the maps to draw, each (title, columns, rows, (R, C) weights), after each epoch.
    """

    def __init__(
        self,
        folder: str | os.PathLike,
        every: int = 50,
        throughput=None,
        samples: Callable[[], tuple[list[str], list[str], list[str]]] | None = None,
        attention: Callable[[], list[tuple[str, list[str], list[str], np.ndarray]]] | None = None,
    ):
        super().__init__()
        self.folder, self.every, self.throughput = str(folder), every, throughput
        self.samples, self.attention = samples, attention
        self._writer = None

    def on_train_begin(self, logs=None):
        self._writer = tf.summary.create_file_writer(self.folder)

    def on_train_batch_end(self, batch, logs=None):
        step = int(ops.convert_to_numpy(self.model.optimizer.iterations))
        if step % self.every:
            return
        figures = {name: value for name, value in (logs or {}).items() if name in ("loss", "perplexity")}
        figures["learning_rate"] = float(ops.convert_to_numpy(self.model.optimizer.learning_rate))
        if self.throughput is not None:
            figures["tokens_per_second"] = self.throughput.rate
        with self._writer.as_default(step):
            for name, value in figures.items():
                tf.summary.scalar(f"step/{name}", value)

    def on_epoch_end(self, epoch, logs=None):
        with self._writer.as_default(epoch + 1):
            for name, value in (logs or {}).items():
                if math.isfinite(value):
                    tf.summary.scalar(f"epoch/{name}", value)
            if self.samples is not None:
                tf.summary.text("samples", _table(*self.samples()))
            if self.attention is not None:
                for number, (title, columns, rows, weights) in enumerate(self.attention(), start=1):
                    image = heat_map(title, columns, rows, weights)
                    tf.summary.image(f"attention/{number}", tf.io.decode_png(image, channels=4)[None])
        self._writer.flush()

    def on_train_end(self, logs=None):
        self._writer.close()


def heat_map(title: str, columns: list[str], rows: list[str], weights: np.ndarray) -> bytes:
    """An attention map as PNG: what each row's step looked at.

    Args:
        columns: C source pieces.
        rows: R target pieces.
        weights: (R, C) from 0 to 1.
    """
    figure = Figure(figsize=(2 + 0.3 * len(columns), 1.5 + 0.3 * len(rows)), layout="constrained")
    axes = figure.subplots()
    axes.imshow(weights, vmin=0.0, vmax=1.0, cmap="Blues", aspect="auto")
    # A dollar sign would be read as mathematics, and any text may come here.
    axes.set_xticks(range(len(columns)), columns, rotation=90, parse_math=False)
    axes.set_yticks(range(len(rows)), rows, parse_math=False)
    axes.set_title(title, parse_math=False)
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # the picture has a box there, which says as much
        figure.savefig(file, format="png", dpi=100)
    return file.getvalue()


def _table(sources: list[str], outputs: list[str], references: list[str]) -> str:
    rows = [
        " | ".join(text.replace("|", r"\|").replace("\n", " ") for text in row)
        for row in zip(sources, outputs, references, strict=True)
    ]
    return "\n".join(["source | output | reference", "--- | --- | ---", *rows])
