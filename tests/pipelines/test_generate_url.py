"""`generate --url`: a served model says what the same model says from its folder."""

import io
import json
import socket

import pytest

from pipelines.__main__ import main
from seq2seq_keras import decode, export
from seq2seq_keras.serve.config import Limits, ModelConfig
from seq2seq_keras.serve.server import Doors, Engine, Server
from tests.units.export import conftest as made

LINES = "abc\n\nqrs\na line that is longer\nsnow \N{SNOWMAN}\n"
WIDTH = 3


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """An export, in the folder of its versions."""
    model, source, target = made.build("attention")
    folder = tmp_path_factory.mktemp("exports") / "letters"
    limits = {"max_source": made.MAX_SOURCE, "max_length": made.MAX_LENGTH}
    export.write(
        folder / "1", model, source, target, search=decode.Beam(WIDTH, n_best=1), **limits, settings={"width": 8}
    )
    return folder


@pytest.fixture(scope="module")
def served(folder):
    """Addresses of both doors."""
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        ports = one.getsockname()[1], other.getsockname()[1]
    engine = Engine([ModelConfig("letters", folder)], limits=Limits(instances=8), threads=1)
    with Server(engine, Doors(grpc_port=ports[0], rest_port=ports[1])):
        yield {"grpc": f"grpc://127.0.0.1:{ports[0]}", "http": f"http://127.0.0.1:{ports[1]}"}


@pytest.fixture(params=["http", "grpc"])
def url(request, served) -> str:
    return served[request.param]


@pytest.fixture
def said(capfd, monkeypatch):
    """What a command writes, given `LINES`; a refused one its one line of error."""

    def run(*command) -> str:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(LINES.encode()), encoding="utf-8"))
        capfd.readouterr()
        code = main(["generate", *(str(part) for part in command)])
        found = capfd.readouterr()
        if code == 0:
            return found.out
        assert code == 2 and found.out == ""
        (line,) = found.err.splitlines()
        assert line.startswith("error: ")
        return line

    return run


@pytest.mark.parametrize(
    "asked",
    [
        (),
        ("--search", "greedy"),
        ("--n-best", 2),
        ("--search", "sample", "--temperature", 0.8, "--top-k", 6, "--seed", 3),
        ("--search", "sample", "--mbr", 3),
        ("--prefix", "ab"),
    ],
    ids=str,
)
def test_a_served_model_says_the_same(said, folder, url, asked):
    from_folder = said("--model", folder / "1", *asked)
    assert len(from_folder.splitlines()) >= 5
    assert said("--model", "letters", "--url", url, "--batch", 2, *asked) == from_folder


def test_a_stream_of_a_server_writes_what_it_says(said, folder, served):
    command = ("--search", "greedy")
    streamed = said("--model", "letters", "--url", served["http"], "--stream", *command)
    assert streamed == said("--model", folder / "1", *command) == said("--model", folder / "1", "--stream", *command)


def test_figures_are_written(said, url, tmp_path):
    said("--model", "letters", "--url", url, "--json", tmp_path / "figures.json")
    assert json.loads((tmp_path / "figures.json").read_text())["lines"] == 5


@pytest.mark.parametrize(
    "asked, message",
    [
        (("--n-best", WIDTH + 1), f"--n-best is {WIDTH + 1}; expected at most {WIDTH}, the beam of this model"),
        (("--search", "beam"), "--search beam cannot be asked of a server. Leave --search out"),
        (("--beam", 3, "--length-penalty", 1), "--beam and --length-penalty cannot be changed in a SavedModel"),
        (("--search", "diverse"), "--search diverse cannot be asked of a SavedModel"),
        (("--ban", "a"), "--ban cannot be changed in a SavedModel"),
        (("--stream",), "a SavedModel streams greedy search alone. Add --search greedy"),
        (("--alignments", "pictures"), "--alignments needs a model with attention, in a folder"),
        (("--search", "sample", "--n-best", 2), "a SavedModel draws one output a line"),
        (("--prefix", "a" * 9), "the server says"),
        (("--model", "nope"), "the server says 'Could not find any versions of model nope'"),
        (("--batch", 9), "the server says 'The request has 9 instances, the limit is 8'"),
    ],
)
def test_what_cannot_be_asked_of_a_server(said, url, monkeypatch, asked, message):
    monkeypatch.setattr("tests.pipelines.test_generate_url.LINES", "a\n" * 9)
    found = said("--url", url, "--model", "letters", *asked)
    assert message in found


def test_nobody_at_the_address(said):
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    found = said("--model", "letters", "--url", f"http://127.0.0.1:{port}")
    assert f"http://127.0.0.1:{port}: no server answers. Start one with `python -m pipelines serve`" in found
    assert "is no address of a server; expected http://127.0.0.1:8501" in said("--model", "a", "--url", "localhost")
