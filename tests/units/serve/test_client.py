"""The client, over real sockets of both doors and of servers that are none."""

import contextlib
import gc
import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import uvicorn

from seq2seq_keras.errors import InputError
from seq2seq_keras.serve import rest, rpc, servable
from seq2seq_keras.serve.client import Client
from seq2seq_keras.serve.config import All, Limits, ModelConfig
from seq2seq_keras.serve.manager import ModelManager
from seq2seq_keras.serve.monitoring import Metrics
from seq2seq_keras.serve.predict import Predictor
from seq2seq_keras.serve.status import Code, ServingError
from tests.units.serve import toys
from tests.units.serve.doors import free_port

TOKEN = "a-very-long-secret"
LIMITS = Limits(body_bytes=2**20, instances=8)


def shouter(folder: Path) -> None:
    """A model with the endpoints of an export: it answers a text in upper case, scored by its length."""
    strings, module = tf.TensorSpec([None], tf.string, "text"), tf.Module()
    module.bias = tf.Variable(0.0)

    def cost(text):
        return module.bias - tf.cast(tf.strings.length(text), tf.float32)

    def shout(text):
        return tf.strings.upper(text, encoding="utf-8")

    @tf.function(input_signature=[strings], autograph=False)
    def serving_default(text):
        return {"text": shout(text), "score": cost(text)}

    @tf.function(input_signature=[strings], autograph=False)
    def greedy(text):
        return {"text": tf.strings.join([shout(text), "!"]), "score": cost(text)}

    @tf.function(input_signature=[strings], autograph=False)
    def nbest(text):
        none = tf.fill(tf.shape(text), float("-inf"))
        both = tf.stack([shout(text), text, tf.fill(tf.shape(text), "")], 1)
        return {"text": both, "score": tf.stack([cost(text), cost(text) - 1, none], 1)}

    @tf.function(input_signature=[strings, tf.TensorSpec([None], tf.string, "target")], autograph=False)
    def score(text, target):
        return {"score": cost(target) - tf.cast(tf.strings.length(text), tf.float32) / 100}

    functions = {"serving_default": serving_default, "greedy": greedy, "nbest": nbest, "score": score}
    tf.saved_model.save(module, str(folder), signatures=functions)


class Quiet(uvicorn.Server):
    """In a thread, where signals cannot be caught."""

    @contextlib.contextmanager
    def capture_signals(self):
        yield


@contextlib.contextmanager
def listening(app) -> Iterator[str]:
    listener = socket.create_server(("127.0.0.1", 0))
    server = Quiet(uvicorn.Config(app, lifespan="off", ws="none", log_config=None))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


@pytest.fixture(scope="module")
def predictor(tmp_path_factory) -> Iterator[Predictor]:
    folder = tmp_path_factory.mktemp("models")
    shouter(folder / "shout" / "1")
    toys.half_plus(folder / "toy" / "1", 3.0)
    toys.toy(folder / "toy" / "2")
    models = [ModelConfig("a b/%", folder / "shout"), ModelConfig("toy", folder / "toy", All())]
    manager = ModelManager(models, servable.load, poll_seconds=0)
    manager.start()
    yield Predictor(manager, Metrics(manager.names), LIMITS, None)
    manager.stop()
    gc.collect()


@pytest.fixture(scope="module")
def addresses(predictor) -> Iterator[dict[str, str]]:
    port = free_port()
    server = rpc.start(predictor, f"127.0.0.1:{port}", token=TOKEN)
    try:
        with listening(rest.app(predictor, token=TOKEN)) as url:
            yield {"rest": url, "rpc": f"grpc://127.0.0.1:{port}"}
    finally:
        server.stop(None).wait()


@pytest.fixture(params=["rest", "rpc"])
def url(request, addresses) -> str:
    return addresses[request.param]


@pytest.fixture
def shout(url) -> Iterator[Client]:
    with Client(url, "a b/%", token=TOKEN, batch=2) as client:
        yield client


@pytest.fixture
def toy(url) -> Iterator[Client]:
    with Client(url, "toy", token=TOKEN) as client:
        yield client


# Texts


TEXTS = ["stra\u00dfe", "", "a longer text than others", "\u2603", "line\nfeed"]


def test_texts_are_answered_in_the_order_given(shout):
    assert shout.generate(TEXTS) == [text.upper() if text != "stra\u00dfe" else "STRASSE" for text in TEXTS]
    assert shout.scored(["ab", "c"]) == [("AB", -2.0), ("C", -1.0)]
    assert shout.scored(["ab"], "greedy") == [("AB!", -2.0)]
    assert shout.generate([]) == []


def test_all_texts_the_search_kept(shout):
    assert shout.nbest(["ab", "c", "def"])[0] == [("AB", -2.0), ("ab", -3.0)]


def test_targets_are_scored(shout):
    assert shout.score(["a", "aa", "aaa"], ["xyz", "xy", "x"]) == pytest.approx([-3.01, -2.02, -1.03])
    with pytest.raises(InputError, match="2 texts and 1 targets"):
        shout.score(["a", "b"], ["c"])


def test_half_a_character_reaches_the_model_as_bytes(toy):
    (found,) = toy.predict({"text": ["dead\ud800"]}, "raw")["text_bytes"]
    assert found == b"dead\xed\xa0\x80"


# Tensors


def test_numbers_and_their_types(toy):
    found = toy.predict({"x": [1, 2, 5]})["y"]
    assert found.dtype == np.float32 and found.tolist() == [2.5, 3.0, 4.5]
    assert toy.predict({"n": np.array([1, 2])}, "ints")["n"].dtype == np.int32
    assert toy.predict({"flag": [True, False]}, "flag")["flag"].tolist() == [False, True]
    assert toy.predict({"x": [float("inf"), float("nan")]})["y"].tolist()[0] == float("inf")


def test_several_inputs_and_outputs(toy):
    found = toy.predict({"a": [[1, 2], [3, 4]], "b": [1, 10]}, "pair")
    assert found["total"].tolist() == [4.0, 17.0]
    assert found["product"].tolist() == [[1.0, 2.0], [30.0, 40.0]]
    assert toy.predict({"x": [1, 2]}, "whole")["total"].shape == ()


def test_strings_are_text_or_bytes_by_the_name_of_the_output(toy):
    assert toy.predict({"text": ["\u00e4"]}, "text")["text"].tolist() == ["\u00c4"]
    assert toy.predict({"text": [b"\xff\0", b"b"]}, "raw")["text_bytes"].tolist() == [b"\xff\0", b"b"]


def test_a_version_of_its_own(url):
    with Client(url, "toy", version=1, token=TOKEN) as client:
        assert client.predict({"x": [1]})["y"].tolist() == [3.5]
        assert [one["version"] for one in client.status()] == ["1"]
        assert client.metadata()["model_spec"]["version"] == "1"


def test_status_and_metadata_are_the_same_over_both_doors(addresses):
    said = []
    for url in addresses.values():
        with Client(url, "toy", token=TOKEN) as client:
            status = sorted(client.status(), key=lambda one: one["version"])
            said.append((status, client.metadata()))
    assert said[0] == said[1]
    status, metadata = said[0]
    assert status[0] == {
        "version": "1",
        "state": "AVAILABLE",
        "status": {"error_code": "OK", "error_message": ""},
    }
    signature = metadata["metadata"]["signature_def"]["signature_def"]["pair"]
    assert signature["inputs"]["a"]["dtype"] == "DT_FLOAT"
    assert [dim["size"] for dim in signature["inputs"]["a"]["tensor_shape"]["dim"]] == ["-1", "2"]


# What goes wrong


def test_what_the_server_refuses(url):
    with Client(url, "nope", token=TOKEN) as client, pytest.raises(ServingError) as raised:
        client.predict({"x": [1]})
    assert raised.value.code == Code.NOT_FOUND
    assert raised.value.message == "Servable not found for request: Latest(nope)"
    with Client(url, "nope", token=TOKEN) as client, pytest.raises(ServingError, match="Could not find any versions"):
        client.status()


def test_what_the_model_refuses(toy):
    with pytest.raises(ServingError) as raised:
        toy.predict({"x": [-1.0]}, "picky")
    assert raised.value.code == Code.INVALID_ARGUMENT


def test_more_texts_at_once_than_the_server_takes(url):
    with Client(url, "a b/%", token=TOKEN, batch=9) as client:
        assert len(client.generate(["a"] * 8)) == 8
        with pytest.raises(ServingError, match="9 instances, the limit is 8"):
            client.generate(["a"] * 9)


@pytest.mark.parametrize("token", [None, "another-long-secret"])
def test_a_token_that_is_missing_or_wrong(url, token):
    with Client(url, "toy", token=token) as client, pytest.raises(ServingError) as raised:
        client.status()
    assert raised.value.code == Code.UNAUTHENTICATED


def test_an_answer_that_takes_too_long(url, toy):
    toy.predict({"x": [0.0]}, "slow")  # the first of a signature also makes its graph ready
    late = pytest.raises(ServingError, match="no answer within 0.5 seconds")
    with Client(url, "toy", token=TOKEN, timeout=0.5) as client, late as raised:
        client.predict({"x": [3.0]}, "slow")
    assert raised.value.code == Code.DEADLINE_EXCEEDED


def test_signatures_and_inputs_that_are_none(toy):
    with pytest.raises(InputError, match=r"has no signature 'zz'; expected one of flag, ints, "):
        toy.predict({"x": [1]}, "zz")
    with pytest.raises(InputError, match="inputs y for 'serving_default' of model 'toy'; expected x"):
        toy.predict({"y": [1]})
    with pytest.raises(InputError, match="input 'x' is no array of DT_FLOAT"):
        toy.predict({"x": [[1], [1, 2]]})
    with pytest.raises(InputError, match="input 'text' is no array of DT_STRING"):
        toy.predict({"text": [1]}, "text")
    with pytest.raises(InputError, match="gives no score for every text"):
        toy.scored(["a"], "text")


BAD = ["127.0.0.1:8501", "ftp://a:1", "http://", "http://a b", "http://a:x", "http://a:99999", "http://a:0", ""]
BAD += ["grpc://a", "grpc://a:1/b", "http://a/v1/models/m", "http://user:word@a:1", "http://a:1?b=c", "http://[a"]


@pytest.mark.parametrize("bad", BAD)
def test_addresses_that_are_none(bad):
    with pytest.raises(InputError, match="is no address of a server; expected http://127"):
        Client(bad, "M")


@pytest.mark.parametrize("options", [{"batch": 0}, {"model": ""}], ids=str)
def test_what_cannot_be_asked(options):
    with pytest.raises(InputError):
        Client(**{"url": "http://127.0.0.1:1", "model": "M"} | options)


@pytest.mark.parametrize("scheme", ["http", "grpc"])
def test_nobody_at_the_address(scheme):
    url = f"{scheme}://127.0.0.1:{free_port()}"
    with Client(url, "M") as client, pytest.raises(InputError, match="no server answers. Start one with") as raised:
        client.generate(["a"])
    assert url in str(raised.value)


def test_the_port_of_the_other_door(addresses):
    rest_at_rpc, rpc_at_rest = (addresses[door].partition("://")[2] for door in ("rpc", "rest"))
    for url in (f"http://{rest_at_rpc}", f"grpc://{rpc_at_rest}"):
        with Client(url, "toy") as client, pytest.raises(ServingError) as raised:
            client.status()
        assert raised.value.code == Code.UNAVAILABLE


# Other servers: answers as TensorFlow Serving gives them, or as others do


@contextlib.contextmanager
def answering(status: int, body: bytes, headers: dict | None = None) -> Iterator[tuple[str, list]]:
    """A server that says one thing; the second value is what it was asked, as (path, headers, body)."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            length = int(self.headers.get("content-length", 0))
            asked.append((self.path, dict(self.headers), self.rfile.read(length)))
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    "status, code",
    [(400, Code.INVALID_ARGUMENT), (413, Code.RESOURCE_EXHAUSTED), (429, Code.RESOURCE_EXHAUSTED)]
    + [(408, Code.DEADLINE_EXCEEDED), (503, Code.UNAVAILABLE), (504, Code.DEADLINE_EXCEEDED), (500, Code.INTERNAL)],
)
def test_errors_by_their_status(status, code):
    told = answering(status, b'{"error": "told"}')
    with told as (url, _), Client(url, "M") as client, pytest.raises(ServingError, match="told") as raised:
        client.status()
    assert raised.value.code == code


@pytest.mark.parametrize("answer", [(200, b"<html>"), (404, b"<html>"), (200, b"[1]"), (302, b"{}")], ids=str)
def test_a_server_of_another_kind(answer):
    other, said = answering(*answer, {"location": "http://127.0.0.1:1/"}), "is no TensorFlow Serving"
    with other as (url, _), Client(url, "M") as client, pytest.raises(InputError, match=said):
        client.status()


def test_what_is_sent(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    asking = {"model": "a b/\u00e4", "version": 3, "token": "secret"}
    told = answering(200, b'{"model_version_status": []}')
    with told as (url, asked), Client(f"{url}/behind/a/proxy/", **asking) as client:
        assert client.status() == []
    ((path, headers, _),) = asked
    assert path == "/behind/a/proxy/v1/models/a%20b%2F%C3%A4/versions/3"
    assert headers["Authorization"] == "Bearer secret"


EVENTS = 'data: {"text": "a", "done": false}\n\n: a comment\n\ndata: {"text": "a b", "score": -1.5, "done": true}\n\n'


def test_a_text_as_it_grows():
    with answering(200, EVENTS.encode()) as (url, asked), Client(url, "M") as client:
        found = list(client.stream("x", max_length=5))
    assert found == [{"text": "a", "done": False}, {"text": "a b", "score": -1.5, "done": True}]
    ((path, _, body),) = asked
    assert path == "/v1/models/M:generate" and json.loads(body) == {"text": "x", "max_length": 5}


def test_a_stream_that_breaks_off_or_fails():
    first = EVENTS.partition("\n\n")[0] + "\n\n"
    for rest_of_it, said in (("", "broke off"), ('event: error\ndata: {"error": "too slow"}\n\n', "too slow")):
        with answering(200, (first + rest_of_it).encode()) as (url, _), Client(url, "M") as client:
            events = client.stream("x")
            assert next(events)["text"] == "a"
            with pytest.raises(ServingError, match=said):
                next(events)


def test_a_stream_that_is_refused(addresses):
    with (
        Client(addresses["rest"], "toy", token=TOKEN) as client,
        pytest.raises(ServingError, match="cannot be streamed"),
    ):
        next(client.stream("x"))
    with Client(addresses["rpc"], "toy", token=TOKEN) as client, pytest.raises(InputError, match="over REST only"):
        next(client.stream("x"))
