"""Requests that a server replays before a version counts as available: the first of each endpoint is slow."""

from collections.abc import Mapping
from pathlib import Path

import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from seq2seq_keras.export.signatures import SAMPLING

NAME = "tf_serving_warmup_requests"
"""File in `assets.extra`, as TensorFlow Serving looks for it."""


def write(folder: Path, texts: list[str], endpoints: Mapping[str, tf.types.experimental.ConcreteFunction]) -> None:
    """Writes a request for every endpoint that takes strings, with one text and with all of them.

    Args:
        folder: `assets.extra` of an export.
        texts: at least one.
        endpoints: by name.
    """
    with tf.io.TFRecordWriter(str(folder / NAME)) as writer:
        for name, endpoint in endpoints.items():
            specs = tf.nest.flatten(endpoint.structured_input_signature)
            if any(spec.dtype != tf.string and spec.name not in SAMPLING for spec in specs):
                continue
            for batch in (texts[:1], texts):
                log = prediction_log_pb2.PredictionLog()
                request = log.predict_log.request
                request.model_spec.signature_name = name
                for spec in specs:
                    request.inputs[spec.name].CopyFrom(tf.make_tensor_proto(_given(spec, batch), spec.dtype))
                writer.write(log.SerializeToString())


def _given(spec: tf.TensorSpec, texts: list[str]):
    """A value for one input."""
    if spec.name in SAMPLING:
        return SAMPLING[spec.name]
    # An empty target and an empty prefix fit every model.
    return [text.encode("utf-8") if spec.name == "text" else b"" for text in texts]
