"""Serve exported models: TensorFlow Serving's REST and gRPC, and a page for people.

python -m pipelines serve --model_name en_de --model_base_path saved_models/en_de
"""

import logging
import os
import signal
import threading
import time
from pathlib import Path

from pipelines import runs
from pipelines.settings import Serve
from seq2seq_keras.errors import InputError

_OF_BATCHING = ("batching_parameters_file", "enable_per_model_batching_parameters")


def run(settings: Serve) -> int:
    """The command; returns the exit code once a signal has ended it."""
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # it writes to standard error itself; our errors say it better
    # Imported here and below: what this needs is the extra `serve`.
    try:
        from seq2seq_keras.serve import server
    except ModuleNotFoundError as error:
        raise InputError(f"the package {error.name} is not installed", remedy="run pip install -e '.[serve]'") from None
    begun = time.time()
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    for name in ("absl", "tensorflow", "httpx"):
        logging.getLogger(name).setLevel(logging.ERROR)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    options, doors = engine_options(settings), server.Doors(**door_options(settings))
    if settings.engine == "ray":
        from seq2seq_keras.serve.replicas import Replicas

        served = Replicas(options, doors, settings.replicas)
    else:
        served = server.Server(server.Engine(**options), doors)
    server.until(stop, served, lambda: _announce(served.names(), doors))
    if settings.json:
        names = [model.name for model in options["models"]]
        runs.write_json(settings.json, {"models": names, "seconds": round(time.time() - begun, 1)})
    return 0


def engine_options(settings: Serve) -> dict:
    """What `server.Engine` is made with."""
    from seq2seq_keras.serve import allowed, config

    batching = None
    if settings.enable_batching:
        batching = config.BatchingParameters()
        if settings.batching_parameters_file:
            batching = config.read_batching(settings.batching_parameters_file)
    elif given := [name for name in _OF_BATCHING if getattr(settings, name)]:
        raise InputError(f"--{given[0]} without --enable_batching", remedy="leave one of them out")
    limits = config.Limits(
        body_bytes=settings.max_body_bytes,
        instances=settings.max_instances,
        characters=settings.max_characters,
        timeout_seconds=settings.rest_api_timeout_in_ms / 1000,
        concurrent=settings.max_requests,
    )
    return {
        "models": models(settings),
        "batching": batching,
        "limits": limits,
        "allowed": frozenset([*settings.allow_ops, *[allowed.COMPILED] * settings.xla_cpu_compilation_enabled]),
        "threads": settings.tensorflow_session_parallelism,
        "poll_seconds": settings.file_system_poll_wait_seconds,
        "retries": settings.max_num_load_retries,
        "retry_seconds": settings.load_retry_interval_micros / 1e6,
        "per_model_batching": settings.enable_per_model_batching_parameters,
    }


def door_options(settings: Serve) -> dict:
    """What `server.Doors` is made with."""
    from seq2seq_keras.serve import config

    options = {
        "host": settings.host,
        "grpc_port": settings.port if settings.engine == "local" else 0,  # replicas answer REST alone
        "rest_port": settings.rest_api_port,
        "token": token(settings.token_file),
        "cors_origins": ("*",) if settings.enable_cors_support else (),
        "drain_seconds": settings.drain_seconds,
        "reload": settings.allow_reload,
    }
    if settings.monitoring_config_file:
        options["metrics_path"] = config.read_monitoring(settings.monitoring_config_file)
    return options


def models(settings: Serve) -> list:
    """The models asked for, by one folder or by a file."""
    from seq2seq_keras.serve import config

    if (settings.model_base_path is None) == (settings.model_config_file is None):
        raise InputError(
            "either one model or a file of models is served", expected="--model_base_path or --model_config_file"
        )
    if settings.model_config_file:
        return config.read_models(settings.model_config_file)
    folder = settings.model_base_path
    if (folder / "saved_model.pb").exists():
        raise InputError(
            "is one version of a model", where=folder, remedy=f"name the folder above it: {folder.absolute().parent}"
        )
    return [config.ModelConfig(settings.model_name, folder)]


def token(file: Path | None) -> str | None:
    """What requests must bring, by a file; None where none is named."""
    if file is None:
        return None
    try:
        found = file.read_text(encoding="utf-8").partition("\n")[0].strip()
    except (OSError, UnicodeDecodeError):
        raise InputError("cannot be read", where=file, expected="a file whose first line is the token") from None
    if len(found) < 16:
        raise InputError("the token is short", where=file, expected="16 characters or more")
    return found


def _announce(models: list[str], doors) -> None:
    names = ", ".join(models)
    host = f"[{doors.host}]" if ":" in doors.host else doors.host
    if doors.grpc_port:
        print(f"gRPC  {host}:{doors.grpc_port}  {names}", flush=True)
    if doors.rest_port:
        print(f"REST  http://{host}:{doors.rest_port}  {names}", flush=True)
    print("READY", flush=True)
