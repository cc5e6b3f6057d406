"""One worker process of a search: imported before TensorFlow, which reads what is set here."""

import dataclasses
import multiprocessing
import os
import sys
import threading
from pathlib import Path

from pipelines.settings import Tune
from seq2seq_keras.errors import InputError

TUNER, ADDRESS, PORT = "KERASTUNER_TUNER_ID", "KERASTUNER_ORACLE_IP", "KERASTUNER_ORACLE_PORT"
"""What KerasTuner reads."""


def work(settings: Tune, name: str, port: int, log: Path, threads: int) -> None:
    """A worker's whole life.

    Args:
        name: what the chief knows it by.
        port: of the chief, on this machine.
        log: file for what it says about errors.
        threads: for the inside of an operation, unless the environment says otherwise.
    """
    os.environ.update({TUNER: name, ADDRESS: "127.0.0.1", PORT: str(port)})
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(threads))
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    threading.Thread(target=_orphaned, daemon=True).start()
    os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
    from pipelines.tune import command

    try:
        sys.exit(command.run(dataclasses.replace(settings, workers=1)))
    except InputError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        sys.exit(2)


def _orphaned() -> None:
    """Ends a worker whose chief is gone: it would ask for trials for an hour."""
    multiprocessing.parent_process().join()
    os._exit(1)
