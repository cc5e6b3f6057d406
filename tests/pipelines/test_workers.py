"""One command trains on several devices, in several processes, or on a Ray cluster, and ends as on one device."""

import importlib.util
import json
import os
import subprocess
import sys

import pytest

from pipelines import settings, workers
from pipelines.__main__ import parse
from tests.pipelines.conftest import arguments

SIZES = ["--model", "lstm", "--dropout", "0", "--warmup", "4", "--lr", "0.01", "--average", "1"]
RAY = importlib.util.find_spec("ray") is not None and importlib.util.find_spec("pyarrow") is not None


def run(*command: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "pipelines", *command],
        capture_output=True,
        text=True,
        timeout=600,
        env=os.environ | {"CUDA_VISIBLE_DEVICES": "-1"},
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def alone(corpus, tmp_path_factory):
    output = tmp_path_factory.mktemp("alone") / "run"
    code, said = run(*arguments(corpus, output, *SIZES))
    assert code == 0, said
    return json.loads((output / "report.json").read_text())


@pytest.mark.slow
@pytest.mark.parametrize(
    "how",
    [
        [],
        ["--processes", "local"],
        pytest.param(["--processes", "ray"], marks=pytest.mark.skipif(not RAY, reason="needs ray[train]")),
    ],
    ids=["devices", "processes", "ray"],
)
def test_several_workers_end_as_one(corpus, alone, tmp_path, how):
    code, said = run(*arguments(corpus, tmp_path / "run", *SIZES, "--workers", "2", *how))
    assert code == 0, said
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    assert report["settings"]["workers"] == 2
    for epoch, expected in zip(report["epochs"], alone["epochs"], strict=True):
        for name in ("loss", "perplexity", "val_loss", "val_perplexity"):
            assert epoch[name] == pytest.approx(expected[name], rel=1e-3), name


@pytest.mark.slow
@pytest.mark.skipif(not RAY, reason="needs ray[train]")
def test_a_mistake_of_a_worker_is_that_of_the_command(corpus, tmp_path):
    command = arguments(corpus, tmp_path / "run", *SIZES, "--workers", "2", "--processes", "ray", "--batch-tokens", "2")
    assert run(*command)[0] == 2


@pytest.mark.slow
def test_a_mistake_of_a_process_is_that_of_the_command(corpus, tmp_path):
    command = arguments(corpus, tmp_path / "run", *SIZES, "--workers", "2", "--processes", "local")
    code, said = run(*command, "--batch-tokens", "2")
    assert code == 2 and "--batch-tokens is 2" in said


@pytest.mark.parametrize(
    ("flags", "config", "expected"),
    [
        (["--workers", "2", "--processes", "local"], None, True),
        (["--workers", "2", "--processes", "ray"], None, True),
        (["--workers", "2"], None, False),
        (["--processes", "local"], None, False),
        (["--workers", "2", "--processes", "local"], "{}", False),
    ],
)
def test_a_command_starts_workers_unless_it_is_one(corpus, tmp_path, monkeypatch, flags, config, expected):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if config:
        monkeypatch.setenv("TF_CONFIG", config)
    _, asked = parse(arguments(corpus, tmp_path, *flags))
    assert isinstance(asked, settings.Translate)
    assert workers.to_launch(asked) is expected
