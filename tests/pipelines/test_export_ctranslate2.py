"""`export --format ctranslate2`: a run of the Transformer family becomes a folder that CTranslate2 loads."""

import json
import sys

import numpy as np
import pytest

from pipelines.__main__ import main
from seq2seq_keras import decode, models, tasks, tokens
from seq2seq_keras.export import ctranslate2

TEXTS = ["abc", "hello", "a b"]
REPORT = {
    "settings": {"model": "transformer", "output": "/somewhere/else"},
    "data": {"train": {"name": "train.a and train.b", "pairs": 5}, "valid": None, "samples": TEXTS},
    "valid": {"bleu": 1.5},
}


def run(folder, model):
    """What the export reads of a finished run."""
    vocabulary = tokens.Characters.learn(["abcdefghijklmno "])
    random = np.random.default_rng(4)
    task = tasks.TextToText(model(vocabulary.size), vocabulary, search=decode.Beam(3), max_source=9, max_length=7)
    for weight in task.model.weights:
        weight.assign(random.normal(size=weight.shape))
    task.save(folder / "model")
    (folder / "report.json").write_text(json.dumps(REPORT))
    return task


def transformer(size):
    return models.transformer(size, width=8, depth=1, heads=2)


def refused(capfd, folder, *more) -> str:
    export = ["export", f"--run={folder}", f"--to={folder / 'letters' / '1'}", "--format", "ctranslate2", *more]
    assert main(export) == 2 and not (folder / "letters" / "1").exists()
    return capfd.readouterr().err


def test_a_run_becomes_a_folder_for_ctranslate2(tmp_path, capfd):
    pytest.importorskip("ctranslate2", reason="the extra `ctranslate2` is not installed")
    task, folder = run(tmp_path, transformer), tmp_path / "letters" / "1"
    figures = tmp_path / "figures.json"
    assert main(["export", f"--run={tmp_path}", f"--to={folder}", "--format", "ctranslate2", f"--json={figures}"]) == 0
    assert f"exported and checked: {folder}" in capfd.readouterr().out
    assert json.loads(figures.read_text())["checked"] == len(TEXTS)
    there = ctranslate2.load(folder, compute_type="float32")
    assert there.generate(TEXTS, beam_size=1) == task.generate(TEXTS, decode.Greedy())
    assert there.options["beam_size"] == 3
    card = (folder / "assets.extra" / "card.md").read_text()
    assert "# letters" in card and "train.a and train.b" in card and "/somewhere" not in card


def test_other_families_and_wishes_are_refused(tmp_path, capfd):
    pytest.importorskip("ctranslate2", reason="the extra `ctranslate2` is not installed")
    run(tmp_path / "lstm", lambda size: models.lstm(size, width=8, depth=1))
    assert "expected a Transformer" in refused(capfd, tmp_path / "lstm")
    run(tmp_path / "transformer", transformer)
    assert "without controls" in refused(capfd, tmp_path / "transformer", "--no-repeat", "2")
    assert "--replace-unknown is of a SavedModel" in refused(capfd, tmp_path / "transformer", "--replace-unknown")


def test_without_the_package_it_says_what_to_install(tmp_path, capfd, monkeypatch):
    run(tmp_path, transformer)
    monkeypatch.setitem(sys.modules, "ctranslate2", None)
    assert "seq2seq_keras[ctranslate2]" in refused(capfd, tmp_path)
