"""A server under measurement: this project's own command in another process, and what is seen of it from outside."""

import contextlib
import http.client
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pipelines.bench import traffic
from seq2seq_keras.errors import InputError
from seq2seq_keras.serve import versions
from seq2seq_keras.serve.config import METRICS_PATH

NAME = "model"
"""By which the clients ask for it."""
HOST = "127.0.0.1"
PATH = f"/v1/models/{NAME}:predict"
_COMMAND = [sys.executable, "-m", "pipelines", "serve"]
_PATIENCE = 180.0
"""Seconds to start, to take up a new version or to end, before it is given up."""
_RUN = ":tensorflow:serving:runtime_latency_sum"
_LOOK = 0.05
"""Seconds between two looks at its versions."""


class Server:
    """Running between `with` and its end.

    Args:
        folder: of the model, with versions.
        batching: whether requests share batches.
        batching_parameters_file: of the server, if it batches.

    Raises:
        RuntimeError: it does not start; the message has its last lines.
    """

    def __init__(self, folder: Path, batching: bool, batching_parameters_file: Path | None = None):
        self.port = _free_port()
        self._command = [*_COMMAND, f"--model_name={NAME}", f"--model_base_path={folder.absolute()}"]
        self._command += ["--port=0", f"--rest_api_port={self.port}", f"--enable_batching={str(batching).lower()}"]
        if batching and batching_parameters_file:
            self._command += [f"--batching_parameters_file={batching_parameters_file.absolute()}"]

    def __enter__(self) -> "Server":
        self._said = tempfile.TemporaryFile()
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, stderr=self._said)
        try:
            self._await_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._said.close()

    def connect(self) -> http.client.HTTPConnection:
        """A connection of a lone client."""
        return http.client.HTTPConnection(HOST, self.port, timeout=_PATIENCE)

    def ask(self, connection: http.client.HTTPConnection, text: str) -> None:
        """One text, answered.

        Raises:
            RuntimeError: by anything but a good answer.
        """
        body = json.dumps({"instances": [text]}).encode()
        status, answer = traffic.ask(connection, PATH, body)
        if status != 200:
            raise RuntimeError(f"the server answers {status}: {answer[:500].decode('utf-8', 'replace')}")

    def run_ms(self) -> float:
        """Milliseconds that its models have run for since it started, by its own metrics."""
        lines = self._read(METRICS_PATH).decode().splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith(_RUN)) / 1000

    def states(self) -> dict[int, str]:
        """State of each version that it tells of."""
        told = json.loads(self._read(f"/v1/models/{NAME}"))
        return {int(one["version"]): one["state"] for one in told["model_version_status"]}

    def await_only(self, version: int) -> float:
        """Waits until one version serves and every other has ended; the seconds it took.

        Raises:
            RuntimeError: it does not come to that.
        """
        begin = time.monotonic()
        while time.monotonic() < begin + _PATIENCE:
            states = self.states()
            if states.pop(version, "") == "AVAILABLE" and set(states.values()) <= {"END"}:
                return time.monotonic() - begin
            time.sleep(_LOOK)
        raise RuntimeError(f"version {version} does not replace the one before: {self.states()}")

    def resident_mib(self) -> float:
        """Its memory, in MiB."""
        lines = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024

    def _read(self, path: str) -> bytes:
        connection = self.connect()
        try:
            connection.request("GET", path)
            return connection.getresponse().read()
        finally:
            connection.close()

    def _await_ready(self) -> None:
        end, told = time.monotonic() + _PATIENCE, b""
        while b"READY\n" not in told:
            readable, _, _ = select.select([self._process.stdout], [], [], max(end - time.monotonic(), 0))
            more = os.read(self._process.stdout.fileno(), 1_000) if readable else b""
            if not more:
                self._said.seek(0)
                said = self._said.read()[-2_000:].decode("utf-8", "replace").strip()
                raise RuntimeError(f"the server does not start: {said}")
            told += more


class Clients:
    """Clients in a process of their own, asking between `with` and its end.

    Args:
        server: to ask.
        texts: to send, over and over.
        rows: texts of a request.
        clients: at once.
        warmup: seconds before anything counts.
        seconds: that count; None is until `end`.
    """

    def __init__(
        self,
        server: Server,
        texts: list[str],
        rows: int,
        clients: int,
        warmup: float = 0.0,
        seconds: float | None = None,
    ):
        self._task = {
            "host": HOST,
            "port": server.port,
            "path": PATH,
            "texts": texts,
            "rows": rows,
            "clients": clients,
            "warmup": warmup,
            "seconds": seconds,
        }

    def __enter__(self) -> "Clients":
        # -P: the folder of the program, which is one of this package, is no place to import from.
        command = [sys.executable, "-P", traffic.__file__]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            self._process.stdin.write(json.dumps(self._task) + "\n")
            self._process.stdin.flush()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        self._process.kill()
        self._process.wait()
        with contextlib.suppress(BrokenPipeError):  # a part of the task was not read
            self._process.stdin.close()
        self._process.stdout.close()

    def await_warm(self) -> None:
        """Waits for the end of the warm-up."""
        self._process.stdout.readline()

    def end(self) -> dict:
        """Waits for the end, or brings it about; what `bench.traffic.load` returns. Call `await_warm` before."""
        told, _ = self._process.communicate()
        if self._process.returncode:
            raise RuntimeError("the clients failed")
        return json.loads(told)


def newest(folder: Path) -> Path:
    """The newest version of a model.

    Raises:
        InputError: there is none.
    """
    try:
        found = versions.found(folder)
    except OSError:
        found = {}
    if not found:
        expected = "a folder of a model, with a numbered folder for each of its versions"
        raise InputError("no version of an exported model is in it", where=folder, expected=expected)
    return found[max(found)]


def publish(version: Path, folder: Path, number: int) -> None:
    """Copies a version as another one, whole from the first moment; the one before goes when this one serves."""
    beside = folder / f".{number}"
    shutil.copytree(version, beside)
    os.replace(beside, folder / str(number))


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        return taken.getsockname()[1]
