"""What both doors call, over real models: who is let in, what is refused in which words, what is counted."""

import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from seq2seq_keras.serve import servable
from seq2seq_keras.serve.batching import Batcher
from seq2seq_keras.serve.config import BatchingParameters, Limits
from seq2seq_keras.serve.monitoring import Metrics
from seq2seq_keras.serve.predict import Answer, Predictor
from seq2seq_keras.serve.status import Code, ServingError
from tests.units.serve import toys
from tests.units.serve.doubles import until

SOON = 20.0
X = np.array([1, 2, 5], np.float32)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    loaded = servable.load("toy", 7, toys.toy(tmp_path_factory.mktemp("toy") / "7"))
    yield loaded
    loaded.close()


@pytest.fixture(params=[False, True], ids=["alone", "batched"])
def predictor(request):
    metrics = Metrics()
    batcher = Batcher(BatchingParameters(), metrics) if request.param else None
    yield of(metrics, batcher)
    if batcher:
        batcher.stop()


def of(metrics=None, batcher=None, **limits) -> Predictor:
    return Predictor(None, metrics or Metrics(), Limits(**limits), batcher)


def ask(predictor, model, signature="serving_default", outputs=None, seconds=SOON, **inputs) -> Answer:
    return predictor.predict(model, signature, inputs, outputs, time.monotonic() + seconds)


def refused(predictor, model, *given, **options) -> tuple[Code, str]:
    with pytest.raises(ServingError) as caught:
        ask(predictor, model, *given, **options)
    return caught.value.code, caught.value.message


def strings(*texts: bytes) -> np.ndarray:
    return np.array(texts, object)


def test_answer_says_what_was_computed_and_by_which_version(predictor, model):
    answer = ask(predictor, model, "", x=X)
    assert answer[:3] == ("toy", 7, "serving_default")
    assert answer.outputs["y"].tolist() == [2.5, 3.0, 4.5]


def test_only_the_outputs_asked_for_are_answered(predictor, model):
    pair = {"a": np.ones((2, 2), np.float32), "b": np.ones(2, np.float32)}
    assert list(ask(predictor, model, "pair", ["total"], **pair).outputs) == ["total"]
    assert sorted(ask(predictor, model, "pair", [], **pair).outputs) == ["product", "total"]


def test_every_run_is_counted(predictor, model):
    for rows in (1, 3):
        ask(predictor, model, x=X[:rows])
    text = predictor.metrics.render().decode()
    assert ':tensorflow:serving:runtime_latency_count{model_name="toy",API="Predict",runtime="TF1"} 2\n' in text
    assert ':tensorflow:serving:batching_session:processed_batch_size_sum{model_name="toy"} 4\n' in text


def test_what_is_not_in_the_signature_is_refused_in_tensorflow_servings_words(predictor, model):
    bad = Code.INVALID_ARGUMENT
    pair = {"a": np.ones((1, 2), np.float32), "b": np.ones(1, np.float32)}
    assert refused(predictor, model, "zz", x=X) == (
        Code.FAILED_PRECONDITION,
        'Serving signature key "zz" not found.',
    )
    assert refused(predictor, model, "pair", a=pair["a"]) == (
        bad,
        "input size does not match signature: 1!=2 len({a}) != len({a,b}). Sent extra: {}. Missing but required: {b}.",
    )
    assert refused(predictor, model, "pair", **pair, foo=X) == (
        bad,
        "input size does not match signature: 3!=2 len({a,b,foo}) != len({a,b}). "
        "Sent extra: {foo}. Missing but required: {}.",
    )
    assert refused(predictor, model, z=X) == (
        bad,
        "input tensor alias not found in signature: z. Inputs expected to be in the set {x}.",
    )
    assert refused(predictor, model, "pair", ["total", "zz"], **pair) == (
        bad,
        "output tensor alias not found in signature: zz Outputs expected to be in the set {product,total}.",
    )
    assert refused(predictor, model, "pair", ["total", "total"], **pair) == (
        bad,
        "duplicate output tensor alias: total",
    )


@pytest.mark.parametrize(
    ("signature", "inputs", "said"),
    [
        ("serving_default", {"x": X.astype(np.float64)}, "Expects arg[0] to be float32 but float64 is provided"),
        ("serving_default", {"x": strings(b"a")}, "Expects arg[0] to be float32 but string is provided"),
        ("text", {"text": X}, "Expects arg[0] to be string but float32 is provided"),
        ("text", {"text": np.array(["text", None], object)}, "Expects arg[0] to be string but object is provided"),
        ("serving_default", {"x": X[None]}, "input x must have shape [-1] but has shape [1,3]"),
        ("serving_default", {"x": X[0]}, "input x must have shape [-1] but has shape []"),
        ("pair", {"a": X[None], "b": X[:1]}, "input a must have shape [-1,2] but has shape [1,3]"),
    ],
)
def test_other_types_and_shapes_are_refused(model, signature, inputs, said):
    inputs = {name: np.asarray(value) for name, value in inputs.items()}
    assert refused(of(), model, signature, **inputs) == (Code.INVALID_ARGUMENT, said)


def test_too_many_instances_are_refused(model):
    predictor = of(instances=2)
    said = "The request has 3 instances, the limit is 2"
    assert refused(predictor, model, x=X) == (Code.INVALID_ARGUMENT, said)
    assert ask(predictor, model, x=X[:2]).outputs["y"].tolist() == [2.5, 3.0]


def test_a_long_string_is_refused_by_its_letters_and_not_its_bytes(model):
    predictor = of(characters=4)
    said = "A string of input text has more characters than the limit of 4"
    assert refused(predictor, model, "text", text=strings(b"a", b"abcde")) == (Code.INVALID_ARGUMENT, said)
    umlauts = "\u00e4\u00f6\u00fc\u00e4".encode()
    assert ask(predictor, model, "raw", text=strings(umlauts)).outputs["text_bytes"].tolist() == [umlauts]


def test_a_huge_answer_is_refused(model):
    predictor = of(output_bytes=12)
    assert ask(predictor, model, x=X).outputs["y"].nbytes == 12
    said = "The answer has 16 bytes, the limit is 12; ask for less at once"
    assert refused(predictor, model, x=np.ones(4, np.float32)) == (Code.INVALID_ARGUMENT, said)
    assert refused(predictor, model, "raw", text=strings(b"1234567", b"123456789")) == (Code.INVALID_ARGUMENT, said)


def test_what_comes_after_its_deadline_is_not_computed(predictor, model):
    assert refused(predictor, model, x=X, seconds=-1)[0] is Code.DEADLINE_EXCEEDED
    assert b"runtime_latency_count" not in predictor.metrics.render()


def test_a_computation_ends_with_its_deadline(predictor, model):
    """The next request is quick: were the slow one still computed, it would wait for it or share the cores with it."""
    slow = np.array([1000], np.float32)  # many seconds
    begin = time.monotonic()
    assert refused(predictor, model, "slow", x=slow, seconds=0.3)[0] is Code.DEADLINE_EXCEEDED
    assert 0.3 <= time.monotonic() - begin < 3
    assert ask(predictor, model, x=X, seconds=5).outputs["y"].tolist() == [2.5, 3.0, 4.5]


def test_only_so_many_are_inside_at_once(model):
    predictor = of(concurrent=2)
    slow, begun = np.array([1000], np.float32), threading.Event()

    def occupy():
        with predictor.admitted():
            begun.set()
            ask(predictor, model, "slow", x=slow, seconds=1)

    with ThreadPoolExecutor() as pool:
        inside = pool.submit(occupy)
        assert begun.wait(SOON)
        until(lambda: full(predictor))
        said = "The server is at work on 2 requests, its limit; try again later"
        assert refused(predictor, model, x=X) == (Code.UNAVAILABLE, said)
        assert inside.exception(SOON).code is Code.DEADLINE_EXCEEDED
    assert ask(predictor, model, x=X).outputs["y"].tolist() == [2.5, 3.0, 4.5]


def full(predictor) -> bool:
    try:
        with predictor.admitted():
            return False
    except ServingError:
        return True


def test_a_bad_row_fails_its_own_request_only(model):
    batcher = Batcher(BatchingParameters(max_batch_size=16, batch_timeout_micros=60_000_000), Metrics())
    predictor = of(batcher=batcher)
    values = [np.array([value], np.float32) for value in [-1, *range(15)]]
    with ThreadPoolExecutor(16) as pool:  # the batch opens when all 16 are there
        asked = [pool.submit(ask, predictor, model, "picky", x=value) for value in values]
        assert asked[0].exception(SOON).code is Code.INVALID_ARGUMENT
        found = [answer.result(SOON).outputs["y"].tolist() for answer in asked[1:]]
    batcher.stop()
    assert found == [[float(value)] for value in range(15)]


def test_little_time_is_added(predictor, model):
    inputs = {"x": X}

    def median(call) -> float:
        times = []
        for _ in range(300):
            begin = time.perf_counter()
            call()
            times.append(time.perf_counter() - begin)
        return statistics.median(times)

    bare = median(lambda: model.run("serving_default", inputs, None, SOON))
    whole = median(lambda: ask(predictor, model, **inputs))
    assert whole - bare < 1e-3
