"""What servers are told."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tyro.conf import Positional


@dataclass(frozen=True)
class Monitor:
    """Open TensorBoard on a folder of runs, or write what it shows as one HTML file."""

    folder: Positional[Path] = Path("runs")
    """A run, a study or a tuning, or a folder of such, at any depth."""
    report: Path | None = None
    """Write this HTML file, with all pictures inside, instead of serving."""
    host: str = "127.0.0.1"
    """Address to listen on. On any other than the loopback everyone who reaches it may read what is in the folder."""
    port: int | None = None
    """To listen on, 0 for any; nothing means the first free one from 6006."""
    json: Path | None = None
    """With --report, also write the table of runs to this file."""


@dataclass(frozen=True)
class Serve:
    """Serve exported models with TensorFlow Serving's own API, flags named as `tensorflow_model_server` names them.

    Prints READY once both doors listen. SIGTERM ends it after the requests under way are answered.
    """

    model_name: str = "default"
    """Name of the model, where --model_base_path names one."""
    model_base_path: Path | None = None
    """Folder of one model: its numbered folders are the versions, and the newest is served."""
    model_config_file: Path | None = None
    """Several models, version policies and labels: a ModelServerConfig as protobuf text."""
    port: int = 8500
    """Of gRPC; 0 leaves that door shut."""
    rest_api_port: int = 8501
    """Of REST and of the page for people; 0 leaves that door shut."""
    host: str = "127.0.0.1"
    """Address of both doors. Another than the loopback needs --token_file."""
    token_file: Path | None = None
    """First line: what every request must bring as `Authorization: Bearer TOKEN`."""
    enable_batching: bool = True
    """Compute requests that wait at the same time together."""
    batching_parameters_file: Path | None = None
    """BatchingParameters as protobuf text, such as `max_batch_size { value: 64 }`."""
    enable_per_model_batching_parameters: bool = False
    """Whether a version is batched by the file batching_params.pbtxt in its own folder, and alone where there is none;
    of the file named above, the number of threads counts alone."""
    monitoring_config_file: Path | None = None
    """MonitoringConfig as protobuf text: the path of the Prometheus page."""
    file_system_poll_wait_seconds: float = 1.0
    """Between looks for new versions; 0 looks once."""
    max_num_load_retries: int = 5
    """How often a version that does not load is tried again."""
    load_retry_interval_micros: int = 60_000_000
    """Between these tries."""
    rest_api_timeout_in_ms: int = 30_000
    """Most time of a request that has no deadline of its own."""
    tensorflow_session_parallelism: int = 0
    """Threads of TensorFlow inside operations and beside them; 0 means one inside, and beside as many as cores: what is
    decoded has small operations."""
    enable_cors_support: bool = False
    """Let web pages of other origins ask."""
    max_body_bytes: int = 4 * 2**20
    """Of one request."""
    max_instances: int = 64
    """Rows of one request."""
    max_characters: int = 20_000
    """Of one text."""
    max_requests: int = 256
    """Inside at once; more are refused with 503."""
    drain_seconds: float = 25.0
    """Most time for the requests under way when the server is told to stop."""
    allow_ops: tuple[str, ...] = ()
    """TensorFlow operations that a model may contain although they are not on the allow-list."""
    xla_cpu_compilation_enabled: bool = False
    """Serve models that have XLA compile parts of them, anew for every shape that is sent."""
    allow_reload: bool = False
    """Let clients have other models served, by gRPC's HandleReloadConfigRequest."""
    engine: Literal["local", "ray"] = "local"
    """`ray` runs replicas behind one REST door, by Ray Serve (extra `ray`); --port has no meaning then."""
    replicas: int = 2
    """Of Ray Serve."""
    json: Path | None = None
    """Also write what was served, and for how long, to this file at the end."""
