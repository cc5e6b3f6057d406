"""The gRPC door: TensorFlow Serving's own services, by its own stubs."""

import math
import threading
import time
from collections.abc import Callable
from concurrent import futures

import grpc
import numpy as np
from grpc_health.v1 import health_pb2_grpc
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef
from tensorflow_serving.apis import get_model_metadata_pb2 as metadata_pb2
from tensorflow_serving.apis import get_model_status_pb2 as status_pb2
from tensorflow_serving.apis import model_management_pb2, model_service_pb2_grpc, prediction_service_pb2_grpc
from tensorflow_serving.apis.model_pb2 import ModelSpec as SpecProto
from tensorflow_serving.apis.predict_pb2 import PredictRequest, PredictResponse

from seq2seq_keras.errors import InputError
from seq2seq_keras.serve import config, predict, proto_tensors
from seq2seq_keras.serve.manager import ModelSpec
from seq2seq_keras.serve.ports import bound
from seq2seq_keras.serve.predict import Predictor
from seq2seq_keras.serve.rpc_guard import Guard, noted
from seq2seq_keras.serve.rpc_health import Health
from seq2seq_keras.serve.status import Code, ServingError

_FOREVER = 10 * 365 * 24 * 3600
"""Seconds. gRPC gives a client without a deadline one some centuries away."""
_SECONDS = 0.2
"""Between two looks at readiness."""


def start(
    predictor: Predictor,
    address: str,
    *,
    token: str | None = None,
    workers: int = 8,
    health: bool = True,
    ready: Callable[[], bool] = lambda: True,
    reload: bool = True,
) -> grpc.Server:
    """Opens the door.

    Args:
        predictor: answers.
        address: as `127.0.0.1:8500`.
        token: every request but health checks must bring it, as metadata `authorization: Bearer TOKEN`.
        workers: requests at work at once; more wait, and beyond the predictor's limit gRPC refuses them.
        health: whether to answer gRPC's health checks.
        ready: whether the server wants requests; what health checks are told.
        reload: whether clients may have other models served.

    Returns:
        The server, listening.

    Raises:
        InputError: the address cannot be listened at.
    """
    # gRPC would write of a taken port to standard error, whoever reads that.
    host, _, port = address.rpartition(":")
    bound(host.strip("[]"), int(port)).close()
    limits = predictor.limits
    options = [
        ("grpc.so_reuseport", 0),  # two servers at one port would each get half the requests
        ("grpc.max_receive_message_length", limits.body_bytes),
        ("grpc.max_send_message_length", -1),
    ]
    pool = futures.ThreadPoolExecutor(workers, thread_name_prefix="rpc")
    server = grpc.server(
        pool,
        interceptors=[Guard(predictor.metrics, token)],
        options=options,
        maximum_concurrent_rpcs=limits.concurrent,
    )
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(_Prediction(predictor), server)
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(_Models(predictor, reload), server)
    told = Health() if health else None
    if told:
        health_pb2_grpc.add_HealthServicer_to_server(told, server)
    try:
        server.add_insecure_port(address)
    except RuntimeError:
        server.stop(None)
        raise InputError(
            "cannot listen",
            where=address,
            remedy="end the program that listens there, or choose another --port",
        ) from None
    if told:
        told.tell(ready())
    server.start()
    threading.Thread(target=_accompany, args=(server, pool, told, ready), name="rpc health", daemon=True).start()
    return server


def _accompany(
    server: grpc.Server, pool: futures.ThreadPoolExecutor, told: Health | None, ready: Callable[[], bool]
) -> None:
    """Keeps health as readiness is; ends the threads of a server that has stopped, which gRPC leaves to others."""
    while server.wait_for_termination(_SECONDS):
        if told:
            told.tell(ready())
    pool.shutdown(wait=False)
    if told:
        told.pool.shutdown(wait=False)


class _Prediction(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Predictions and what a model is."""

    def __init__(self, predictor: Predictor):
        self._predictor = predictor

    def Predict(self, request: PredictRequest, context) -> PredictResponse:
        deadline = time.monotonic() + _seconds_left(context, self._predictor.limits.timeout_seconds)
        spec = _spec(request)
        name = request.model_spec.signature_name or predict.DEFAULT_SIGNATURE
        with self._predictor.manager.lease(spec) as servable:
            noted().version = servable.version
            signature = predict.defined(servable, name)
            predict.check_names(request.inputs.keys(), signature)
            predict.check_outputs(request.output_filter, signature)
            inputs = self._arrays(request, signature)
            noted().rows = predict.rows(inputs)
            if not context.is_active():
                raise ServingError(Code.CANCELLED, "the client left")
            answer = self._predictor.predict(servable, name, inputs, list(request.output_filter), deadline)
        response = PredictResponse()
        _fill(response.model_spec, answer.name, answer.version, answer.signature)
        for alias, array in answer.outputs.items():
            response.outputs[alias].CopyFrom(proto_tensors.of_array(array))
        return response

    def _arrays(self, request: PredictRequest, signature: SignatureDef) -> dict[str, np.ndarray]:
        most = self._predictor.limits.body_bytes
        return {
            alias: proto_tensors.to_array(alias, request.inputs[alias], signature.inputs[alias], place, most)
            for place, alias in enumerate(sorted(request.inputs))
        }

    def GetModelMetadata(self, request: metadata_pb2.GetModelMetadataRequest, context):
        spec = _spec(request)
        if not request.metadata_field:
            message = "GetModelMetadataRequest must specify at least one metadata_field"
            raise ServingError(Code.INVALID_ARGUMENT, message)
        for field in request.metadata_field:
            if field != "signature_def":
                raise ServingError(Code.INVALID_ARGUMENT, f"Metadata field {field} is not supported")
        response, signatures = metadata_pb2.GetModelMetadataResponse(), metadata_pb2.SignatureDefMap()
        with self._predictor.manager.lease(spec) as servable:
            noted().version = servable.version
            _fill(response.model_spec, servable.name, servable.version)
            for name, signature in servable.signatures.items():
                signatures.signature_def[name].CopyFrom(signature)
        response.metadata["signature_def"].Pack(signatures)
        return response

    def Classify(self, request, context):
        raise ServingError(Code.UNIMPLEMENTED, "Classify is not served: use Predict")

    def Regress(self, request, context):
        raise ServingError(Code.UNIMPLEMENTED, "Regress is not served: use Predict")

    def MultiInference(self, request, context):
        raise ServingError(Code.UNIMPLEMENTED, "MultiInference is not served: use Predict")


class _Models(model_service_pb2_grpc.ModelServiceServicer):
    """Which models are served."""

    def __init__(self, predictor: Predictor, reload: bool):
        self._predictor, self._reload = predictor, reload

    def GetModelStatus(self, request: status_pb2.GetModelStatusRequest, context):
        spec = _spec(request)
        response = status_pb2.GetModelStatusResponse()
        # As the original does, a label is not looked up here: every version is told of.
        for status in self._predictor.manager.status(spec.name, spec.version):
            told = response.model_version_status.add(version=status.version, state=int(status.state))
            told.status.error_code, told.status.error_message = int(status.code), status.message
        return response

    def HandleReloadConfigRequest(self, request: model_management_pb2.ReloadConfigRequest, context):
        if not self._reload:
            raise ServingError(Code.PERMISSION_DENIED, "This server takes no other configuration from clients")
        if request.config.WhichOneof("config") != "model_config_list":
            message = (
                "ServerModelConfig type not supported by HandleReloadConfigRequest."
                " Only ModelConfigList is currently supported"
            )
            raise ServingError(Code.INVALID_ARGUMENT, message)
        try:
            self._predictor.manager.reload(config.models_of(request.config))
        except InputError as error:
            raise ServingError(Code.INVALID_ARGUMENT, str(error)) from None
        response = model_management_pb2.ReloadConfigResponse()
        response.status.error_code = int(Code.OK)
        return response


def _spec(request) -> ModelSpec:
    """Which model a request is for."""
    if not request.HasField("model_spec"):
        raise ServingError(Code.INVALID_ARGUMENT, "Missing ModelSpec")
    spec = request.model_spec
    match spec.WhichOneof("version_choice"):
        case "version":
            return ModelSpec(spec.name, version=spec.version.value)
        case "version_label":
            return ModelSpec(spec.name, label=spec.version_label)
        case _:
            return ModelSpec(spec.name)


def _fill(spec: SpecProto, name: str, version: int, signature: str = "") -> None:
    spec.name, spec.signature_name = name, signature
    spec.version.value = version


def _seconds_left(context, otherwise: float) -> float:
    left = context.time_remaining()
    return otherwise if left is None or not math.isfinite(left) or left > _FOREVER else left
