"""Which processes train together, as `TF_CONFIG` has it, and whether all of them are there."""

import contextlib
import ipaddress
import json
import socket
import threading
import time
from typing import NamedTuple

from seq2seq_keras.errors import InputError

_EXAMPLE = '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, "task": {"type": "worker", "index": 0}}'
_REMEDY = f"set it as the launcher of your machines does, for the first of two: {_EXAMPLE}"
_PATIENCE = 2.0
"""Seconds for one greeting of a peer that listens."""
_LONGEST = 1 << 16
"""Bytes of a greeting."""


class Cluster(NamedTuple):
    """Processes that train together."""

    addresses: list[str]
    """host:port of each, the chief first."""
    number: int
    """Place of this process among them."""
    chief: bool = False
    """Whether the first has a job of its own, `chief`, instead of being worker 0."""

    def place(self, job: str, index: int) -> int:
        """Number of a process that TensorFlow names by its job and its place there."""
        return index + (self.chief and job == "worker")


def read_cluster(text: str) -> Cluster:
    """The cluster in a `TF_CONFIG`: jobs `chief` (at most one process) and `worker`.

    Raises:
        InputError: it is no such thing; names what is wrong.
    """
    where = "TF_CONFIG"
    try:
        content = json.loads(text)
        jobs, task = content["cluster"], content["task"]
        kind, index = task["type"], int(task["index"])
        addresses = {job: [str(address) for address in jobs[job]] for job in jobs}
    except (ValueError, KeyError, TypeError) as error:
        found = f"has no {error}" if isinstance(error, KeyError) else f"cannot be read ({error})"
        raise InputError(found, where=where, remedy=_REMEDY) from None
    if other := sorted(jobs.keys() - {"chief", "worker"}):
        raise InputError(f"has the job {other[0]}", where=where, expected="chief and worker", remedy=_REMEDY)
    if len(addresses.get("chief", [])) > 1:
        raise InputError(f"has {len(addresses['chief'])} chiefs", where=where, expected="one or none")
    if not 0 <= index < len(addresses.get(kind, [])):
        raise InputError(f"says that this is {kind} {index}, which is not in its cluster", where=where, remedy=_REMEDY)
    every = [*addresses.get("chief", []), *addresses.get("worker", [])]
    for address in every:
        _split(address)
    if len(set(every)) < len(every):
        raise InputError("names one address twice", where=where, remedy="give each process a port of its own")
    cluster = Cluster(every, 0, bool(addresses.get("chief")))
    return cluster._replace(number=cluster.place(kind, index))


def meet(cluster: Cluster, seconds: float, same: str = "") -> None:
    """Returns once every process of the cluster has reached every other at its address; the ports are free then.

    Args:
        cluster: the processes.
        seconds: how long to wait for those that are not there yet.
        same: what all must agree on, of less than 60 kB, such as a digest of their settings.

    Raises:
        InputError: the port is taken, a process did not come in time, or brought another `same`; names it.
    """
    host, port = _split(cluster.addresses[cluster.number])
    try:
        server = socket.create_server((_interface(host), port), backlog=len(cluster.addresses))
    except OSError as error:
        raise InputError(
            f"the address of worker {cluster.number}, {host}:{port}, cannot be used ({error.strerror})",
            where="TF_CONFIG",
            remedy="end the program that has the port, or name another one",
        ) from None
    own = json.dumps({"worker": cluster.number, "same": same}).encode() + b"\n"
    others = set(range(len(cluster.addresses))) - {cluster.number}
    came, reached, done = {}, {}, threading.Event()
    with server:
        server.settimeout(0.1)
        listener = threading.Thread(target=_listen, args=(server, own, came, done), daemon=True)
        listener.start()
        deadline = time.monotonic() + seconds
        try:
            while missing := others - (came.keys() & reached.keys()):
                for number in sorted(others - reached.keys()):
                    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
                        reached[number] = _call(cluster.addresses[number], own)
                if time.monotonic() > deadline:
                    names = " and ".join(
                        f"worker {number} at {cluster.addresses[number]}" for number in sorted(missing)
                    )
                    raise InputError(
                        f"{names} did not come within {seconds:g} s",
                        where="TF_CONFIG",
                        remedy="start every worker, and let their machines reach each other at these addresses",
                    )
                time.sleep(0.05)
        finally:
            done.set()
            listener.join()
    for number in sorted(others):
        if reached[number] != same:
            raise InputError(
                f"worker {number} at {cluster.addresses[number]} was started with other settings",
                remedy="give all workers the same command",
            )


def _listen(server: socket.socket, own: bytes, came: dict, done: threading.Event) -> None:
    """Answers those who call until it is enough; whoever does not greet is no worker."""
    while not done.is_set():
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            caller, _ = server.accept()
            with caller:
                greeting = _hear(caller)
                caller.sendall(own)
                came[int(greeting["worker"])] = True


def _call(address: str, own: bytes) -> str:
    """What a peer brings as `same`."""
    with socket.create_connection(_split(address), timeout=_PATIENCE) as connection:
        connection.sendall(own)
        return _hear(connection)["same"]


def _hear(connection: socket.socket) -> dict:
    connection.settimeout(_PATIENCE)
    with connection.makefile("rb") as lines:
        return json.loads(lines.readline(_LONGEST))


def _split(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise InputError(f"has the address {address!r}", where="TF_CONFIG", expected="host:port", remedy=_REMEDY)
    return host.strip("[]"), int(port)


def _interface(host: str) -> str:
    """Where to listen: the loopback if that is the address, else everywhere, for names may lie before a gateway."""
    with contextlib.suppress(ValueError):
        return host if ipaddress.ip_address(host).is_loopback else ""
    return "127.0.0.1" if host == "localhost" else ""
