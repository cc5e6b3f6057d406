"""What to serve and how: the settings of the server, and readers of TensorFlow Serving's text files."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format, wrappers_pb2
from google.protobuf.message import Message
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from seq2seq_keras import cores
from seq2seq_keras.errors import InputError

METRICS_PATH = "/monitoring/prometheus/metrics"
"""Where metrics are when a file turns them on and names no path."""


@dataclass(frozen=True)
class Latest:
    """Serve the `count` largest version numbers."""

    count: int = 1


@dataclass(frozen=True)
class All:
    """Serve every version."""


@dataclass(frozen=True)
class Specific:
    """Serve these versions, as far as they are there."""

    versions: tuple[int, ...]


@dataclass(frozen=True)
class ModelConfig:
    """One model to serve."""

    name: str
    """By which clients ask for it."""
    base_path: Path
    """Folder with one folder for each version, named by its number."""
    policy: Latest | All | Specific = Latest()
    """Which versions to serve."""
    labels: dict[str, int] = field(default_factory=dict)
    """Other names of versions."""


@dataclass(frozen=True)
class BatchingParameters:
    """How requests that come together are computed together."""

    max_batch_size: int = 32
    """Rows of a batch."""
    batch_timeout_micros: int = 0
    """How long an open batch waits for more rows."""
    max_enqueued_batches: int = 16
    """Per queue, of which every signature of a version has one; a full one refuses."""
    num_batch_threads: int = field(default_factory=cores.available)
    """How many batches are computed at once; as many as cores, since each is computed by one."""
    allowed_batch_sizes: tuple[int, ...] = ()
    """Batches are filled up to the next of these; none: left as they are."""
    pad_variable_length_inputs: bool = False
    """Whether rows of unlike length may share a batch."""


@dataclass(frozen=True)
class Limits:
    """What a request may ask for."""

    body_bytes: int = 4 * 2**20
    """Of the body of a request."""
    instances: int = 64
    """Rows of a request."""
    characters: int = 20_000
    """Of one string."""
    output_bytes: int = 16 * 2**20
    """Of all outputs of a request."""
    timeout_seconds: float = 30.0
    """For a request without a deadline of its own."""
    upload_seconds: float = 10.0
    """Longest silence while a body is read."""
    concurrent: int = 256
    """Requests at work at once; more are refused."""


def read_models(path: Path) -> list[ModelConfig]:
    """Reads a file of `ModelServerConfig`, as `--model_config_file` names it.

    Raises:
        InputError: it cannot be read, or asks for what is not served; the message names file and line.
    """
    text = _text(path)
    return models_of(_parse(path, text, ModelServerConfig), path, text)


def models_of(message: ModelServerConfig, path: Path | str = "", text: str = "") -> list[ModelConfig]:
    """The models of a `ModelServerConfig`.

    Args:
        path, text: the file it was read from, for messages.

    Raises:
        InputError: it asks for what is not served.
    """
    if message.WhichOneof("config") != "model_config_list":
        found = "a model_config_list is missing"
        if message.HasField("custom_model_config"):
            found = "custom_model_config is not supported"
        raise InputError(found, where=path, expected='model_config_list { config { name: "..." base_path: "..." } }')
    models: dict[str, ModelConfig] = {}
    for entry in message.model_config_list.config:
        where = _where(path, text, rf'\bname\s*:\s*["\']{re.escape(entry.name)}["\']')
        if not entry.name:
            raise InputError("a model has no name", where=path, expected='name: "..."')
        if entry.name in models:
            raise InputError(f"model {entry.name!r} is listed twice", where=where, expected="one entry for each name")
        if not entry.base_path:
            raise InputError(f"model {entry.name!r} has no base_path", where=where, expected='base_path: "..."')
        _check_platform(entry, path, text, where)
        policy = _policy(entry, where)
        labels = dict(entry.version_labels)
        if "" in labels or any(version < 0 for version in labels.values()):
            wrong = next(f"{label!r}: {number}" for label, number in labels.items() if not label or number < 0)
            found = f"version label {wrong} of model {entry.name!r}"
            raise InputError(found, where=where, expected="a name and the number of a version")
        models[entry.name] = ModelConfig(entry.name, Path(entry.base_path), policy, labels)
    return list(models.values())


def read_batching(path: Path) -> BatchingParameters:
    """Reads a file of `BatchingParameters`, as `--batching_parameters_file` names it.

    Raises:
        InputError: it cannot be read, or a value is out of its range; the message names file and line.
    """
    text = _text(path)
    message = _parse(path, text, _BATCHING)
    given: dict[str, Any] = {}
    for name, least in _LEAST.items():
        if not message.HasField(name):
            continue
        given[name] = getattr(message, name).value
        if given[name] < least:
            raise InputError(
                f"{name} is {given[name]}",
                where=_where(path, text, rf"\b{name}\b"),
                expected=f"{least} or more",
            )
    sizes = tuple(message.allowed_batch_sizes)
    pad = message.pad_variable_length_inputs
    parameters = BatchingParameters(**given, allowed_batch_sizes=sizes, pad_variable_length_inputs=pad)
    most = parameters.max_batch_size
    if sizes and (list(sizes) != sorted(set(sizes)) or sizes[0] < 1 or sizes[-1] != most):
        raise InputError(
            f"allowed_batch_sizes are {', '.join(map(str, sizes))}",
            where=_where(path, text, r"\ballowed_batch_sizes\b"),
            expected=f"positive numbers, each larger than the one before, the last equal to max_batch_size, {most}",
        )
    return parameters


def read_monitoring(path: Path) -> str:
    """Reads a file of `MonitoringConfig`, as `--monitoring_config_file` names it.

    Returns: the path of the metrics, empty if they are not turned on.

    Raises:
        InputError: it cannot be read, or the path is none.
    """
    text = _text(path)
    prometheus = _parse(path, text, _MONITORING).prometheus_config
    if prometheus.path and not prometheus.path.startswith("/"):
        where = _where(path, text, r"\bpath\b")
        raise InputError(
            f"path {prometheus.path!r}", where=where, expected=f"one that begins with /, as {METRICS_PATH}"
        )
    return (prometheus.path or METRICS_PATH) if prometheus.enable else ""


def _check_platform(entry, path: Path | str, text: str, where: str) -> None:
    if entry.model_platform not in ("", "tensorflow"):
        where = _where(path, text, rf'\bmodel_platform\s*:\s*["\']{re.escape(entry.model_platform)}["\']')
        raise InputError(f"model_platform {entry.model_platform!r}", where=where, expected='"tensorflow"')
    if entry.model_type not in (0, 1):
        raise InputError(f"model_type of model {entry.name!r}", where=where, expected='model_platform: "tensorflow"')
    if entry.HasField("logging_config"):
        raise InputError(f"logging_config of model {entry.name!r} is not supported", where=where, remedy="remove it")


def _policy(entry, where: str) -> Latest | All | Specific:
    policy = entry.model_version_policy
    match policy.WhichOneof("policy_choice"):
        case "all":
            return All()
        case "specific":
            versions = tuple(policy.specific.versions)
            if not versions or min(versions) < 0:
                found = f"the specific versions of model {entry.name!r} are {list(versions) or 'none'}"
                raise InputError(found, where=where, expected="specific { versions: 1 versions: 2 }")
            return Specific(tuple(sorted(set(versions))))
        case _:
            return Latest(max(policy.latest.num_versions, 1))


def _text(path: Path) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise InputError("it is not text", where=path, expected="a text file of a protocol buffer") from None
    except OSError as error:
        raise InputError(f"it cannot be read ({error.strerror})", where=path) from None


def _parse(path: Path, text: str, kind: type[Message]) -> Any:
    try:
        return text_format.Parse(text, kind())
    except text_format.ParseError as error:
        line = error.GetLine()
        found = re.sub(r"^\d+:\d+ : ", "", str(error).splitlines()[0])
        fields = ", ".join(member.name for member in kind.DESCRIPTOR.fields)
        where = f"{path}:{line}" if line else path
        raise InputError(found, where=where, expected=f"{kind.DESCRIPTOR.name} with {fields}") from None


def _where(path: Path | str, text: str, pattern: str) -> str:
    """File and the last line on which a pattern is found, comments left out."""
    lines = enumerate(text.splitlines(), 1)
    found = [number for number, line in lines if re.search(pattern, line.partition("#")[0])]
    return f"{path}:{found[-1]}" if found else str(path)


_LEAST = {"max_batch_size": 1, "batch_timeout_micros": 0, "max_enqueued_batches": 1, "num_batch_threads": 1}
"""Smallest value of each number."""


def _messages() -> tuple[type[Message], type[Message]]:
    """`BatchingParameters` and `MonitoringConfig`, which no package of stubs has, with TensorFlow Serving's numbers."""
    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(
        name="served.proto",
        package="tensorflow.serving",
        syntax="proto3",
        dependency=[wrappers_pb2.DESCRIPTOR.name],
    )

    def message(name: str, fields: list[tuple]) -> None:
        added = file.message_type.add(name=name)
        for field_name, number, kind, *of in fields:
            label = kinds.LABEL_REPEATED if "repeated" in of else kinds.LABEL_OPTIONAL
            added.field.add(name=field_name, number=number, type=kind, label=label)
            if kind == kinds.TYPE_MESSAGE:
                added.field[-1].type_name = of[0]

    wrapped = [
        (name, number, kinds.TYPE_MESSAGE, ".google.protobuf.Int64Value") for number, name in enumerate(_LEAST, 1)
    ]
    sizes = ("allowed_batch_sizes", 6, kinds.TYPE_INT64, "repeated")
    message("BatchingParameters", [*wrapped, sizes, ("pad_variable_length_inputs", 7, kinds.TYPE_BOOL)])
    message("PrometheusConfig", [("enable", 1, kinds.TYPE_BOOL), ("path", 2, kinds.TYPE_STRING)])
    prometheus = ("prometheus_config", 1, kinds.TYPE_MESSAGE, ".tensorflow.serving.PrometheusConfig")
    message("MonitoringConfig", [prometheus])
    pool = descriptor_pool.DescriptorPool()  # of its own: another library may know the real messages
    pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(file)
    names = ("BatchingParameters", "MonitoringConfig")
    return tuple(
        message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{file.package}.{name}")) for name in names
    )


_BATCHING, _MONITORING = _messages()
