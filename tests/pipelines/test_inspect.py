"""`inspect` as a command: what it prints and writes, and what it refuses."""

import gzip
import json
from pathlib import Path

import pytest

from pipelines import __main__ as command
from pipelines import exits
from seq2seq_keras import data, tokens
from tests.units.data.test_survey import SHARED, made_up, multi30k, multi30k_pairs, shifted, turned


def table(folder: Path, name: str, corpus: data.Corpus) -> str:
    """Writes pairs as a table; gives its path."""
    path = folder / name
    lines = (f"{s}\t{t}\n" for s, t in zip(corpus.source, corpus.target, strict=True))
    path.write_text("".join(lines), encoding="utf-8")
    return str(path)


def inspect(*arguments) -> int:
    return command.main(["inspect", *map(str, arguments)])


@pytest.fixture
def train(tmp_path):
    return table(tmp_path, "train.tsv", made_up(400))


def test_prints_and_writes_a_report(tmp_path, train, capsys):
    valid, folder = table(tmp_path, "valid.tsv", made_up(50, seed=3)), tmp_path / "report"
    options = ["--train.tsv", train, "--valid.tsv", valid, "--output", folder, "--json", tmp_path / "copy.json"]
    assert inspect(*options) == 0
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert report == json.loads((tmp_path / "copy.json").read_text(encoding="utf-8"))
    assert report["parts"]["train"]["pairs"] == 400 and report["overlap"]["valid"]["pairs"]["count"] == 0
    assert report["problems"] == []
    assert (folder / "lengths.png").read_bytes().startswith(b"\x89PNG")
    shown = capsys.readouterr().out
    for word in ("Lengths", "400", "repeated pairs", "identical sides", "in train too: sources", "replacement"):
        assert word in shown
    assert sorted(path.name for path in folder.iterdir()) == ["lengths.png", "report.json"]


def test_train_alone_and_valid_alone(train, capsys):
    assert inspect("--train.tsv", train) == 0
    assert inspect("--valid.tsv", train) == 0


def test_too_many_unusable_lines_are_refused_with_a_report_on_the_others(tmp_path, train, capsys):
    with open(train, "a", encoding="utf-8") as file:
        file.write("alone\t\n" * 40)
    assert inspect("--train.tsv", train, "--output", tmp_path / "r") == exits.REJECTS
    told = capsys.readouterr()
    assert "40 of 440 rows cannot be used" in told.err and "lines 401, 402" in told.err and "Lengths" in told.out
    report = json.loads((tmp_path / "r" / "report.json").read_text(encoding="utf-8"))
    assert report["parts"]["train"]["pairs"] == 400
    assert "40 of 440" in report["problems"][0]


def test_refuses_misaligned_files_and_names_the_line(tmp_path, capsys):
    corpus = shifted(made_up(1_000), 401, 1)
    for name, side in (("a.en", corpus.source), ("a.de", corpus.target)):
        (tmp_path / name).write_text("\n".join(side) + "\n", encoding="utf-8")
    options = ["--train.source", tmp_path / "a.en", "--train.target", tmp_path / "a.de", "--output", tmp_path / "r"]
    assert inspect(*options) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "a.en and " in said and "line N+1 of the target" in said
    assert abs(int(said.split("from about line ")[1].split()[0]) - 401) < 20
    report = json.loads((tmp_path / "r" / "report.json").read_text(encoding="utf-8"))
    assert f"error: {report['problems'][0]}\n" == said


def test_refuses_swapped_sides(tmp_path, train, capsys):
    valid = table(tmp_path, "valid.tsv", turned(made_up(50, seed=3)))
    assert inspect("--train.tsv", train, "--valid.tsv", valid) == 2
    assert f"{valid}: source and target changed places: 50 of 50 pairs" in capsys.readouterr().err


@pytest.fixture(params=("one folder", "a run with two", "a run with one"))
def vocabulary(request, tmp_path):
    """A folder with vocabularies of characters of the made-up pairs."""
    corpus, folder = made_up(400), tmp_path / "run"
    both = tokens.learn("characters", [*corpus.source, *corpus.target])
    if request.param == "one folder":
        tokens.save(both, folder)
    elif request.param == "a run with one":
        tokens.save(both, folder / "source")
    else:
        tokens.save(tokens.learn("characters", corpus.source), folder / "source")
        tokens.save(tokens.learn("characters", corpus.target), folder / "target")
    return folder


def test_accepts_the_right_vocabulary(vocabulary, train, tmp_path, capsys):
    assert inspect("--train.tsv", train, "--vocabulary", vocabulary, "--json", tmp_path / "j.json") == 0
    found = json.loads((tmp_path / "j.json").read_text(encoding="utf-8"))["vocabulary"]["parts"]["train"]
    assert found["source"]["share"] == found["target"]["share"] == 0.0
    assert "Vocabulary" in capsys.readouterr().out


def test_refuses_the_wrong_vocabulary(vocabulary, tmp_path, capsys):
    corpus = made_up(100)
    corpus.source[:] = [text.upper() for text in corpus.source]
    assert inspect("--test.tsv", table(tmp_path, "test.tsv", corpus), "--vocabulary", vocabulary) == 2
    said = capsys.readouterr().err
    assert "test.tsv: " in said and str(vocabulary) in said and "of the source (worst lines" in said


def test_two_vocabularies_tell_swapped_sides(tmp_path, capsys):
    corpus, folder = made_up(400), tmp_path / "run"
    tokens.save(tokens.learn("words", corpus.source), folder / "source")
    tokens.save(tokens.learn("words", corpus.target), folder / "target")
    assert inspect("--train.tsv", table(tmp_path, "t.tsv", turned(corpus)), "--vocabulary", folder) == 2
    assert "source and target changed places" in capsys.readouterr().err.lower()


def test_spelling_in_bytes_is_not_knowing(tmp_path, capsys):
    folder = tmp_path / "vocabulary"
    tokens.save(tokens.learn("sentencepiece", made_up(400).source, size=400), folder)
    thai = data.Corpus(["ภาษาไทย ง่าย"] * 5, ["aa bb"] * 5, list(range(1, 6)))
    assert inspect("--train.tsv", table(tmp_path, "t.tsv", thai), "--vocabulary", folder) == 2
    assert "of the source (worst lines 1, 2, 3)" in capsys.readouterr().err


def test_refuses_what_it_cannot_use(tmp_path, train, capsys):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "settings.json").write_text("{}", encoding="utf-8")
    for arguments, words in (
        ([], "no pairs"),
        (["--train.tsv", tmp_path / "none.tsv"], "there is no such file"),
        (["--train.source", train], "--train.target is missing"),
        (["--train.tsv", train, "--output", tmp_path / "run"], "holds a run"),
        (["--train.tsv", train, "--output", train], "is a file"),
        (["--train.tsv", train, "--vocabulary", tmp_path], str(tmp_path)),
    ):
        assert inspect(*arguments) == 2
        said = capsys.readouterr().err
        assert words in said and said.count("\n") == 1
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["settings.json"]


@multi30k
def test_multi30k_is_accepted_and_a_lost_line_refused(tmp_path, capsys):
    folder = SHARED / "multi30k"
    english, german = folder / "train.en.gz", folder / "train.de.gz"
    options = [
        "--valid.source",
        folder / "val.en.gz",
        "--valid.target",
        folder / "val.de.gz",
        "--train.source",
        english,
    ]
    assert inspect(*options, "--train.target", german) == 0
    capsys.readouterr()
    lines = multi30k_pairs().target
    broken = tmp_path / "train.de.gz"
    with gzip.open(broken, "wt", encoding="utf-8", newline="\n") as stream:
        stream.writelines(f"{line}\n" for line in [*lines[:19_999], *lines[20_000:], "Ende."])
    assert inspect(*options, "--train.target", broken) == 2
    said = capsys.readouterr().err
    assert abs(int(said.split("from about line ")[1].split()[0]) - 20_000) < 20 and "line N-1 of the target" in said


@multi30k
def test_a_vocabulary_of_multi30k_knows_its_languages_only(tmp_path, capsys):
    train, test = multi30k_pairs(), multi30k_pairs("test_2016_flickr")
    tokens.save(tokens.learn("sentencepiece", [*train.source, *train.target], size=2_000), tmp_path / "v")
    assert inspect("--test.tsv", table(tmp_path, "t.tsv", test), "--vocabulary", tmp_path / "v") == 0
    shouted = data.Corpus([text.upper() for text in test.source], test.target, test.lines)
    capsys.readouterr()
    small = [text.lower() for text in [*train.source, *train.target]]
    tokens.save(tokens.learn("sentencepiece", small, size=2_000), tmp_path / "lower")
    assert inspect("--test.tsv", table(tmp_path, "t.tsv", shouted), "--vocabulary", tmp_path / "lower") == 2
    assert "in the same case" in capsys.readouterr().err
