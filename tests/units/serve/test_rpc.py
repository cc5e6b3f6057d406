"""The gRPC door over a real socket, asked with TensorFlow Serving's own stubs."""

import contextlib
import gc
import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import grpc
import numpy as np
import pytest
import tensorflow as tf
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tensorflow_serving.apis import get_model_metadata_pb2 as metadata_pb2
from tensorflow_serving.apis import get_model_status_pb2 as status_pb2
from tensorflow_serving.apis import inference_pb2, model_management_pb2
from tensorflow_serving.apis.classification_pb2 import ClassificationRequest
from tensorflow_serving.apis.model_service_pb2_grpc import ModelServiceStub
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub
from tensorflow_serving.apis.regression_pb2 import RegressionRequest

from seq2seq_keras.errors import InputError
from seq2seq_keras.serve import rpc, rpc_health, servable
from seq2seq_keras.serve.config import All, Limits, ModelConfig
from seq2seq_keras.serve.manager import ModelManager
from seq2seq_keras.serve.monitoring import Metrics
from seq2seq_keras.serve.predict import Answer, Predictor
from tests.units.serve import toys

LIMITS = Limits(body_bytes=2**20)
HEALTH = health_pb2.HealthCheckResponse


class Door(NamedTuple):
    """A server, and a client's side of it."""

    address: str
    server: grpc.Server
    predictor: Predictor
    channel: grpc.Channel

    @property
    def predictions(self) -> PredictionServiceStub:
        return PredictionServiceStub(self.channel)

    @property
    def models(self) -> ModelServiceStub:
        return ModelServiceStub(self.channel)

    @property
    def health(self) -> health_pb2_grpc.HealthStub:
        return health_pb2_grpc.HealthStub(self.channel)


def free_address() -> str:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{one.getsockname()[1]}"


@contextlib.contextmanager
def opened(predictor: Predictor, **options) -> Iterator[Door]:
    address = free_address()
    server = rpc.start(predictor, address, **options)
    try:
        with grpc.insecure_channel(address, [("grpc.max_send_message_length", -1)]) as channel:
            yield Door(address, server, predictor, channel)
    finally:
        server.stop(None).wait()


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Of model M: version 1 halves and adds 3, version 2 is the toy of many signatures."""
    folder = tmp_path_factory.mktemp("models") / "M"
    toys.half_plus(folder / "1", 3.0)
    toys.toy(folder / "2")
    return folder


@pytest.fixture(scope="module")
def predictor(folder) -> Iterator[Predictor]:
    manager = ModelManager([ModelConfig("M", folder, All(), {"old": 1})], servable.load, poll_seconds=0)
    manager.start()
    yield Predictor(manager, Metrics(manager.names), LIMITS, None)
    manager.stop()
    gc.collect()


@pytest.fixture(scope="module")
def door(predictor) -> Iterator[Door]:
    with opened(predictor) as door:
        yield door


def request(signature: str = "", model: str = "M", outputs=(), **inputs) -> PredictRequest:
    made = PredictRequest(output_filter=outputs)
    made.model_spec.name, made.model_spec.signature_name = model, signature
    for name, value in inputs.items():
        made.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    return made


def floats(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


def refused(ask: Callable, *given, **options) -> tuple[grpc.StatusCode, str]:
    """How a call ends that must not end well."""
    with pytest.raises(grpc.RpcError) as raised:
        ask(*given, timeout=options.pop("timeout", 20), **options)
    return raised.value.code(), raised.value.details()


# What is answered


def test_outputs_and_the_model_that_answered(door):
    found = door.predictions.Predict(request(x=floats(1, 2, 5)), timeout=20)
    assert list(found.outputs) == ["y"]
    assert tf.make_ndarray(found.outputs["y"]).tolist() == [2.5, 3.0, 4.5]
    assert list(found.outputs["y"].float_val) == [2.5, 3.0, 4.5]
    spec = found.model_spec
    assert (spec.name, spec.version.value, spec.signature_name) == ("M", 2, "serving_default")


def test_a_version_by_number_and_by_label(door):
    by_number, by_label = request(x=floats(1)), request(x=floats(1))
    by_number.model_spec.version.value = 1
    by_label.model_spec.version_label = "old"
    for asked in (by_number, by_label):
        found = door.predictions.Predict(asked, timeout=20)
        assert tf.make_ndarray(found.outputs["y"]).tolist() == [3.5]
        assert found.model_spec.version.value == 1


def test_only_the_outputs_asked_for(door):
    asked = request("pair", outputs=["total"], a=np.ones((1, 2), np.float32), b=floats(3))
    found = door.predictions.Predict(asked, timeout=20)
    assert list(found.outputs) == ["total"]
    assert tf.make_ndarray(found.outputs["total"]).tolist() == [5.0]
    assert set(door.predictions.Predict(request("uneven", x=floats(1)), timeout=20).outputs) == {"x", "twice"}


def test_strings_that_are_no_text_pass_unchanged(door):
    found = door.predictions.Predict(request("raw", text=np.array([b"\xff\0 \0"], object)), timeout=20)
    assert list(found.outputs["text_bytes"].string_val) == [b"\xff\0 \0"]


# What is refused


def test_an_output_that_is_none(door):
    code, said = refused(door.predictions.Predict, request(outputs=["zz"], x=floats(1)))
    assert code == grpc.StatusCode.INVALID_ARGUMENT
    assert said == "output tensor alias not found in signature: zz Outputs expected to be in the set {y}."


def test_an_output_asked_for_twice(door):
    code, said = refused(door.predictions.Predict, request(outputs=["y", "y"], x=floats(1)))
    assert (code, said) == (grpc.StatusCode.INVALID_ARGUMENT, "duplicate output tensor alias: y")


def test_an_input_that_is_missing(door):
    code, said = refused(door.predictions.Predict, request("pair", a=np.ones((1, 2), np.float32)))
    assert code == grpc.StatusCode.INVALID_ARGUMENT
    assert said == (
        "input size does not match signature: 1!=2 len({a}) != len({a,b}). Sent extra: {}. Missing but required: {b}."
    )


def test_an_input_too_many(door):
    code, said = refused(door.predictions.Predict, request(x=floats(1), foo=floats(1)))
    assert code == grpc.StatusCode.INVALID_ARGUMENT
    assert "input size does not match signature: 2!=1" in said and "Sent extra: {foo}." in said


def test_an_input_of_another_name(door):
    code, said = refused(door.predictions.Predict, request(foo=floats(1)))
    assert code == grpc.StatusCode.INVALID_ARGUMENT
    assert said == "input tensor alias not found in signature: foo. Inputs expected to be in the set {x}."


def test_a_signature_that_is_none(door):
    code, said = refused(door.predictions.Predict, request("zz", x=floats(1)))
    assert (code, said) == (grpc.StatusCode.FAILED_PRECONDITION, 'Serving signature key "zz" not found.')


def test_models_versions_and_labels_that_are_none(door):
    code, said = refused(door.predictions.Predict, request(model="nope", x=floats(1)))
    assert (code, said) == (grpc.StatusCode.NOT_FOUND, "Servable not found for request: Latest(nope)")
    asked = request(x=floats(1))
    asked.model_spec.version.value = 99
    code, said = refused(door.predictions.Predict, asked)
    assert (code, said) == (grpc.StatusCode.NOT_FOUND, "Servable not found for request: Specific(M, 99)")
    asked.model_spec.version_label = "nah"
    code, said = refused(door.predictions.Predict, asked)
    assert (code, said) == (grpc.StatusCode.INVALID_ARGUMENT, "Unrecognized servable version label: nah")


def test_no_model_named(door):
    asked = [
        (door.predictions.Predict, PredictRequest()),
        (door.predictions.GetModelMetadata, metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])),
        (door.models.GetModelStatus, status_pb2.GetModelStatusRequest()),
    ]
    for ask, given in asked:
        assert refused(ask, given) == (grpc.StatusCode.INVALID_ARGUMENT, "Missing ModelSpec")


def test_another_type_or_rank(door):
    code, said = refused(door.predictions.Predict, request(x=np.array([b"a"], object)))
    assert code == grpc.StatusCode.INVALID_ARGUMENT
    assert said == "Expects arg[0] to be float but string is provided"
    code, said = refused(door.predictions.Predict, request(x=np.ones((1, 1), np.float32)))
    assert code == grpc.StatusCode.INVALID_ARGUMENT
    assert said == "input x must have shape [-1] but has shape [1,1]"


def test_a_huge_tensor_that_is_only_declared(door):
    asked = request(x=floats(1))
    asked.inputs["x"].tensor_shape.dim[0].size = 10**12
    asked.inputs["x"].ClearField("tensor_content")
    code, said = refused(door.predictions.Predict, asked)
    assert code == grpc.StatusCode.INVALID_ARGUMENT
    assert said == f"input x takes {4 * 10**12} bytes of memory, more than the {2**20} allowed"


def test_an_assertion_of_the_model_is_the_clients_error(door):
    code, said = refused(door.predictions.Predict, request("picky", x=floats(-1)))
    assert code == grpc.StatusCode.INVALID_ARGUMENT and said and "{{" not in said


def test_what_is_not_served(door):
    for ask, given in (
        (door.predictions.Classify, ClassificationRequest()),
        (door.predictions.Regress, RegressionRequest()),
        (door.predictions.MultiInference, inference_pb2.MultiInferenceRequest()),
    ):
        code, said = refused(ask, given)
        assert code == grpc.StatusCode.UNIMPLEMENTED and said.endswith("is not served: use Predict")


def test_a_message_that_is_none(door):
    ask = door.channel.unary_unary("/tensorflow.serving.PredictionService/Predict")
    code, said = refused(ask, b"\xff\xff\xff")
    assert (code, said) == (grpc.StatusCode.INVALID_ARGUMENT, "the request of Predict cannot be read")


def test_a_message_larger_than_the_limit(door):
    code, _ = refused(door.predictions.Predict, request(x=np.zeros(LIMITS.body_bytes // 4, np.float32)))
    assert code == grpc.StatusCode.RESOURCE_EXHAUSTED


def test_a_message_that_is_larger_once_unpacked(door):
    asked = request(x=np.zeros(2**24, np.float32))
    ask = door.predictions.Predict
    code, _ = refused(ask, asked, compression=grpc.Compression.Gzip)
    assert code == grpc.StatusCode.RESOURCE_EXHAUSTED


def test_a_long_name_in_a_message_is_cut(door):
    code, said = refused(door.predictions.Predict, request(model="x" * 100_000, x=floats(1)))
    assert code == grpc.StatusCode.NOT_FOUND and len(said) == 500


def test_a_fault_of_the_server_is_told_without_a_word_of_it(predictor, caplog):
    class Broken:
        manager, metrics, limits = predictor.manager, predictor.metrics, predictor.limits

        def predict(self, *_):
            raise ZeroDivisionError("/a/secret/path")

    with opened(Broken()) as door:
        code, said = refused(door.predictions.Predict, request(x=floats(1)))
    assert (code, said) == (grpc.StatusCode.INTERNAL, "internal error")
    assert "/a/secret/path" in caplog.text


# Deadlines


def test_a_clients_deadline_ends_the_computation(door):
    begun = time.monotonic()
    code, _ = refused(door.predictions.Predict, request("slow", x=floats(30)), timeout=0.3)
    assert code == grpc.StatusCode.DEADLINE_EXCEEDED
    assert time.monotonic() - begun < 2
    seen = b':tensorflow:serving:request_count{model_name="M",status="DEADLINE_EXCEEDED"} 1\n'
    while seen not in door.predictor.metrics.render():
        assert time.monotonic() - begun < 3, "the computation goes on"
        time.sleep(0.01)


def test_without_a_deadline_there_is_the_servers(predictor):
    short = Predictor(predictor.manager, Metrics(), replace(LIMITS, timeout_seconds=0.2), None)
    with opened(short) as door:
        code, _ = refused(door.predictions.Predict, request("slow", x=floats(30)), timeout=None)
    assert code == grpc.StatusCode.DEADLINE_EXCEEDED


def test_a_request_whose_client_left_is_not_computed(predictor):
    began, gate, computed = threading.Event(), threading.Event(), []

    class Held:
        manager, metrics, limits = predictor.manager, predictor.metrics, predictor.limits

        def predict(self, servable, signature, inputs, outputs, deadline):
            computed.append(inputs["x"].tolist())
            began.set()
            assert gate.wait(20)
            return Answer("M", 2, signature, {})

    with opened(Held(), workers=1) as door:
        first = door.predictions.Predict.future(request(x=floats(1)), timeout=20)
        assert began.wait(20)
        second = door.predictions.Predict.future(request(x=floats(2)), timeout=20)
        door.health.Check(health_pb2.HealthCheckRequest(), timeout=20)  # the second has arrived when this is answered
        second.cancel()
        door.health.Check(health_pb2.HealthCheckRequest(), timeout=20)
        gate.set()
        first.result()
        door.predictions.Predict(request(x=floats(3)), timeout=20)
    assert computed == [[1.0], [3.0]]


# What a model is


def test_the_status_of_every_version_or_of_one(door):
    asked = status_pb2.GetModelStatusRequest()
    asked.model_spec.name = "M"
    found = door.models.GetModelStatus(asked, timeout=20).model_version_status
    assert {(one.version, one.state, one.status.error_code) for one in found} == {(1, 30, 0), (2, 30, 0)}
    asked.model_spec.version.value = 1
    (one,) = door.models.GetModelStatus(asked, timeout=20).model_version_status
    assert one.version == 1
    asked.model_spec.version.value = 77
    said = (grpc.StatusCode.NOT_FOUND, "Could not find version 77 of model M")
    assert refused(door.models.GetModelStatus, asked) == said
    asked.model_spec.name = "nope"
    asked.model_spec.ClearField("version")
    said = (grpc.StatusCode.NOT_FOUND, "Could not find any versions of model nope")
    assert refused(door.models.GetModelStatus, asked) == said


def test_the_signatures_of_a_model(door):
    asked = metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    asked.model_spec.name = "M"
    found = door.predictions.GetModelMetadata(asked, timeout=20)
    assert (found.model_spec.name, found.model_spec.version.value) == ("M", 2)
    signatures = metadata_pb2.SignatureDefMap()
    assert found.metadata["signature_def"].Unpack(signatures)
    assert {"serving_default", "text", "pair"} <= set(signatures.signature_def)
    assert "__saved_model_init_op" not in signatures.signature_def
    default = signatures.signature_def["serving_default"]
    assert default.inputs["x"].dtype == tf.float32.as_datatype_enum
    assert default.method_name == "tensorflow/serving/predict"


def test_metadata_without_a_field_or_with_another(door):
    asked = metadata_pb2.GetModelMetadataRequest()
    asked.model_spec.name = "M"
    said = "GetModelMetadataRequest must specify at least one metadata_field"
    assert refused(door.predictions.GetModelMetadata, asked) == (grpc.StatusCode.INVALID_ARGUMENT, said)
    asked.metadata_field.append("zz")
    said = "Metadata field zz is not supported"
    assert refused(door.predictions.GetModelMetadata, asked) == (grpc.StatusCode.INVALID_ARGUMENT, said)


def test_another_configuration_is_taken(folder, tmp_path):
    toys.half_plus(tmp_path / "other" / "1", 5.0)
    manager = ModelManager([ModelConfig("M", folder)], servable.load, poll_seconds=0)
    manager.start()
    try:
        with opened(Predictor(manager, Metrics(manager.names), LIMITS, None)) as door:
            asked = model_management_pb2.ReloadConfigRequest()
            code, said = refused(door.models.HandleReloadConfigRequest, asked)
            assert code == grpc.StatusCode.INVALID_ARGUMENT and "Only ModelConfigList" in said
            asked.config.model_config_list.config.add(name="N", base_path=str(tmp_path / "nowhere"))
            refused(door.models.HandleReloadConfigRequest, asked)
            assert manager.names() == ["M"]
            asked.config.model_config_list.config[0].base_path = str(tmp_path / "other")
            assert door.models.HandleReloadConfigRequest(asked, timeout=20).status.error_code == 0
            found = door.predictions.Predict(request(model="N", x=floats(1)), timeout=20)
            assert list(found.outputs["y"].float_val) == [5.5]
            asked.config.model_config_list.config[0].base_path = ""
            code, said = refused(door.models.HandleReloadConfigRequest, asked)
            assert code == grpc.StatusCode.INVALID_ARGUMENT and "no base_path" in said
    finally:
        manager.stop()


# Health, token, port


def test_health_is_as_ready_as_the_server(predictor):
    ready = threading.Event()
    with opened(predictor, ready=ready.is_set) as door:
        watched = door.health.Watch(health_pb2.HealthCheckRequest(), timeout=20)
        assert next(watched).status == HEALTH.NOT_SERVING
        ready.set()
        assert next(watched).status == HEALTH.SERVING
        for service in ("", "tensorflow.serving.PredictionService", "tensorflow.serving.ModelService"):
            asked = health_pb2.HealthCheckRequest(service=service)
            assert door.health.Check(asked, timeout=20).status == HEALTH.SERVING
        ready.clear()
        assert next(watched).status == HEALTH.NOT_SERVING
        assert door.health.Check(health_pb2.HealthCheckRequest(), timeout=20).status == HEALTH.NOT_SERVING
        watched.cancel()
        assert refused(door.health.Check, health_pb2.HealthCheckRequest(service="zz"))[0] == grpc.StatusCode.NOT_FOUND


def test_the_server_is_never_told_to_be_readier_than_its_services(monkeypatch):
    told, one = [], rpc_health.Health()
    monkeypatch.setattr(one, "set", lambda service, status: told.append((service, status)))
    one.tell(True)
    one.tell(True)
    assert len(told) == 3 and told[-1] == ("", HEALTH.SERVING), "once each, the server last"
    one.tell(False)
    assert len(told) == 6 and told[3] == ("", HEALTH.NOT_SERVING), "the server first"


def test_health_is_told_while_all_compute(predictor):
    with opened(predictor, workers=1) as door:
        slow = door.predictions.Predict.future(request("slow", x=floats(3)), timeout=20)
        waits = door.predictions.Predict.future(request(x=floats(1)), timeout=20)
        assert door.health.Check(health_pb2.HealthCheckRequest(), timeout=5).status == HEALTH.SERVING
        assert not slow.done() and not waits.done()
        slow.cancel()
        waits.cancel()


def test_without_health(predictor):
    with opened(predictor, health=False) as door:
        code, _ = refused(door.health.Check, health_pb2.HealthCheckRequest())
        assert code == grpc.StatusCode.UNIMPLEMENTED


def test_a_token_is_asked_for_by_all_but_health_checks(predictor):
    with opened(predictor, token="a-very-long-secret") as door:
        right, wrong = (("authorization", f"Bearer {token}") for token in ("a-very-long-secret", "a-very-long-secreT"))
        status = status_pb2.GetModelStatusRequest()
        status.model_spec.name = "M"
        for ask, given in ((door.predictions.Predict, request(x=floats(1))), (door.models.GetModelStatus, status)):
            for metadata in ([], [wrong], [("authorization", "a-very-long-secret")]):
                code, said = refused(ask, given, metadata=metadata)
                assert code == grpc.StatusCode.UNAUTHENTICATED and "secret" not in said
            ask(given, timeout=20, metadata=[right])
        assert door.health.Check(health_pb2.HealthCheckRequest(), timeout=20).status == HEALTH.SERVING
        # Who watches holds a place for as long as it likes.
        with pytest.raises(grpc.RpcError) as raised:
            next(door.health.Watch(health_pb2.HealthCheckRequest(), timeout=20))
        assert raised.value.code() == grpc.StatusCode.UNAUTHENTICATED
        watched = door.health.Watch(health_pb2.HealthCheckRequest(), timeout=20, metadata=[right])
        assert next(watched).status == HEALTH.SERVING
        watched.cancel()


def test_a_port_that_is_taken(door, predictor):
    with pytest.raises(InputError, match="cannot listen") as raised:
        rpc.start(predictor, door.address)
    assert str(raised.value).startswith(door.address)


# What is told of it


def test_requests_are_counted_and_logged_without_texts(predictor, caplog):
    metrics = Metrics(predictor.manager.names)
    caplog.set_level(logging.INFO, "seq2seq_keras.serve.access")
    with opened(Predictor(predictor.manager, metrics, LIMITS, None)) as door:
        asked = request("text", text=np.array([b"confidential", b"words"], object))
        sent = asked.ByteSize()
        door.predictions.Predict(asked, timeout=20)
        refused(door.predictions.Predict, request(model="nope", x=floats(1)))
    first, second = (json.loads(record.getMessage()) for record in caplog.records if "access" in record.name)
    assert (first["model"], first["version"], first["verb"], first["kind"]) == ("M", 2, "GRPC", "Predict")
    assert (first["code"], first["rows"], first["bytes_in"]) == ("OK", 2, sent) and first["bytes_out"] > 0
    assert (second["version"], second["code"]) == (None, "NOT_FOUND")
    assert "confidential" not in caplog.text.lower() and "words" not in caplog.text.lower()
    told = metrics.render().decode()
    assert ':tensorflow:serving:request_count{model_name="M",status="OK"} 1\n' in told
    assert ':tensorflow:serving:request_count{model_name="unknown",status="NOT_FOUND"} 1\n' in told
    assert 'request_latency_count{model_name="M",API="Predict",entrypoint="GRPC"} 1\n' in told


def test_nothing_is_left_when_a_server_has_stopped(predictor):
    before = set(threading.enumerate())
    with opened(predictor) as door:
        door.predictions.Predict(request(x=floats(1)), timeout=20)
        door.health.Check(health_pb2.HealthCheckRequest(), timeout=20)
    end = time.monotonic() + 10
    while left := {thread.name for thread in set(threading.enumerate()) - before}:
        assert time.monotonic() < end, left
        time.sleep(0.01)
