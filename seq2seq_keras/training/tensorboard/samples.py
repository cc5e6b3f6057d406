"""What the model says, beside what it should say."""

from collections.abc import Callable

import tensorflow as tf

from seq2seq_keras.training.tensorboard.board import Page


class Samples(Page):
    """A table of sources, outputs and references after each epoch, as text.

    Args:
        samples: returns the three, n texts each.
    """

    def __init__(self, samples: Callable[[], tuple[list[str], list[str], list[str]]]):
        self.samples = samples

    def after_epoch(self, model, epoch, logs):
        tf.summary.text("samples", _table(*self.samples()))


def _table(sources: list[str], outputs: list[str], references: list[str]) -> str:
    rows = [
        " | ".join(text.replace("|", r"\|").replace("\n", " ") for text in row)
        for row in zip(sources, outputs, references, strict=True)
    ]
    return "\n".join(["source | output | reference", "--- | --- | ---", *rows])
