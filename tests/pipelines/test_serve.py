"""`python -m pipelines serve` as a user starts it: another process, both doors, and signals to end it."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest

from pipelines.__main__ import main
from seq2seq_keras.serve.client import Client
from tests.pipelines.test_bad_input import refused
from tests.units.serve import toys
from tests.units.serve.doors import free_port

ROOT = Path(__file__).parents[2]
PATIENCE = 120
"""Seconds: two cores may be busy with other tests."""


class Served:
    """The command in a process of its own, ready."""

    def __init__(self, folder: Path, *more: str):
        self.rest, self.grpc = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.rest}"
        ports = ["--port", str(self.grpc), "--rest_api_port", str(self.rest)]
        command = [sys.executable, "-m", "pipelines", "serve", "--model_name", "toy", "--model_base_path", str(folder)]
        self.process = subprocess.Popen(
            [*command, *ports, *more], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.said = []
        for line in self.process.stdout:
            self.said.append(line.strip())
            if line.strip() == "READY":
                return
        raise AssertionError(f"not ready: {self.said} {self.process.stderr.read()}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def folder(tmp_path):
    toys.toy(tmp_path / "toy" / "1")
    return tmp_path / "toy"


def test_both_doors_answer_and_a_signal_loses_nothing(folder, tmp_path):
    with Served(folder, "--json", str(tmp_path / "served.json")) as served:
        for url in (served.url, f"grpc://127.0.0.1:{served.grpc}"):
            with Client(url, "toy") as client:
                assert client.predict({"x": [1.0, 2.0, 5.0]})["y"].tolist() == [2.5, 3.0, 4.5]
                assert client.status()[0]["state"] == "AVAILABLE"
        assert "toy" in httpx.get(f"{served.url}/monitoring/prometheus/metrics").text
        assert "<html" in httpx.get(served.url).text

        answers, begun = [], threading.Barrier(5)

        def ask():
            begun.wait()
            slow = {"signature_name": "slow", "instances": [2.0]}
            answers.append(httpx.post(f"{served.url}/v1/models/toy:predict", json=slow, timeout=PATIENCE))

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        begun.wait()
        while inside(httpx.get(f"{served.url}/monitoring/prometheus/metrics").text) < 4:
            assert not answers, "too fast to be stopped meanwhile"
        served.process.send_signal(signal.SIGTERM)
        for thread in threads:
            thread.join(PATIENCE)
        assert [answer.status_code for answer in answers] == [200] * 4
        assert served.process.wait(PATIENCE) == 0
    assert json.loads((tmp_path / "served.json").read_text())["models"] == ["toy"]


def inside(metrics: str) -> int:
    """Requests that wait or are computed, by the metrics page."""
    line = next(line for line in metrics.splitlines() if line.startswith(":tensorflow:serving:requests_inside"))
    return int(float(line.split()[-1]))


@pytest.mark.slow
def test_killed_and_started_again_it_serves(folder):
    with Served(folder) as first:
        first.process.kill()
        first.process.wait(PATIENCE)
    begun = time.monotonic()
    with Served(folder) as again, Client(again.url, "toy") as client:
        assert client.predict({"x": [1.0]})["y"].tolist() == [2.5]
        assert time.monotonic() - begun < PATIENCE
        again.process.send_signal(signal.SIGINT)
        assert again.process.wait(PATIENCE) == 0


def test_a_taken_port_is_a_clear_error(folder, capfd):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        base = ["serve", "--model_base_path", folder]
        assert f"127.0.0.1:{port}" in refused(capfd, [*base, "--port=0", f"--rest_api_port={port}"])
        assert f"127.0.0.1:{port}" in refused(capfd, [*base, f"--port={port}", "--rest_api_port=0"])


MISTAKES = {
    "no model": ([], "--model_base_path or --model_config_file"),
    "no such folder": (["--model_base_path", "nowhere"], "nowhere"),
    "both doors shut": (["--model_base_path", "{folder}", "--port=0", "--rest_api_port=0"], "a port for gRPC"),
    "one version": (["--model_base_path", "{folder}/1"], "ame the folder above it"),
    "from outside": (["--model_base_path", "{folder}", "--host=0.0.0.0"], "token"),
    "a short token": (["--model_base_path", "{folder}", "--token_file={folder}/token"], "16 characters"),
    "no token file": (["--model_base_path", "{folder}", "--token_file={folder}/none"], "cannot be read"),
    "no batching": (
        ["--model_base_path", "{folder}", "--enable_batching=false", "--batching_parameters_file={folder}/token"],
        "--enable_batching",
    ),
    "no batching of models": (
        ["--model_base_path", "{folder}", "--enable_batching=false", "--enable_per_model_batching_parameters"],
        "--enable_per_model_batching_parameters without --enable_batching",
    ),
    "no configuration": (["--model_config_file", "{folder}/none"], "none"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_refused_in_one_line(name, folder, capfd):
    (folder / "token").write_text("short\n")
    words, told = MISTAKES[name]
    assert told in refused(capfd, ["serve", *(word.format(folder=folder) for word in words)])


def test_a_hostile_model_is_refused_before_it_runs(tmp_path, capfd):
    toys.hostile(tmp_path / "toy" / "1")
    assert "WriteFile" in refused(capfd, ["serve", "--model_base_path", tmp_path / "toy", "--port=0"])


@pytest.mark.slow
def test_an_exported_run_is_served(place, tmp_path):
    """The whole way of a user: a trained run, exported, served, asked."""
    folder = tmp_path / "toy"
    assert main(["export", "--run", str(place.run), "--to", str(folder / "1")]) == 0
    with Served(folder) as served, Client(served.url, "toy") as client:
        texts = ["a b c", "", "c"]
        found = client.scored(texts)
        assert [text for text, _ in found] == client.generate(texts)
        assert [pairs[0] for pairs in client.nbest(texts)] == [pytest.approx(pair) for pair in found]
        *_, last = client.stream("a b c")
        assert last["done"] and last["text"] == client.scored(["a b c"], "greedy")[0][0]
        command = [sys.executable, "-m", "pipelines", "generate", "--url", served.url, "--model", "toy"]
        done = subprocess.run(
            command, cwd=ROOT, input="\n".join(texts) + "\n", capture_output=True, text=True, env=os.environ, check=True
        )
        assert done.stdout.split("\n")[:-1] == [text for text, _ in found]


@pytest.mark.slow
def test_replicas_are_served_alike(folder):
    pytest.importorskip("ray", reason="the extra `ray` is not installed")
    with Served(folder, "--engine", "ray", "--replicas", "2") as served, Client(served.url, "toy") as client:
        assert client.predict({"x": [1.0, 2.0, 5.0]})["y"].tolist() == [2.5, 3.0, 4.5]
        served.process.send_signal(signal.SIGTERM)
        assert served.process.wait(PATIENCE) == 0
