"""`prepare` on the processes of one machine."""

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing.connection import wait

from pipelines.prepare import worker
from pipelines.prepare.jobs import Job
from seq2seq_keras import cores, data
from seq2seq_keras.errors import InputError


def clean(job: Job) -> Iterator[tuple[int, data.Tally]]:
    """Writes all rows; yields, as they are read, how many lines and what was left out of them."""
    processes = min(_processes(job), len(job.spans.spans))
    call = worker.clean_and_keep if processes == 1 else _clean_one  # no generator leaves its process
    for told in _each(partial(call, job), job.spans.spans, processes):
        yield from told


def finish(job: Job) -> Iterator[dict]:
    """Writes all shards; yields what is in each."""
    yield from _each(partial(worker.finish, job), range(job.shards), min(_processes(job), job.shards))


def alone(call: Callable, job: Job):
    """`call(job)` in a process of its own, whose memory goes with it; in this one where there is to be but one."""
    return next(_each(call, [job], 1 if _processes(job) == 1 else 2))


def _clean_one(job: Job, span: data.Span) -> list[tuple[int, data.Tally]]:
    return list(worker.clean_and_keep(job, span))


def _processes(job: Job) -> int:
    return job.settings.jobs or cores.available()


def _each(call: Callable, items: Iterable, processes: int) -> Iterator:
    """Results as they come. One process is this one; no item is begun after one has failed."""
    if processes == 1:
        yield from map(call, items)
        return
    # Forked from a server that has TensorFlow imported and has not used it: started at once, and memory is shared.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["pipelines.quiet", "pipelines.prepare.worker"])
    pool = ProcessPoolExecutor(processes, context, initializer=_end_with_parent)
    try:
        for future in as_completed([pool.submit(call, item) for item in items]):
            yield future.result()
    except BrokenProcessPool:
        raise InputError(
            "a worker process was killed", remedy="the same command goes on; if memory ran out, give fewer --jobs"
        ) from None
    except (KeyboardInterrupt, SystemExit):
        for process in multiprocessing.active_children():
            process.kill()  # what is begun may take minutes
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _end_with_parent() -> None:
    """A worker whose parent was killed would wait for work for ever."""

    def watch():
        wait([multiprocessing.parent_process().sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
