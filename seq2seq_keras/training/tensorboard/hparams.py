"""Settings and what came of them, for the HParams page: a row, and a line of parallel coordinates, for each run."""

import math
import os

import tensorflow as tf

from seq2seq_keras.training.tensorboard.board import Page


class HParams(Page):
    """The settings of a run, when it begins; `write_final` adds what it reached.

    Args:
        values: setting to value, nested or not; see `flat`.
    """

    def __init__(self, values: dict):
        self.values = flat(values)

    def begin(self, model, folder):
        from tensorboard.plugins.hparams import api  # a fifth of a second that few imports of this package need

        api.hparams(self.values)


def flat(values: dict, prefix: str = "") -> dict[str, bool | int | float | str]:
    """Nested settings as GROUP.NAME to value; what is None, a list or another object has no axis and is left out."""
    found: dict = {}
    for name, value in values.items():
        if isinstance(value, dict):
            found |= flat(value, f"{prefix}{name}.")
        elif isinstance(value, bool | int | float | str):
            found[prefix + name] = value
    return found


def write_final(folder: str | os.PathLike, figures: dict) -> None:
    """Writes the figures of a finished run, `final/NAME`, into the folder of its logs; only finite numbers."""
    writer = tf.summary.create_file_writer(str(folder), filename_suffix=".final")
    with writer.as_default(0):
        for name, value in figures.items():
            if isinstance(value, int | float) and math.isfinite(value):
                tf.summary.scalar(f"final/{name}", value)
    writer.close()
