"""The door before several servers, over a real socket; the servers are functions here."""

import contextlib
import threading

import anyio
import httpx
import pytest

from seq2seq_keras.serve import relay
from seq2seq_keras.serve.config import Limits
from seq2seq_keras.serve.monitoring import Metrics
from seq2seq_keras.serve.status import Code, ServingError
from tests.units.serve.doors import opened
from tests.units.serve.doubles import until

PREDICT, GENERATE = "/v1/models/m:predict", "/v1/models/m:generate"


class Servers:
    """Stand in for all servers: each request takes the next of the ways to end."""

    def __init__(self, *ends):
        self.ends, self.asked, self.closed = list(ends), [], threading.Event()

    async def __call__(self, scope, body, stream):
        self.asked.append((scope, body, stream))
        end = self.ends.pop(0) if self.ends else None
        try:
            if isinstance(end, Exception):
                raise end
            yield {"type": "http.response.start", "status": 201, "headers": [(b"x-from", b"server")]}
            for part in end or [b"done"]:
                if isinstance(part, Exception):
                    raise part
                if part is None:
                    await anyio.sleep_forever()
                yield {"type": "http.response.body", "body": part, "more_body": True}
            yield {"type": "http.response.body", "body": b""}
        finally:
            self.closed.set()


@contextlib.contextmanager
def client_of(servers, limits=Limits(), **settings):  # noqa: B008 (it is frozen)
    with (
        opened(relay.app(servers, limits, Metrics(lambda: ["m"]), **settings)) as port,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20, trust_env=False) as client,
    ):
        yield client


def test_a_request_goes_on_whole_and_its_answer_comes_back_whole():
    servers = Servers([b"one ", b"two"])
    with client_of(servers) as client:
        answer = client.post(f"{PREDICT}?a=%20b", content=b"\x00body", headers={"x-to": "server"})
    assert (answer.status_code, answer.content, answer.headers["x-from"]) == (201, b"one two", "server")
    [(scope, body, stream)] = servers.asked
    assert (scope["method"], scope["path"], scope["query_string"]) == ("POST", PREDICT, b"a=%20b")
    assert (b"x-to", b"server") in scope["headers"]
    assert (body, stream) == (b"\x00body", False)
    assert "state" not in scope and "app" not in scope, "only values that another process can have"


def test_a_request_that_is_lost_with_its_server_is_asked_again():
    servers = Servers(relay.Lost(), [b"half of", relay.Lost()], [b"whole"])
    with client_of(servers) as client:
        answer = client.post(PREDICT, content=b"x")
    assert (answer.status_code, answer.content) == (201, b"whole")
    assert [body for _, body, _ in servers.asked] == [b"x"] * 3


def test_a_request_that_brings_servers_down_is_not_asked_for_ever():
    servers = Servers(*[relay.Lost()] * 10)
    with client_of(servers) as client:
        answer = client.post(PREDICT, content=b"x")
    assert (answer.status_code, answer.json()) == (503, {"error": "The server that answered is gone"})
    assert len(servers.asked) == relay.TRIES


@pytest.mark.parametrize(
    "error, status, message",
    [
        (ServingError(Code.UNAVAILABLE, "all are busy"), 503, "all are busy"),
        (RuntimeError("/a/path"), 500, "internal error"),
    ],
)
def test_other_errors_are_told_at_once(error, status, message):
    servers = Servers(error)
    with client_of(servers) as client:
        answer = client.post(PREDICT, content=b"x")
    assert (answer.status_code, answer.json()) == (status, {"error": message})
    assert len(servers.asked) == 1


def test_a_server_that_does_not_answer_in_time(monkeypatch):
    monkeypatch.setattr(relay, "_GRACE", 0.0)
    servers = Servers([None])
    with client_of(servers, Limits(timeout_seconds=0.1)) as client:
        answer = client.post(PREDICT, content=b"x")
    assert (answer.status_code, answer.json()) == (504, {"error": "Deadline exceeded"})
    assert servers.closed.wait(10)


def test_a_stream_comes_as_it_grows_and_is_closed_when_its_client_leaves():
    servers = Servers([b"data: 1\n\n", None])
    with client_of(servers) as client:
        with client.stream("POST", GENERATE, content=b"x") as answer:
            parts = answer.iter_bytes()  # kept: it hangs up when it goes
            assert next(parts) == b"data: 1\n\n", "while the rest is not there"
            assert servers.asked[0][2] is True
            assert not servers.closed.is_set()
        assert servers.closed.wait(10), "though nothing more was coming"


def test_a_stream_that_is_lost_before_it_begins_is_asked_again():
    with client_of(Servers(relay.Lost(), [b"data: 1\n\n"])) as client:
        assert client.post(GENERATE, content=b"x").content == b"data: 1\n\n"


def test_a_stream_that_is_lost_later_ends_with_an_error():
    servers = Servers([b"data: 1\n\n", relay.Lost()])
    with client_of(servers) as client:
        answer = client.post(GENERATE, content=b"x")
    event = b'event: error\ndata: {"error": "The server that answered is gone", "code": 14}\n\n'
    assert answer.content == b"data: 1\n\n" + event
    assert len(servers.asked) == 1, "its beginning cannot be taken back"


def test_limits_and_token_hold_before_a_server_is_asked():
    servers = Servers()
    with client_of(servers, Limits(body_bytes=10), token="secret") as client:
        assert client.post(PREDICT, content=b"x").status_code == 401
        bearer = {"Authorization": "Bearer secret"}
        assert client.post(PREDICT, content=b"x" * 11, headers=bearer).status_code == 413
        assert servers.asked == []
        assert client.post(PREDICT, content=b"x", headers=bearer).status_code == 201


def test_what_the_door_answers_itself():
    servers, ready = Servers(), threading.Event()
    with client_of(servers, ready=ready.is_set, metrics_path="/metrics") as client:
        assert client.get("/healthz").json() == {"status": "alive"}
        assert client.get("/readyz").status_code == 503
        ready.set()
        assert client.get("/readyz").json() == {"status": "ready"}
        assert servers.asked == []
        client.post(PREDICT, content=b"x")
        counted = ':tensorflow:serving:request_count{model_name="m"'
        until(lambda: counted in client.get("/metrics").text)
        assert client.get("/").status_code == 201, "the page for people is the servers'"
