"""Several worker processes on this machine, started and watched by one command."""

import contextlib
import json
import multiprocessing
import os
import signal
import socket
import sys
import threading
from multiprocessing.connection import wait

_GRACE = 60.0
"""Seconds that the others have to end by themselves once one has failed; they notice within 15."""


def launch(name: str, settings, count: int) -> int:
    """Runs a command in so many processes that find each other by `TF_CONFIG`; each sees one accelerator, if any.

    SIGTERM and SIGINT are handed on: the processes save, and end.

    Args:
        name: of the command.
        settings: of each process.

    Returns:
        the exit code: that of the first process that failed.
    """
    addresses = [f"127.0.0.1:{port}" for port in _free_ports(count)]
    spawn = multiprocessing.get_context("spawn")
    processes = []
    for number in range(count):
        task = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": number}}
        arguments = (name, settings, {"TF_CONFIG": json.dumps(task)} | _accelerator(number))
        processes.append(spawn.Process(target=_work, args=arguments))
    with _handed_on(processes):
        for process in processes:
            process.start()
        return _watch(processes)


def _work(name: str, settings, surroundings: dict[str, str]) -> None:
    """A worker process: a command like any other."""
    os.environ.update(surroundings)  # TensorFlow is not imported yet, and reads them
    threading.Thread(target=_end_with_parent, daemon=True).start()
    from pipelines.__main__ import call

    sys.exit(call(name, settings))


def _end_with_parent() -> None:
    multiprocessing.parent_process().join()
    os.kill(os.getpid(), signal.SIGTERM)


def _watch(processes: list) -> int:
    """Waits for all; where one fails and another does not follow, that one is ended."""
    running, failed = {process.sentinel: process for process in processes}, 0
    while running:
        ended = wait(list(running), timeout=_GRACE if failed else None)
        if not ended:
            for process in running.values():
                process.kill()
        for sentinel in ended:
            process = running.pop(sentinel)
            process.join()
            failed = failed or process.exitcode
    return failed if failed >= 0 else 128 - failed


@contextlib.contextmanager
def _handed_on(processes: list):
    """Signals are for the processes. Those that share a terminal have had Ctrl-C already, and heed the first alone."""

    def hand_on(number, _frame):
        for process in processes:
            if process.is_alive():
                os.kill(process.pid, number)

    before = {signal.SIGTERM: signal.signal(signal.SIGTERM, hand_on)}
    before[signal.SIGINT] = signal.signal(signal.SIGINT, lambda *_: None if sys.stdin.isatty() else hand_on(*_))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _accelerator(number: int) -> dict[str, str]:
    """One accelerator for each process, where the machine has any."""
    import tensorflow as tf

    found = tf.config.list_physical_devices("GPU")
    names = os.environ.get("CUDA_VISIBLE_DEVICES", ",".join(str(i) for i in range(len(found)))).split(",")
    return {"CUDA_VISIBLE_DEVICES": names[number] if number < len(found) else "-1"} if found else {}


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
