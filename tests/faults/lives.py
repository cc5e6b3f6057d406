"""Processes that train and may be killed: each is forked from one that has TensorFlow loaded already, which takes
seconds, and has not begun to use it."""

import multiprocessing
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

PATIENCE = 240.0
"""Seconds after which something hangs."""


def life(work: Callable, *arguments) -> multiprocessing.Process:
    """A process that does the work, started. `exitcode` is that of the work, or less than 0: the signal it died of."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        ["tests.faults.lives", "pipelines.__main__", "pipelines.translate", "tests.units.training.small"]
    )
    process = context.Process(target=_alone, args=(work, *arguments), daemon=True)
    process.start()
    return process


def end(process: multiprocessing.Process) -> int:
    """Waits, and returns the exit code."""
    process.join(PATIENCE)
    assert process.exitcode is not None, "it hangs"
    return process.exitcode


def await_(what: Callable[[], bool], process: multiprocessing.Process, pause: float = 0.001) -> bool:
    """Until something is so; False if the process ended before it was."""
    begun = time.monotonic()
    while not what():
        assert time.monotonic() - begun < PATIENCE, "it never happened"
        if process.exitcode is not None:
            return False
        if pause:
            time.sleep(pause)
    return True


def _alone(work: Callable, *arguments) -> None:
    """Deterministic, quiet; what the last of them printed is in a file."""
    log = os.open(Path(os.environ.get("TMPDIR", "/tmp")) / "seq2seq-faults.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for number in (1, 2):
        os.dup2(log, number)
    import tensorflow as tf

    tf.config.experimental.enable_op_determinism()
    sys.exit(work(*arguments))
