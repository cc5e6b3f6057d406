"""What every REST door has before its answers: health checks, metrics, limits, pages of other origins, a log."""

from collections.abc import Callable, Sequence

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from seq2seq_keras.serve.config import METRICS_PATH, Limits
from seq2seq_keras.serve.limits import Gate
from seq2seq_keras.serve.monitoring import Metrics
from seq2seq_keras.serve.rest_log import Logged

_HEALTH, _READY, _PAGE = "/healthz", "/readyz", "/"


def before(
    answer: ASGIApp,
    limits: Limits,
    metrics: Metrics,
    pages: Sequence[BaseRoute] = (),
    *,
    token: str | None = None,
    metrics_path: str = METRICS_PATH,
    ready: Callable[[], bool] = lambda: True,
    cors_origins: tuple[str, ...] = (),
) -> Starlette:
    """The application of a door.

    Args:
        answer: gives everything that is not named here.
        limits: of a request.
        metrics: of the door.
        pages: further paths, for people.
        token: every request but health checks and the page itself must bring it as `Authorization: Bearer TOKEN`.
        metrics_path: of the Prometheus page; empty: there is none.
        ready: whether the server wants requests.
        cors_origins: web pages of other origins that may ask, `*` for any.
    """

    async def health(request: Request) -> Response:
        return JSONResponse({"status": "alive"})

    async def readiness(request: Request) -> Response:
        return JSONResponse({"status": "ready"}) if ready() else JSONResponse({"error": "not ready"}, 503)

    def told(request: Request) -> Response:
        return PlainTextResponse(metrics.render())

    paths = [Route(_HEALTH, health), Route(_READY, readiness), *pages]
    if metrics_path:
        paths.append(Route(metrics_path, told))
    middleware = [Middleware(Logged, metrics=metrics)]
    if cors_origins:
        allowed = {"allow_methods": ("GET", "POST"), "allow_headers": ("Authorization", "Content-Type")}
        middleware.append(Middleware(CORSMiddleware, allow_origins=cors_origins, **allowed))
    middleware.append(Middleware(Gate, limits=limits, token=token, free=(_HEALTH, _READY, _PAGE)))
    return Starlette(routes=[*paths, Route("/{path:path}", answer)], middleware=middleware)
