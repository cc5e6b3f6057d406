"""Both doors over one model manager, from the first load to the last answer."""

import contextlib
import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from seq2seq_keras.errors import InputError
from seq2seq_keras.serve import rest, rpc, servable
from seq2seq_keras.serve.batching import Batcher
from seq2seq_keras.serve.config import METRICS_PATH, BatchingParameters, Limits, ModelConfig
from seq2seq_keras.serve.manager import ModelManager
from seq2seq_keras.serve.monitoring import Metrics
from seq2seq_keras.serve.predict import Predictor
from seq2seq_keras.serve.rest_door import RestDoor

LOOPBACK = {"127.0.0.1", "localhost", "::1"}


@dataclass(frozen=True)
class Doors:
    """Where and how a server listens.

    Args:
        host: address of both doors; another than the loopback needs a token.
        grpc_port: 0 leaves the gRPC door shut.
        rest_port: 0 leaves the REST door shut.
        token: that every request must bring as `Authorization: Bearer TOKEN`; None asks for none.
        metrics_path: of the Prometheus page.
        cors_origins: web pages of other origins that may ask.
        grpc_threads: requests that the gRPC door works on at once.
        drain_seconds: most time for requests under way when the server stops.
        reload: whether clients may have other models served, by gRPC.
    """

    host: str = "127.0.0.1"
    grpc_port: int = 8500
    rest_port: int = 8501
    token: str | None = None
    metrics_path: str = METRICS_PATH
    cors_origins: tuple[str, ...] = ()
    grpc_threads: int = 64
    drain_seconds: float = 25.0
    reload: bool = False

    def __post_init__(self):
        if self.host not in LOOPBACK and not self.token:
            raise InputError(f"{self.host} can be reached from outside", expected="a token, or the address 127.0.0.1")
        if not (self.grpc_port or self.rest_port):
            raise InputError("both doors are shut", expected="a port for gRPC or for REST")


class Engine:
    """What answers, behind whatever door: models, their manager, batching and limits.

    Args:
        models: to serve.
        batching: None computes every request alone.
        per_model_batching: a version's own `batching_params.pbtxt` tells how it is batched; one without it is not.
        limits: of a request; None for the usual ones.
        allowed: operations that may be in a model beyond the allow-list.
        threads: of TensorFlow for each of its pools; 0 means one inside an operation, and as many as cores beside.
        poll_seconds: between looks for new versions.
        retries, retry_seconds: of a version that does not load.
    """

    def __init__(
        self,
        models: Sequence[ModelConfig],
        batching: BatchingParameters | None = None,
        limits: Limits | None = None,
        allowed: frozenset[str] = frozenset(),
        threads: int = 0,
        poll_seconds: float = 1.0,
        retries: int = 5,
        retry_seconds: float = 60.0,
        per_model_batching: bool = False,
    ):
        def load(name: str, version: int, folder: Path):
            return servable.load(name, version, folder, allowed, threads, per_model_batching)

        self.metrics = Metrics(lambda: self.manager.names())
        self.manager = ModelManager(models, load, poll_seconds, retries, retry_seconds)
        self.batcher = Batcher(batching, self.metrics, per_model_batching) if batching else None
        self.predictor = Predictor(self.manager, self.metrics, limits or Limits(), self.batcher)

    def start(self) -> None:
        """Loads every model; raises `InputError` if one has no version that loads."""
        try:
            self.manager.start()
        except BaseException:
            self.stop()
            raise

    def stop(self, deadline: float | None = None) -> None:
        """Answers what is queued, then unloads all; at the deadline (of `time.monotonic`) whatever is under way."""
        if self.batcher:
            self.batcher.stop(math.inf if deadline is None else deadline)
        self.manager.stop(deadline)


class Server:
    """An engine with its two doors open.

    Args:
        engine: what answers.
        doors: where it listens.
    """

    def __init__(self, engine: Engine, doors: Doors = Doors()):
        self.engine, self.doors = engine, doors
        self._leaving = threading.Event()
        self._rest: RestDoor | None = None
        self._grpc = None

    def names(self) -> list[str]:
        """The models, in the order of the configuration."""
        return self.engine.manager.names()

    def start(self) -> None:
        """Loads the models, then opens the doors; nothing is left open if one of these fails.

        Raises:
            InputError: a model does not load, or a port is taken.
        """
        doors = self.doors
        try:
            if doors.rest_port:  # taken first: models take longer to load
                self._rest = RestDoor(doors.host, doors.rest_port, doors.drain_seconds)
            self.engine.start()
            if doors.grpc_port:
                self._grpc = self._open_grpc()
            if self._rest:
                self._rest.open(self._rest_app())
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Says that it leaves, takes no more requests, answers those under way, unloads: all in `drain_seconds`."""
        self._leaving.set()
        deadline = time.monotonic() + self.doors.drain_seconds
        stopped = self._grpc.stop(self.doors.drain_seconds) if self._grpc else None
        if self._rest:
            self._rest.close()
        if stopped:
            stopped.wait(max(deadline - time.monotonic(), 0.0))
        self.engine.stop(deadline)

    def __enter__(self) -> "Server":
        self.start()
        return self

    def __exit__(self, *_) -> None:
        self.stop()

    def _ready(self) -> bool:
        return not self._leaving.is_set()

    def _open_grpc(self):
        doors = self.doors
        host = f"[{doors.host}]" if ":" in doors.host else doors.host
        return rpc.start(
            self.engine.predictor,
            f"{host}:{doors.grpc_port}",
            token=doors.token,
            workers=doors.grpc_threads,
            ready=self._ready,
            reload=doors.reload,
        )

    def _rest_app(self):
        return rest.app(
            self.engine.predictor,
            token=self.doors.token,
            metrics_path=self.doors.metrics_path,
            ready=self._ready,
            cors_origins=self.doors.cors_origins,
        )


def until(stop: threading.Event, server: contextlib.AbstractContextManager, announce: Callable[[], None]) -> None:
    """Serves until `stop` is set.

    Args:
        server: `Server`, or `Replicas`.
        announce: called once both doors are open.
    """
    with server:
        announce()
        stop.wait()
