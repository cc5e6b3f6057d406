"""Where the time of chosen steps goes."""

import time
from collections import Counter
from pathlib import Path

import tensorflow as tf

from seq2seq_keras.training.tensorboard.board import Page
from seq2seq_keras.training.tensorboard.trace import EXECUTOR, operations

_SHOWN = 15


class Profile(Page):
    """Traces steps and shows their dearest kinds of operations as text, `profile`.

    The trace itself lies under `plugins/profile` of the logs, for TensorBoard's Profile page, which is a package of
    its own (`xprof`). The text knows what the CPU ran; only the trace knows what a graphics card did.

    Args:
        first, last: steps to trace, both included, counted from 1 over the whole run. A run resumed after `first`
            traces none.

    Raises:
        ValueError: `first` is less than 1, or `last` less than `first`.
    """

    def __init__(self, first: int, last: int):
        if not 1 <= first <= last:
            raise ValueError(f"first and last must be 1 <= first <= last, found {first} and {last}")
        self.first, self.last = first, last
        self._folder: Path | None = None
        self._begun: float | None = None
        self._steps = 0

    def begin(self, model, folder):
        self._folder = folder

    def before_step(self, model, step):
        if step + 1 == self.first and self._begun is None:
            tf.profiler.experimental.start(str(self._folder))
            self._begun, self._steps = time.perf_counter(), 0

    def after_step(self, model, step, logs):
        if self._begun is not None:
            self._steps += 1
            if step >= self.last:
                self.end()

    def end(self):
        if self._begun is None:
            return
        seconds, self._begun = time.perf_counter() - self._begun, None
        tf.profiler.experimental.stop()
        sessions = sorted((self._folder / "plugins" / "profile").glob("*"))
        if self._steps and sessions:
            tf.summary.text("profile", _table(*operations(sessions[-1]), self._steps, seconds))


def _table(took: Counter, times: Counter, steps: int, seconds: float) -> str:
    """Kinds of operations by the milliseconds a step that all threads together spent in them."""
    kinds, calls = Counter(), Counter()
    for name in took.keys() - {EXECUTOR}:
        kind = name.rpartition(":")[2]
        kinds[kind] += took[name]
        calls[kind] += times[name]
    total = kinds.total() or 1.0
    lines = [
        f"{steps} steps, {1000 * seconds / steps:,.1f} ms each by the clock; times of all threads together.",
        "",
        "operation | ms a step | share | calls a step",
        "--- | --: | --: | --:",
    ]
    for kind, spent in kinds.most_common(_SHOWN):
        lines.append(f"{kind} | {spent / steps:,.2f} | {spent / total:.1%} | {calls[kind] / steps:,.1f}")
    return "\n".join(lines)
