"""The REST door: TensorFlow Serving's API, with health checks, metrics, streams and the page for people."""

import json
import threading
from collections.abc import Callable

import anyio
from google.protobuf import json_format
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef
from tensorflow_serving.apis.get_model_metadata_pb2 import SignatureDefMap

from seq2seq_keras import cores
from seq2seq_keras.serve import json_tensors, page, rest_stream
from seq2seq_keras.serve.entrance import before
from seq2seq_keras.serve.json_document import invalid, short
from seq2seq_keras.serve.manager import ModelSpec
from seq2seq_keras.serve.predict import Predictor, rows
from seq2seq_keras.serve.rest_log import Note
from seq2seq_keras.serve.servable import Servable
from seq2seq_keras.serve.status import HTTP, ServingError

_OTHERS = {"classify": "classification", "regress": "regression"}
"""Methods that only signatures of their own kind can answer, and what these are called."""


def app(predictor: Predictor, **options) -> Starlette:
    """The application behind the door.

    Args:
        predictor: answers.
        options: of `entrance.before`.
    """
    return before(_Api(predictor), predictor.limits, predictor.metrics, page.routes(predictor), **options)


class _Api:
    """Everything below `/v1/`: one ASGI application, since TensorFlow Serving's paths heed no case."""

    def __init__(self, predictor: Predictor):
        self._predictor = predictor
        # Threads of its own, one for every request that may be inside: most only wait for their batch.
        self._threads = anyio.CapacityLimiter(predictor.limits.concurrent)
        self._reading = threading.BoundedSemaphore(cores.available())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        note: Note = scope["state"]["note"]
        try:
            response = await self._answer(Request(scope, receive), note, send)
        except ServingError as error:
            note.code = error.code
            response = _error(error.message, HTTP[error.code])
        if response is not None:
            await response(scope, receive, send)

    async def _answer(self, request: Request, note: Note, send: Send) -> Response | None:
        """The response, unless it was sent already."""
        if isinstance(note.route, ServingError):
            raise note.route
        body = await request.body()
        deadline = request.state.arrived + self._predictor.limits.timeout_seconds
        if note.route.kind == "generate":
            begun = await self._work(rest_stream.begin, self._predictor, note, body, deadline)
            await rest_stream.send_events(begun, note, request.receive, send, self._work)
            return None
        answer = {
            "status": self._status,
            "metadata": self._metadata,
            "predict": self._predict,
            "classify": self._refuse,
            "regress": self._refuse,
        }[note.route.kind]
        return Response(await self._work(answer, note, body, deadline), media_type="application/json")

    async def _work(self, function: Callable, *given):
        return await anyio.to_thread.run_sync(function, *given, limiter=self._threads)

    def _status(self, note: Note, body: bytes, deadline: float) -> bytes:
        spec = note.route.spec
        version = self._labelled(spec) if spec.label else spec.version
        known = [
            {
                "version": str(one.version),
                "state": one.state.name,
                "status": {"error_code": one.code.name, "error_message": one.message},
            }
            for one in self._predictor.manager.status(spec.name, version)
        ]
        return _json({"model_version_status": known})

    def _labelled(self, spec: ModelSpec) -> int | None:
        """The version that a label stands for; None for a label that stands for none: all versions are told then."""
        try:
            with self._predictor.manager.lease(spec) as servable:
                return servable.version
        except ServingError:
            return None

    def _metadata(self, note: Note, body: bytes, deadline: float) -> bytes:
        with self._predictor.manager.lease(note.route.spec) as servable:
            note.version = servable.version
            spec = {"name": servable.name, "signature_name": "", "version": str(servable.version)}
            signatures = SignatureDefMap(signature_def=servable.signatures)
        told = json_format.MessageToDict(
            signatures, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
        )
        return _json({"model_spec": spec, "metadata": {"signature_def": told}})

    def _predict(self, note: Note, body: bytes, deadline: float) -> bytes:
        with self._predictor.manager.lease(note.route.spec) as servable:
            note.version = servable.version
            name, inputs, by_row = self._read(body, servable)
            del body
            note.rows = rows(inputs)
            answer = self._predictor.predict(servable, name, inputs, None, deadline)
        return json_tensors.to_document(answer.outputs, by_row)

    def _read(self, body: bytes, servable: Servable) -> tuple[str, dict, bool]:
        """Signature and arrays of a request, and whether it is by rows.

        A document takes many times the memory of its text: few are open at once.
        """
        with self._reading:
            document = json_tensors.parse(body)
            name = json_tensors.signature_name(document)
            most = self._predictor.limits.instances
            return name, *json_tensors.to_inputs(document, _signature(servable, name), most)

    def _refuse(self, note: Note, body: bytes, deadline: float) -> bytes:
        """Classification and regression, which signatures of prediction cannot answer."""
        name = json_tensors.signature_name(json_tensors.parse(body))
        with self._predictor.manager.lease(note.route.spec) as servable:
            note.version = servable.version
            kind, found = note.route.kind, _signature(servable, name).method_name
        expected = f"tensorflow/serving/{kind}"
        message = f"Expected {_OTHERS[kind]} signature method_name to be {expected}. Was: {found}"
        if found == expected:
            message = f":{kind} is not served: use :predict"
        raise invalid(message)


def _signature(servable: Servable, name: str) -> SignatureDef:
    found = servable.signatures.get(name)
    if found is None:
        raise invalid(f'Serving signature name: "{short(name)}" not found in signature def')
    return found


def _json(document: dict) -> bytes:
    return json.dumps(document).encode("ascii")


def _error(message: str, status: int) -> Response:
    # Escaped throughout: what a message quotes may be no UTF-8.
    return Response(_json({"error": message}), status, media_type="application/json")
