"""What this process is in a search: alone, or KerasTuner's chief or worker, as an outer launcher says."""

import os
import warnings
from collections.abc import Mapping

import grpc

from pipelines.settings import Tune
from pipelines.tune.worker import ADDRESS, PORT, TUNER
from seq2seq_keras.errors import InputError

_PATIENCE = 600.0
"""Seconds for a chief to appear: it reads its corpus first."""


def role(environment: Mapping[str, str], settings: Tune) -> str:
    """`alone`, or what an outer launcher made of this process: `chief` or `worker`.

    Raises:
        InputError: it did so by half, or --workers was given too.
    """
    given = [name for name in (TUNER, ADDRESS, PORT) if environment.get(name)]
    if not given:
        return "alone"
    missing = [name for name in (TUNER, ADDRESS, PORT) if name not in given]
    if missing:
        raise InputError(f"{given[0]} is set and {missing[0]} is not", remedy="set all three, or none")
    if not environment[PORT].isdecimal() or not 0 < int(environment[PORT]) < 65536:
        raise InputError(f"{PORT} is {environment[PORT]!r}", expected="a port from 1 to 65535")
    if settings.workers > 1:
        raise InputError(f"--workers and {TUNER} were given", remedy="give one or the other")
    return "worker" if is_worker(environment) else "chief"


def is_worker(environment: Mapping[str, str]) -> bool:
    """Whether KerasTuner takes this process for a worker."""
    return bool(environment.get(ADDRESS)) and "chief" not in environment.get(TUNER, "")


def search(trials) -> int:
    """Runs trials in this process, or serves those that do where an outer launcher made it their chief.

    Raises:
        InputError: the port is taken, or a worker finds no chief.
    """
    if is_worker(os.environ):
        _reach(f"{os.environ[ADDRESS]}:{os.environ[PORT]}")
    try:
        with warnings.catch_warnings():
            # Of the Gaussian process of Bayesian search, which has few points to fit, and of no use to anybody.
            warnings.filterwarnings("ignore", "The optimal value found for dimension")
            trials.search(verbose=0)
    except RuntimeError as error:
        if "bind" not in str(error):
            raise
        raise InputError(
            f"{os.environ[ADDRESS]}:{os.environ[PORT]} cannot be listened to", remedy=f"set another {PORT}"
        ) from None
    return 0


def _reach(address: str) -> None:
    with grpc.insecure_channel(address) as channel:
        try:
            grpc.channel_ready_future(channel).result(timeout=_PATIENCE)
        except grpc.FutureTimeoutError:
            raise InputError(
                f"no chief answers at {address} within {_PATIENCE:.0f} seconds", remedy="start the chief, then this"
            ) from None
