"""What a study is: a question, the usual claim, the models that answer it and how long each is trained."""

from dataclasses import dataclass
from typing import NamedTuple


class Budget(NamedTuple):
    """How long each model is trained."""

    name: str
    changes: dict
    """Of the settings of `Translate`."""


class Expected(NamedTuple):
    """What the claim says of two variants."""

    better: str
    worse: str
    figure: str = ""
    """In which figure; nothing means the score of the task."""
    alike: bool = False
    """The claim is that neither is better."""


@dataclass(frozen=True)
class Question:
    """One study."""

    asks: str
    claim: str
    """As it is usually told, with its source."""
    variants: dict[str, dict]
    """Name to what it changes of the settings of `Translate`, nested fields as `model.depth`."""
    expected: tuple[Expected, ...]
    columns: tuple[str, ...] = ("", "perplexity", "parameters", "seconds")
    """Figures of the table; the empty one is the score of the task."""
    budgets: tuple[Budget, ...] = ()
    equal: bool = False
    """Whether widths are chosen for an equal number of parameters."""
    exposed: bool = False
    """Whether models differ in how they are trained: epochs are judged by decoded text then, since perplexity forces
    right beginnings on all of them, and the time to a given loss is a figure."""
    remarks: tuple[str, ...] = ()
    """What a reader of the table must know beside it."""


def epochs(count: int) -> Budget:
    """So many passes; the learning rate falls until the last step."""
    return Budget(f"{count} epochs", {"epochs": count, "schedule": "cosine"})


def minutes(count: float) -> Budget:
    """So much time, whatever it suffices for; the learning rate falls until the end."""
    return Budget(f"{count:g} minutes", {"minutes": count, "epochs": 1_000_000, "schedule": "deadline"})
