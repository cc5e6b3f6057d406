"""A user's mistakes: one line that names file, line and remedy, exit code 2, no traceback, nothing lost."""

import os
import re
import shutil
import subprocess
import sys

import pytest

from pipelines import exits
from pipelines.__main__ import main
from seq2seq_keras import tokens
from tests.pipelines.conftest import arguments


def refused(capfd, command, code: int = exits.MISTAKE) -> str:
    """The one line a refused command says."""
    capfd.readouterr()
    assert main([str(part) for part in command]) == code
    said = capfd.readouterr().err.strip().splitlines()
    assert len(said) == 1 and said[0].startswith("error: "), said
    assert "Traceback" not in said[0]
    return said[0]


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def edited(corpus, tmp_path, name, change):
    """The corpus with one file changed, as bytes."""
    folder = tmp_path / "corpus"
    shutil.copytree(corpus, folder)
    (folder / name).write_bytes(change((folder / name).read_bytes()))
    return folder


FILES = {
    "unequal length": ("train.target", lambda text: text + b"a\n", r"has 60 lines and .*train\.target has 61"),
    "empty lines": ("train.source", lambda text: b"\n\n" + text.split(b"\n", 2)[2], r"train\.source.*lines 1, 2"),
    "invalid UTF-8": ("train.source", lambda text: b"\xff\xfe\n" + text.split(b"\n", 1)[1], r"invalid UTF-8: line 1"),
    "a line of 1 MB": ("train.source", lambda text: b"a" * 2**20 + b"\n" + text.split(b"\n", 1)[1], "too long: line 1"),
    "an empty file": ("valid.source", lambda text: b"", r"valid\.source has 0 lines"),
}


@pytest.mark.parametrize("name", FILES)
def test_files_that_cannot_be_trained_on(corpus, tmp_path, capfd, name):
    file, change, message = FILES[name]
    folder = edited(corpus, tmp_path, file, change)
    code = exits.REJECTS if "line" in name or "UTF" in name else exits.MISTAKE
    said = refused(capfd, arguments(folder, tmp_path / "run"), code)
    assert re.search(message, said), said
    assert str(folder) in said
    assert not (tmp_path / "run" / "settings.json").exists()


def test_a_table_without_the_column(tmp_path, capfd):
    table = tmp_path / "pairs.tsv"
    table.write_text("a b\nc d\n")
    said = refused(capfd, ["translate", f"--train.tsv={table}", f"--output={tmp_path / 'run'}"])
    assert "pairs.tsv:1" in said and "column 2 is missing" in said


def test_both_sides_empty(tmp_path, capfd):
    for side in ("source", "target"):
        (tmp_path / side).write_text("")
    files = [f"--train.{side}={tmp_path / side}" for side in ("source", "target")]
    assert "the file is empty" in refused(capfd, ["translate", *files, f"--output={tmp_path / 'run'}"])


def test_a_missing_file(corpus, tmp_path, capfd):
    command = arguments(corpus, tmp_path / "run", f"--train.source={tmp_path / 'nowhere.en'}")
    assert "nowhere.en: there is no such file" in refused(capfd, command)


@pytest.mark.parametrize("extra", [["--widht", "8"], ["--model", "rnn"], ["--epochs", "many"]], ids=str)
def test_an_unknown_setting_is_named(corpus, tmp_path, capfd, extra):
    assert extra[0] in refused(capfd, arguments(corpus, tmp_path / "run", *extra))


def test_a_missing_side(corpus, tmp_path, capfd):
    command = ["translate", f"--train.source={corpus / 'train.source'}", f"--output={tmp_path / 'run'}"]
    assert "--train.target is missing" in refused(capfd, command)


@pytest.mark.parametrize("command", ["evaluate", "export", "generate"])
def test_a_missing_folder(corpus, tmp_path, capfd, command):
    rest = {
        "evaluate": [
            f"--run={tmp_path / 'no'}",
            f"--source={corpus}/valid.source",
            f"--reference={corpus}/valid.target",
        ],
        "export": [f"--run={tmp_path / 'no'}", f"--to={tmp_path / 'export' / '1'}"],
        "generate": [f"--model={tmp_path / 'no'}"],
    }[command]
    assert str(tmp_path / "no") in refused(capfd, [command, *rest])
    assert not (tmp_path / "export").exists()


def test_a_folder_that_holds_something_else(corpus, tmp_path, capfd):
    (tmp_path / "thesis.doc").write_text("mine")
    assert "holds files but no run" in refused(capfd, arguments(corpus, tmp_path))
    assert (tmp_path / "thesis.doc").read_text() == "mine"


def test_the_vocabulary_of_another_model(place, tmp_path, capfd):
    run = tmp_path / "run"
    shutil.copytree(place.run, run)
    shutil.rmtree(run / "model" / "source")
    tokens.save(tokens.learn("bytes", ["a"]), run / "model" / "source")
    before = contents(run)
    source, reference = place.corpus / "valid.source", place.corpus / "valid.target"
    said = refused(capfd, ["evaluate", f"--run={run}", f"--source={source}", f"--reference={reference}"])
    assert "vocabulary of another model" in said and str(run / "model" / "source") in said
    assert contents(run) == before


def test_checkpoints_cut_short(place, tmp_path, capfd):
    run = tmp_path / "run"
    shutil.copytree(place.run, run)
    for path in (run / "checkpoints").glob("*.npz"):
        path.write_bytes(path.read_bytes()[:1000])
    before = contents(run / "model")
    said = refused(capfd, arguments(place.corpus, run), exits.DAMAGED)
    assert "every checkpoint is damaged" in said and "cut short" in said
    assert contents(run / "model") == before


def test_a_model_file_cut_short(place, tmp_path, capfd, monkeypatch):
    run = tmp_path / "run"
    shutil.copytree(place.run, run)
    model = run / "model" / "model.keras"
    model.write_bytes(model.read_bytes()[:-300])
    with open(place.corpus / "valid.source") as lines:
        monkeypatch.setattr("sys.stdin", lines)
        assert "model.keras" in refused(capfd, ["generate", f"--model={run}"])


def test_references_of_another_length(place, tmp_path, capfd):
    (tmp_path / "short").write_text("a\n")
    source = place.corpus / "valid.source"
    said = refused(capfd, ["evaluate", f"--run={place.run}", f"--source={source}", f"--reference={tmp_path / 'short'}"])
    assert "has 10 lines" in said and "short has 1" in said


def test_an_export_without_a_version_number(place, tmp_path, capfd):
    said = refused(capfd, ["export", f"--run={place.run}", f"--to={tmp_path / 'latest'}"])
    assert "no version number" in said and str(tmp_path / "latest" / "1") in said


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("--beam 3", "--beam cannot be changed"),
        ("--temperature 0.5", "--temperature cannot be changed"),
        ("--ban x --no-repeat 2", "--no-repeat and --ban cannot be changed"),
        ("--ensemble other", "--ensemble cannot be changed"),
        ("--search sample --prefix x", "--prefix goes with the search of a SavedModel"),
    ],
)
def test_what_cannot_be_asked_of_a_saved_model(tmp_path, capfd, asked, message):
    (tmp_path / "saved_model.pb").write_bytes(b"")
    assert message in refused(capfd, ["generate", f"--model={tmp_path}", *asked.split()])


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("--n-best 0", "count from 1"),
        ("--mbr 0 --search sample", "count from 1"),
        ("--mbr 3", "Add --search sample"),
        ("--mbr 3 --search sample --best-of 2", "leave --n-best and --best-of out"),
        ("--search greedy --n-best 2", "one output a line"),
        ("--stream --n-best 2 --alignments x", "--n-best and --alignments waits for whole outputs"),
    ],
)
def test_outputs_that_have_no_meaning_together(capfd, asked, message):
    assert message.lower() in refused(capfd, ["generate", "--model=nowhere", *asked.split()]).lower()


SETTINGS = {
    "--heads 3 --model transformer --width 8": "a multiple of the heads",
    "--model attention --width 7": "an even number",
    "--depth 0": "--depth is 0",
    "--batch-tokens 3": "Raise --batch-tokens",
    "--model lstm --depth 1 --decoder-depth 2": "Raise --depth",
    "--model attention --decoder-depth 2": "the encoder has 1",
    "--seed -1": "--seed is -1",
    f"--seed {2**32}": "from 0 to 4294967295",
    "--dropout 2": "from 0 to below 1",
    "--smoothing 1.5": "from 0 to below 1",
    "--lr 0": "--lr is 0",
    "--clip -1": "--clip is -1",
    "--length-penalty -1": "--length-penalty is -1",
    "--max-length 0": "--max-length is 0",
    "--checkpoint-every -1": "--checkpoint-every is -1",
    "--beam 0": "--beam is 0",
    "--train.columns 0 -3": "numbers from 0",
    "--monitor val_wer": "no figure of --score overlap",
    "--monitor val_bleu --decode-rows 0": "Raise --decode-rows",
    "--schedule deadline": "Add --minutes",
    "--tokens.target-kind bytes": "--tokens.no-shared",
}


@pytest.mark.parametrize("extra", SETTINGS)
def test_settings_that_cannot_work_are_refused_before_a_run_begins(corpus, tmp_path, capfd, extra):
    assert SETTINGS[extra] in refused(capfd, [*arguments(corpus, tmp_path / "run"), *extra.split()])
    assert not (tmp_path / "run" / "settings.json").exists()


@pytest.mark.parametrize("extra", [["--batch", "0"], ["--search", "greedy", "--beam", "3"], ["--beam", "0"]], ids=str)
def test_evaluations_that_cannot_work(place, capfd, extra):
    source, reference = place.corpus / "valid.source", place.corpus / "valid.target"
    refused(capfd, ["evaluate", f"--run={place.run}", f"--source={source}", f"--reference={reference}", *extra])


def test_a_report_that_cannot_be_written(place, tmp_path, capfd):
    (tmp_path / "file").write_text("")
    source, reference = place.corpus / "valid.source", place.corpus / "valid.target"
    command = ["evaluate", f"--run={place.run}", f"--source={source}", f"--reference={reference}"]
    assert "cannot be written" in refused(capfd, [*command, f"--json={tmp_path / 'file' / 'x.json'}"])


def test_a_report_in_the_place_of_a_runs_own(place, capfd):
    before = contents(place.run)
    source, reference = place.corpus / "valid.source", place.corpus / "valid.target"
    command = ["evaluate", f"--run={place.run}", f"--source={source}", f"--reference={reference}"]
    assert "holds a run" in refused(capfd, [*command, f"--output={place.run}"])
    assert contents(place.run) == before


def test_figures_that_cannot_be_written_are_told_before_the_work(corpus, tmp_path, capfd):
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file" / "x.json", tmp_path):
        refused(capfd, arguments(corpus, tmp_path / "run", f"--json={place}"))
    assert not (tmp_path / "run").exists()


def test_a_comparison_with_a_run_that_was_not_evaluated(place, tmp_path, capfd):
    (tmp_path / "other").mkdir()
    source, reference = place.corpus / "valid.source", place.corpus / "valid.target"
    command = ["evaluate", f"--run={place.run}", f"--source={source}", f"--reference={reference}"]
    assert "Evaluate it first" in refused(capfd, [*command, f"--compare={tmp_path / 'other'}"])


def test_a_report_that_is_none_of_a_run(place, tmp_path, capfd):
    run = shutil.copytree(place.run, tmp_path / "run")
    (run / "report.json").write_text('{"bleu": 1.0}')
    assert "is not what a run reports" in refused(capfd, ["export", f"--run={run}", f"--to={tmp_path / '1'}"])


def test_an_unfinished_run_is_told_from_a_wrong_folder(place, tmp_path, capfd):
    run = tmp_path / "run"
    shutil.copytree(place.run, run)
    shutil.rmtree(run / "model")
    assert "not finished" in refused(capfd, ["export", f"--run={run}", f"--to={tmp_path / 'export' / '1'}"])
    assert "not finished" in refused(capfd, ["generate", f"--model={run}"])


def test_a_comparison_with_other_sentences(place, tmp_path, capfd):
    source, reference = place.corpus / "valid.source", place.corpus / "valid.target"
    command = ["evaluate", f"--run={place.run}", f"--source={source}", f"--reference={reference}"]
    assert main(command) == 0
    other = tmp_path / "valid.source"
    other.write_text("".join(line + "\n" for line in reversed(source.read_text().splitlines())))
    command = ["evaluate", f"--run={place.run}", f"--source={other}", f"--reference={reference}"]
    assert "other sentences" in refused(capfd, [*command, f"--compare={place.run}"])


def test_help_that_nobody_reads_is_no_fault():
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as closed:
        words = [sys.executable, "-m", "pipelines", "translate", "--help"]
        done = subprocess.run(words, stdout=closed, stderr=subprocess.PIPE, timeout=60)
    assert (done.returncode, done.stderr) == (141, b"")
