"""What a server tells of its work: metrics under TensorFlow Serving's names, and one line a request without texts."""

import json
import logging
from collections.abc import Callable, Collection
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.utils import floatToGoString

from seq2seq_keras.serve.status import Code

access = logging.getLogger("seq2seq_keras.serve.access")
"""Where the lines of the access log go."""

UNKNOWN = "unknown"
"""Name under which requests for models that are not served are counted: a stranger cannot fill memory with labels."""

_NAME = ":tensorflow:serving:"
_MICROSECONDS = tuple(10 * 1.8**power for power in range(33))
_ROWS = tuple(2**power for power in range(11))
_LONGEST = 100
"""Letters of a model's name in the log, which may be what a stranger sent."""


class Metrics:
    """Counts and times of one server, thread-safe.

    Args:
        names: gives the names of the models served. Without it a name is known once its model has computed something.
    """

    def __init__(self, names: Callable[[], Collection[str]] | None = None):
        self._names, self._computed = names, set()
        self._registry = CollectorRegistry()
        kept = {"registry": self._registry}
        times = kept | {"buckets": _MICROSECONDS}
        self._requests = Counter(
            f"{_NAME}request_count", "The total number of requests.", ["model_name", "status"], **kept
        )
        self._latency = Histogram(
            f"{_NAME}request_latency",
            "Distribution of wall time (in microseconds) for Tensorflow Serving request.",
            ["model_name", "API", "entrypoint"],
            **times,
        )
        # The original labels this one with the runtime: a batch may come from both doors.
        self._runtime = Histogram(
            f"{_NAME}runtime_latency",
            "Distribution of wall time (in microseconds) for Tensorflow runtime.",
            ["model_name", "API", "runtime"],
            **times,
        )
        self._rows = Histogram(
            f"{_NAME}batching_session:processed_batch_size",
            "Distribution of rows computed at once.",
            ["model_name"],
            buckets=_ROWS,
            **kept,
        )
        self._depth = Gauge(
            f"{_NAME}batching_session:queue_depth", "Requests that wait to be computed.", ["model_name"], **kept
        )

        self._inside = Gauge(f"{_NAME}requests_inside", "Requests that wait or are being computed.", **kept)

    def request(self, model: str, api: str, entrypoint: str, code: Code, seconds: float) -> None:
        """One request was answered.

        Args:
            model: as the client named it.
            api: what was asked for, as `Predict`.
            entrypoint: `REST` or `GRPC`.
            code: how it ended.
            seconds: it took.
        """
        model = self._label(model)
        self._requests.labels(model, code.name).inc()
        self._latency.labels(model, api, entrypoint).observe(seconds * 1e6)

    def computed(self, model: str, rows: int, seconds: float) -> None:
        """A model ran once, for one batch of so many rows."""
        self._computed.add(model)
        self._runtime.labels(model, "Predict", "TF1").observe(seconds * 1e6)
        self._rows.labels(model).observe(rows)

    def admitted(self, change: int) -> None:
        """So many requests more are inside, waiting or being computed, or fewer."""
        self._inside.inc(change)

    def queued(self, model: str, change: int) -> None:
        """So many requests more wait to be computed, or fewer."""
        self._depth.labels(model).inc(change)

    def render(self) -> bytes:
        """All of it in Prometheus' text format.

        TensorFlow Serving's counters do not end in `_total`, which the client library would have them do.
        """
        lines = []
        for metric in self._registry.collect():
            lines += [f"# HELP {metric.name} {metric.documentation}", f"# TYPE {metric.name} {metric.type}"]
            for sample in metric.samples:
                if sample.name == f"{metric.name}_created":
                    continue
                name = metric.name if metric.type == "counter" else sample.name
                labels = ",".join(f'{label}="{_value(label, value)}"' for label, value in sample.labels.items())
                lines.append(f"{name}{{{labels}}} {_number(sample.value)}")
        return "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")

    def _label(self, model: str) -> str:
        if model in self._computed or (self._names is not None and model in self._names()):
            return model
        return UNKNOWN


def access_log(
    *,
    model: str,
    version: int | None,
    verb: str,
    kind: str,
    code: Code,
    seconds: float,
    rows: int = 0,
    bytes_in: int = 0,
    bytes_out: int = 0,
) -> None:
    """One JSON line for one request, at level INFO of the logger `access`; never a text.

    Args:
        model: as the client named it.
        version: that answered, None if none did.
        verb: `GET`, `POST`, ... or `GRPC`.
        kind: of the path, as `predict`; never the path itself.
        code: how it ended.
        seconds: it took.
        rows: of the request.
        bytes_in: of its body.
        bytes_out: of the answer's.
    """
    if not access.isEnabledFor(logging.INFO):
        return
    line = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "model": model[:_LONGEST],
        "version": version,
        "verb": verb,
        "kind": kind,
        "code": code.name,
        "milliseconds": round(seconds * 1000, 3),
        "rows": rows,
        "bytes_in": bytes_in,
        "bytes_out": bytes_out,
    }
    access.info("%s", json.dumps(line))


def _number(value: float) -> str:
    """Whole numbers without a point, as TensorFlow Serving writes counts."""
    return str(int(value)) if float(value).is_integer() and abs(value) < 2**53 else floatToGoString(value)


def _value(label: str, value: str) -> str:
    """A label's value; bounds of buckets are numbers like others."""
    if label == "le":
        return _number(float(value))
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
