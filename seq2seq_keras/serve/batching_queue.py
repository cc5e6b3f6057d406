"""Requests that wait, and which of them are computed together."""

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from seq2seq_keras.serve.batching_rows import Arrays, lengths
from seq2seq_keras.serve.config import BatchingParameters
from seq2seq_keras.serve.status import ServingError

if TYPE_CHECKING:
    from seq2seq_keras.serve.servable import Servable


@dataclass(eq=False)
class Task:
    """One request, or a part of one."""

    inputs: Arrays
    rows: int
    deadline: float
    form: tuple | None
    """Equal in tasks that share a batch; None shares none."""
    arrived: float = field(default_factory=time.monotonic)
    due: bool = False
    """Waits for no more rows: it was left for another thread that is free."""
    done: threading.Event = field(default_factory=threading.Event)
    outputs: dict[str, np.ndarray] | None = None
    error: ServingError | None = None

    def __post_init__(self):
        self.length = 0 if self.form is None else int(lengths(self.inputs, self.rows).max())

    def finish(self, outputs: dict[str, np.ndarray] | None = None, error: ServingError | None = None) -> None:
        """Wakes who waits."""
        self.outputs, self.error = outputs, error
        self.done.set()


class Queue:
    """Tasks that one signature of one version will answer, the oldest first."""

    def __init__(
        self, servable: "Servable", signature: str, outputs: tuple[str, ...] | None, parameters: BatchingParameters
    ):
        self.servable, self.signature, self.outputs, self.parameters = servable, signature, outputs, parameters
        self.key = (id(servable), signature, outputs)
        self.tasks: list[Task] = []

    @property
    def rows(self) -> int:
        return sum(task.rows for task in self.tasks)

    @property
    def most(self) -> int:
        """Rows of a batch."""
        return self.parameters.max_batch_size

    def batch(self, most: int) -> list[Task]:
        """The oldest task and those nearest to its length, of no more rows than `most` and than a batch takes."""
        oldest, *others = self.tasks
        if oldest.form is None:
            return [oldest]
        chosen, left = [oldest], min(most, self.most) - oldest.rows
        # Sorting keeps the order of equals, so that of two texts of one length the older comes first.
        for task in sorted(others, key=lambda task: abs(task.length - oldest.length)):
            if task.form == oldest.form and task.rows <= left:
                chosen.append(task)
                left -= task.rows
        return chosen
