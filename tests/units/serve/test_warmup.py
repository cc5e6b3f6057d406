"""Warm-up: requests that lie with a model are answered before it is."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from seq2seq_keras.errors import InputError
from seq2seq_keras.serve import servable, warmup
from seq2seq_keras.serve.status import Code, ServingError
from tests.units.serve import toys


def request(signature: str = "", **inputs) -> bytes:
    log = PredictionLog()
    asked = log.predict_log.request
    asked.model_spec.name = "m"
    asked.model_spec.signature_name = signature
    for name, value in inputs.items():
        asked.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    return log.SerializeToString()


def put(folder, records):
    path = folder / "assets.extra" / warmup.NAME
    path.parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in records:
            writer.write(record)
    return path


class Asked(list):
    """Takes the place of a servable."""

    def __call__(self, signature, inputs):
        self.append((signature, inputs))


def test_without_records_nothing_is_asked(tmp_path):
    assert warmup.replay(tmp_path, Asked()) == 0


def test_requests_are_replayed_in_order(tmp_path):
    put(
        tmp_path,
        [request(x=[1.0, 2.0]), request("text", text=np.array([b"a", b"\xff\0"], object)), request(x=np.float32(3))],
    )
    asked = Asked()
    assert warmup.replay(tmp_path, asked) == 3
    assert [signature for signature, _ in asked] == ["serving_default", "text", "serving_default"]
    assert asked[0][1]["x"].tolist() == [1.0, 2.0] and asked[0][1]["x"].dtype == np.float32
    assert asked[1][1]["text"].tolist() == [b"a", b"\xff\0"] and asked[1][1]["text"].dtype == object
    assert asked[2][1]["x"].shape == ()


def test_other_kinds_of_records_are_passed_over(tmp_path):
    logs = [PredictionLog() for _ in range(3)]
    logs[0].classify_log.request.model_spec.name = "m"
    logs[1].regress_log.request.model_spec.name = "m"
    logs[2].session_run_log.request.model_spec.name = "m"
    put(tmp_path, [*(log.SerializeToString() for log in logs), request(x=[1.0])])
    asked = Asked()
    assert warmup.replay(tmp_path, asked) == len(asked) == 1


def test_a_thousand_are_enough(tmp_path):
    put(tmp_path, [request(x=[1.0])] * 1_000)
    assert warmup.replay(tmp_path, Asked()) == 1_000
    asked = Asked()
    put(tmp_path, [request(x=[1.0])] * 1_001)
    with pytest.raises(InputError, match="tf_serving_warmup_requests: more than 1,000 records"):
        warmup.replay(tmp_path, asked)
    assert not asked


def huge() -> bytes:
    """One value that stands for more than any memory holds."""
    log = PredictionLog.FromString(request(x=[1.0]))
    log.predict_log.request.inputs["x"].tensor_shape.dim[0].size = 2**60
    return log.SerializeToString()


@pytest.mark.parametrize("record", [b"no record", huge(), request(x=[1.0]).replace(b"\x01", b"\x7f")], ids=[0, 1, 2])
def test_what_is_no_request_is_refused(tmp_path, record):
    put(tmp_path, [request(x=[1.0]), record])
    with pytest.raises(InputError, match="tf_serving_warmup_requests, record 2: it is no request"):
        warmup.replay(tmp_path, Asked())


def test_a_damaged_file_is_refused(tmp_path):
    path = put(tmp_path, [request(x=[1.0])] * 3)
    whole = path.read_bytes()
    for damaged in (whole[:-1], b"x" + whole[1:], whole[:40] + b"?" + whole[41:]):
        path.write_bytes(damaged)
        with pytest.raises(InputError, match="tf_serving_warmup_requests: it is damaged"):
            warmup.replay(tmp_path, Asked())
    path.unlink()
    path.mkdir()
    with pytest.raises(InputError, match="tf_serving_warmup_requests: it is damaged"):
        warmup.replay(tmp_path, Asked())


def test_a_request_that_fails_is_told(tmp_path):
    def fail(signature, inputs):
        raise ServingError(Code.INVALID_ARGUMENT, "a negative x")

    put(tmp_path, [request(x=[-1.0])])
    with pytest.raises(InputError, match=r"record 1: the request fails \(a negative x\)"):
        warmup.replay(tmp_path, fail)


def test_a_version_is_loaded_only_if_its_requests_are_answered(tmp_path):
    folder = toys.toy(tmp_path / "1")
    put(folder, [request(x=[1.0]), request("text", text=["a"])])
    servable.load("toy", 1, folder).close()
    put(folder, [request(x=[1.0]), request("nope", x=[1.0])])
    with pytest.raises(InputError, match='^1/assets.extra/.*record 2: the request fails .*"nope" not found'):
        servable.load("toy", 1, folder)
