"""A REST door: an ASGI application, listening in a thread of its own."""

import contextlib
import threading
import time

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from seq2seq_keras.errors import InputError
from seq2seq_keras.serve.ports import bound, taken

_STARTED_IN = 30.0
"""Seconds that it may take to open."""
_HEAD_SECONDS = 10.0
"""Until a request must be there, its body aside."""
_BACKLOG = 2048
"""Connections that may wait to be taken."""
_NOTICE = 0.5
"""Seconds that clients have to hear that it closes."""


class RestDoor:
    """uvicorn in a thread. Signals are left to the program, which has more to close than this door.

    The address is taken at once, so that a taken one is known before anything slow; `open` answers.

    Args:
        host: address to listen at.
        port: to listen at.
        drain_seconds: most time for requests under way when it closes.

    Raises:
        InputError: the address cannot be listened at.
    """

    def __init__(self, host: str, port: int, drain_seconds: float = 25.0):
        self._address, self._drain_seconds = f"{host}:{port}", drain_seconds
        self._listener = bound(host, port)
        self._server: _Quiet | None = None
        self._thread: threading.Thread | None = None
        self._leaving = False

    def open(self, app) -> None:
        """Answers with an ASGI application.

        Raises:
            InputError: the door does not open.
        """
        try:
            self._listener.listen(_BACKLOG)
        except OSError as error:  # another program took the port since it was bound
            raise taken(self._address, error) from None
        config = uvicorn.Config(
            self._told_to_close(app),
            http=_Impatient,
            lifespan="off",
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=max(1, round(self._drain_seconds)),
        )
        self._server = _Quiet(config)
        self._thread = threading.Thread(
            target=self._server.run, args=([self._listener],), name="REST door", daemon=True
        )
        self._thread.start()
        if not self._server.open.wait(_STARTED_IN):
            raise InputError("the REST door did not open", where=self._address)

    def close(self) -> None:
        """Takes no more requests, answers those under way.

        For a moment before, every answer says that the connection ends with it, so that clients which keep theirs do
        not ask on one that closes.
        """
        if self._thread is not None and self._thread.is_alive():
            self._leaving = True
            time.sleep(min(_NOTICE, self._drain_seconds))
            self._server.should_exit = True
            self._thread.join(self._drain_seconds + 5)
        self._listener.close()

    def _told_to_close(self, app):
        async def answering(scope, receive, send):
            async def telling(message):
                if self._leaving and message["type"] == "http.response.start":
                    message = message | {"headers": [*message.get("headers", ()), (b"connection", b"close")]}
                await send(message)

            await app(scope, receive, telling)

        return answering


class _Impatient(H11Protocol):
    """HTTP whose heads are bounded in size, by h11, and in time, here: silent connections would use up all places."""

    _timer = None

    def connection_made(self, transport) -> None:
        super().connection_made(_Gathering(transport, self.loop))
        self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc) -> None:
        self._rest()
        super().connection_lost(exc)

    def _watch(self) -> None:
        if self.cycle is not None and not self.cycle.response_complete:
            self._rest()
        elif self._timer is None:
            self._timer = self.loop.call_later(_HEAD_SECONDS, self.transport.close)

    def _rest(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class _Quiet(uvicorn.Server):
    """Tells when it is open, and lets signals be."""

    def __init__(self, config: uvicorn.Config):
        super().__init__(config)
        self.open = threading.Event()

    @contextlib.contextmanager
    def capture_signals(self):
        yield

    async def startup(self, sockets=None) -> None:
        await super().startup(sockets)
        self.open.set()


class _Gathering:
    """A transport that sends at once what is written before the loop goes on: the head of an answer with its body.

    Else each is a packet of its own, and wakes the client for half an answer.
    """

    def __init__(self, transport, loop):
        self._transport, self._loop, self._parts = transport, loop, []

    def __getattr__(self, name: str):
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if not self._parts:
            self._loop.call_soon(self._send)
        self._parts.append(data)

    def close(self) -> None:
        self._send()
        self._transport.close()

    def _send(self) -> None:
        parts, self._parts = self._parts, []
        if parts:
            self._transport.write(b"".join(parts))
