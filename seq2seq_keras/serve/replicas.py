"""Several processes that each serve all models, kept alive by Ray Serve, behind one REST door."""

import asyncio
import contextlib
import logging
import os
import secrets
import signal
import tempfile
import threading
from collections.abc import AsyncGenerator, Iterator
from typing import Any

from starlette.types import Message

from seq2seq_keras.errors import InputError
from seq2seq_keras.serve import relay, rest
from seq2seq_keras.serve.config import Limits
from seq2seq_keras.serve.monitoring import Metrics
from seq2seq_keras.serve.rest_door import RestDoor
from seq2seq_keras.serve.server import Doors, Engine
from seq2seq_keras.serve.states import State
from seq2seq_keras.serve.status import Code, ServingError

_NAME = "models"
_LOOPBACK = "127.0.0.1"
_SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    # Where Ray takes itself for alone on its machine, it listens on the loopback. The name is that of its first use.
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    # Who reaches one of Ray's ports may run anything: other users of this machine must not.
    "RAY_AUTH_MODE": "token",
    "RAY_AUTH_TOKEN": secrets.token_hex(32),
}
"""Of Ray, before it is imported."""
_OBJECT_STORE = 256 * 2**20
"""Bytes for requests and answers that are on their way."""
_HEALTH_PERIOD, _HEALTH_TIMEOUT = 2.0, 10.0
"""Seconds between two looks at a replica, and until one that does not answer counts as ill."""


class Replica:
    """What runs in each process: an engine, and the REST API before it.

    Args:
        options: of `Engine`.
    """

    def __init__(self, options: dict[str, Any]):
        _stay_at_home()
        self._engine = Engine(**options)
        self._engine.start()
        self._app = rest.app(self._engine.predictor)
        self._tasks: set[asyncio.Task] = set()

    async def answer(self, scope: dict, body: bytes) -> list[Message]:
        """The whole answer to a request."""
        return [message async for message in self.stream(scope, body)]

    async def stream(self, scope: dict, body: bytes) -> AsyncGenerator[Message]:
        """An answer as it grows. Once no more of it is read, the client has left."""
        messages: asyncio.Queue[Message | None] = asyncio.Queue()
        gone, unread = asyncio.Event(), [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> Message:
            if unread:
                return unread.pop()
            await gone.wait()
            return {"type": "http.disconnect"}

        task = asyncio.create_task(self._app(dict(scope), receive, messages.put))
        self._tasks.add(task)  # else nothing would hold it
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: messages.put_nowait(None))
        try:
            while (message := await messages.get()) is not None:
                yield message
            await task
        finally:
            gone.set()

    def check_health(self) -> None:
        """For Ray Serve, which replaces a replica that raises an error."""
        manager = self._engine.manager
        for name in manager.names():
            if not any(status.state == State.AVAILABLE for status in manager.status(name)):
                raise RuntimeError(f"model {name} has no version that serves")

    def __del__(self):
        self._engine.stop()


class Replicas:
    """Ray Serve on this machine, and a REST door before its replicas.

    Args:
        options: of the `Engine` that each replica makes for itself.
        doors: where the REST door is; that of gRPC stays shut.
        count: replicas to keep alive.
    """

    def __init__(self, options: dict[str, Any], doors: Doors, count: int = 2):
        if count < 1:
            raise InputError(f"{count} replicas", expected="1 or more")
        if not doors.rest_port:
            raise InputError("replicas answer REST alone, and that door is shut", expected="a port for REST")
        self._doors, self._limits = doors, options.get("limits") or Limits()
        self._names = [model.name for model in options["models"]]
        self._ray = _Ray(options, self._limits, count, doors.drain_seconds)
        self._leaving = threading.Event()
        self._stack = contextlib.ExitStack()

    def names(self) -> list[str]:
        """The models, in the order of the configuration."""
        return list(self._names)

    def start(self) -> None:
        """Starts the replicas, then opens the door; nothing is left running if one of these fails.

        Raises:
            InputError: a model does not load, the port is taken, or Ray is not installed.
        """
        doors = self._doors
        with contextlib.ExitStack() as stack:
            stack.callback(self._ray.stop)  # the last, after the door is closed
            door = RestDoor(doors.host, doors.rest_port, doors.drain_seconds)  # first: Ray takes longer to start
            stack.callback(door.close)
            self._ray.start()
            app = relay.app(
                self._ray,
                self._limits,
                Metrics(self.names),
                token=doors.token,
                metrics_path=doors.metrics_path,
                ready=lambda: not self._leaving.is_set(),
                cors_origins=doors.cors_origins,
            )
            door.open(app)
            self._stack = stack.pop_all()

    def stop(self) -> None:
        """Says that it leaves, takes no more requests, answers those under way, ends the replicas."""
        self._leaving.set()
        self._stack.close()

    def __enter__(self) -> "Replicas":
        self.start()
        return self

    def __exit__(self, *_) -> None:
        self.stop()


class _Ray:
    """Ray Serve with its replicas; called with a request, it gives the answer of one of them."""

    def __init__(self, options: dict[str, Any], limits: Limits, count: int, drain_seconds: float):
        self._options, self._limits, self._count = options, limits, count
        self._drain_seconds = drain_seconds
        self._handle: Any = None
        self._stack = contextlib.ExitStack()

    def start(self) -> None:
        """Returns when every replica serves."""
        with contextlib.ExitStack() as stack:
            stack.enter_context(_environment(_SETTINGS))
            try:
                import ray
                from ray import serve
            except ModuleNotFoundError as error:
                remedy = "run pip install -e '.[ray]'"
                raise InputError(f"the package {error.name} is not installed", remedy=remedy) from None
            if ray.is_initialized():
                raise InputError("Ray runs in this process already", remedy="start the replicas in another process")
            # Else all that Ray's processes have to say, such as that a replica was lost, goes to standard output.
            ray._private.worker._worker_logs_enabled = False
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="ray", ignore_cleanup_errors=True))
            stack.callback(ray.shutdown)
            with _own_signals():
                ray.init(
                    address="local",
                    include_dashboard=False,
                    log_to_driver=False,
                    logging_level=logging.ERROR,
                    object_store_memory=_OBJECT_STORE,
                    _node_ip_address=_LOOPBACK,
                    _temp_dir=folder,
                )
            if ray.util.get_node_ip_address() != _LOOPBACK:
                raise InputError("Ray can be reached from outside", remedy="import nothing of Ray before this")
            logging.getLogger("ray.serve").setLevel(logging.ERROR)
            stack.callback(serve.shutdown)
            serve.start(proxy_location="Disabled")
            self._handle = self._deployed(serve)
            self._stack = stack.pop_all()

    def stop(self) -> None:
        """Ends the replicas and Ray."""
        self._stack.close()

    def _deployed(self, serve):
        deployment = serve.deployment(
            Replica,
            name=_NAME,
            num_replicas=self._count,
            # They share the processors of this machine; else Ray would wait for one to be free.
            ray_actor_options={"num_cpus": 0},
            max_ongoing_requests=self._limits.concurrent,
            max_queued_requests=self._limits.concurrent,
            health_check_period_s=_HEALTH_PERIOD,
            health_check_timeout_s=_HEALTH_TIMEOUT,
            graceful_shutdown_timeout_s=self._drain_seconds,
            max_constructor_retry_count=1,
            logging_config={"log_level": "WARNING", "enable_access_log": False},
        )
        try:
            return serve.run(deployment.bind(self._options), name=_NAME, route_prefix=None)
        except RuntimeError as error:
            told = [one.message for one in serve.status().applications[_NAME].deployments.values()]
            raise InputError(f"the replicas did not start ({_cause([str(error), *told])})") from None

    async def __call__(self, scope: dict, body: bytes, stream: bool) -> AsyncGenerator[Message]:
        from ray.exceptions import RayActorError
        from ray.serve.exceptions import BackPressureError, DeploymentUnavailableError

        try:
            if not stream:
                for message in await self._handle.answer.remote(scope, body):
                    yield message
                return
            answer = self._handle.options(stream=True).stream.remote(scope, body)
            try:
                async for message in answer:
                    yield message
            finally:
                answer.cancel()
        except RayActorError:
            raise relay.Lost from None
        except BackPressureError:
            raise ServingError(Code.UNAVAILABLE, "The server is busy: too many requests at once") from None
        except DeploymentUnavailableError:
            raise ServingError(Code.UNAVAILABLE, "No replica serves; try again later") from None


def _stay_at_home() -> None:
    """Has Ray Serve open the port of this replica, where it runs whatever comes, on the loopback."""
    from ray.serve._private import replica

    opened = replica.add_port_to_grpc_server

    def open_here(server, address: str) -> int:
        return opened(server, f"{_LOOPBACK}:{address.rpartition(':')[2]}")

    replica.add_port_to_grpc_server = open_here


@contextlib.contextmanager
def _environment(settings: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


@contextlib.contextmanager
def _own_signals() -> Iterator[None]:
    """Ray takes over what SIGTERM does; here the program decides."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _cause(reports: list[str]) -> str:
    """What is to blame, from reports with the traces of several processes."""
    lines = [line.strip() for report in reports for line in report.splitlines() if line.strip()]
    blamed = [line.partition("InputError: ")[2] for line in lines if "InputError: " in line]
    return (blamed or lines)[-1]
