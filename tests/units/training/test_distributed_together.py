"""Two devices, and two processes, train as one device does with the same batches."""

import json
import os
import socket

import numpy as np
import pytest

from tests.faults.lives import end, life
from tests.units.training.together import CASES, main

CLOSE = {"rtol": 1e-4, "atol": 2e-5}
"""Adam divides by the root of a mean square: where that is tiny, the last bits of a sum show."""


def alone(arguments: tuple[str, ...], surroundings: dict[str, str]) -> int:
    os.environ.update(surroundings)
    main(*arguments)
    return 0


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What one process on two devices, and two processes, have trained at the same time."""
    folder = tmp_path_factory.mktemp("together")
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    addresses = [f"127.0.0.1:{one.getsockname()[1]}" for one in sockets]
    for one in sockets:
        one.close()
    begun = [life(alone, (str(folder), "devices", "2"), {})]
    for number in range(2):
        task = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": number}}
        begun.append(life(alone, (str(folder), "cluster", "few_rows"), {"TF_CONFIG": json.dumps(task)}))
    assert [end(process) for process in begun] == [0, 0, 0]
    return folder


def read(folder, name):
    found = np.load(folder / f"{name}.npz")
    return [found[key] for key in sorted(found) if key.startswith("weights")], json.loads(str(found["history"]))


def same(one, other):
    (weights, history), (others, other_history) = one, other
    assert len(weights) == len(others) > 3
    for weight, expected in zip(weights, others):
        np.testing.assert_allclose(weight, expected, **CLOSE)
    assert history.keys() == other_history.keys() >= {"loss", "perplexity", "accuracy", "tokens", "padding"}
    for name, values in history.items():
        np.testing.assert_allclose(values, other_history[name], rtol=1e-4, err_msg=name)


@pytest.mark.parametrize("case", CASES)
def test_two_devices_train_as_one(folder, case):
    same(read(folder, f"{case}-devices"), read(folder, f"{case}-fit"))


def test_two_processes_train_as_one(folder):
    same(read(folder, "few_rows-cluster-0"), read(folder, "few_rows-fit"))


def test_all_processes_end_with_the_same_bits_whatever_they_began_with(folder):
    weights, others = read(folder, "few_rows-cluster-0")[0], read(folder, "few_rows-cluster-1")[0]
    for weight, other in zip(weights, others):
        np.testing.assert_array_equal(weight, other)
