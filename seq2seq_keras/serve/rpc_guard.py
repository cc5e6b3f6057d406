"""What stands around every gRPC call: token, unreadable messages, errors to status codes, metrics and log."""

import hmac
import logging
import time
from contextvars import ContextVar
from dataclasses import dataclass

import grpc
from google.protobuf.message import DecodeError, Message

from seq2seq_keras.serve import rpc_health
from seq2seq_keras.serve.monitoring import Metrics, access_log
from seq2seq_keras.serve.status import Code, ServingError

log = logging.getLogger("seq2seq_keras.serve")

NO_TOKEN = "authorization: Bearer TOKEN is missing or wrong"

_STATUS = {Code(status.value[0]): status for status in grpc.StatusCode}
_LONGEST = 500
"""Letters of a message: it travels in a header, which has little room."""


@dataclass
class Note:
    """What is known of the request at work, for the log."""

    version: int | None = None
    rows: int = 0


_note: ContextVar[Note] = ContextVar("note")


def noted() -> Note:
    """That of the request this thread works on."""
    return _note.get()


class Guard(grpc.ServerInterceptor):
    """Around every call: token, unreadable messages, errors to status codes, metrics and log."""

    def __init__(self, metrics: Metrics, token: str | None):
        self._metrics = metrics
        self._expected = None if token is None else f"Bearer {token}".encode()

    def intercept_service(self, continuation, details):
        handler = continuation(details)
        if handler is None or details.method == rpc_health.CHECK:
            return handler
        method = details.method.rpartition("/")[2]
        allowed = self._allows(details.invocation_metadata)
        if handler.response_streaming:
            return handler if allowed else grpc.unary_stream_rpc_method_handler(_turn_away)

        def answer(request: Message | DecodeError, context):
            return self._answer(method, allowed, handler.unary_unary, request, context)

        def read(data: bytes) -> Message | DecodeError:
            # Not raised: gRPC would print a trace and call it an error of the server.
            try:
                return handler.request_deserializer(data)
            except DecodeError as error:
                return error

        return grpc.unary_unary_rpc_method_handler(answer, read, handler.response_serializer)

    def _allows(self, metadata) -> bool:
        if self._expected is None:
            return True
        brought = [value for key, value in metadata or () if key == "authorization"]
        brought = [value.encode() if isinstance(value, str) else value for value in brought]
        return any(hmac.compare_digest(value, self._expected) for value in brought)

    def _answer(self, method: str, allowed: bool, work, request: Message | DecodeError, context):
        begun, code, message, response = time.monotonic(), Code.OK, "", None
        _note.set(Note())
        try:
            if not allowed:
                raise ServingError(Code.UNAUTHENTICATED, NO_TOKEN)
            if isinstance(request, DecodeError):
                raise ServingError(Code.INVALID_ARGUMENT, f"the request of {method} cannot be read")
            response = work(request, context)
        except ServingError as error:
            code, message = error.code, error.message
        except Exception:
            log.exception("%s failed", method)
            code, message = Code.INTERNAL, "internal error"
        self._tell(method, request, response, code, time.monotonic() - begun)
        if response is None:
            context.abort(_STATUS[code], message[:_LONGEST])
        return response

    def _tell(self, method: str, request, response, code: Code, seconds: float) -> None:
        """Metrics and one line of the log."""
        spec = getattr(request, "model_spec", None)
        name = spec.name if spec is not None else ""
        if method == "Predict":
            self._metrics.request(name, method, "GRPC", code, seconds)
        access_log(
            model=name,
            version=noted().version,
            verb="GRPC",
            kind=method,
            code=code,
            seconds=seconds,
            rows=noted().rows,
            bytes_in=request.ByteSize() if isinstance(request, Message) else 0,
            bytes_out=0 if response is None else response.ByteSize(),
        )


def _turn_away(request, context):
    """In place of a watch that brings no token."""
    context.abort(grpc.StatusCode.UNAUTHENTICATED, NO_TOKEN)
