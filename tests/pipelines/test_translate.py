"""The commands, one after the other, as a user types them."""

import gzip
import hashlib
import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

from pipelines.__main__ import main
from seq2seq_keras import tasks
from tests.pipelines.conftest import arguments


def read(path):
    return json.loads(path.read_text())


def test_a_run_holds_what_the_readme_says(place):
    names = {path.name for path in place.run.iterdir()}
    wanted = {"settings.json", "data.json", "source", "checkpoints", "best", "model", "logs", "history.json"}
    assert wanted | {"curves.png", "report.json"} <= names
    report = read(place.run / "report.json")
    assert [row["epoch"] for row in report["epochs"]] == [1, 2]
    assert {"loss", "perplexity", "val_loss", "val_bleu", "tokens_per_second"} <= set(report["epochs"][0])
    assert {"bleu", "chrf", "loss"} <= set(report["valid"])
    assert (place.run / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_the_same_command_on_a_finished_run_trains_no_more(place, capfd):
    before = (place.run / "history.json").read_text()
    assert main(arguments(place.corpus, place.run)) == 0
    assert (place.run / "history.json").read_text() == before
    assert "resumed" in capfd.readouterr().out


@pytest.mark.slow
def test_more_epochs_go_on_where_the_run_stopped(corpus, tmp_path):
    assert main(arguments(corpus, tmp_path / "short")) == 0
    assert main(arguments(corpus, tmp_path / "short", "--epochs", "3")) == 0
    assert main(arguments(corpus, tmp_path / "long", "--epochs", "3")) == 0
    short, long = (read(tmp_path / name / "history.json") for name in ("short", "long"))
    assert [row["val_loss"] for row in short] == [row["val_loss"] for row in long]


@pytest.mark.slow
def test_a_run_out_of_patience_stays_as_it_is(corpus, tmp_path):
    command = arguments(corpus, tmp_path / "run", "--epochs", "9", "--patience", "1", "--lr", "1e-9")
    command[command.index("--average") + 1] = "1"
    assert main(command) == 0
    history = read(tmp_path / "run" / "history.json")
    assert 2 <= len(history) < 9
    weights = (tmp_path / "run" / "best" / "weights.npz").read_bytes()
    assert main(command) == 0
    assert read(tmp_path / "run" / "history.json") == history
    assert (tmp_path / "run" / "best" / "weights.npz").read_bytes() == weights


def test_other_settings_than_the_run_began_with_are_refused_by_name(place, capfd):
    assert main(arguments(place.corpus, place.run, "--lr", "0.5", "--tokens.kind", "characters")) == 2
    message = capfd.readouterr().err
    assert "--lr was 0.001 and is now 0.5" in message
    assert "--tokens.kind was words and is now characters" in message


def test_other_pairs_than_the_run_began_with_are_refused(place, tmp_path, capfd):
    longer = tmp_path / "longer"
    longer.write_text((place.corpus / "train.source").read_text() + "a b\n")
    target = tmp_path / "target"
    target.write_text((place.corpus / "train.target").read_text() + "b a\n")
    extra = [f"--train.source={longer}", f"--train.target={target}"]
    assert main(arguments(place.corpus, place.run, *extra)) == 2
    assert "train changed since the run began" in capfd.readouterr().err


def test_evaluate_reports_scores_with_signatures(place, tmp_path, capfd):
    report = tmp_path / "report.json"
    source, reference = place.corpus / "valid.source", place.corpus / "valid.target"
    command = ["evaluate", f"--run={place.run}", f"--source={source}", f"--reference={reference}", f"--json={report}"]
    assert main([*command, "--tokenize", "none"]) == 0
    found = read(report)
    assert "tok:none" in found["bleu_signature"] and found["rows"] == 10
    assert sum(row["rows"] for row in found["by_length"]) == 10
    folder = place.run / "evaluations" / "valid.source"
    outputs = (folder / "outputs.txt").read_text().splitlines()
    assert outputs == tasks.TextToText.load(place.run / "model").generate(source.read_text().splitlines())
    assert (folder / "by_length.png").exists()
    shown = capfd.readouterr().out
    assert found["bleu_signature"] in shown and "reference" in shown

    # Against itself: the same scores, and no difference worth the name.
    assert main([*command, f"--compare={place.run}"]) == 0
    compared = read(report)["compare"]
    assert compared["ours"] == compared["theirs"] and compared["p_value"] > 0.5


@pytest.fixture(scope="module")
def exported(place, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exports") / "toy" / "1"
    source, reference = place.corpus / "valid.source", place.corpus / "valid.target"
    command = ["evaluate", f"--run={place.run}", f"--source={source}", f"--reference={reference}"]
    assert main([*command, "--tokenize", "none"]) == 0
    assert main(["export", f"--run={place.run}", f"--to={folder}"]) == 0
    return folder


def test_generate_says_the_same_from_the_run_and_from_the_saved_model(place, exported):
    lines = (place.corpus / "valid.source").read_text()
    said = [
        subprocess.run(
            [sys.executable, "-m", "pipelines", "generate", f"--model={model}"],
            input=lines,
            capture_output=True,
            text=True,
            check=True,
        )
        for model in (place.run, exported)
    ]
    assert said[0].stdout == said[1].stdout
    assert len(said[0].stdout.splitlines()) == 10
    assert said[0].stderr == said[1].stderr == ""


def test_n_best_lines_are_numbered_scored_and_sorted(place, exported, capfd, monkeypatch):
    for model in (place.run, exported):
        with open(place.corpus / "valid.source") as lines:
            monkeypatch.setattr("sys.stdin", lines)
            assert main(["generate", f"--model={model}", "--n-best", "2"]) == 0
        rows = [line.split("\t") for line in capfd.readouterr().out.splitlines()]
        assert {int(row[0]) for row in rows} == set(range(1, 11))
        assert 10 < len(rows) <= 20  # a search may find one hypothesis only
        ranks = [(int(row[0]), -float(row[1])) for row in rows]
        assert ranks == sorted(ranks)


def test_the_card_tells_data_scores_and_date_and_no_folder(place, exported):
    card = (exported / "assets.extra" / "card.md").read_text()
    assert "train.source and train.target" in card and "validation bleu" in card and "attention" in card
    assert "valid.source bleu" in card and "tok:none" in card
    beside = (exported / "assets.extra" / "settings.json").read_text()
    assert str(place.corpus) not in card + beside and str(place.run.parent) not in card + beside


def test_a_saved_model_without_a_beam_is_not_asked_for_one(exported, tmp_path, capfd):
    greedy = shutil.copytree(exported, tmp_path / "1")
    path = greedy / "assets.extra" / "settings.json"
    path.write_text(json.dumps(read(path) | {"search": {"kind": "Greedy"}}))
    manifest = greedy / "manifest.json"
    found = read(manifest)
    found["files"]["assets.extra/settings.json"] = hashlib.sha256(path.read_bytes()).hexdigest()
    manifest.write_text(json.dumps(found))
    assert main(["generate", f"--model={greedy}", "--search", "beam"]) == 2
    assert "exported with Greedy search" in capfd.readouterr().err


RECIPES = {
    "transformer": "--model transformer --heads 2 --optimizer rmsprop --schedule cosine --monitor val_bleu",
    "gru": "--model lstm --cell gru --schedule constant --tokens.kind bytes --reduction sum --average 1 --patience 1",
    "bfloat16": "--model attention --precision mixed_bfloat16 --no-tied --tokens.no-shared --decoder-depth 1 --depth 2",
}


@pytest.mark.slow
@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_recipes_train_from_packed_tables(corpus, tmp_path, recipe):
    table = tmp_path / "train.tsv.gz"
    rows = zip(*((corpus / f"train.{side}").read_text().splitlines() for side in ("target", "source")))
    table.write_bytes(gzip.compress("".join("\t".join(row) + "\n" for row in rows).encode()))
    files = [f"--train.tsv={table}", "--train.columns", "1", "0"]
    files += [f"--valid.{side}={corpus / f'valid.{side}'}" for side in ("source", "target")]
    given = arguments(corpus, tmp_path / "run", *recipe.split())
    assert main([given[0], *files, *given[5:]]) == 0
    report = read(tmp_path / "run" / "report.json")
    assert report["data"]["train"]["pairs"] == 60
    assert report["minutes"] > 0
    assert all(np.isfinite(row["val_loss"]) for row in report["epochs"])


def test_an_existing_version_is_never_overwritten(place, exported, capfd):
    before = (exported / "manifest.json").read_bytes()
    assert main(["export", f"--run={place.run}", f"--to={exported}"]) == 2
    assert str(exported) in capfd.readouterr().err
    assert (exported / "manifest.json").read_bytes() == before


HELP = ["translate", "evaluate", "export", "generate", "inspect", "quickstart", "serve", "bench train", "bench serve"]


@pytest.mark.parametrize("command", HELP)
def test_help_teaches_without_loading_tensorflow(command):
    code = (
        "import sys; from pipelines.__main__ import main\n"
        "try: main([*sys.argv[1:], '--help'])\n"
        "finally: assert not {'tensorflow', 'keras'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, *command.split()], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "--json" in done.stdout
    assert done.stdout.count(f"python -m pipelines {command}") >= 2  # the usage and an example
