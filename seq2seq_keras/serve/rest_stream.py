"""`:generate`: an answer that is sent while it grows, as server-sent events."""

import asyncio
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, NamedTuple

import anyio
from starlette.types import Receive, Send

from seq2seq_keras.serve import stream
from seq2seq_keras.serve.json_document import invalid, parse
from seq2seq_keras.serve.limits import Left, hung_up
from seq2seq_keras.serve.predict import Predictor
from seq2seq_keras.serve.rest_log import FAILED, Note
from seq2seq_keras.serve.status import Code, ServingError

log = logging.getLogger("seq2seq_keras.serve")

_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # a proxy before us must not keep events back
]


class Begun(NamedTuple):
    """An answer whose beginning is known."""

    first: dict | None
    """Its first event."""
    rest: Iterator[dict]
    held: ExitStack
    """What is to be given back at the end: the iterator, the lease of the model and the place inside."""


def begin(predictor: Predictor, note: Note, body: bytes, deadline: float) -> Begun:
    """Runs up to the first event, so that all errors until then are plain ones.

    Raises:
        ServingError: the request cannot be answered.
    """
    document = parse(body)
    text, most = document.get("text"), document.get("max_length")
    if not isinstance(text, str):
        raise invalid("Expecting 'text' to be a string")
    if most is not None and (isinstance(most, bool) or not isinstance(most, int) or most < 1):
        raise invalid("Expecting 'max_length' to be a whole number from 1")
    if len(text) > predictor.limits.characters:
        raise invalid(f"'text' has {len(text)} characters, expected at most {predictor.limits.characters}")
    with ExitStack() as stack:
        stack.enter_context(predictor.admitted())
        servable = stack.enter_context(predictor.manager.lease(note.route.spec))
        note.version, note.rows = servable.version, 1
        events = stream.partial_texts(servable, text, most, deadline)
        stack.callback(events.close)
        first = next(events, None)
        return Begun(first, events, stack.pop_all())


async def send_events(begun: Begun, note: Note, receive: Receive, send: Send, work: Callable) -> None:
    """Sends the events as they come; when the client leaves, the model stops and is given back.

    Args:
        work: runs a function in a thread, as `await work(function, *given)`.
    """
    gone = asyncio.create_task(hung_up(receive))
    event = begun.first
    try:
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        while event is not None and not gone.done():
            await _send(send, _event(event))
            event = await work(next, begun.rest, None)
        note.code = Code.OK if event is None else Code.CANCELLED
    except ServingError as error:
        await _fail(send, note, error)
    except Left:
        note.code = Code.CANCELLED
        raise
    except Exception:
        log.exception("a stream broke off")
        await _fail(send, note, ServingError(Code.INTERNAL, FAILED))
    finally:
        gone.cancel()
        with anyio.CancelScope(shield=True):
            await work(begun.held.close)
    await send({"type": "http.response.body", "body": b""})


async def _fail(send: Send, note: Note, error: ServingError) -> None:
    note.code = error.code
    await _send(send, failure(error))


async def _send(send: Send, event: bytes) -> None:
    await send({"type": "http.response.body", "body": event, "more_body": True})


def failure(error: ServingError) -> bytes:
    """The event that an error is, once an answer has begun."""
    return b"event: error\n" + _event({"error": error.message, "code": int(error.code)})


def _event(document: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(document, ensure_ascii=False)}\n\n".encode()
