"""What is told of every REST request: a line in the log, and metrics of those that models answer."""

import logging
import time
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from seq2seq_keras.serve import routes
from seq2seq_keras.serve.limits import Refusal, refuse
from seq2seq_keras.serve.monitoring import Metrics, access_log
from seq2seq_keras.serve.status import HTTP, OF_HTTP, Code, ServingError

log = logging.getLogger("seq2seq_keras.serve")

FAILED = "internal error"
"""All that a client is told of what nobody expected; the log has the rest."""
ENTRYPOINT = "REST"
_ANSWERED = {"predict": "Predict", "classify": "Classify", "regress": "Regress", "generate": "Generate"}
"""Kinds that count as requests of a model, by the name that metrics have for them."""
_CODES = OF_HTTP | {0: Code.CANCELLED}  # the client left before there was an answer


@dataclass
class Note:
    """What is known of a request, in `scope["state"]["note"]`."""

    route: routes.Route | ServingError
    """What it asks for, or why that cannot be said."""
    code: Code | None = None
    """How it ended; None goes by the status in HTTP."""
    version: int | None = None
    rows: int = 0


class Logged:
    """Around everything: notes what a request asks for, answers if nothing else did, and tells how it went.

    Args:
        app: what answers.
        metrics: of the server.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics):
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, status, sent = time.monotonic(), 0, 0
        note = scope.setdefault("state", {})["note"] = Note(_route(scope))

        async def counted(message: Message) -> None:
            nonlocal status, sent
            status = message.get("status", status)
            sent += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, receive, counted)
        except Exception:
            log.exception("a request failed")
            note.code = Code.INTERNAL
            if status:  # half an answer: the connection must break
                raise
            await refuse(counted, Refusal(HTTP[Code.INTERNAL], FAILED))
        finally:
            code = _CODES.get(status, Code.UNKNOWN) if note.code is None else note.code
            self._tell(scope, note, code, time.monotonic() - begun, sent)

    def _tell(self, scope: Scope, note: Note, code: Code, seconds: float, sent: int) -> None:
        name, kind = "", "other"
        if isinstance(note.route, routes.Route):
            name, kind = note.route.spec.name, note.route.kind
        if kind in _ANSWERED:
            self._metrics.request(name, _ANSWERED[kind], ENTRYPOINT, code, seconds)
        access_log(
            model=name,
            version=note.version,
            verb=scope["method"],
            kind=kind,
            code=code,
            seconds=seconds,
            rows=note.rows,
            bytes_in=scope["state"].get("bytes_in", 0),
            bytes_out=sent,
        )


def _route(scope: Scope) -> routes.Route | ServingError:
    try:
        return routes.parse(scope["method"], scope["raw_path"].decode("latin-1"))
    except ServingError as error:
        return error
