"""Many processes for one search: KerasTuner's chief in this one, its workers beside."""

import contextlib
import multiprocessing
import os
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator

import keras_tuner

from pipelines.settings import Tune
from pipelines.tune import defaults, trial_record
from pipelines.tune.worker import ADDRESS, PORT, TUNER, work
from seq2seq_keras import cores
from seq2seq_keras.errors import InputError
from seq2seq_keras.training.interrupts import Interrupts

DEATHS = 3
"""Workers that a trial may take with it before it counts as failed."""
_GRACE = 60.0
"""Seconds for workers to save their state when told to stop."""


def lead(trials, settings: Tune) -> int:
    """Has workers run the trials; one that dies is replaced, and goes on with its trial where that stood.

    Args:
        trials: `Trials`, whose oracle is here.

    Returns:
        the exit code: 0, or that of a signal, which the workers were told too.

    Raises:
        InputError: a trial could not train, or took too many workers with it.
    """
    spawn, interrupts = multiprocessing.get_context("spawn"), Interrupts()
    with _chief() as (port, alive):
        server = threading.Thread(target=_served, args=(trials, alive), daemon=True)
        threads = max(1, cores.available() // settings.workers)
        names = [f"worker-{number}" for number in range(1, settings.workers + 1)]
        logs = defaults.folder(settings)

        def hired(name: str):
            return spawn.Process(target=work, args=(settings, name, port, logs / f"{name}.log", threads))

        team = {name: hired(name) for name in names}
        deaths: Counter = Counter()
        server.start()
        interrupts.watch()
        try:
            for process in team.values():
                process.start()
            while any(process.exitcode != 0 for process in team.values()):
                time.sleep(0.1)
                if alive:
                    raise InputError(f"KerasTuner's chief ended ({alive[0]})", remedy="repeat the command")
                if interrupts.received is not None:
                    return 128 + interrupts.received
                for name in [name for name, process in team.items() if process.exitcode]:
                    _lost(name, team[name].exitcode, trials, settings, deaths)
                    team[name] = hired(name)
                    team[name].start()
        finally:
            interrupts.leave()
            _end(team.values())
    return 0


def _served(trials, ended: list) -> None:
    try:
        trials.search(verbose=0)
    except Exception as error:  # the main thread must know, whatever it is
        ended.append(error)


@contextlib.contextmanager
def _chief() -> Iterator[tuple[int, list]]:
    """This process as KerasTuner's chief, for a while: a free port, and a list for what ends its server early."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    os.environ.update({TUNER: "chief", ADDRESS: "127.0.0.1", PORT: str(port)})
    try:
        yield port, []
    finally:
        for name in (TUNER, ADDRESS, PORT):
            os.environ.pop(name, None)


def _lost(name: str, code: int, trials, settings: Tune, deaths: Counter) -> None:
    """A worker ended before the search did. Its trial is KerasTuner's to give to the next of the same name.

    Raises:
        InputError: the trial could not train and that ends the search, or it is the trial that ends workers.
    """
    trial = trials.oracle.ongoing_trials.get(name)
    where = defaults.folder(settings)
    record = None if trial is None else trial_record.read(trials.trials, trial.trial_id)
    if record is not None and record.status == trial_record.FAILED and settings.failed == "stop":
        raise InputError(
            f"a trial could not train: {record.cause}",
            where=trials.trials,
            remedy="mend the cause and repeat the command, or count such trials with --failed skip",
        )
    which = None if trial is None else trial.trial_id
    deaths[which] += 1
    print(f"{name} ended with code {code}" + (f" in trial {which}" if which else "") + "; another takes up", flush=True)
    if deaths[which] < DEATHS:
        return
    cause = f"{DEATHS} workers ended in it"
    if trial is None or settings.failed == "stop":
        raise InputError(
            f"{DEATHS} workers ended" + (f" in trial {which}" if which else " before any trial"),
            where=where / f"{name}.log",
            remedy="see what is written there, and repeat the command",
        )
    if record is not None:
        trial_record.write(record._replace(status=trial_record.FAILED, cause=cause), trials.trials)
    trial.status, trial.message = keras_tuner.engine.trial.TrialStatus.FAILED, cause
    trials.oracle.end_trial(trial)


def _end(team) -> None:
    """Tells all workers to stop, and waits until they have saved their state."""
    for process in team:
        if process.pid is not None and process.exitcode is None:
            process.terminate()
    deadline = time.monotonic() + _GRACE
    for process in team:
        if process.pid is not None:
            process.join(max(0.0, deadline - time.monotonic()))
            if process.exitcode is None:
                process.kill()
