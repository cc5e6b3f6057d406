"""Replicas of Ray Serve in processes of their own: one is killed while clients ask."""

import contextlib
import os
import signal
import socket
import threading
import time
from pathlib import Path

import httpx
import pytest

from seq2seq_keras.errors import InputError
from seq2seq_keras.serve import replicas
from seq2seq_keras.serve.config import Limits, ModelConfig
from seq2seq_keras.serve.replicas import Replicas
from seq2seq_keras.serve.server import Doors
from tests.units.serve import toys
from tests.units.serve.doors import free_port
from tests.units.serve.doubles import until

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
"""Of Ray itself."""

HALF, TOY = "/v1/models/half", "/v1/models/toy"
PATIENCE = 120.0
"""Seconds for an answer: on a busy machine those of a killed replica wait long for the one that is left."""


def family() -> dict[int, bytes]:
    """Command lines of the processes that this one began, and of those that they did, by number."""
    parents, names = {}, {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            names[int(folder.name)] = (folder / "cmdline").read_bytes()
        except OSError:  # it has just ended
            continue

    def ours(number: int) -> bool:
        while number in parents and number != os.getpid():
            number = parents[number]
        return number == os.getpid()

    return {number: name for number, name in names.items() if ours(number)}


def running() -> set[int]:
    """Numbers of the replicas' processes."""
    return {number for number, name in family().items() if name.startswith(b"ray::ServeReplica")}


def serving() -> int:
    """How many replicas take requests, as Ray Serve sees it."""
    from ray import serve

    states = serve.status().applications["models"].deployments["models"].replica_states
    return states.get("RUNNING", 0)


def listening(number: int) -> set[str]:
    """Addresses at which a process listens, in hexadecimal."""
    sockets = set()
    for handle in Path(f"/proc/{number}/fd").iterdir():
        with contextlib.suppress(OSError):
            sockets.add(os.readlink(handle).removeprefix("socket:[").removesuffix("]"))
    lines = [
        line.split()
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/{number}/net/{table}").read_text().splitlines()[1:]
    ]
    return {line[1].partition(":")[0] for line in lines if line[3] == "0A" and line[9] in sockets}


def client_of(port: int) -> httpx.Client:
    return httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE + 30, trust_env=False)


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> list[ModelConfig]:
    folder = tmp_path_factory.mktemp("models")
    toys.half_plus(folder / "half" / "1")
    toys.toy(folder / "toy" / "1")
    return [ModelConfig("half", folder / "half"), ModelConfig("toy", folder / "toy")]


@pytest.fixture(scope="module")
def fleet(models):
    """Two replicas and their port."""
    before, port = signal.getsignal(signal.SIGTERM), free_port()
    limits = Limits(timeout_seconds=PATIENCE)
    options = {"models": models, "threads": 1, "poll_seconds": 0.2, "limits": limits}
    with Replicas(options, Doors(grpc_port=0, rest_port=port), 2) as fleet:
        assert signal.getsignal(signal.SIGTERM) is before, "the program's own"
        assert fleet.names() == ["half", "toy"]
        yield fleet, port
    assert running() == set()
    assert "RAY_AUTH_TOKEN" not in os.environ


@pytest.fixture
def port(fleet) -> int:
    return fleet[1]


# Before the fixture `port`: a process can have one Ray.
@pytest.mark.slow
def test_a_model_that_does_not_load_is_named_and_nothing_is_left(tmp_path):
    toys.hostile(tmp_path / "bad" / "1")
    port = free_port()
    begun = time.monotonic()
    with pytest.raises(InputError, match="model 'bad'.*WriteFile"):
        Replicas({"models": [ModelConfig("bad", tmp_path / "bad")]}, Doors(grpc_port=0, rest_port=port), 1).start()
    assert time.monotonic() - begun < 120
    assert running() == set()
    socket.create_server(("127.0.0.1", port)).close()


@pytest.mark.slow
def test_the_api_is_that_of_one_server(port):
    with client_of(port) as client:
        answer = client.post(f"{HALF}:predict", json={"instances": [1.0, 2.0, 5.0]})
        assert (answer.status_code, answer.json()) == (200, {"predictions": [2.5, 3.0, 4.5]})
        assert client.get(f"{HALF}/versions/1").json()["model_version_status"][0]["state"] == "AVAILABLE"
        assert client.get(f"{TOY}/metadata").json()["model_spec"]["version"] == "1"
        answer = client.post("/v1/models/nope:predict", json={"instances": [1.0]})
        assert (answer.status_code, answer.json()) == (404, {"error": "Servable not found for request: Latest(nope)"})
        answer = client.post(f"{TOY}:generate", json={"text": "x"})
        assert answer.status_code == 400 and "cannot be streamed" in answer.json()["error"]
        assert client.get("/").headers["content-type"].startswith("text/html")
        assert client.get("/readyz").status_code == 200


@pytest.mark.slow
def test_nothing_can_be_reached_from_outside(port):
    loopback = {"0100007F", "0000000000000000FFFF00000100007F"}
    addresses = {name: listening(number) for number, name in family().items()}
    assert sum(map(len, addresses.values())) > 5, "there is something to see"
    assert {name: found for name, found in addresses.items() if not found <= loopback} == {}


@pytest.mark.slow
def test_a_killed_replica_fails_no_request_and_is_replaced(port):
    before, done, answers = running(), threading.Event(), []
    assert len(before) == 2

    def ask(number: int) -> None:
        body = {"signature_name": "slow", "instances": [0.2]} if number % 2 else {"instances": [float(number)]}
        with client_of(port) as client:
            while not done.is_set():
                answer = client.post(f"{TOY}:predict", json=body)
                answers.append((answer.status_code, answer.text))

    clients = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for client in clients:
        client.start()
    until(lambda: len(answers) > 40, PATIENCE)
    killed = min(before)
    os.kill(killed, signal.SIGKILL)
    until(lambda: serving() < 2, PATIENCE)
    until(lambda: serving() == 2, 2 * PATIENCE)
    at_return = len(answers)
    until(lambda: len(answers) > at_return + 40, PATIENCE)
    done.set()
    for client in clients:
        client.join()
    failed = [answer for answer in answers if answer[0] != 200]
    assert failed == [], f"{len(failed)} of {len(answers)}"
    assert len(running()) == 2 and killed not in running()


@pytest.mark.slow
def test_a_new_version_reaches_every_replica_without_a_failed_request(port, models):
    done, answers = threading.Event(), []

    def ask() -> None:
        with client_of(port) as client:
            while not done.is_set():
                answer = client.post(f"{HALF}:predict", json={"instances": [1.0]})
                answers.append((answer.status_code, answer.text))

    client = threading.Thread(target=ask)
    client.start()
    new = toys.half_plus(models[0].base_path / ".2", 3.0)
    new.rename(models[0].base_path / "2")
    until(lambda: len(answers) > 30 and all("3.5" in text for _, text in answers[-30:]), 60)
    done.set()
    client.join()
    assert {status for status, _ in answers} == {200}


@pytest.mark.slow
def test_stop_answers_what_is_under_way(fleet):  # the last with the fixture
    one, port = fleet
    answers = []

    def ask() -> None:
        with client_of(port) as client:
            body = {"signature_name": "slow", "instances": [1.0]}
            answers.append(client.post(f"{TOY}:predict", json=body).status_code)

    clients = [threading.Thread(target=ask) for _ in range(4)]
    for client in clients:
        client.start()
    time.sleep(0.5)  # until they are at work
    assert answers == []
    one.stop()
    for client in clients:
        client.join()
    assert answers == [200] * 4
    with client_of(port) as client, pytest.raises(httpx.ConnectError):
        client.get("/readyz")


def test_what_cannot_be(models):
    with pytest.raises(InputError, match="0 replicas; expected 1 or more"):
        Replicas({"models": models}, Doors(), 0)
    with pytest.raises(InputError, match="replicas answer REST alone"):
        Replicas({"models": models}, Doors(rest_port=0), 1)


def test_a_taken_port_is_told_before_ray_starts(models, monkeypatch):
    monkeypatch.setattr(replicas._Ray, "start", lambda self: pytest.fail("Ray was started"))
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(InputError, match="cannot listen .Address already in use"),
    ):
        Replicas({"models": models, "limits": Limits()}, Doors(rest_port=taken.getsockname()[1]), 1).start()
