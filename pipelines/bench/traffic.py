"""The clients of `bench serve`: run in a process of their own, so that they and the bench do not wait for each other.

    python traffic.py < task

The first line of standard input is the task, as JSON. Without seconds in it, the clients end when their input does.
Standard output is a line once the warm-up is over, and then what they saw, as JSON.
"""

import http.client
import json
import sys
import threading
import time
from collections import Counter
from itertools import count

TIMEOUT = 60.0
"""Seconds that a client waits for one answer."""
PAUSE = 0.05
"""Seconds before a client that was not answered asks again."""
LOST = "no answer"
"""In place of a status."""


def main() -> None:
    """One task, from standard input to standard output."""
    task = json.loads(sys.stdin.readline())
    seen = load(task, lambda: print("WARM", flush=True), sys.stdin.read if task["seconds"] is None else None)
    json.dump(seen, sys.stdout)


def load(task: dict, warm=lambda: None, until_end=None) -> dict:
    """Lets all clients ask until the time is over.

    Args:
        task: host, port, path, texts, rows (texts of a request), clients, warmup and seconds.
        warm: called when the warm-up is over.
        until_end: waited for in place of seconds.

    Returns:
        seconds measured, milliseconds of each good answer, texts in them, and failed requests by status.
    """
    bodies = [json.dumps({"instances": texts}).encode() for texts in requests(task["texts"], task["rows"])]
    stop, places = threading.Event(), count()
    answers: list[list[tuple[float, float, object]]] = [[] for _ in range(task["clients"])]
    clients = [
        threading.Thread(target=_client, args=(task, bodies, places, stop, seen), daemon=True) for seen in answers
    ]
    begin = time.perf_counter() + task["warmup"]
    for client in clients:
        client.start()
    time.sleep(max(begin - time.perf_counter(), 0))
    warm()
    if until_end:
        until_end()
    else:
        time.sleep(task["seconds"])
    end = time.perf_counter()
    stop.set()
    for client in clients:
        client.join(TIMEOUT)
    # What was answered meanwhile, whenever it was asked: each client always has one request under way.
    inside = [(took, status) for seen in answers for ended, took, status in list(seen) if begin <= ended <= end]
    good = [took for took, status in inside if status == 200]
    return {
        "seconds": end - begin,
        "milliseconds": [took * 1000 for took in good],
        "texts": len(good) * task["rows"],
        "failed": dict(Counter(str(status) for _, status in inside if status != 200)),
    }


def requests(texts: list[str], rows: int) -> list[list[str]]:
    """The texts in requests of so many; the last one is filled up from the first."""
    return [[texts[(at + row) % len(texts)] for row in range(rows)] for at in range(0, len(texts), rows)]


def ask(connection: http.client.HTTPConnection, path: str, body: bytes) -> tuple[int, bytes]:
    """One request: status and answer."""
    connection.request("POST", path, body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    return answer.status, answer.read()


def _client(task: dict, bodies: list[bytes], places, stop: threading.Event, seen: list) -> None:
    connection = http.client.HTTPConnection(task["host"], task["port"], timeout=TIMEOUT)
    while not stop.is_set():
        body = bodies[next(places) % len(bodies)]
        begin = time.perf_counter()
        try:
            status, _ = ask(connection, task["path"], body)
        except (OSError, http.client.HTTPException):
            connection.close()  # the next request opens it anew
            status = LOST
        ended = time.perf_counter()
        seen.append((ended, ended - begin, status))
        if status == LOST:
            time.sleep(PAUSE)
    connection.close()


if __name__ == "__main__":
    main()
