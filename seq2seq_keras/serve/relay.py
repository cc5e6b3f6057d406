"""The REST door before several servers: what comes in is checked here, and answered by one of them."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Message, Receive, Scope, Send

from seq2seq_keras.serve import rest_stream, routes
from seq2seq_keras.serve.config import Limits
from seq2seq_keras.serve.entrance import before
from seq2seq_keras.serve.limits import Left, hung_up
from seq2seq_keras.serve.monitoring import Metrics
from seq2seq_keras.serve.rest_log import FAILED
from seq2seq_keras.serve.status import HTTP, Code, ServingError

log = logging.getLogger("seq2seq_keras.serve")

Ask = Callable[[dict, bytes, bool], AsyncGenerator[Message]]
"""Gives the answer to a request, as ASGI messages, from a scope of plain values, a body and whether it is a stream."""

TRIES = 3
"""A request that is lost with its server is asked again; one that brings servers down must not bring down all."""
_HANDED_ON = ("type", "http_version", "method", "scheme", "path", "raw_path", "query_string", "root_path", "headers")
"""What of a scope a server gets."""
_GRACE = 1.0
"""Seconds after its deadline in which a server itself can tell that a request took too long."""


class Lost(Exception):
    """The server that was to answer is gone."""


def app(ask: Ask, limits: Limits, metrics: Metrics, **options) -> Starlette:
    """The application behind the door.

    Args:
        ask: one of the servers; it raises `Lost` or `ServingError`.
        limits: of a request.
        metrics: of this door: what was asked and how it ended.
        options: of `entrance.before`.
    """
    return before(_Relay(ask, limits), limits, metrics, **options)


class _Relay:
    """Hands a request on, and its answer back."""

    def __init__(self, ask: Ask, limits: Limits):
        self._ask, self._limits = ask, limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        note = scope["state"]["note"]
        stream = isinstance(note.route, routes.Route) and note.route.kind == "generate"
        handed_on = {key: scope[key] for key in _HANDED_ON if key in scope}
        deadline = scope["state"].get("arrived", time.monotonic()) + self._limits.timeout_seconds + _GRACE
        begun = False

        async def answer(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            async with asyncio.timeout(deadline - time.monotonic()):
                body = await Request(scope, receive).body()
                for left in reversed(range(TRIES)):
                    try:
                        await (self._pass_on if stream else self._pass)(handed_on, body, receive, answer)
                        return
                    except Lost:
                        log.warning("a server was lost with a request")
                        if begun or not left:
                            raise ServingError(Code.UNAVAILABLE, "The server that answered is gone") from None
        except Left:
            note.code = Code.CANCELLED
            raise
        except ServingError as error:
            failed = error
        except TimeoutError:
            failed = ServingError(Code.DEADLINE_EXCEEDED, "Deadline exceeded")
        except Exception:
            log.exception("a request could not be handed on")
            failed = ServingError(Code.INTERNAL, FAILED)
        note.code = failed.code
        if not begun:
            await JSONResponse({"error": failed.message}, HTTP[failed.code])(scope, receive, send)
        elif stream:
            await send({"type": "http.response.body", "body": rest_stream.failure(failed)})

    async def _pass(self, scope: dict, body: bytes, receive: Receive, send: Send) -> None:
        """The whole answer, once it is here: until then another server can be asked."""
        for message in [message async for message in self._ask(scope, body, False)]:
            await send(message)

    async def _pass_on(self, scope: dict, body: bytes, receive: Receive, send: Send) -> None:
        """An answer as it grows, until its end or until the client leaves."""
        gone = asyncio.create_task(hung_up(receive))
        passing = asyncio.create_task(self._stream(scope, body, send))
        try:
            await asyncio.wait({gone, passing}, return_when=asyncio.FIRST_COMPLETED)
            if not passing.done():
                raise Left
            await passing
        finally:
            gone.cancel()
            passing.cancel()
            await asyncio.gather(gone, passing, return_exceptions=True)

    async def _stream(self, scope: dict, body: bytes, send: Send) -> None:
        async with aclosing(self._ask(scope, body, True)) as messages:
            async for message in messages:
                await send(message)
