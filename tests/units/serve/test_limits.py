"""The gate before the REST API, over a real socket: size, pace, token, and room for so many."""

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator

import anyio
import httpx
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse

from seq2seq_keras.serve.config import Limits
from seq2seq_keras.serve.limits import Gate
from tests.units.serve.doors import opened
from tests.units.serve.doubles import until

LARGEST = 1000
HEAD = "POST /work HTTP/1.1\r\nHost: here\r\n"


class Behind:
    """What is behind the gate: tells how long the body was, or waits until it may."""

    def __init__(self):
        self.reached, self.entered, self.leave = [], threading.Event(), threading.Event()

    async def __call__(self, scope, receive, send):
        request = Request(scope, receive)
        self.reached.append(scope["path"])
        body = await request.body()
        if scope["path"] == "/slow":
            self.entered.set()
            await anyio.to_thread.run_sync(self.leave.wait, 10)
        if scope["path"] == "/endless":
            await self.flood(send)
            return
        response = JSONResponse({"bytes": len(body), "noted": scope.get("state", {}).get("bytes_in")})
        await response(scope, receive, send)

    async def flood(self, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        self.entered.set()
        while True:
            await send({"type": "http.response.body", "body": b"x" * 2**20, "more_body": True})


@contextlib.contextmanager
def served(http: str = "auto", token: str | None = None, **limits) -> Iterator[tuple[int, Behind, Gate]]:
    """Port, what is behind the gate, and the gate."""
    behind = Behind()
    given = {"body_bytes": LARGEST, "upload_seconds": 5.0, "timeout_seconds": 10.0} | limits
    gate = Gate(behind, Limits(**given), token, free=["/healthz"])
    with opened(gate, http=http) as port:
        try:
            yield port, behind, gate
        finally:
            behind.leave.set()


@pytest.fixture(params=["h11", "httptools"])
def http(request) -> str:
    pytest.importorskip(request.param)
    return request.param


def post(port: int, path: str = "/work", **given) -> httpx.Response:
    return httpx.post(f"http://127.0.0.1:{port}{path}", timeout=10, trust_env=False, **given)


def answered(connection: socket.socket) -> tuple[int, dict]:
    """Status and document of the answer, read to the end."""
    connection.settimeout(10)
    with connection.makefile("rb") as file:
        status = int(file.readline().split()[1])
        headers = {}
        while (line := file.readline().strip()) != b"":
            name, _, value = line.partition(b":")
            headers[name.strip().lower()] = value.strip()
        assert headers[b"content-type"] == b"application/json"
        return status, json.loads(file.read(int(headers[b"content-length"])))


def connected(port: int, text: str) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), 10)
    connection.sendall(text.encode())
    return connection


def test_a_body_of_the_largest_size_gets_in_and_one_more_byte_does_not(http):
    with served(http) as (port, behind, _):
        assert post(port, content=b"x" * LARGEST).json() == {"bytes": LARGEST, "noted": LARGEST}
        assert post(port).json() == {"bytes": 0, "noted": 0}
        response = post(port, content=b"x" * (LARGEST + 1))
        assert (response.status_code, behind.reached) == (413, ["/work", "/work"])
        assert response.json() == {"error": f"The body of the request is larger than {LARGEST} bytes"}


def test_chunks_are_counted_too(http):
    with served(http) as (port, behind, _):
        assert post(port, content=iter([b"x" * 400, b"x" * 600])).json()["bytes"] == LARGEST
        assert post(port, content=iter([b"x" * 400, b"x" * 601])).status_code == 413
        assert post(port, content=iter([b"x" * 400] * 30)).status_code == 413
        assert behind.reached == ["/work"]


def test_a_client_that_sends_all_before_it_reads_sees_the_refusal(http):
    # 8 MB do not fit into the buffers of a socket: it would break while the client still sends.
    with served(http, body_bytes=2**20) as (port, *_), socket.create_connection(("127.0.0.1", port)) as connection:
        connection.settimeout(10)
        connection.sendall(f"{HEAD}Content-Length: {2**23}\r\n\r\n".encode() + b"x" * 2**23)
        assert answered(connection)[0] == 413


def test_who_asks_before_sending_is_told_at_once(http):
    with served(http) as (port, *_):
        head = f"{HEAD}Content-Length: 100000000\r\nExpect: 100-continue\r\n\r\n"
        with connected(port, head) as connection:
            assert answered(connection)[0] == 413


def test_an_upload_that_stalls(http):
    with served(http, upload_seconds=0.2) as (port, behind, gate):
        begun = time.monotonic()
        for head in ("Content-Length: 10", "Transfer-Encoding: chunked"):
            with connected(port, f"{HEAD}{head}\r\n\r\n") as connection:
                connection.sendall(b"5\r\nxxxxx\r\n" if "chunked" in head else b"xxxxx")
                assert answered(connection) == (408, {"error": "The body of the request did not come in time"})
                assert connection.recv(1) == b""  # closed: what comes late is no request
        assert time.monotonic() - begun < 5 and not behind.reached
        assert gate._uploading == 0


def test_an_upload_that_trickles_ends_with_the_time_of_a_request():
    with served(upload_seconds=5.0, timeout_seconds=0.5) as (port, behind, _):
        begun = time.monotonic()
        with connected(port, f"{HEAD}Content-Length: 900\r\n\r\n") as connection:
            connection.settimeout(0.05)
            answer = b""
            while not answer and time.monotonic() - begun < 5:
                connection.sendall(b"x")
                with contextlib.suppress(TimeoutError):
                    answer = connection.recv(20)
            assert answer.startswith(b"HTTP/1.1 408")
        assert not behind.reached


def test_others_are_answered_while_uploads_stall():
    with served(upload_seconds=5.0, concurrent=4) as (port, *_), contextlib.ExitStack() as stack:
        for _ in range(200):
            stack.enter_context(connected(port, f"{HEAD}Content-Length: 10\r\n\r\nx"))
        assert post(port, content=b"now").json()["bytes"] == 3


def test_uploads_share_a_bounded_memory(monkeypatch):
    monkeypatch.setattr("seq2seq_keras.serve.limits._UPLOADS", 2)
    with served() as (port, *_), contextlib.ExitStack() as stack:
        held = [connected(port, f"{HEAD}Content-Length: 1000\r\n\r\n{'x' * 900}") for _ in range(3)]
        for connection in held:
            stack.enter_context(connection)
        statuses = []
        for connection in held:
            connection.settimeout(1.0)
            with contextlib.suppress(TimeoutError):
                statuses.append(connection.recv(12))
        assert statuses == [b"HTTP/1.1 503"]


def test_a_client_that_hangs_up_while_sending_leaves_nothing_behind(http):
    with served(http) as (port, behind, gate):
        for _ in range(20):
            connected(port, f"{HEAD}Content-Length: 10\r\n\r\nx").close()
        assert post(port, content=b"now").json()["bytes"] == 3
        assert behind.reached == ["/work"]
        until(lambda: not gate._uploading)


def test_the_token():
    with served(token="secr\N{LATIN SMALL LETTER E WITH ACUTE}t") as (port, behind, _):
        right = {"Authorization": "Bearer secr\N{LATIN SMALL LETTER E WITH ACUTE}t".encode()}
        assert post(port, headers=right).status_code == 200
        for wrong in ({}, {"Authorization": "Bearer secre"}, {"Authorization": "secret"}, {"Authorization": b"\xff"}):
            response = post(port, headers=wrong, content=b"x" * LARGEST)
            assert response.status_code == 401
            assert response.headers["www-authenticate"] == "Bearer"
            assert response.json() == {"error": "Authorization: Bearer TOKEN is missing or wrong"}
        assert behind.reached == ["/work"]


def test_who_has_no_token_and_sends_much_sees_the_refusal():
    with served(token="secret", body_bytes=2**20) as (port, *_):
        assert post(port, content=b"x" * 2**23).status_code == 401


def test_health_is_free_to_read_and_nothing_else_is():
    with served(token="secret", concurrent=0) as (port, behind, _):
        url = f"http://127.0.0.1:{port}"
        assert httpx.get(f"{url}/healthz", trust_env=False).status_code == 200
        assert httpx.get(f"{url}/healthz/more", trust_env=False).status_code == 401
        assert post(port, "/healthz", content=b"x").status_code == 401
        assert behind.reached == ["/healthz"]


def test_room_for_so_many_and_no_more():
    with served(concurrent=1) as (port, behind, gate):
        statuses = []
        inside = threading.Thread(target=lambda: statuses.append(post(port, "/slow").status_code))
        inside.start()
        assert behind.entered.wait(10)
        busy = post(port)
        assert (busy.status_code, busy.json()) == (503, {"error": "The server is busy: too many requests at once"})
        behind.leave.set()
        inside.join(10)
        assert statuses == [200]
        until(lambda: not gate._inside)  # a client may have its answer before its place is free
        assert post(port).status_code == 200
        until(lambda: not gate._inside)


def test_a_client_that_takes_nothing_of_its_answer_holds_no_place():
    head = "POST /endless HTTP/1.1\r\nHost: here\r\nContent-Length: 0\r\n\r\n"
    with served(concurrent=1, timeout_seconds=0.3) as (port, behind, gate), connected(port, head):
        assert behind.entered.wait(10)
        until(lambda: not gate._inside)
        assert post(port).status_code == 200
