"""Curves."""

import math
from collections.abc import Callable, Iterable

import keras
import tensorflow as tf
from keras import ops

from seq2seq_keras.training.guarded import guard
from seq2seq_keras.training.tensorboard.board import Page

STEP = ("loss", "perplexity", "accuracy", "padding", "tokens_per_second")
"""What the logs of a step have that is worth a curve: means since the epoch began. `Throughput` adds the last."""


class Scalars(Page):
    """Curves by step, `step/NAME`, and by epoch, `epoch/NAME`: the logs, and figures that are not in them.

    Args:
        every: steps between points of the curves by step.
        figures: each, given the model, returns figures by name; they are written by step and by epoch. What is not
            finite is left out.

    Raises:
        ValueError: `every` is not positive.
    """

    def __init__(self, every: int = 50, figures: Iterable[Callable[[keras.Model], dict[str, float]]] = ()):
        if every < 1:
            raise ValueError(f"every must be 1 or more, found {every}")
        self.every, self.figures = every, tuple(figures)

    def after_step(self, model, step, logs):
        if step % self.every == 0:
            self._write("step", model, {name: logs[name] for name in STEP if name in logs})

    def after_epoch(self, model, epoch, logs):
        self._write("epoch", model, logs)

    def _write(self, group: str, model, logs: dict) -> None:
        for figures in (figures(model) for figures in self.figures):
            logs = {**logs, **figures}
        for name, value in logs.items():
            if math.isfinite(value):
                tf.summary.scalar(f"{group}/{name}", value)


def of_optimizer(model: keras.Model) -> dict[str, float]:
    """What a compiled model's optimizers say: `learning_rate` of the next step, and, where they know it, of the last
    step `gradient_norm` before clipping, `skipped_updates` so far, and `loss_scale` of float16."""
    optimizer, found = model.optimizer, guard(model)
    values = {"learning_rate": optimizer.learning_rate, "loss_scale": getattr(optimizer, "dynamic_scale", None)}
    if found is not None:
        values |= {"gradient_norm": found.gradient_norm, "skipped_updates": found.skipped}
    return {name: float(ops.convert_to_numpy(value)) for name, value in values.items() if value is not None}
