"""Metrics under TensorFlow Serving's names, and a log that keeps no text."""

import json
import logging
import re
import threading

import pytest

from seq2seq_keras.serve.monitoring import UNKNOWN, Metrics, access_log
from seq2seq_keras.serve.status import Code


def value(metrics: Metrics, sample: str) -> float:
    """Of the one line that begins so."""
    (line,) = [line for line in metrics.render().decode().splitlines() if line.startswith(f"{sample} ")]
    return float(line.rpartition(" ")[2])


@pytest.fixture
def metrics():
    return Metrics(lambda: ["M", "other"])


def test_requests_are_counted_by_model_and_status(metrics):
    for code in (Code.OK, Code.OK, Code.INVALID_ARGUMENT):
        metrics.request("M", "Predict", "REST", code, 0.001)
    assert value(metrics, ':tensorflow:serving:request_count{model_name="M",status="OK"}') == 2
    assert value(metrics, ':tensorflow:serving:request_count{model_name="M",status="INVALID_ARGUMENT"}') == 1
    text = metrics.render().decode()
    assert "# TYPE :tensorflow:serving:request_count counter\n" in text
    assert "_total" not in text and "_created" not in text


def test_latencies_are_histograms_in_microseconds_with_the_original_bounds(metrics):
    metrics.request("M", "Predict", "GRPC", Code.OK, 0.000_015)
    metrics.computed("M", 4, 0.002)
    text = metrics.render().decode()
    assert "# TYPE :tensorflow:serving:request_latency histogram\n" in text
    labels = 'model_name="M",API="Predict",entrypoint="GRPC"'
    bounds = re.findall(rf':tensorflow:serving:request_latency_bucket{{{labels},le="([^"]*)"}} (\d+)\n', text)
    assert [float(bound) for bound, _ in bounds[:-1]] == pytest.approx([10 * 1.8**power for power in range(33)])
    assert bounds[0] == ("10", "0") and bounds[1] == ("18", "1") and bounds[-1] == ("+Inf", "1")
    assert value(metrics, f":tensorflow:serving:request_latency_sum{{{labels}}}") == pytest.approx(15)
    assert value(metrics, f":tensorflow:serving:request_latency_count{{{labels}}}") == 1
    runtime = 'model_name="M",API="Predict",runtime="TF1"'
    assert value(metrics, f":tensorflow:serving:runtime_latency_sum{{{runtime}}}") == pytest.approx(2000)


def test_rows_and_queue(metrics):
    metrics.computed("M", 5, 0.002)
    metrics.queued("M", 3)
    metrics.queued("M", -1)
    name = ":tensorflow:serving:batching_session"
    assert value(metrics, f'{name}:processed_batch_size_bucket{{model_name="M",le="4"}}') == 0
    assert value(metrics, f'{name}:processed_batch_size_bucket{{model_name="M",le="8"}}') == 1
    assert value(metrics, f'{name}:processed_batch_size_sum{{model_name="M"}}') == 5
    assert value(metrics, f'{name}:queue_depth{{model_name="M"}}') == 2


def test_names_of_strangers_share_one_label(metrics):
    before = len(metrics.render())
    for number in range(100):
        metrics.request(f"guess {number}", "Predict", "REST", Code.NOT_FOUND, 0.001)
    text = metrics.render().decode()
    assert "guess" not in text
    assert value(metrics, f':tensorflow:serving:request_count{{model_name="{UNKNOWN}",status="NOT_FOUND"}}') == 100
    assert len(text) < before + 10_000


def test_without_names_a_model_is_known_once_it_computed():
    metrics = Metrics()
    metrics.request("M", "Predict", "REST", Code.OK, 0.001)
    metrics.computed("M", 1, 0.001)
    metrics.request("M", "Predict", "REST", Code.OK, 0.001)
    assert value(metrics, f':tensorflow:serving:request_count{{model_name="{UNKNOWN}",status="OK"}}') == 1
    assert value(metrics, ':tensorflow:serving:request_count{model_name="M",status="OK"}') == 1


def test_names_are_escaped():
    metrics = Metrics(lambda: ['a"b\\c\nd'])
    metrics.request('a"b\\c\nd', "Predict", "REST", Code.OK, 0.001)
    assert value(metrics, r':tensorflow:serving:request_count{model_name="a\"b\\c\nd",status="OK"}') == 1


def test_two_servers_of_one_process_count_apart(metrics):
    metrics.request("M", "Predict", "REST", Code.OK, 0.001)
    assert b"M" not in re.sub(rb"# .*\n", b"", Metrics(lambda: ["M"]).render())


def test_no_count_is_lost_between_threads(metrics):
    def count():
        for _ in range(500):
            metrics.request("M", "Predict", "REST", Code.OK, 0.001)
            metrics.queued("M", 1)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert value(metrics, ':tensorflow:serving:request_count{model_name="M",status="OK"}') == 2000
    assert value(metrics, ':tensorflow:serving:batching_session:queue_depth{model_name="M"}') == 2000


def test_a_request_is_one_line_of_json(caplog):
    caplog.set_level(logging.INFO, "seq2seq_keras.serve.access")
    access_log(
        model="M",
        version=3,
        verb="POST",
        kind="predict",
        code=Code.OK,
        seconds=0.0125,
        rows=2,
        bytes_in=10,
        bytes_out=20,
    )
    access_log(model="x" * 5000 + "\n", version=None, verb="GRPC", kind="Predict", code=Code.NOT_FOUND, seconds=0)
    first, second = (json.loads(record.getMessage()) for record in caplog.records)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", first.pop("time"))
    assert first == {
        "model": "M",
        "version": 3,
        "verb": "POST",
        "kind": "predict",
        "code": "OK",
        "milliseconds": 12.5,
        "rows": 2,
        "bytes_in": 10,
        "bytes_out": 20,
    }
    assert len(second["model"]) == 100 and second["version"] is None
    assert all("\n" not in record.getMessage() for record in caplog.records)
