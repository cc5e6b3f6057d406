"""Trainings that take turns epoch by epoch, each in a process of its own, so that all share the moods of the machine.

This module imports no framework: a process comes up quietly, and only then loads one.
"""

import contextlib
import importlib
import multiprocessing
from collections.abc import Iterator
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import NamedTuple

from seq2seq_keras.errors import InputError


class Training(NamedTuple):
    """A process that trains, and how it is spoken to."""

    process: BaseProcess
    connection: Connection

    def epoch(self) -> float:
        """Lets it train for an epoch; returns its seconds.

        Raises:
            InputError: it ended.
        """
        self.connection.send("go")
        return self.wait()

    def wait(self) -> float:
        """What it says when it stands at the beginning of an epoch: seconds of the one before."""
        try:
            return self.connection.recv()
        except EOFError:
            raise InputError("a training ended before its time", remedy="look at its message above") from None


class Baton:
    """The other end: what a training calls when it begins an epoch."""

    def __init__(self, connection: Connection, clock):
        self._connection, self._clock, self._begun = connection, clock, clock()

    def __call__(self) -> None:
        """Tells how long the last epoch took, with all that came after it, and waits to be let go on."""
        self._connection.send(self._clock() - self._begun)
        self._connection.recv()
        self._begun = self._clock()


@contextlib.contextmanager
def trainings(module: str, calls: dict[str, tuple]) -> Iterator[dict[str, Training]]:
    """Starts them, and ends them by force: each has begun its first epoch, and waits.

    Args:
        module: dotted name of a module.
        calls: a function of it to its arguments; the connection comes after them.
    """
    spawn, started = multiprocessing.get_context("spawn"), {}
    try:
        for name, arguments in calls.items():
            ours, theirs = spawn.Pipe()
            process = spawn.Process(target=_train, args=(module, name, arguments, theirs), daemon=True)
            process.start()
            theirs.close()
            started[name] = Training(process, ours)
        for training in started.values():
            training.wait()
        yield started
    finally:
        for training in started.values():
            training.process.kill()
            training.process.join()


def _train(module: str, name: str, arguments: tuple, connection: Connection) -> None:
    importlib.import_module("pipelines.quiet")
    getattr(importlib.import_module(module), name)(*arguments, connection)
