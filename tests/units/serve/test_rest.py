"""The REST API over a real socket: every row of TensorFlow Serving's contract, and what is ours beside it."""

import contextlib
import json
import logging
import math
import re
import socket
import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
import tensorflow as tf

from seq2seq_keras.serve import rest, servable, stream
from seq2seq_keras.serve.batching import Batcher
from seq2seq_keras.serve.config import All, BatchingParameters, Limits, ModelConfig
from seq2seq_keras.serve.manager import ModelManager
from seq2seq_keras.serve.monitoring import Metrics
from seq2seq_keras.serve.predict import Predictor
from seq2seq_keras.serve.status import Code, ServingError
from tests.units.serve import toys
from tests.units.serve.doors import opened
from tests.units.serve.doubles import until

ODD = "modelname!#$ \N{GREEK SMALL LETTER PI}"
HALF, TOY = "/v1/models/half", "/v1/models/toy"


def of_any_shape(folder: Path) -> None:
    """y = x / 2 + 2 for a tensor x of any rank."""
    module = tf.Module()
    half = tf.function(lambda x: {"y": x / 2 + 2}, input_signature=[tf.TensorSpec(None, tf.float32, "x")])
    tf.saved_model.save(module, str(folder), signatures={"serving_default": half})


@pytest.fixture(scope="module")
def manager(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    toys.half_plus(folder / "half" / "1")
    toys.half_plus(folder / "many" / "1", 1.0)
    toys.half_plus(folder / "many" / "2", 2.0)
    toys.toy(folder / "toy" / "1")
    toys.half_plus(folder / "odd" / "1")
    of_any_shape(folder / "any" / "1")
    names = {"half": {"stable": 1}, "many": {"stable": 1, "canary": 2}, "toy": {}, "any": {}}
    models = [ModelConfig(name, folder / name, All(), labels) for name, labels in names.items()]
    models.append(ModelConfig(ODD, folder / "odd"))
    manager = ModelManager(models, servable.load, poll_seconds=0)
    manager.start()
    yield manager
    manager.stop()


@pytest.fixture(scope="module")
def predictor(manager):
    metrics = Metrics(manager.names)
    batcher = Batcher(BatchingParameters(batch_timeout_micros=2000), metrics)
    yield Predictor(manager, metrics, Limits(), batcher)
    batcher.stop()


@pytest.fixture(scope="module")
def port(predictor):
    with opened(rest.app(predictor)) as port:
        yield port


@pytest.fixture(scope="module")
def client(port):
    with client_of(port) as client:
        yield client


def client_of(port: int, **given) -> httpx.Client:
    return httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20, trust_env=False, **given)


def alone(manager: ModelManager, **limits) -> Predictor:
    """A predictor with limits of its own, and without batching."""
    return Predictor(manager, Metrics(manager.names), Limits(**limits), None)


def check_error(response: httpx.Response, status: int, message: str | None = None) -> None:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    document = response.json()
    assert list(document) == ["error"] and isinstance(document["error"], str)
    if message is not None:
        assert message in document["error"]


def raw(port: int, request: bytes) -> bytes:
    """The whole answer to bytes that no client library would send."""
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        connection.sendall(request)
        with connection.makefile("rb") as file:
            return file.read()


def available(version: str) -> dict:
    return {"version": version, "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}


STATUS = {
    "/v1/models/half": ["1"],  # S1
    "/V1/MODELS/half": ["1"],
    "/v1/models/many": ["2", "1"],
    "/v1/models/many/versions/1": ["1"],  # S2
    "/v1/models/many/versions/00000001": ["1"],
    "/v1/models/many/labels/stable": ["1"],  # S3
    "/v1/models/many/labels/canary": ["2"],
    f"/v1/models/{ODD}": ["1"],
    "/v1/models/modelname%21%23%24%20%CF%80": ["1"],
}


@pytest.mark.parametrize("path", STATUS)
def test_status(client, path):
    response = client.get(path.replace("#", "%23"))
    assert response.status_code == 200 and response.headers["content-type"] == "application/json"
    assert response.json() == {"model_version_status": [available(version) for version in STATUS[path]]}


@pytest.mark.parametrize("path", ["/v1/models/many", "/v1/models/many/versions/2", "/v1/models/many/labels/canary"])
def test_metadata(client, path):  # M1 to M3
    response = client.get(f"{path}/metadata")
    assert response.status_code == 200

    def tensor(name: str) -> dict:
        shape = {"dim": [{"size": "-1", "name": ""}], "unknown_rank": False}
        return {"dtype": "DT_FLOAT", "tensor_shape": shape, "name": name}

    document = response.json()
    signature = document["metadata"]["signature_def"]["signature_def"]["serving_default"]
    given, said = signature["inputs"]["x"].pop("name"), signature["outputs"]["y"].pop("name")
    assert given.endswith(":0") and said.endswith(":0")
    expected = {
        "inputs": {"x": tensor(given)},
        "outputs": {"y": tensor(said)},
        "method_name": "tensorflow/serving/predict",
        "defaults": {},
    }
    expected["inputs"]["x"].pop("name"), expected["outputs"]["y"].pop("name")
    assert signature == expected
    assert document["model_spec"] == {"name": "many", "signature_name": "", "version": "2"}
    assert list(document["metadata"]["signature_def"]["signature_def"]) == ["serving_default"]


@pytest.mark.parametrize(
    "path, body, expected",
    [
        (HALF, {"instances": [1.0, 2.0, 5.0]}, {"predictions": [2.5, 3.0, 4.5]}),  # P1
        (HALF, {"inputs": [1.0, 2.0, 5.0]}, {"outputs": [2.5, 3.0, 4.5]}),  # P2
        ("/v1/models/any", {"inputs": 1.0}, {"outputs": 2.5}),  # P3
        ("/v1/models/any", {"inputs": {"x": [[1.0], [2.0]]}}, {"outputs": [[2.5], [3.0]]}),  # P4
        (
            "/v1/models/any",
            {"instances": [{"x": [1, 2]}, {"x": [3, 4]}]},  # P5
            {"predictions": [[2.5, 3.0], [3.5, 4.0]]},
        ),
        (f"{HALF}/versions/1", {"instances": [1.0]}, {"predictions": [2.5]}),  # P6
        (f"{HALF}/labels/stable", {"instances": [1.0]}, {"predictions": [2.5]}),  # P7
        (HALF, {"signature_name": "serving_default", "instances": [1.0]}, {"predictions": [2.5]}),  # P8
        (HALF, {"signature_name": "", "instances": [1.0]}, {"predictions": [2.5]}),
        ("/v1/models/many", {"instances": [1.0]}, {"predictions": [2.5]}),
        ("/v1/models/many/versions/1", {"instances": [1.0]}, {"predictions": [1.5]}),
        ("/v1/models/many/labels/stable", {"instances": [1.0]}, {"predictions": [1.5]}),
        (f"/v1/models/{ODD.replace('#', '%23')}", {"instances": [1.0]}, {"predictions": [2.5]}),
        (
            TOY,
            {"signature_name": "text", "instances": ["the cat sat", "\N{LATIN SMALL LETTER E WITH ACUTE}"]},  # P9
            {"predictions": ["THE CAT SAT", "\N{LATIN CAPITAL LETTER E WITH ACUTE}"]},
        ),
        (
            TOY,
            {"signature_name": "text", "instances": [{"b64": "w6kgw6A="}]},  # P10
            {"predictions": ["\N{LATIN CAPITAL LETTER E WITH ACUTE} \N{LATIN CAPITAL LETTER A WITH GRAVE}"]},
        ),
        (
            TOY,
            {"signature_name": "pair", "instances": [{"a": [1, 2], "b": 3}, {"a": [4, 5], "b": 6}]},  # P11
            {"predictions": [{"product": [3.0, 6.0], "total": 6.0}, {"product": [24.0, 30.0], "total": 15.0}]},
        ),
        (
            TOY,
            {"signature_name": "pair", "inputs": {"a": [[1, 2], [4, 5]], "b": [3, 6]}},  # P12
            {"outputs": {"product": [[3.0, 6.0], [24.0, 30.0]], "total": [6.0, 15.0]}},
        ),
        (
            TOY,
            {"signature_name": "raw", "instances": [{"b64": "/wA="}, "a"]},
            {"predictions": [{"b64": "/wA="}, {"b64": "YQ=="}]},
        ),
        (TOY, {"signature_name": "raw", "inputs": ["a"]}, {"outputs": [{"b64": "YQ=="}]}),
        (TOY, {"signature_name": "whole", "inputs": [1, 2]}, {"outputs": 3.0}),  # P13
        (TOY, {"signature_name": "uneven", "inputs": [1]}, {"outputs": {"twice": [1.0, 1.0], "x": [1.0]}}),
        (TOY, {"signature_name": "ints", "instances": [1, -5]}, {"predictions": [2, -4]}),
        (TOY, {"signature_name": "flag", "instances": [True, False]}, {"predictions": [False, True]}),
        (TOY, {"signature_name": "padded", "instances": [[5, 0], [5, 5]]}, {"predictions": [1, 2]}),
        (HALF, {"instances": [1.0], "unknown": {"deep": [1]}}, {"predictions": [2.5]}),  # P18
        (HALF, {"instances": [0.2, 1435774380]}, {"predictions": [2.1, 717887168.0]}),  # P20
        (HALF, {"instances": [1e308, -1e308]}, {"predictions": [math.inf, -math.inf]}),
    ],
)
def test_predictions(client, path, body, expected):
    response = client.post(f"{path}:predict", json=body)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    assert response.json() == expected


def test_tokens_that_json_has_not(client):  # P15
    response = client.post(f"{HALF}:predict", content=b'{"instances":[NaN,Infinity,-Infinity]}')
    assert response.text == '{"predictions":[NaN,Infinity,-Infinity]}'


def test_bytes_after_the_document(client):  # P17
    response = client.post(f"{HALF}:predict", content=b'{"instances":[1.0]}} and more \xff')
    assert response.json() == {"predictions": [2.5]}


def test_digits(client):  # P20
    response = client.post("/v1/models/any:predict", content=b'{"inputs":[0.2,1,-8,1e30]}')
    assert response.text == '{"outputs":[2.1,2.5,-2.0,5e+29]}'


@pytest.mark.parametrize(
    "path, body, message",
    [
        (HALF, b"", "JSON Parse error: The document is empty"),  # E1
        (HALF, b"hello", "JSON Parse error: Invalid value. at offset: 0"),  # E2
        (HALF, b"[1]", "Is not object"),  # E3
        (HALF, b'{"inputs":"x"}', 'JSON Value: "x" Type: String is not of expected type: float'),  # E4
        (HALF, b'{"instances":["x"]}', 'JSON Value: "x" Type: String is not of expected type: float'),
        (HALF, b'{"instances":[1],"inputs":[1]}', "expecting only one of 'inputs' or 'instances'"),  # E5
        (HALF, b"{}", "Missing 'inputs' or 'instances' key"),  # E6
        (HALF, b'{"instances":1}', "Expecting 'instances' to be an list/array"),  # E7
        (HALF, b'{"instances":[]}', "No values in 'instances' array"),  # E8
        (HALF, b'{"signature_name":5,"inputs":1}', "'signature_name' key must be a string value."),  # E9
        (HALF, b'{"signature_name":"zz","inputs":1}', 'Serving signature name: "zz" not found in signature def'),  # E10
        (HALF, b'{"instances":[[1,2],[3]]}', "Expecting tensor size: 2 but got: 1"),  # E11
        (HALF, b'{"instances":[[1],1]}', "Expecting shape [1] but got: []"),  # E12
        (HALF, b'{"instances":[{"x":1},[1]]}', "Expecting object but got list at item 1 of input list"),  # E13
        (HALF, b'{"instances":[1,{"x":1}]}', "Expecting value/list but got object at item 1 of input list"),  # E14
        (TOY, b'{"signature_name":"pair","instances":[{"a":[1,2]}]}', "keys must be equal to: a,b"),  # E15
        (TOY, b'{"signature_name":"pair","instances":[{"a":[1,2],"c":1}]}', "keys must be equal to: a,b"),
        (TOY, b'{"signature_name":"pair","instances":[1]}', "instances is a plain list, but expecting list of"),  # E16
        (
            TOY,
            b'{"signature_name":"pair","inputs":[1]}',
            "inputs is a plain value/list, but expecting an object",
        ),  # E17
        (TOY, b'{"signature_name":"pair","inputs":{"a":[[1,2]]}}', "Missing named input: b in 'inputs' object."),  # E18
        (TOY, b'{"signature_name":"text","instances":[{"b64":"?"}]}', "Unable to base64 decode"),  # E19
        ("/v1/models/half/labels/nah", b'{"instances":[1]}', "Unrecognized servable version label: nah"),  # E22
        (TOY, b'{"signature_name":"ints","inputs":1.5}', "JSON Value: 1.5 Type: Number is not of expected"),  # E26
        (HALF, b'{"inputs":true}', "JSON Value: true Type: True is not of expected type: float"),  # E27
        (TOY, b'{"signature_name":"text","inputs":"\\ud800"}', "The surrogate pair in string is invalid."),  # E28
        (TOY, b'{"signature_name":"text","inputs":"\xff"}', "Invalid encoding in string."),  # E29
        (HALF, b'{"inputs":' + b"[" * 200_000 + b"]" * 200_000 + b"}", "nested too deeply"),  # E30
        (TOY, b'{"signature_name":"picky","instances":[-1]}', ""),  # E31
        (TOY, b'{"signature_name":"whole","instances":[1]}', "Tensor name: total has no shape information"),  # P14
        (TOY, b'{"signature_name":"uneven","instances":[1]}', "has inconsistent batch size: 1 expecting: 2"),
        (HALF, b'{"inputs":[[1]]}', "input x must have shape [-1] but has shape [1,1]"),
        (HALF, b'{"inputs":' + b"1" * 5000 + b"}", "Number too big to be stored in double. at offset: 10"),
        (HALF, b'{"instances":[' + b"1," * 64 + b"1]}", "The request has 65 instances, the limit is 64"),
        (HALF, json.dumps({"instances": [1] * 10_000}).encode(), "The request has 10000 instances, the limit is 64"),
        (TOY, json.dumps({"signature_name": "text", "instances": ["x" * 4_000_000]}).encode(), "characters"),
    ],
    ids=lambda value: repr(value[:40]) if isinstance(value, bytes) else None,
)
def test_bad_requests(client, path, body, message):
    check_error(client.post(f"{path}:predict", content=body), 400, message)


@pytest.mark.parametrize(
    "verb, path, status, message",
    [
        ("GET", "/v1/models/nope", 404, "Could not find any versions of model nope"),  # S4
        ("GET", "/v1/models/half/versions/77", 404, "Could not find version 77 of model half"),  # S5
        ("GET", "/v1/models", 400, "Missing model name in request."),  # S6
        ("GET", "/v1/models/nope/metadata", 404, "Servable not found for request: Latest(nope)"),
        ("GET", "/v1/models/half/versions/77/metadata", 404, "Servable not found for request: Specific(half, 77)"),
        ("POST", "/v1/models/nope:predict", 404, "Servable not found for request: Latest(nope)"),  # E20
        (
            "POST",
            "/v1/models/half/versions/99:predict",
            404,
            "Servable not found for request: Specific(half, 99)",
        ),  # E21
        ("GET", "/v1/models/half:predict", 400, "Malformed request: GET /v1/models/half:predict"),  # E23
        ("POST", "/v1/models/half", 400, "Malformed request: POST /v1/models/half"),
        ("POST", "/v1/models/half/metadata", 400, "Malformed request: POST /v1/models/half/metadata"),
        (
            "POST",
            "/v1/models/half/version/50:predict",
            400,
            "Malformed request: POST /v1/models/half/version/50:predict",
        ),
        ("POST", "/v1/models/half/versions/HELLO:predict", 400, "Malformed request: POST"),
        ("POST", "/v1/models/half/labels/:predict", 400, "Malformed request: POST"),
        ("POST", "/v1/models/:predict", 400, "Malformed request: POST"),
        ("POST", "/v1/models/half:foo", 400, "Malformed request: POST"),
        ("PUT", "/v1/models/half", 400, "Malformed request: PUT /v1/models/half"),
        ("DELETE", "/v1/models/half", 400, "Malformed request: DELETE /v1/models/half"),
        ("OPTIONS", "/v1/models/half:predict", 400, "Malformed request: OPTIONS /v1/models/half:predict"),
        ("GET", "/v1/models/half/versions/HELLO", 400, "Malformed request: GET"),
        ("GET", "/v1/", 400, "Malformed request: GET /v1/"),
        (
            "POST",
            "/v1/models/half/versions/18446744073709551615:predict",  # E24
            400,
            "Failed to convert version: 18446744073709551615 to numeric.",
        ),
        ("GET", "/v2/models/half", 404, None),
        ("GET", "/models/half", 404, None),
        ("POST", "/", 404, None),
        ("POST", "/healthz", 404, None),
        ("GET", "/healthz/", 404, None),
    ],
)
def test_bad_paths(client, verb, path, status, message):
    content = b'{"instances":[1]}' if verb == "POST" else None
    check_error(client.request(verb, path, content=content), status, message)


@pytest.mark.parametrize("kind, said", [("classify", "classification"), ("regress", "regression")])
def test_classification_and_regression_need_signatures_of_their_own(client, kind, said):
    expected = f"Expected {said} signature method_name to be tensorflow/serving/{kind}. Was: tensorflow/serving/predict"
    check_error(client.post(f"{HALF}:{kind}", json={"examples": [{"x": 1}]}), 400, expected)
    check_error(client.post(f"/v1/models/nope:{kind}", json={}), 404, "Servable not found")
    check_error(client.post(f"{HALF}:{kind}", content=b"?"), 400, "JSON Parse error")


def test_the_query_is_no_part_of_the_path(client):
    assert client.get("/v1/models/half?versions/1:predict").status_code == 200


def test_metrics(predictor, client):  # X1
    def count(status: str) -> float:
        text = client.get("/monitoring/prometheus/metrics").text
        assert "# TYPE :tensorflow:serving:request_count counter" in text
        found = re.search(rf'request_count{{model_name="half",status="{status}"}} (\d+)', text)
        return int(found[1]) if found else 0

    good, bad = count("OK"), count("INVALID_ARGUMENT")
    client.post(f"{HALF}:predict", json={"instances": [1.0]})
    client.post(f"{HALF}:predict", json={})
    client.get(HALF)
    client.post("/v1/models/stranger:predict", json={})
    assert (count("OK"), count("INVALID_ARGUMENT")) == (good + 1, bad + 1)
    response = client.get("/monitoring/prometheus/metrics")
    assert response.headers["content-type"].startswith("text/plain")
    labels = 'model_name="half",API="Predict",entrypoint="REST"'
    assert f":tensorflow:serving:request_latency_count{{{labels}}}" in response.text
    assert "stranger" not in response.text


def test_metrics_may_be_elsewhere_or_nowhere(manager):
    with opened(rest.app(alone(manager), metrics_path="/numbers")) as port, client_of(port) as client:
        assert "request_count" in client.get("/numbers").text
        check_error(client.get("/monitoring/prometheus/metrics"), 404)
    with opened(rest.app(alone(manager), metrics_path="")) as port, client_of(port) as client:
        check_error(client.get("/monitoring/prometheus/metrics"), 404)


def test_health_and_readiness(manager):
    ready = threading.Event()
    with opened(rest.app(alone(manager), ready=ready.is_set, token="secret")) as port, client_of(port) as client:
        assert client.get("/healthz").status_code == 200
        check_error(client.get("/readyz"), 503)
        ready.set()
        assert client.get("/readyz").status_code == 200


def test_the_token_opens_all_but_health_and_the_page(manager):
    closed = ["/v1/models/half", "/page/models.json", "/monitoring/prometheus/metrics", "/other"]
    with opened(rest.app(alone(manager), token="secret")) as port, client_of(port) as client:
        for path in closed:
            check_error(client.get(path), 401)
        check_error(client.post(f"{HALF}:predict", json={"instances": [1]}), 401)
        assert client.get("/").headers["content-type"].startswith("text/html")
        client.headers["Authorization"] = "Bearer secret"
        assert client.post(f"{HALF}:predict", json={"instances": [1]}).json() == {"predictions": [2.5]}
        assert [model["name"] for model in client.get("/page/models.json").json()["models"]]


def test_pages_of_other_origins(manager):
    here, there = "https://here.example", "https://there.example"
    asks = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "Authorization"}
    token = {"Authorization": "Bearer secret"}
    application = rest.app(alone(manager), token="secret", cors_origins=(here,))
    with opened(application) as port, client_of(port) as client:
        response = client.options(f"{HALF}:predict", headers=asks | {"Origin": here})
        assert response.status_code == 200
        assert response.headers["access-control-allow-origin"] == here
        response = client.post(f"{HALF}:predict", json={"instances": [1]}, headers=token | {"Origin": here})
        assert response.headers["access-control-allow-origin"] == here
        check_error(client.options(HALF, headers=token), 400)  # without an origin
        response = client.get(HALF, headers=token | {"Origin": there})
        assert "access-control-allow-origin" not in response.headers


def test_without_other_origins_nobody_is_told_of_any(client):
    response = client.options(f"{HALF}:predict", headers={"Origin": "x", "Access-Control-Request-Method": "POST"})
    check_error(response, 400)
    assert "access-control-allow-origin" not in response.headers


def test_what_nobody_expected_is_told_to_the_log_alone(manager, monkeypatch, caplog):
    predictor = alone(manager)

    def broken(*_):
        raise OSError("/secret/path is gone")

    monkeypatch.setattr(predictor, "predict", broken)
    monkeypatch.setattr(predictor.metrics, "render", broken)
    with opened(rest.app(predictor)) as port, client_of(port) as client:
        response = client.post(f"{HALF}:predict", json={"instances": [1]})
        check_error(response, 500)
        assert response.json() == {"error": "internal error"}
        assert "/secret/path" in caplog.text and "Traceback" in caplog.text
        assert client.get("/monitoring/prometheus/metrics").json() == {"error": "internal error"}
        assert client.get(HALF).status_code == 200


def test_the_access_log_has_no_texts(client, caplog):
    caplog.set_level(logging.INFO, "seq2seq_keras.serve.access")
    body = json.dumps({"signature_name": "text", "instances": ["confidential", "too"]}).encode()
    answer = client.post(f"{TOY}:predict", content=body)
    client.get("/v1/models/many/versions/2/metadata")
    client.post(f"{HALF}:predict", content=b"confidential")
    client.post("/confidential")
    until(lambda: len(caplog.records) >= 4)
    assert "confidential" not in caplog.text.lower()
    said, metadata, bad, other = (json.loads(record.getMessage()) for record in caplog.records)
    expected = {"model": "toy", "version": 1, "verb": "POST", "kind": "predict", "code": "OK", "rows": 2}
    assert expected | {"bytes_in": len(body), "bytes_out": len(answer.content)} == {
        name: said[name] for name in [*expected, "bytes_in", "bytes_out"]
    }
    assert (metadata["kind"], metadata["version"], metadata["verb"]) == ("metadata", 2, "GET")
    assert (bad["model"], bad["code"], bad["version"]) == ("half", "INVALID_ARGUMENT", 1)
    assert (other["model"], other["kind"], other["code"]) == ("", "other", "NOT_FOUND")


def test_a_request_out_of_time_is_ended(manager):
    with opened(rest.app(alone(manager, timeout_seconds=0.3))) as port, client_of(port) as client:
        begun = time.monotonic()
        check_error(client.post(f"{TOY}:predict", json={"signature_name": "slow", "inputs": [60]}), 504)
        assert time.monotonic() - begun < 3


def test_bodies_too_large(client):
    largest = Limits().body_bytes
    for body in (b"x" * (largest + 1), b"x" * 3 * largest):
        check_error(client.post(f"{HALF}:predict", content=body), 413, "larger than")
        check_error(client.post(f"{HALF}:predict", content=iter([body])), 413, "larger than")
    resident = resident_bytes()
    for _ in range(20):
        check_error(client.post(f"{HALF}:predict", content=body), 413)
    assert resident_bytes() - resident < 32 * 2**20


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def test_idle_connections_and_hang_ups_hold_nobody_up(port, client):
    def answer() -> float:
        begun = time.monotonic()
        assert client.post(f"{HALF}:predict", json={"instances": [1]}).status_code == 200
        return time.monotonic() - begun

    before = statistics.median(answer() for _ in range(9))
    head = b"POST /v1/models/half:predict HTTP/1.1\r\nHost: here\r\nContent-Length: 17\r\n\r\n"
    with contextlib.ExitStack() as stack:
        for number in range(200):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", port), 10))
            connection.sendall([b"", head[:20], head + b"{", b"\r\n"][number % 4])
        for _ in range(20):
            with socket.create_connection(("127.0.0.1", port), 10) as connection:
                connection.sendall(head + b'{"instances":[1]}')
        assert statistics.median(answer() for _ in range(9)) < before + 0.1


def test_one_bad_row_among_sixteen_clients(port):
    together = threading.Barrier(16)

    def ask(value: int) -> tuple[int, dict]:
        with client_of(port) as client:
            together.wait(10)
            response = client.post(f"{TOY}:predict", json={"signature_name": "picky", "instances": [value]})
            return response.status_code, response.json()

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(ask, [-1, *range(1, 16)]))
    assert answers[0][0] == 400 and list(answers[0][1]) == ["error"]
    assert answers[1:] == [(200, {"predictions": [float(value)]}) for value in range(1, 16)]


def test_bytes_that_are_no_http(port):
    assert raw(port, b"\x16\x03\x01\x02\x00\x01\x00\xff\xff\r\n\r\n").startswith(b"HTTP/1.1 400")
    answer = raw(port, b"GET /v1/models/ha\xfflf HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n")
    assert answer.split()[1] in (b"400", b"404")


# Streams


class Spoken:
    """Stands in for what a model says piece by piece."""

    def __init__(self, *events, error: Exception | None = None):
        self.events, self.error = events, error
        self.given, self.closed = None, threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()

    def __call__(self, servable, text, max_length, deadline):
        self.given = servable.name, text, max_length
        return self._said(deadline)

    def _said(self, deadline):
        try:
            for number, event in enumerate(self.events):
                if number:
                    assert self.go_on.wait(10)
                yield event
            if self.error:
                raise self.error
        finally:
            self.closed.set()


PARTS = [{"text": "die", "done": False}, {"text": "die \N{GREEK SMALL LETTER PI}", "score": -0.5, "done": True}]


@pytest.fixture
def speak(monkeypatch):
    def say(*events, **given) -> Spoken:
        spoken = Spoken(*events, **given)
        monkeypatch.setattr(stream, "partial_texts", spoken)
        return spoken

    return say


def leases(manager: ModelManager, name: str) -> int:
    return sum(version.leases for version in manager._models[name]._versions.values())


def test_a_stream(client, manager, speak):
    spoken = speak(*PARTS)
    with client.stream(
        "POST", "/v1/models/many/versions/1:generate", json={"text": "the", "max_length": 9}
    ) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        text = response.read().decode()
    assert text == "".join(f"data: {json.dumps(part, ensure_ascii=False)}\n\n" for part in PARTS)
    assert spoken.given == ("many", "the", 9)
    assert leases(manager, "many") == 0


def test_events_come_as_they_are_said(client, speak):
    spoken = speak(*PARTS)
    spoken.go_on.clear()
    with client.stream("POST", f"{HALF}:generate", json={"text": "the"}) as response:
        lines = response.iter_lines()
        assert json.loads(next(lines).removeprefix("data: ")) == PARTS[0]
        spoken.go_on.set()
        assert [json.loads(line[6:]) for line in lines if line] == PARTS[1:]


def test_a_client_that_leaves_ends_the_stream(client, port, manager, speak, caplog):
    caplog.set_level(logging.INFO, "seq2seq_keras.serve.access")
    spoken = speak(*[PARTS[0]] * 1000)
    spoken.go_on.clear()
    body = b'{"text":"the"}'
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        connection.sendall(b"POST /v1/models/half:generate HTTP/1.1\r\nHost: x\r\nContent-Length: 14\r\n\r\n" + body)
        assert connection.recv(12) == b"HTTP/1.1 200"
        assert leases(manager, "half") == 1 and not spoken.closed.is_set()
    time.sleep(0.05)  # nothing in the server tells that it has noticed
    spoken.go_on.set()
    assert spoken.closed.wait(10)
    until(lambda: leases(manager, "half") == 0)
    until(lambda: any('"CANCELLED"' in record.getMessage() for record in caplog.records))


def test_an_error_before_the_first_event_is_a_plain_one(client, manager, speak):
    spoken = speak(error=ServingError(Code.DEADLINE_EXCEEDED, "too late"))
    check_error(client.post(f"{HALF}:generate", json={"text": "the"}), 504, "too late")
    speak(error=OSError("/secret/path"))
    response = client.post(f"{HALF}:generate", json={"text": "the"})
    check_error(response, 500)
    assert response.json() == {"error": "internal error"}
    assert spoken.closed.is_set() and leases(manager, "half") == 0


@pytest.mark.parametrize(
    "error, told",
    [
        (ServingError(Code.DEADLINE_EXCEEDED, "too late"), {"error": "too late", "code": 4}),
        (OSError("/secret/path"), {"error": "internal error", "code": 13}),
    ],
    ids=["serving", "other"],
)
def test_an_error_after_the_first_event_is_an_event(client, manager, speak, error, told):
    speak(PARTS[0], error=error)
    text = client.post(f"{HALF}:generate", json={"text": "the"}).text
    assert text == f"data: {json.dumps(PARTS[0])}\n\nevent: error\ndata: {json.dumps(told)}\n\n"
    assert leases(manager, "half") == 0


@pytest.mark.parametrize(
    "body, status, message",
    [
        (b"{", 400, "JSON Parse error"),
        (b"{}", 400, "Expecting 'text' to be a string"),
        (b'{"text":["the"]}', 400, "Expecting 'text' to be a string"),
        (b'{"text":"the","max_length":"9"}', 400, "'max_length'"),
        (b'{"text":"the","max_length":true}', 400, "'max_length'"),
        (b'{"text":"the","max_length":0}', 400, "'max_length'"),
        (b'{"text":"\\ud800"}', 400, "surrogate"),
        (json.dumps({"text": "x" * 20_001}).encode(), 400, "characters"),
        (b'{"text":"the"}', 400, "has no endpoint"),
    ],
    ids=lambda value: repr(value[:30]) if isinstance(value, bytes) else None,
)
def test_what_cannot_be_streamed(client, manager, body, status, message):
    check_error(client.post(f"{HALF}:generate", content=body), status, message)
    assert leases(manager, "half") == 0


def test_a_stream_of_a_stranger(client):
    check_error(client.post("/v1/models/nope:generate", json={"text": "the"}), 404, "Servable not found")
    check_error(client.get(f"{HALF}:generate"), 400, "Malformed request")


def test_a_stream_takes_a_place_inside(manager, speak):
    predictor = alone(manager)
    spoken = speak(*PARTS)
    spoken.go_on.clear()
    with opened(rest.app(predictor)) as port, client_of(port) as client:
        with client.stream("POST", f"{HALF}:generate", json={"text": "the"}):
            assert predictor._room._value == Limits().concurrent - 1
            spoken.go_on.set()
        until(lambda: predictor._room._value == Limits().concurrent)
