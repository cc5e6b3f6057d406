"""Where a version of a model is in its life, and how it got there."""

import enum
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from seq2seq_keras.errors import InputError
from seq2seq_keras.serve.status import Code, ServingError


class State(enum.IntEnum):
    """The states that clients see, with TensorFlow Serving's numbers."""

    START = 10
    LOADING = 20
    AVAILABLE = 30
    UNLOADING = 40
    END = 50


class VersionStatus(NamedTuple):
    """What a client is told of a version."""

    version: int
    state: State
    code: Code
    """OK, or how loading failed. While the state is LOADING it will be tried again."""
    message: str


@dataclass(eq=False)
class Version:
    """One version of a model; `ServedModel` alone changes it, under its lock."""

    number: int
    state: State = State.START
    servable: Any = None
    leases: int = 0
    """Requests that use the servable."""
    code: Code = Code.OK
    told: str = ""
    """How loading failed, for clients."""
    cause: str = ""
    """The same for who runs the server: it may name files."""
    stamp: frozenset = frozenset()
    """Of the folder when loading began."""
    attempts: int = 0
    due: float = 0.0
    """When to try again, in seconds of `time.monotonic`."""
    ended: float = 0.0

    @property
    def status(self) -> VersionStatus:
        return VersionStatus(self.number, self.state, self.code, self.told)

    @property
    def is_drained(self) -> bool:
        """Whether its servable can be closed: it takes no more requests, and the last is done."""
        return self.state == State.UNLOADING and self.leases == 0 and self.servable is not None

    def failed(self, error: Exception, base_path: Path) -> None:
        """Notes how loading failed; what clients are told names no folder of the server."""
        self.attempts += 1
        self.cause = str(error)
        self.code, self.told = Code.INTERNAL, "the version cannot be loaded"
        if isinstance(error, ServingError):
            self.code, self.told = error.code, error.message
        elif isinstance(error, InputError):
            self.code, self.told = Code.FAILED_PRECONDITION, str(error)
        names = {str(base_path), str(base_path.absolute()), str(base_path.resolve())}
        for name in sorted(names, key=len, reverse=True):
            self.told = self.told.replace(f"{name}/", "")

    def loaded(self, servable: Any) -> None:
        """Notes that it serves."""
        self.state, self.servable, self.attempts = State.AVAILABLE, servable, 0
        self.code, self.told, self.cause = Code.OK, "", ""
