"""Requests that a server replays before a version counts as available: the first of each endpoint is slow."""

from collections.abc import Mapping
from pathlib import Path

import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

NAME = "tf_serving_warmup_requests"
"""File in `assets.extra`, as TensorFlow Serving looks for it."""


def write(folder: Path, texts: list[str], endpoints: Mapping[str, tf.types.experimental.ConcreteFunction]) -> None:
    """Writes a request for every endpoint that takes strings alone, with one text and with all of them.

    Args:
        folder: `assets.extra` of an export.
        texts: at least one.
        endpoints: by name.
    """
    with tf.io.TFRecordWriter(str(folder / NAME)) as writer:
        for name, endpoint in endpoints.items():
            specs = tf.nest.flatten(endpoint.structured_input_signature)
            if any(spec.dtype != tf.string for spec in specs):
                continue
            for batch in (texts[:1], texts):
                log = prediction_log_pb2.PredictionLog()
                request = log.predict_log.request
                request.model_spec.signature_name = name
                for given in (spec.name for spec in specs):
                    # An empty target fits every model.
                    values = [b""] * len(batch) if given == "target" else [text.encode("utf-8") for text in batch]
                    request.inputs[given].CopyFrom(tf.make_tensor_proto(values))
                writer.write(log.SerializeToString())
