"""A REST door: an ASGI application, listening in a thread of its own."""

import contextlib
import threading

import uvicorn

from seq2seq_keras.errors import InputError
from seq2seq_keras.serve.ports import bound

_STARTED_IN = 30.0
"""Seconds that it may take to open."""


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

    def open(self, app) -> None:
        """Answers with an ASGI application.

        Raises:
            InputError: the door does not open.
        """
        config = uvicorn.Config(
            app,
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
        """Takes no more requests, answers those under way."""
        if self._thread is not None:
            self._server.should_exit = True
            self._thread.join(self._drain_seconds + 5)
        self._listener.close()


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
