"""The server whole, over a real socket, under what servers suffer: damaged versions, overload, swaps, hours of work."""

import contextlib
import gc
import os
import shutil
import statistics
import threading
import time
from collections import Counter

import httpx
import numpy as np
import pytest

from seq2seq_keras.serve.config import BatchingParameters, Limits, ModelConfig
from seq2seq_keras.serve.server import Doors, Engine, Server
from tests.units.serve import toys
from tests.units.serve.doors import free_port
from tests.units.serve.doubles import until

SOAK_MINUTES = float(os.environ.get("SOAK_MINUTES", "30"))
"""Of the soak test."""


@pytest.fixture(autouse=True)
def _collected_as_in_a_server():
    """Its memory is looked at, and the tests collect garbage more rarely than Python does by itself."""
    rarely = gc.get_threshold()
    gc.set_threshold(700, 10, 10)
    yield
    gc.set_threshold(*rarely)


@contextlib.contextmanager
def serving(folder, **options):
    """The REST address of a server of the model `m` in the folder."""
    port = free_port()
    engine = Engine([ModelConfig("m", folder)], poll_seconds=0.05, **options)
    with Server(engine, Doors(grpc_port=0, rest_port=port)):
        yield f"http://127.0.0.1:{port}/v1/models/m"


def states(url: str) -> dict[str, tuple[str, str]]:
    """Version to state and error."""
    found = httpx.get(url).json()["model_version_status"]
    return {one["version"]: (one["state"], one["status"]["error_message"]) for one in found}


def resident() -> float:
    """MiB of this process."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


class Crowd:
    """Clients that ask without end; each answer with its status, its rows and its seconds."""

    def __init__(self, url: str, clients: int, rows: int, pause: float = 0.0):
        self.answers: list[tuple[int, tuple, float]] = []
        self._url, self._body, self._pause = url, {"instances": [0.0] * rows}, pause
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(clients)]

    def _ask(self):
        with httpx.Client(timeout=60) as client:
            while not self._over.is_set():
                begun = time.monotonic()
                answer = client.post(f"{self._url}:predict", json=self._body)
                rows = tuple(answer.json().get("predictions", ()))
                self.answers.append((answer.status_code, rows, time.monotonic() - begun))
                self._over.wait(self._pause)

    def taken(self) -> list[tuple[int, tuple, float]]:
        """The answers since the last time, which are no longer held: they would be what grows."""
        answers, self.answers = self.answers, []
        return answers

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        for thread in self._threads:
            thread.join()


@pytest.mark.parametrize("damage", ["saved_model.pb", "variables/variables.data-00000-of-00001"])
def test_a_damaged_newer_version_is_told_and_the_last_goes_on(damage, tmp_path):
    folder = tmp_path / "m"
    toys.half_plus(folder / "1", 1.0)
    with serving(folder) as url:
        broken = toys.half_plus(tmp_path / "broken", 2.0)
        content = (broken / damage).read_bytes()
        (broken / damage).write_bytes(content[: len(content) // 2])
        shutil.move(broken, folder / "2")
        until(lambda: states(url).get("2", ("", ""))[1])
        state, told = states(url)["2"]
        assert state != "AVAILABLE" and str(tmp_path) not in told
        assert httpx.post(f"{url}:predict", json={"instances": [0.0]}).json() == {"predictions": [1.0]}
        # Mended, it is taken at once: its files have changed.
        (folder / "2" / damage).write_bytes(content)
        until(lambda: states(url)["2"][0] == "AVAILABLE")
        assert httpx.post(f"{url}:predict", json={"instances": [0.0]}).json() == {"predictions": [2.0]}


def test_overload_is_refused_and_passes(tmp_path):
    folder = tmp_path / "m"
    toys.toy(folder / "1")
    few = BatchingParameters(max_batch_size=1, max_enqueued_batches=8)
    with serving(folder, batching=few, limits=Limits(timeout_seconds=20.0)) as url:
        found, body = [], {"signature_name": "slow", "instances": [0.5]}

        def ask():
            begun = time.monotonic()
            answer = httpx.post(f"{url}:predict", json=body, timeout=60)
            found.append((answer.status_code, time.monotonic() - begun))

        threads = [threading.Thread(target=ask) for _ in range(60)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        statuses = Counter(status for status, _ in found)
        assert set(statuses) <= {200, 503, 504} and statuses[200] >= 8 and statuses[503] > 0, statuses
        assert max(seconds for status, seconds in found if status == 200) < 20
        begun = time.monotonic()
        assert httpx.post(f"{url}:predict", json={"instances": [2.0]}).status_code == 200
        assert time.monotonic() - begun < 1


@pytest.mark.slow
def test_twenty_swaps_under_load(tmp_path):
    folder = tmp_path / "m"
    toys.half_plus(folder / "1", 1.0)
    for number in range(2, 23):  # all before memory is looked at: making them takes some too
        toys.half_plus(tmp_path / f"made{number}", float(number))
    sizes, statuses, seen = [], Counter(), set()
    with serving(folder, batching=BatchingParameters()) as url:
        with Crowd(url, clients=8, rows=4) as crowd:
            for number in range(2, 23):
                until(lambda: any(number - 1.0 in rows for _, rows, _ in crowd.answers))  # noqa: B023 (called at once)
                shutil.move(tmp_path / f"made{number}", folder / str(number))
                until(lambda: states(url).get(str(number), ("",))[0] == "AVAILABLE")  # noqa: B023
                until(lambda: states(url)[str(number - 1)][0] == "END")  # noqa: B023
                answers = crowd.taken()
                statuses.update(status for status, _, _ in answers)
                seen.update(rows for _, rows, _ in answers)
                sizes.append(resident())
        last = crowd.taken()
    assert set(statuses) | {status for status, _, _ in last} == {200}
    seen.update(rows for _, rows, _ in last)
    assert all(len(set(rows)) == 1 and len(rows) == 4 for rows in seen), "an answer of two versions"
    assert len(seen) == 22
    print(f"{statuses.total():,} answers; MiB: " + " ".join(f"{size:,.0f}" for size in sizes))
    assert max(sizes[1:]) < 1.1 * sizes[1], sizes


@pytest.mark.slow
def test_soak(tmp_path):
    """At about 70% of what the server can do: no error, no growth, no drift."""
    folder = tmp_path / "m"
    toys.toy(folder / "1")
    with serving(folder, batching=BatchingParameters()) as url:
        with Crowd(url, clients=4, rows=2) as crowd:
            time.sleep(5)
        full = len(crowd.answers) / 5
        pause = 4 / (0.7 * full) - statistics.median(seconds for *_, seconds in crowd.answers)
        sizes, slow, statuses = [], [], Counter()
        end = time.monotonic() + 60 * SOAK_MINUTES
        with Crowd(url, clients=4, rows=2, pause=max(pause, 0.0)) as crowd:
            while time.monotonic() < end:
                time.sleep(min(15.0, 15 * SOAK_MINUTES))
                answers = crowd.taken()
                statuses.update(status for status, _, _ in answers)
                slow.append(float(np.percentile([seconds for *_, seconds in answers], 99)))
                sizes.append(resident())
    assert set(statuses) == {200}
    minutes = np.arange(len(sizes)) * SOAK_MINUTES / len(sizes)
    first = len(sizes) // 4  # what is made once at the beginning is no growth
    slope = np.polyfit(minutes[first:], sizes[first:], 1)[0]
    early, late = (statistics.median(part) for part in (slow[: len(slow) // 2], slow[len(slow) // 2 :]))
    print(
        f"{statuses[200]:,} answers at {statuses[200] / 60 / SOAK_MINUTES:,.0f}/s of {full:,.0f}/s;"
        f" {slope:.2f} MiB a minute; p99 {early * 1e3:.1f} then {late * 1e3:.1f} ms"
    )
    assert slope < 1.0, sizes
    assert late < 1.2 * early, slow
