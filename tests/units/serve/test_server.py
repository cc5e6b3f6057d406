"""Both doors and what is behind them: how they open, and how they close."""

import contextlib
import socket
import threading
import time

import grpc
import httpx
import pytest
from tensorflow_serving.apis import model_management_pb2, model_service_pb2_grpc

from seq2seq_keras.errors import InputError
from seq2seq_keras.serve import rest_door
from seq2seq_keras.serve.client import Client
from seq2seq_keras.serve.config import BatchingParameters, ModelConfig
from seq2seq_keras.serve.server import Doors, Engine, Server
from seq2seq_keras.serve.status import ServingError
from tests.units.serve import toys
from tests.units.serve.doors import free_port
from tests.units.serve.doubles import until


@pytest.fixture
def models(tmp_path):
    toys.toy(tmp_path / "m" / "1")
    return [ModelConfig("m", tmp_path / "m")]


def test_what_is_reachable_from_outside_needs_a_token():
    with pytest.raises(InputError, match="token"):
        Doors(host="0.0.0.0")
    assert Doors(host="0.0.0.0", token="secret").token
    with pytest.raises(InputError, match="a port"):
        Doors(grpc_port=0, rest_port=0)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_both_doors_answer_and_nothing_is_left(host, models):
    if host == "::1":
        with contextlib.closing(socket.socket(socket.AF_INET6)) as probe:
            try:
                probe.bind((host, 0))
            except OSError:
                pytest.skip("this machine has no IPv6")
    doors = Doors(host, free_port(), free_port())
    address = f"[{host}]" if ":" in host else host
    before = threading.active_count()
    with Server(Engine(models), doors) as server:
        assert server.names() == ["m"]
        for url in (f"http://{address}:{doors.rest_port}", f"grpc://{address}:{doors.grpc_port}"):
            with Client(url, "m") as client:
                assert client.predict({"x": [1.0]})["y"].tolist() == [2.5]
    until(lambda: threading.active_count() <= before)
    for port in (doors.rest_port, doors.grpc_port):
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as again:
            assert again.connect_ex((host, port)) != 0


def test_clients_hear_of_the_end_before_it_comes(models, monkeypatch):
    doors = Doors(grpc_port=0, rest_port=free_port())
    url = f"http://127.0.0.1:{doors.rest_port}"
    monkeypatch.setattr(rest_door, "_NOTICE", 5.0)
    server = Server(Engine(models), doors)
    server.start()
    with httpx.Client() as client:
        assert "connection" not in client.get(f"{url}/readyz").headers
        ending = threading.Thread(target=server.stop)
        ending.start()
        until(lambda: client.get(f"{url}/readyz").status_code == 503)
        answer = client.post(f"{url}/v1/models/m:predict", json={"instances": [1.0]})
        assert answer.json() == {"predictions": [2.5]} and answer.headers["connection"] == "close"
    ending.join()


def test_the_end_comes_in_time_whatever_clients_wait_for(models):
    doors = Doors(grpc_port=free_port(), rest_port=0, drain_seconds=2.0)
    engine = Engine(models, BatchingParameters(max_batch_size=1))
    server = Server(engine, doors)
    server.start()
    errors = []

    def ask():
        with Client(f"grpc://127.0.0.1:{doors.grpc_port}", "m", timeout=600) as client:
            try:
                client.predict({"x": [30.0]}, "slow")
            except (ServingError, InputError) as error:
                errors.append(error)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    until(lambda: b"requests_inside{} 4" in engine.metrics.render())
    begun = time.monotonic()
    server.stop()
    assert time.monotonic() - begun < 10
    for thread in threads:
        thread.join()
    assert len(errors) == 4


def test_a_silent_connection_is_closed(models, monkeypatch):
    monkeypatch.setattr(rest_door, "_HEAD_SECONDS", 0.2)
    doors = Doors(grpc_port=0, rest_port=free_port())
    with Server(Engine(models), doors):
        for begun in (b"", b"GET /healthz HTTP/1.1\r\nHost: he"):
            with socket.create_connection(("127.0.0.1", doors.rest_port), timeout=5) as silent:
                silent.sendall(begun)
                assert silent.recv(100) == b""


def test_no_part_of_an_answer_waits_for_the_client_to_acknowledge_another(models, monkeypatch):
    seen = []

    class Watched(rest_door._Impatient):
        def connection_made(self, transport):
            super().connection_made(transport)
            seen.append(transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    monkeypatch.setattr(rest_door, "_Impatient", Watched)
    doors = Doors(grpc_port=0, rest_port=free_port())
    with Server(Engine(models), doors):
        httpx.get(f"http://127.0.0.1:{doors.rest_port}/healthz")
    assert seen and all(seen)


def test_an_answer_is_one_write_and_whole_before_its_connection_closes(models, monkeypatch):
    written = []

    class Transport:
        def __init__(self, transport):
            self._transport = transport

        def __getattr__(self, name):
            return getattr(self._transport, name)

        def write(self, data):
            written.append(bytes(data))
            self._transport.write(data)

    class Watched(rest_door._Impatient):
        def connection_made(self, transport):
            super().connection_made(Transport(transport))

    monkeypatch.setattr(rest_door, "_Impatient", Watched)
    doors = Doors(grpc_port=0, rest_port=free_port())
    with Server(Engine(models), doors), httpx.Client(base_url=f"http://127.0.0.1:{doors.rest_port}") as client:
        for headers in ({}, {}, {"Connection": "close"}):
            assert client.get("/healthz", headers=headers).json() == {"status": "alive"}
    assert [data.endswith(b'{"status":"alive"}') for data in written] == [True] * 3


def test_what_the_page_is_sent_is_not_read(models):
    doors = Doors(grpc_port=0, rest_port=free_port(), token="secret")
    with Server(Engine(models), doors):
        for path in ("/", "/healthz"):
            answer = httpx.request("GET", f"http://127.0.0.1:{doors.rest_port}{path}", content=b"x" * 1000)
            assert answer.status_code == 200


def test_clients_have_other_models_served_only_if_they_may(models):
    for reload, code in ((False, grpc.StatusCode.PERMISSION_DENIED), (True, None)):
        doors = Doors(grpc_port=free_port(), rest_port=0, reload=reload)
        with Server(Engine(models), doors), grpc.insecure_channel(f"127.0.0.1:{doors.grpc_port}") as channel:
            request = model_management_pb2.ReloadConfigRequest()
            request.config.model_config_list.config.add(name="m", base_path=str(models[0].base_path))
            ask = model_service_pb2_grpc.ModelServiceStub(channel).HandleReloadConfigRequest
            if code is None:
                assert ask(request).status.error_code == 0
            else:
                with pytest.raises(grpc.RpcError) as raised:
                    ask(request)
                assert raised.value.code() == code


def test_a_port_lost_to_another_is_told_at_once(models):
    port = free_port()
    door = rest_door.RestDoor("127.0.0.1", port)
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port))
        other.listen()
        begun = time.monotonic()
        with pytest.raises(InputError, match="cannot listen"):
            door.open(lambda scope, receive, send: None)
        assert time.monotonic() - begun < 10
    door.close()
