"""The client's side of gRPC, by TensorFlow Serving's own stubs."""

import socket
from collections.abc import Callable, Iterator

import grpc
import numpy as np
import tensorflow as tf
from google.protobuf import json_format
from tensorflow_serving.apis import get_model_metadata_pb2 as metadata_pb2
from tensorflow_serving.apis import get_model_status_pb2 as status_pb2
from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.apis.predict_pb2 import PredictRequest

from seq2seq_keras.errors import InputError
from seq2seq_keras.serve.client_rest import late, unreachable
from seq2seq_keras.serve.status import Code, ServingError

_OPTIONS = [
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.enable_http_proxy", 0),  # a model server is near
]
_CONNECT_SECONDS = 2.0


class Rpc:
    """One model over gRPC.

    Args:
        address: as `127.0.0.1:8500`.
        model, version, token, timeout: as a `Client` has them.
    """

    def __init__(self, address: str, model: str, version: int | None, token: str | None, timeout: float):
        self._address, self._timeout = address, timeout
        self._model, self._version = model, version
        self._headers = [("authorization", f"Bearer {token}")] if token else []
        self._channel = grpc.insecure_channel(address, options=_OPTIONS)
        self._predictions = prediction_service_pb2_grpc.PredictionServiceStub(self._channel)
        self._models = model_service_pb2_grpc.ModelServiceStub(self._channel)

    def close(self) -> None:
        self._channel.close()

    def status(self) -> list[dict]:
        found = self._ask(self._models.GetModelStatus, status_pb2.GetModelStatusRequest(model_spec=self._spec()))
        return [_plain(version) for version in found.model_version_status]

    def metadata(self) -> dict:
        request = metadata_pb2.GetModelMetadataRequest(model_spec=self._spec(), metadata_field=["signature_def"])
        found = self._ask(self._predictions.GetModelMetadata, request)
        signatures = metadata_pb2.SignatureDefMap()
        found.metadata["signature_def"].Unpack(signatures)
        spec = {"name": found.model_spec.name, "signature_name": "", "version": str(found.model_spec.version.value)}
        return {"model_spec": spec, "metadata": {"signature_def": _plain(signatures)}}

    def predict(self, signature: str, inputs: dict[str, np.ndarray], known: dict) -> dict[str, np.ndarray]:
        """Runs a signature; `known` is what the metadata says of it."""
        request = PredictRequest(model_spec=self._spec(signature))
        for name, array in inputs.items():
            dtype = tf.dtypes.as_dtype(known["inputs"][name]["dtype"].removeprefix("DT_").lower())
            array = array.astype(dtype.as_numpy_dtype)  # a type that NumPy itself lacks
            request.inputs[name].CopyFrom(tf.make_tensor_proto(array, dtype, array.shape))
        found = self._ask(self._predictions.Predict, request)
        return {name: _array(name, proto) for name, proto in found.outputs.items()}

    def stream(self, text: str, max_length: int | None) -> Iterator[dict]:
        raise InputError("texts are streamed over REST only", where=f"grpc://{self._address}", expected="http://...")

    def _spec(self, signature: str = "") -> ModelSpec:
        spec = ModelSpec(name=self._model, signature_name=signature)
        if self._version is not None:
            spec.version.value = self._version
        return spec

    def _ask(self, method: Callable, request):
        try:
            return method(request, timeout=self._timeout, metadata=self._headers)
        except grpc.RpcError as error:
            code = Code(error.code().value[0])
            if code == Code.DEADLINE_EXCEEDED:
                raise late(self._timeout) from None
            if code == Code.UNAVAILABLE and not self._listens():
                raise unreachable(f"grpc://{self._address}") from None
            raise ServingError(code, error.details() or code.name) from None

    def _listens(self) -> bool:
        """Whether anybody is there: a server that is full answers with the same code as none."""
        host, _, port = self._address.rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), _CONNECT_SECONDS).close()
        except OSError:
            return False
        return True


def _plain(message) -> dict:
    """A message as the JSON that REST gives of it."""
    return json_format.MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )


def _array(name: str, proto) -> np.ndarray:
    """An output; strings as str, but for those whose name says that they are bytes."""
    array = tf.make_ndarray(proto)
    if array.dtype != object or name.endswith("_bytes"):
        return array
    flat = np.empty(array.size, object)
    flat[:] = [text.decode("utf-8", "replace") for text in array.ravel()]
    return flat.reshape(array.shape)
