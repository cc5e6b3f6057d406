"""What stands before the REST API: token, size and pace of a body, and how many requests may be inside at once."""

import asyncio
import hmac
import json
import time
from collections.abc import Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from seq2seq_keras.serve.config import Limits

NO_TOKEN = "Authorization: Bearer TOKEN is missing or wrong"

_DRAINED = 16
"""Of a body that is refused, so many times the largest is read before the answer: who still sends would not see it."""
_UPLOADS = 64
"""So many bodies of the largest size may be under way at once."""
_CLOSE = (b"connection", b"close")


class Refusal(Exception):
    """A request that does not get in.

    Args:
        status: in HTTP; some of these have no code in gRPC.
        message: for the client.
        headers: of the answer, beyond the usual.
    """

    def __init__(self, status: int, message: str, *headers: tuple[bytes, bytes]):
        super().__init__(message)
        self.status, self.message, self.headers = status, message, headers


class Left(Exception):
    """The client hung up, or takes no answer."""


class Gate:
    """Reads a request's body whole, and lets in what is within the limits.

    What it leaves in `scope["state"]`: `arrived`, in seconds of `time.monotonic`, and `bytes_in`.

    Args:
        app: what is behind.
        limits: of a request.
        token: to be brought as `Authorization: Bearer TOKEN`; None asks for none.
        free: paths without token that are let in at any time; they get no body.
    """

    def __init__(self, app: ASGIApp, limits: Limits, token: str | None = None, free: Iterable[str] = ()):
        self._app, self._limits, self._free = app, limits, frozenset(free)
        self._expected = None if token is None else f"Bearer {token}".encode()
        self._inside = 0
        self._uploading = 0
        """Bytes of bodies that are under way."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or (scope["method"] in ("GET", "HEAD") and scope["path"] in self._free):
            # Without reading: nothing limits what these may send.
            await self._app(scope, receive if scope["type"] != "http" else _replayed(b"", receive), send)
            return
        scope.setdefault("state", {})["arrived"] = time.monotonic()
        send = self._paced(send)
        try:
            try:
                await self._answer(scope, receive, send)
            except Refusal as refusal:
                await refuse(send, refusal)
        except Left:
            pass

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        if not self._allows(headers.get(b"authorization", b"")):
            await self._drain(headers, receive)
            raise Refusal(401, NO_TOKEN, (b"www-authenticate", b"Bearer"), _CLOSE)
        body = bytes(await self._read(headers, receive))
        scope["state"]["bytes_in"] = len(body)
        if self._inside >= self._limits.concurrent:
            raise Refusal(503, "The server is busy: too many requests at once")
        self._inside += 1
        try:
            await self._app(scope, _replayed(body, receive), send)
        finally:
            self._inside -= 1

    def _allows(self, brought: bytes) -> bool:
        return self._expected is None or hmac.compare_digest(brought, self._expected)

    async def _read(self, headers: dict[bytes, bytes], receive: Receive) -> bytearray:
        """The whole body."""
        largest = self._limits.body_bytes
        too_large = Refusal(413, f"The body of the request is larger than {largest} bytes", _CLOSE)
        length = headers.get(b"content-length", b"0")
        if length.isdigit() and int(length[:20]) > largest:
            await self._drain(headers, receive)
            raise too_large
        body, deadline = bytearray(), time.monotonic() + self._limits.timeout_seconds
        try:
            while True:
                part, more = await self._part(receive, deadline)
                body += part
                self._uploading += len(part)
                if len(body) > largest:
                    await self._drain({}, receive, more)
                    raise too_large
                if self._uploading > largest * _UPLOADS:
                    raise Refusal(503, "The server is busy: too many uploads at once", _CLOSE)
                if not more:
                    return body
        except TimeoutError:
            raise Refusal(408, "The body of the request did not come in time", _CLOSE) from None
        finally:
            self._uploading -= len(body)

    async def _part(self, receive: Receive, deadline: float) -> tuple[bytes, bool]:
        """What comes next of a body, and whether there is more.

        Raises:
            TimeoutError: nothing came.
        """
        wait = max(0.0, min(self._limits.upload_seconds, deadline - time.monotonic()))
        async with asyncio.timeout(wait):
            message = await receive()
        if message["type"] != "http.request":
            raise Left
        return message.get("body", b""), message.get("more_body", False)

    async def _drain(self, headers: dict[bytes, bytes], receive: Receive, more: bool = True) -> None:
        """Reads on, keeps nothing: a client that still sends when the connection closes never sees the answer."""
        if headers.get(b"expect", b"").lower() == b"100-continue":
            return  # it has not begun to send
        left, deadline = _DRAINED * self._limits.body_bytes, time.monotonic() + self._limits.upload_seconds
        try:
            while more and left > 0:
                part, more = await self._part(receive, deadline)
                left -= len(part)
        except TimeoutError:
            pass

    def _paced(self, send: Send) -> Send:
        """Gives up a client that takes nothing of its answer: it must not hold a place inside."""

        async def paced(message: Message) -> None:
            try:
                async with asyncio.timeout(self._limits.timeout_seconds):
                    await send(message)
            except TimeoutError:
                raise Left from None

        return paced


async def refuse(send: Send, refusal: Refusal) -> None:
    """Answers with an error, in JSON."""
    body = json.dumps({"error": refusal.message}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()), *refusal.headers]
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def hung_up(receive: Receive) -> None:
    """Returns when the client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _replayed(body: bytes, receive: Receive) -> Receive:
    """Gives a body that was read already, then what else comes: that the client leaves."""
    unread = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return unread.pop() if unread else await receive()

    return replayed
