"""What both doors call: a request is looked at, let in, computed and counted."""

import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef

from seq2seq_keras.serve.batching import Batcher
from seq2seq_keras.serve.config import Limits
from seq2seq_keras.serve.manager import ModelManager
from seq2seq_keras.serve.monitoring import Metrics
from seq2seq_keras.serve.servable import Servable
from seq2seq_keras.serve.status import Code, ServingError
from seq2seq_keras.serve.wanted import check_shape

DEFAULT_SIGNATURE = tf.saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY
"""What is meant where none is named."""


class Answer(NamedTuple):
    """What was computed, and by which version."""

    name: str
    version: int
    signature: str
    outputs: dict[str, np.ndarray]


class Predictor:
    """Answers requests, from any number of threads at once.

    Args:
        manager: has the models.
        metrics: told of what is computed.
        limits: of a request.
        batcher: joins requests; None computes every one alone.
    """

    def __init__(self, manager: ModelManager, metrics: Metrics, limits: Limits, batcher: Batcher | None):
        self.manager, self.metrics, self.limits = manager, metrics, limits
        self._batcher = batcher
        self._room = threading.BoundedSemaphore(limits.concurrent)

    def predict(
        self,
        servable: Servable,
        signature: str,
        inputs: Mapping[str, np.ndarray],
        outputs: Sequence[str] | None,
        deadline: float,
    ) -> Answer:
        """One request.

        Args:
            servable: leased from the manager.
            signature: name of one; empty for the default.
            inputs: arrays by name; strings are object arrays of bytes.
            outputs: names of those wanted; None or nothing for all.
            deadline: `time.monotonic()` seconds.

        Raises:
            ServingError: the request is not what the signature wants, or more than the limits allow; no room, no
                time; or what the model says.
        """
        signature = signature or DEFAULT_SIGNATURE
        definition = defined(servable, signature)
        check_inputs(inputs, definition)
        check_outputs(outputs or (), definition)
        self._check_sizes(inputs)
        with self.admitted():
            begin = time.monotonic()
            if begin >= deadline:
                raise ServingError(Code.DEADLINE_EXCEEDED, "Deadline exceeded")
            if self._batcher is not None and self._batcher.takes(servable):
                found = self._batcher.run(servable, signature, inputs, outputs, deadline)
            else:
                found = servable.run(signature, inputs, outputs, deadline - begin)
                self.metrics.computed(servable.name, rows(inputs), time.monotonic() - begin)
        self._check_output(found)
        return Answer(servable.name, servable.version, signature, found)

    @contextmanager
    def admitted(self) -> Iterator[None]:
        """Room for one request while the block lasts.

        Raises:
            ServingError: as many as the limits allow are inside.
        """
        if not self._room.acquire(blocking=False):
            said = f"The server is at work on {self.limits.concurrent} requests, its limit; try again later"
            raise ServingError(Code.UNAVAILABLE, said)
        self.metrics.admitted(1)
        try:
            yield
        finally:
            self.metrics.admitted(-1)
            self._room.release()

    def _check_sizes(self, inputs: Mapping[str, np.ndarray]) -> None:
        instances = rows(inputs)
        if instances > self.limits.instances:
            found = f"The request has {instances} instances, the limit is {self.limits.instances}"
            raise ServingError(Code.INVALID_ARGUMENT, found)
        most = self.limits.characters
        for name, value in inputs.items():
            if value.dtype != object:
                continue
            for text in value.flat:
                # No text has more letters than bytes, and most have few enough of both.
                if len(text) > most and len(text.decode("utf-8", "replace")) > most:
                    found = f"A string of input {name} has more characters than the limit of {most}"
                    raise ServingError(Code.INVALID_ARGUMENT, found)

    def _check_output(self, outputs: Mapping[str, np.ndarray]) -> None:
        size = 0
        for value in outputs.values():
            size += value.nbytes if value.dtype != object else sum(map(len, value.flat))
        if size > self.limits.output_bytes:
            found = f"The answer has {size} bytes, the limit is {self.limits.output_bytes}; ask for less at once"
            raise ServingError(Code.INVALID_ARGUMENT, found)


def defined(servable: Servable, signature: str) -> SignatureDef:
    """A signature by its name.

    Raises:
        ServingError: there is none, in the words of gRPC.
    """
    if signature not in servable.signatures:
        raise ServingError(Code.FAILED_PRECONDITION, f'Serving signature key "{signature}" not found.')
    return servable.signatures[signature]


def rows(inputs: Mapping[str, np.ndarray]) -> int:
    """Instances in a request: its longest first dimension; 1 where nothing has a dimension."""
    return max((len(value) for value in inputs.values() if value.ndim), default=1)


def check_names(given: Collection[str], definition: SignatureDef) -> None:
    """The inputs of a request are those of the signature.

    Raises:
        ServingError: some are missing, or there are others.
    """
    given, wanted = set(given), set(definition.inputs)
    if len(given) != len(wanted):
        raise ServingError(
            Code.INVALID_ARGUMENT,
            f"input size does not match signature: {len(given)}!={len(wanted)} "
            f"len({_listed(given)}) != len({_listed(wanted)}). "
            f"Sent extra: {_listed(given - wanted)}. Missing but required: {_listed(wanted - given)}.",
        )
    for name in sorted(given - wanted):
        found = f"input tensor alias not found in signature: {name}."
        raise ServingError(Code.INVALID_ARGUMENT, f"{found} Inputs expected to be in the set {_listed(wanted)}.")


def check_inputs(inputs: Mapping[str, np.ndarray], definition: SignatureDef) -> None:
    """Names, types and shapes of a request are those of the signature.

    Raises:
        ServingError: names the first input that is not.
    """
    check_names(inputs, definition)
    for place, name in enumerate(sorted(inputs)):
        value, info = inputs[name], definition.inputs[name]
        wanted, given = tf.dtypes.as_dtype(info.dtype), _dtype(value)
        if given != wanted:
            found = f"Expects arg[{place}] to be {wanted.name} but {given.name if given else value.dtype} is provided"
            raise ServingError(Code.INVALID_ARGUMENT, found)
        check_shape(name, value.shape, info)


def check_outputs(outputs: Sequence[str], definition: SignatureDef) -> None:
    """The outputs asked for are some of the signature's.

    Raises:
        ServingError: one is not, or is asked for twice.
    """
    for place, name in enumerate(outputs):
        if name not in definition.outputs:
            found = f"output tensor alias not found in signature: {name}"
            known = _listed(definition.outputs)
            raise ServingError(Code.INVALID_ARGUMENT, f"{found} Outputs expected to be in the set {known}.")
        if name in outputs[:place]:
            raise ServingError(Code.INVALID_ARGUMENT, f"duplicate output tensor alias: {name}")


def _dtype(value: np.ndarray) -> tf.DType | None:
    """As TensorFlow calls it; None if it has no such type."""
    if value.dtype == object:
        return tf.string if all(type(text) is bytes for text in value.flat) else None
    try:
        return tf.dtypes.as_dtype(value.dtype)
    except TypeError:
        return None


def _listed(names: Collection[str]) -> str:
    return "{" + ",".join(sorted(names)) + "}"
