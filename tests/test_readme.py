"""What the README says runs."""

import re
import shlex
from pathlib import Path

import pytest

from pipelines.__main__ import COMMANDS, parse
from seq2seq_keras import data
from seq2seq_keras.serve import server
from seq2seq_keras.serve.config import ModelConfig
from tests.units.serve.doors import free_port

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def commands() -> list[str]:
    """Every command line that calls a pipeline, in blocks and in tables."""
    found = re.findall(r"python -m pipelines [^`\n|&<]+", README)
    return sorted({command.strip() for command in found})


def test_the_two_commands_are_there_and_ci_runs_the_second():
    first, second = (block.strip() for block in blocks("bash")[:2])
    assert first == "pip install -e '.[quickstart]' && python -m pipelines quickstart"
    assert second == "pip install -e '.[test]' && python -m pytest"
    script = (ROOT / ".ci" / "run").read_text()
    assert "-e '.[test]' && python -m pytest" in script


@pytest.mark.parametrize("command", commands())
def test_every_command_line_is_understood(command):
    words = shlex.split(command)[3:]
    name, settings = parse(words)
    assert type(settings) is COMMANDS[name]
    assert " ".join(words).startswith(name)


@pytest.mark.filterwarnings("ignore:Your input ran out of data")
def test_the_python_code_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    corpus = data.reverse_pairs(40, seed=1, alphabet="the quick brown fox")
    for side, name in (("source", "train.en"), ("target", "train.de")):
        (tmp_path / name).write_text("\n".join(getattr(corpus, side)) + "\n")
    client, *others = sorted(blocks("python"), key=lambda code: "serve.client" not in code)
    code = "\n".join(others)
    for published, small in (("8_000", "300"), ("256", "8"), ("depth=2", "depth=1")):
        assert published in code
        code = code.replace(published, small)
    exec(compile(code, "README.md", "exec"), {})
    assert (tmp_path / "saved_models" / "en_de" / "1" / "manifest.json").exists()
    assert (tmp_path / "models" / "en_de" / "task.json").exists()

    served = [ModelConfig("en_de", tmp_path / "saved_models" / "en_de")]
    port = free_port()
    with server.Server(server.Engine(served), server.Doors(grpc_port=0, rest_port=port)):
        assert "8501" in client
        exec(compile(client.replace("8501", str(port)), "README.md", "exec"), {})
