"""Warm-up records: requests that a version answers once before anybody else asks it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from seq2seq_keras.errors import InputError
from seq2seq_keras.export.manifest import EXTRA
from seq2seq_keras.export.warmup import NAME
from seq2seq_keras.serve.status import ServingError

_MOST = 1_000


def replay(folder: str | Path, run: Callable[[str, dict[str, np.ndarray]], object]) -> int:
    """Runs every request to predict that lies with a version; those of other kinds are passed over.

    Args:
        folder: of the version.
        run: takes the name of a signature and its inputs.

    Returns:
        how many were run; 0 where no such file is.

    Raises:
        InputError: a damaged file, more records than 1,000, or a request that fails.
    """
    path = Path(folder) / EXTRA / NAME
    if not path.exists():
        return 0
    requests = 0
    for number, record in enumerate(_records(path), start=1):
        try:
            log = PredictionLog.FromString(record)
            if not log.HasField("predict_log"):
                continue
            request = log.predict_log.request
            inputs = {name: tf.make_ndarray(value) for name, value in request.inputs.items()}
        except (DecodeError, ValueError, TypeError, KeyError, MemoryError):
            raise InputError("it is no request", where=f"{path}, record {number}") from None
        try:
            run(request.model_spec.signature_name or tf.saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY, inputs)
        except ServingError as error:
            raise InputError(f"the request fails ({error})", where=f"{path}, record {number}") from None
        requests += 1
    return requests


def _records(path: Path) -> list[bytes]:
    """All of them before the first is run: too many is known at the start."""
    # On the CPU, as everything that reads files.
    with tf.device("CPU"):
        try:
            records = list(tf.data.TFRecordDataset(str(path)).take(_MOST + 1).as_numpy_iterator())
        except tf.errors.OpError:
            raise InputError("it is damaged", where=path, expected="a TFRecord file") from None
    if len(records) > _MOST:
        raise InputError(f"more than {_MOST:,} records", where=path)
    return records
