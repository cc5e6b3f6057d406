"""The page for people: choose a model, type a sentence, watch the answer come, see what else there was."""

import base64
import hashlib
import re
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from tensorflow.core.framework import types_pb2

from seq2seq_keras.serve import stream
from seq2seq_keras.serve.manager import ModelManager, ModelSpec, State
from seq2seq_keras.serve.predict import Predictor
from seq2seq_keras.serve.servable import Servable
from seq2seq_keras.serve.status import ServingError

HTML = Path(__file__).with_name("page.html")


def routes(predictor: Predictor) -> list[Route]:
    """`/`, the page, and `/page/models.json`, what it may offer."""
    html = HTML.read_text(encoding="utf-8")
    headers = _headers(html)

    async def page(request: Request) -> Response:
        return Response(html, media_type="text/html", headers=headers)

    async def models(request: Request) -> Response:
        # In a thread: the manager may be busy with its lock, and the event loop serves everyone.
        found = await run_in_threadpool(offered, predictor.manager)
        return JSONResponse({"models": found}, headers={"Cache-Control": "no-store"})

    return [Route("/", page, methods=["GET"]), Route("/page/models.json", models, methods=["GET"])]


def offered(manager: ModelManager) -> list[dict]:
    """Every model with a version that is available: its name and its versions, newest first.

    A version is `{"version": "3", "streams": whether :generate works, "signatures": those with string inputs}`.
    """
    found = ((name, _versions(manager, name)) for name in manager.names())
    return [{"name": name, "versions": versions} for name, versions in found if versions]


def _versions(manager: ModelManager, name: str) -> list[dict]:
    try:
        known = manager.status(name)
    except ServingError:  # it went away meanwhile
        return []
    numbers = sorted((one.version for one in known if one.state == State.AVAILABLE), reverse=True)
    return [version for number in numbers if (version := _version(manager, ModelSpec(name, number)))]


def _version(manager: ModelManager, spec: ModelSpec) -> dict | None:
    try:
        with manager.lease(spec) as servable:
            streams = stream.able(servable)
            return {"version": str(servable.version), "streams": streams, "signatures": _signatures(servable)}
    except ServingError:
        return None


def _signatures(servable: Servable) -> dict[str, dict]:
    """Inputs and outputs by signature, of those that take strings and nothing else."""
    return {
        name: {"inputs": _tensors(signature.inputs), "outputs": _tensors(signature.outputs)}
        for name, signature in sorted(servable.signatures.items())
        if signature.inputs and all(one.dtype == types_pb2.DT_STRING for one in signature.inputs.values())
    }


def _tensors(infos) -> dict[str, dict]:
    """dtype and rank by name; the rank is None where the model does not say."""
    return {
        name: {
            "dtype": types_pb2.DataType.Name(info.dtype),
            "rank": None if info.tensor_shape.unknown_rank else len(info.tensor_shape.dim),
        }
        for name, info in sorted(infos.items())
    }


def _headers(html: str) -> dict[str, str]:
    """Nothing may run, be shown or be called on the page but its own one script and one style, and this server."""
    (script,), (style,) = (re.findall(f"<{tag}>(.*?)</{tag}>", html, re.DOTALL) for tag in ("script", "style"))
    policy = {
        "default-src": "'none'",
        "script-src": _hash(script),
        "style-src": _hash(style),
        "img-src": "data:",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
    }
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-cache",
    }


def _hash(text: str) -> str:
    """A source of a policy: the text that has this SHA-256."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode('utf-8')).digest()).decode('ascii')}'"
