"""Batches side by side: what is in them, who computes them, and what a process is told."""

import subprocess
import sys
import threading

import pytest
import tensorflow as tf

from seq2seq_keras import cores

TEXTS = ["a", "bbbb", "cc", "ddd", "eeeee"]


def told(monkeypatch, inside: int, available: int):
    monkeypatch.setattr(tf.config.threading, "get_intra_op_parallelism_threads", lambda: inside)
    monkeypatch.setattr(cores, "available", lambda: available)


@pytest.mark.parametrize(
    ("inside", "size", "expected"),
    [
        (0, 4, [[0, 2, 3, 1], [4]]),  # not told: operations have the cores
        (1, 4, [[0, 2, 3], [1, 4]]),
        (1, 2, [[0, 2], [3, 1], [4]]),
    ],
)
def test_batches_of_like_length_leave_no_core_idle(monkeypatch, inside, size, expected):
    told(monkeypatch, inside, 2)
    found = list(cores.side_by_side(TEXTS, size, lambda places: [TEXTS[place] for place in places]))
    assert [places for places, _ in found] == expected
    assert all(made == [TEXTS[place] for place in places] for places, made in found)


def test_there_may_be_fewer_texts_than_cores_and_none(monkeypatch):
    told(monkeypatch, 1, 8)
    assert list(cores.side_by_side(["b", "a"], 4, len)) == [([0], 1), ([1], 1)]
    assert list(cores.side_by_side([], 4, len)) == []


def test_batches_are_computed_at_the_same_time(monkeypatch):
    told(monkeypatch, 1, 2)
    both = threading.Barrier(2, timeout=30)
    assert len(list(cores.side_by_side(TEXTS, 3, lambda places: both.wait()))) == 2


def test_what_goes_wrong_in_a_batch_goes_wrong_for_the_caller(monkeypatch):
    told(monkeypatch, 1, 2)
    with pytest.raises(ZeroDivisionError):
        list(cores.side_by_side(TEXTS, 1, lambda places: 1 // (places[0] - 3)))


def test_a_process_is_told_once_and_too_late_changes_nothing():
    code = """
from seq2seq_keras import cores
import tensorflow as tf
cores.for_batches()
tf.constant(1) + 1
print(tf.config.threading.get_intra_op_parallelism_threads())
cores.available = lambda: 77
cores.for_batches()
print(tf.config.threading.get_inter_op_parallelism_threads() != 77)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "True"]
