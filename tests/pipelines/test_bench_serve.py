"""`bench serve` over a server that only pretends: what clients saw is counted right, and the report says it."""

import contextlib
import http.server
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import tensorflow as tf

from pipelines import __main__ as command_line
from pipelines.bench import serve, served, tables, traffic
from pipelines.settings import Bench, BenchServe
from seq2seq_keras.errors import InputError

FAKE = """
import http.server, json, sys
from pathlib import Path

options = dict(word.lstrip("-").split("=") for word in sys.argv[1:])
folder = Path(options["model_base_path"])


class Door(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    runs = 0

    def do_POST(self):
        Door.runs += 1  # of 50 microseconds each, it says
        given = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.answer({"predictions": given["instances"], "batching": options["enable_batching"]})

    def do_GET(self):
        if self.path == "/monitoring/prometheus/metrics":
            name = ":tensorflow:serving:runtime_latency"
            self.send(f'{name}_count{{}} {Door.runs}\\n{name}_sum{{model_name="model"}} {Door.runs * 50}\\n'.encode())
            return
        numbers = sorted(int(path.name) for path in folder.iterdir() if path.name.isdecimal())
        states = {number: "END" for number in numbers} | {numbers[-1]: "AVAILABLE"}
        told = [{"version": str(number), "state": state} for number, state in states.items()]
        self.answer({"model_version_status": told})

    def answer(self, content):
        self.send(json.dumps(content).encode())

    def send(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Doors(http.server.ThreadingHTTPServer):
    request_queue_size = 100


server = Doors(("127.0.0.1", int(options["rest_api_port"])), Door)
print("REST is open\\nREADY", flush=True)
server.serve_forever()
"""

PATIENCE = 120
"""Seconds: two cores may be busy with other tests."""


@pytest.fixture
def model(tmp_path):
    """A folder that looks like a model with two versions."""
    for number in (2, 10):
        (tmp_path / "model" / str(number)).mkdir(parents=True)
        (tmp_path / "model" / str(number) / "saved_model.pb").write_bytes(b"graph")
    return tmp_path / "model"


@pytest.fixture
def pretended(tmp_path, monkeypatch):
    """No server and no model: a script that answers what it was asked."""
    script = tmp_path / "server.py"
    script.write_text(FAKE)
    monkeypatch.setattr(served, "_COMMAND", [sys.executable, str(script)])
    asked = []
    monkeypatch.setattr(serve, "InProcess", lambda version: asked.append(version) or (lambda *texts: time.sleep(0.001)))
    return asked


def test_command_measures_both_servers_and_changes_of_version(model, pretended, tmp_path, capsys):
    texts = tmp_path / "texts.en"
    texts.write_text("one\n\ntwo words\nthree\n")
    numbers = "--clients 4 --rows 2 --seconds 0.3 --warmup 0.1 --turns 2 --singles 3 --swaps 2".split()
    places = ["--texts", str(texts), "--output", str(tmp_path / "out"), "--json", str(tmp_path / "figures.json")]
    assert command_line.main(["bench", "serve", "--model", str(model), *numbers, *places]) == 0
    assert pretended == [model / "10"]
    table = (tmp_path / "out" / serve.FILE).read_text()
    assert table in capsys.readouterr().out
    assert "| batching" in table and "| alone" in table
    assert str(tmp_path) not in table
    found = json.loads((tmp_path / "figures.json").read_text())
    assert found["data"] == {"name": "texts.en", "texts": 3, "mean_characters": 17 / 3}
    assert [(row["turn"], row["name"]) for row in found["turns"]] == [
        (1, "batching"),
        (1, "alone"),
        (2, "alone"),
        (2, "batching"),
    ]
    for row in found["turns"]:
        assert row["texts_per_second"] == pytest.approx(2 * row["requests_per_second"])
        assert 0 < row["p50_ms"] <= row["p99_ms"]
        assert row["added_ms"] == pytest.approx(row["single_ms"] - 0.05)
        assert row["failed"] == {}
    assert len(found["without_server"]) == 2
    for free in found["without_server"]:  # 8 texts a millisecond at most, by one thread; 2 by each of four
        assert 0 < free["batching"] <= 8_000 and 0 < free["alone"] <= 8_000
    assert "Without a server, in one process: " in table
    assert found["swaps"]["answered"] > 0 and found["swaps"]["failed"] == {}
    assert len(found["swaps"]["resident_mib"]) == 3 and min(found["swaps"]["resident_mib"]) > 1
    assert "2 changes of version under the same load" in table


STARTED = """
import runpy, sys, time
from pipelines.bench import serve, served

served._COMMAND = [sys.executable, sys.argv.pop(1)]
serve.InProcess = lambda version: lambda *texts: time.sleep(0.001)
runpy.run_module("pipelines", run_name="__main__")
"""
"""The command as a user starts it, with a server that pretends."""


def children(number) -> list[str]:
    """Of the main thread of a process: their numbers."""
    return Path(f"/proc/{number}/task/{number}/children").read_text().split()


@pytest.mark.skipif(
    not Path("/proc/thread-self/children").exists(), reason="the system does not tell children of a process"
)
def test_ended_by_a_signal_it_leaves_no_process_behind(model, tmp_path):
    script = tmp_path / "server.py"
    script.write_text(FAKE)
    options = f"bench serve --model {model} --clients 2 --seconds {PATIENCE} --swaps 0".split()
    bench = subprocess.Popen([sys.executable, "-c", STARTED, str(script), *options])
    own, begun = [], time.monotonic()
    try:
        # The server and its clients, which ask by threads: then all of the task was read by them.
        while len(own) < 2 or len(os.listdir(f"/proc/{own[1]}/task")) == 1:
            assert bench.poll() is None and time.monotonic() < begun + PATIENCE
            time.sleep(0.05)
            own = children(bench.pid)
        bench.send_signal(signal.SIGTERM)
        assert bench.wait(PATIENCE) == 143
        assert not [child for child in own if Path("/proc", child).exists()]
    finally:
        bench.kill()
        bench.wait()
        for child in own:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(child), signal.SIGKILL)


class Door(http.server.BaseHTTPRequestHandler):
    """Refuses every third request, and remembers them all."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    lock, asked = threading.Lock(), []

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.lock:
            self.asked.append(body["instances"])
            refused = len(self.asked) % 3 == 0
        self.send_response(503 if refused else 200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        pass


@pytest.fixture
def door():
    Door.asked = []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Door) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def task(port: int, **other) -> dict:
    return {
        "host": "127.0.0.1", "port": port, "path": "/", "texts": ["a", "b", "c"], "rows": 2, "clients": 3,
        "warmup": 0.0, "seconds": 0.2,
    } | other  # fmt: skip


def test_clients_count_what_was_answered_and_what_failed(door):
    seen = traffic.load(task(door))
    good, failed = len(seen["milliseconds"]), seen["failed"]["503"]
    assert list(seen["failed"]) == ["503"]
    assert seen["texts"] == 2 * good
    assert len(Door.asked) - 3 <= good + failed <= len(Door.asked)  # each client had one under way at the end
    assert good / (good + failed) == pytest.approx(2 / 3, abs=0.1)
    assert 0.2 <= seen["seconds"] < 2
    assert {tuple(texts) for texts in Door.asked} == {("a", "b"), ("c", "a")}


def test_clients_leave_the_warm_up_out(door):
    seen = traffic.load(task(door, warmup=0.4, seconds=0.1))
    assert seen["seconds"] < 0.4
    assert len(seen["milliseconds"]) + sum(seen["failed"].values()) < len(Door.asked)


def test_clients_ask_until_they_are_told_to_end(door):
    def until_end():
        while len(Door.asked) < 20:
            door_was_asked.wait(0.01)

    door_was_asked = threading.Event()
    seen = traffic.load(task(door, seconds=None), until_end=until_end)
    assert len(seen["milliseconds"]) + sum(seen["failed"].values()) >= 17


def test_no_answer_is_a_failure():
    port = served._free_port()
    seen = traffic.load(task(port))
    assert seen["milliseconds"] == [] and list(seen["failed"]) == [traffic.LOST]
    with pytest.raises(RuntimeError, match="no answer"):
        serve.figures(seen)


def test_figures_of_a_load():
    seen = {"seconds": 2.0, "milliseconds": [float(n) for n in range(1, 101)], "texts": 300, "failed": {"503": 1}}
    found = serve.figures(seen)
    assert (found["requests_per_second"], found["texts_per_second"]) == (50.0, 150.0)
    assert (found["p50_ms"], found["p99_ms"]) == (50.5, pytest.approx(99.01))


def test_summary_compares_within_a_turn():
    def row(name, speed, failed):
        numbers = dict.fromkeys(serve._FIGURES, 1.0)
        return {"name": name, **numbers, "texts_per_second": speed, "failed": failed}

    turns = [
        row("batching", 30, {}),
        row("alone", 10, {"503": 2, "504": 1}),
        row("alone", 1, {}),
        row("batching", 2, {}),
    ]
    found = serve.summary(turns)
    assert found["batching"]["gain"] == [2.5, 2.0, 3.0]
    assert found["alone"]["failed"] == [1.5, 0, 3]
    assert "gain" not in found["alone"]


def test_a_server_that_does_not_start_says_why(model, monkeypatch):
    script = "import sys; print('REST'); sys.exit('error: the port is taken')"
    monkeypatch.setattr(served, "_COMMAND", [sys.executable, "-c", script])
    with pytest.raises(RuntimeError, match="the port is taken"), served.Server(model, True):
        pass


def test_the_newest_version_is_the_largest_number(model, tmp_path):
    assert served.newest(model) == model / "10"
    with pytest.raises(InputError, match="no version of an exported model"):
        served.newest(tmp_path)


def test_command_line_is_told_without_folders(tmp_path):
    settings = BenchServe(model=tmp_path / "en_de", texts=tmp_path / "a.en", clients=8)
    expected = "python -m pipelines bench serve --model en_de --texts a.en --clients 8"
    assert tables.command(settings) == expected
    assert command_line.parse(expected.split()[3:])[1].clients == 8


def test_each_bench_has_its_own_settings():
    assert command_line.parse("bench train --turns 2".split()) == ("bench train", Bench(turns=2))
    name, settings = command_line.parse("bench serve --model m --turns 2".split())
    assert (name, settings.turns) == ("bench serve", 2)
    with pytest.raises(InputError, match="train, serve"):
        command_line.parse(["bench"])
    with pytest.raises(InputError, match="--width"):
        command_line.parse("bench serve --model m --width 8".split())


@pytest.mark.parametrize("named", ["clients", "rows", "seconds", "turns", "singles"])
def test_senseless_settings_are_refused(model, named):
    with pytest.raises(InputError, match=f"--{named} is 0"):
        serve.run(BenchServe(model=model, **{named: 0}))


def test_texts_that_cannot_be_sent_are_refused(model, tmp_path):
    (tmp_path / "empty").write_text("\n \n")
    with pytest.raises(InputError, match="holds no text"):
        serve.run(BenchServe(model=model, texts=tmp_path / "empty"))
    with pytest.raises(InputError, match="cannot be read"):
        serve.run(BenchServe(model=model, texts=tmp_path / "nothing"))


@pytest.mark.slow
def test_this_projects_own_server_is_measured(tmp_path):
    upper = tf.function(
        lambda text: {"text": tf.strings.upper(text)},
        input_signature=[tf.TensorSpec([None], tf.string, "text")],
        autograph=False,
    )
    tf.saved_model.save(tf.Module(), str(tmp_path / "m" / "1"), signatures={"serving_default": upper})
    figures = tmp_path / "figures.json"
    numbers = "--clients 4 --seconds 1 --warmup 0.5 --turns 1 --singles 5 --swaps 2".split()
    assert command_line.main(["bench", "serve", "--model", str(tmp_path / "m"), *numbers, "--json", str(figures)]) == 0
    found = json.loads(figures.read_text())
    assert [row["failed"] for row in found["turns"]] == [{}, {}]
    assert found["swaps"]["failed"] == {}
