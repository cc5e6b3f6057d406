"""What became of a trial: a small file beside its run folder."""

from pathlib import Path
from typing import NamedTuple

from pipelines import runs

RUNNING, FINISHED, FAILED = "running", "finished", "failed"
BASELINE = "baseline"


class Record(NamedTuple):
    """One trial. Figures are there once it finished."""

    trial: str
    """Its number, or `baseline`."""
    family: str
    values: dict
    """What was searched: name to value."""
    status: str = RUNNING
    score: float | None = None
    """Of the objective, on the validation pairs."""
    figures: dict = {}
    """All others, by name."""
    stopped: int | None = None
    """Epoch after which the median rule stopped it."""
    begins_with: str | None = None
    """Trial whose weights it goes on with, under Hyperband."""
    cause: str = ""
    """Why it failed, or what ended it."""


def write(record: Record, trials: Path) -> None:
    """The file, whole or as it was."""
    runs.write_json(trials / f"{record.trial}.json", record._asdict())


def read(trials: Path, trial: str) -> Record | None:
    """That of a trial; None if it never began."""
    path = trials / f"{trial}.json"
    return Record(**runs.read_json(path)) if path.exists() else None


def every(trials: Path) -> list[Record]:
    """All there are, in the order of their numbers, the baseline last."""
    return [Record(**runs.read_json(path)) for path in sorted(trials.glob("*.json"))]


def best(records: list[Record], sign: int) -> Record | None:
    """The finished one with the best score, the earlier of equals.

    Args:
        sign: 1 where less is better, -1 where more is.
    """
    finished = [record for record in records if record.status == FINISHED]
    return min(finished, key=lambda record: sign * record.score, default=None)


def line(record: Record, objective: str, total: int | None, records: list[Record], sign: int) -> str:
    """A trial on one line, for people.

    Args:
        total: trials in all, where that is known.
        records: of all trials so far, to name the best.
    """
    ended = sum(each.status != RUNNING and each.trial != BASELINE for each in records)
    said = [f"{ended}/{total}" if total else f"{ended}", f"trial {record.trial}"]
    if record.status == FAILED:
        said.append(f"failed: {record.cause}")
    else:
        held = best(records, sign)
        said.append(f"{objective} {record.score:.4g} (best {held.score:.4g}, trial {held.trial})")
        said.append(f"{record.figures['minutes']:.1f} minutes")
        said += [] if record.stopped is None else [f"stopped after epoch {record.stopped}: worse than the median"]
    return "  ".join([*said, *(f"{label} {value}" for label, value in labelled(record).items())])


def labelled(record: Record) -> dict:
    """What was searched, and the family."""
    return {"model": record.family, **record.values}
