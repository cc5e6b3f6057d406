"""Both doors over one model manager, from the first load to the last answer."""

import contextlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from seq2seq_keras.errors import InputError
from seq2seq_keras.serve import rest, rpc, servable
from seq2seq_keras.serve.batching import Batcher
from seq2seq_keras.serve.config import BatchingParameters, Limits, ModelConfig
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
    """

    host: str = "127.0.0.1"
    grpc_port: int = 8500
    rest_port: int = 8501
    token: str | None = None
    metrics_path: str = "/monitoring/prometheus/metrics"
    cors_origins: tuple[str, ...] = ()
    grpc_threads: int = 64
    drain_seconds: float = 25.0

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
        limits: of a request; None for the usual ones.
        allowed: operations that may be in a model beyond the allow-list.
        threads: of TensorFlow for each of its pools; 0 means as many as cores.
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
    ):
        def load(name: str, version: int, folder: Path):
            return servable.load(name, version, folder, allowed, threads)

        self.metrics = Metrics(lambda: self.manager.names())
        self.manager = ModelManager(models, load, poll_seconds, retries, retry_seconds)
        self.batcher = Batcher(batching, self.metrics) if batching else None
        self.predictor = Predictor(self.manager, self.metrics, limits or Limits(), self.batcher)

    def start(self) -> None:
        """Loads every model; raises `InputError` if one has no version that loads."""
        try:
            self.manager.start()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Answers what is queued, then unloads all."""
        if self.batcher:
            self.batcher.stop()
        self.manager.stop()


class Server:
    """An engine with its two doors open.

    Args:
        engine: what answers.
        doors: where it listens.
    """

    def __init__(self, engine: Engine, doors: Doors = Doors()):
        self.engine, self.doors = engine, doors
        self._leaving = threading.Event()
        self._stack = contextlib.ExitStack()

    def names(self) -> list[str]:
        """The models, in the order of the configuration."""
        return self.engine.manager.names()

    def start(self) -> None:
        """Loads the models, then opens the doors; nothing is left open if one of these fails.

        Raises:
            InputError: a model does not load, or a port is taken.
        """
        with self._stack as stack:
            door = self._rest_door()
            if door:
                stack.callback(door.close)
            self.engine.start()
            stack.callback(self.engine.stop)
            if self.doors.grpc_port:
                stack.callback(self._close_grpc, self._open_grpc())
            if door:
                door.open(self._rest_app())
                stack.callback(door.close)  # before what it needs; once more at the end does no harm
            self._stack = stack.pop_all()

    def stop(self) -> None:
        """Says that it leaves, takes no more requests, answers those under way, unloads."""
        self._leaving.set()
        self._stack.close()

    def __enter__(self) -> "Server":
        self.start()
        return self

    def __exit__(self, *_) -> None:
        self.stop()

    def _ready(self) -> bool:
        return not self._leaving.is_set()

    def _open_grpc(self):
        address = f"{self.doors.host}:{self.doors.grpc_port}"
        return rpc.start(
            self.engine.predictor,
            address,
            token=self.doors.token,
            workers=self.doors.grpc_threads,
            ready=self._ready,
        )

    def _close_grpc(self, server) -> None:
        server.stop(self.doors.drain_seconds).wait()

    def _rest_door(self) -> RestDoor | None:
        doors = self.doors
        return RestDoor(doors.host, doors.rest_port, doors.drain_seconds) if doors.rest_port else None

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
