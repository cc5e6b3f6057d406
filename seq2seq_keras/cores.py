"""Cores of a CPU: for batches that run side by side, instead of for the inside of each operation.

A step of a decoder is many small operations. To wake a second thread for one of them costs more than it gains.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import tensorflow as tf

from seq2seq_keras.tokens import alike

Made = TypeVar("Made")


def available() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def for_batches() -> None:
    """From now on every operation of TensorFlow has one thread, and batches have the cores.

    To be called before TensorFlow computes anything, since later it has its threads already; to decode, not to train.
    Where there is a GPU it changes nothing.
    """
    if tf.config.list_physical_devices("GPU"):
        return
    try:
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(available())
    except RuntimeError:  # too late
        return


def side_by_side(texts: list[str], size: int, work: Callable[[list[int]], Made]) -> Iterator[tuple[list[int], Made]]:
    """Batches of texts of like length, and what `work` makes of them: all by turns, or one a core after `for_batches`.

    Args:
        texts: all of them.
        size: most texts of a batch; there are fewer in it where cores would have nothing to do.
        work: takes the places of the texts of a batch. Called from several threads.

    Returns:
        places and what was made of them, batch by batch.
    """
    alone = tf.config.threading.get_intra_op_parallelism_threads() != 1 or tf.config.list_physical_devices("GPU")
    threads = 1 if alone else available()
    batches = list(alike(texts, max(1, min(size, -(-len(texts) // threads)))))
    if min(threads, len(batches)) < 2:
        yield from ((batch, work(batch)) for batch in batches)
        return
    with ThreadPoolExecutor(threads) as pool:
        yield from zip(batches, pool.map(work, batches), strict=True)
