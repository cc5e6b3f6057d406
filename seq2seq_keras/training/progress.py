"""A bar that says what an impatient person asks: how far, how good, how fast, how long still."""

import datetime
import math
import sys
import time
from collections.abc import Callable

import keras
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as Bar


class Progress(keras.callbacks.Callback):
    """One bar an epoch with loss, tokens a second and time left of the run; and one line after each epoch.

    Without a screen there are the lines alone.

    Args:
        step: batches already seen of the first epoch, on resume.
        throughput: `Throughput`, for its rate.
        limit: seconds until something else ends the run, such as a deadline.
    """

    def __init__(self, step: int = 0, throughput=None, limit: Callable[[], float] = lambda: math.inf):
        super().__init__()
        self.step, self.throughput, self.limit = step, throughput, limit
        self._epoch = self._done = 0
        self._begun = time.monotonic()
        self.console = Console(file=sys.stderr)
        self._bar = None

    def on_train_begin(self, logs=None):
        self._begun, self._done = time.monotonic(), 0

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch, self._place = epoch, self.step
        first, self.step = self.step, 0
        if not self.console.is_terminal:
            return
        self._bar = Bar(
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("loss {task.fields[loss]:.3f}  {task.fields[rate]:,.0f} tokens/s"),
            TextColumn("{task.fields[left]} left"),
            console=self.console,
            transient=True,
        )
        self._bar.start()
        name = f"{epoch + 1}/{self.params.get('epochs', '?')}"
        self._task = self._bar.add_task(
            "train", total=self.params.get("steps"), completed=first, epoch=name, loss=0.0, rate=0.0, left="?"
        )

    def on_train_batch_end(self, batch, logs=None):
        self._done += 1
        self._place += 1
        if self._bar is not None:
            rate = self.throughput.rate if self.throughput else 0.0
            self._bar.update(self._task, advance=1, loss=(logs or {}).get("loss", 0.0), rate=rate, left=self.left())

    def on_epoch_end(self, epoch, logs=None):
        self.close()
        logs = dict(logs or {})
        first = {name: logs.pop(name) for name in ("loss", "val_loss", "val_perplexity") if name in logs}
        rate = logs.pop("tokens_per_second", None)
        rest = {name: value for name, value in logs.items() if name.startswith("val_") and name != "val_accuracy"}
        shown = [f"{name} {_short(value)}" for name, value in {**first, **rest}.items()]
        shown += [] if rate is None else [f"{_short(rate)} tokens/s"]
        shown += [] if (left := self.left()) == "?" else [f"{left} left"]
        # A plain write: rich would break the line where it is too long for a file's idea of a screen.
        line = f"epoch {epoch + 1}/{self.params.get('epochs', '?')}  {'  '.join(shown)}"
        print(line, file=sys.stderr, flush=True)

    def on_train_end(self, logs=None):
        self.close()

    def left(self) -> str:
        """Time until the last epoch, or the limit: hours, minutes, seconds; `?` before anything is known.

        What the run did since it began, or was resumed, tells how long a step takes, all that comes between included.
        """
        epochs, steps = self.params.get("epochs"), self.params.get("steps")
        seconds = self.limit()
        if epochs and steps and self._done:
            still = (epochs - self._epoch) * steps - self._place
            seconds = min(seconds, still * (time.monotonic() - self._begun) / self._done)
        return "?" if math.isinf(seconds) else str(datetime.timedelta(seconds=round(max(seconds, 0.0))))

    def close(self) -> None:
        """Gives the screen back, also where training ended by an error or a signal; again is fine."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
