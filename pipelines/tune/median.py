"""Stops a trial that is worse than half of those before it."""

import statistics
from pathlib import Path

import keras

from pipelines import runs

ENOUGH = 3
"""Finished trials before any is stopped."""


class StopBelowMedian(keras.callbacks.Callback):
    """After each epoch: ends training where the best figure so far is worse than the median of other trials' by then.

    Put it behind `watch.KeepHistory`, whose file it reads: so a resumed trial is judged by all of its epochs.

    Args:
        folder: of the run.
        others: folders of the other trials; those that have a report are compared with.
        monitor: the figure, a name in the logs.
        sign: 1 where less is better, -1 where more is.
        by: `epoch` compares after as many epochs, `seconds` after as long a time.

    Reference: Golovin et al., 2017 (Vizier), section 3.2.2; there the others are taken at their running averages.
    """

    def __init__(self, folder: Path, others: list[Path], monitor: str, sign: int, by: str = "epoch"):
        super().__init__()
        self.folder, self.others, self.monitor, self.sign, self.by = Path(folder), others, monitor, sign, by
        self.stopped: int | None = None
        """The epoch after which it stopped training, counted from 1."""

    def on_epoch_end(self, epoch, logs=None):
        reports = [place / "report.json" for place in self.others]
        finished = [runs.read_json(path)["epochs"] for path in reports if path.exists()]
        rows = runs.read_json(self.folder / "history.json")
        if worse(rows, finished, self.monitor, self.sign, self.by):
            self.stopped, self.model.stop_training = epoch + 1, True


def worse(rows: list[dict], others: list[list[dict]], monitor: str, sign: int, by: str) -> bool:
    """Whether a history is worse than the median of others after the same epochs or seconds.

    Args:
        rows: one dict an epoch, as `history.json` holds them.
        others: histories; one that ended earlier counts with the best it had, one that has nothing yet does not.
    """
    place = _spent(rows, by)[-1]
    bests = [_best(other, place, monitor, sign, by) for other in others]
    bests = [best for best in bests if best is not None]
    mine = _best(rows, place, monitor, sign, by)
    return len(bests) >= ENOUGH and mine is not None and mine > statistics.median(bests)


def _best(rows: list[dict], place: float, monitor: str, sign: int, by: str) -> float | None:
    """Least figure, turned by the sign, until a place."""
    seen = [sign * row[monitor] for row, spent in zip(rows, _spent(rows, by)) if spent <= place]
    return min(seen, default=None)


def _spent(rows: list[dict], by: str) -> list[float]:
    if by == "epoch":
        return [row["epoch"] for row in rows]
    total, places = 0.0, []
    for row in rows:
        total += row["seconds"]
        places.append(total)
    return places
