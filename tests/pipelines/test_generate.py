"""`generate`: strategies and rules, from a run and from what was exported of it."""

import json

import pytest

from pipelines.__main__ import main

LINES = ["a b c", "", "h g f e", "never-seen b"]


@pytest.fixture(scope="module")
def exported(place, tmp_path_factory):
    """An export of the run with another search and with rules."""
    folder = tmp_path_factory.mktemp("exports") / "toy" / "1"
    asked = "--beam 3 --max-length 3 --ban a --replace-unknown".split()
    assert main(["export", f"--run={place.run}", f"--to={folder}", *asked]) == 0
    return folder


@pytest.fixture
def said(capfd, monkeypatch, tmp_path):
    """Lines that a command writes."""

    def run(model, *command) -> list[str]:
        (tmp_path / "lines").write_text("".join(f"{line}\n" for line in LINES))
        with open(tmp_path / "lines") as lines:
            monkeypatch.setattr("sys.stdin", lines)
            capfd.readouterr()
            code = main(["generate", f"--model={model}", *map(str, command)])
        found = capfd.readouterr()
        assert (code, found.err) == (0, ""), found.err
        return found.out.splitlines()

    return run


def test_rules_hold(place, said):
    found = said(place.run, "--max-length", 3, "--ban", "a", "b c", "--no-repeat", 1)
    assert len(found) == 4
    for line in found:
        words = line.split()
        assert len(words) <= 3 and "a" not in words and "b c" not in line and len(set(words)) == len(words)
    assert all(line.startswith("d e") for line in said(place.run, "--prefix", "d e"))


def test_a_compiled_search_says_what_is_said_without(place, said):
    assert said(place.run, "--jit", "--batch", 1) == said(place.run)


def test_words_that_must_appear_do(place, said):
    for line in said(place.run, "--must", "h g", "a", "--beam", 3):
        assert "h g" in line and "a" in line.split()


def test_samples_come_again_with_their_seed(place, said):
    command = ("--search", "sample", "--temperature", 2)
    first = said(place.run, *command, "--seed", 1)
    assert first == said(place.run, *command, "--seed", 1) != said(place.run, *command, "--seed", 2)
    assert len(said(place.run, *command, "--best-of", 4)) == len(said(place.run, *command, "--mbr", 4)) == 4


def test_diverse_outputs_are_as_many_as_asked_for(place, said):
    asked = "--search diverse --beam 4 --groups 2 --n-best 2 --max-length 2".split()
    rows = [line.split("\t") for line in said(place.run, *asked)]
    assert [row[0] for row in rows] == [str(number) for number in range(1, 5) for _ in range(2)]


def test_a_stream_writes_what_is_written_without_it(place, said):
    for command in (("--search", "greedy"), ("--search", "sample", "--seed", 3)):
        assert said(place.run, *command, "--stream") == said(place.run, *command)


def test_a_stream_needs_a_single_path(place, capfd):
    assert main(["generate", f"--model={place.run}", "--stream"]) == 2
    assert "Add --search greedy" in capfd.readouterr().err


def test_an_ensemble_of_a_run_and_itself_says_the_same(place, said):
    assert said(place.run, "--ensemble", place.run) == said(place.run)


def test_pictures_of_the_attention(place, exported, said, tmp_path):
    for name, model in (("run", place.run), ("export", exported)):
        said(model, "--alignments", tmp_path / name)
        pictures = sorted((tmp_path / name).iterdir())
        assert [path.name for path in pictures] == ["1.png", "2.png", "3.png", "4.png"]
        assert all(path.read_bytes().startswith(b"\x89PNG") for path in pictures)


def test_an_export_keeps_the_search_and_the_rules_it_was_given(place, exported, said):
    settings = json.loads((exported / "assets.extra" / "settings.json").read_text())
    assert settings["search"]["width"] == 3 and settings["replace_unknown"]
    assert [control["kind"] for control in settings["search"]["controls"]] == ["MaxLength", "Banned"]
    card = (exported / "assets.extra" / "card.md").read_text()
    assert "Beam width 3" in card and "Banned phrases" in card
    asked = ("--beam", 3, "--max-length", 3, "--ban", "a", "--replace-unknown")
    assert said(exported) == said(place.run, *asked)


@pytest.mark.slow
def test_an_export_draws_what_the_run_draws(place, exported, said):
    command = ("--search", "sample", "--temperature", 0.9, "--top-k", 5, "--seed", 7)
    rules = ("--max-length", 3, "--ban", "a", "--replace-unknown")
    assert said(exported, *command) == said(place.run, *command, *rules)
    assert len(said(exported, "--search", "sample", "--mbr", 3)) == 4


def test_an_export_takes_a_prefix(exported, said):
    assert all(line.startswith("d e") for line in said(exported, "--prefix", "d e"))


@pytest.mark.slow
def test_an_export_streams_its_greedy_text_and_names_no_unknown_word(exported, said):
    streamed, whole = said(exported, "--search", "greedy", "--stream"), said(exported, "--search", "greedy")
    words = [list(zip(*pair, strict=True)) for pair in zip(map(str.split, streamed), map(str.split, whole))]
    assert len(words) == 4 and all(grown in (word, "⁇") for line in words for grown, word in line)


def test_an_evaluation_tells_how_it_searched(place, tmp_path):
    source, reference = place.corpus / "valid.source", place.corpus / "valid.target"
    command = ["evaluate", f"--run={place.run}", f"--source={source}", f"--reference={reference}"]
    report = tmp_path / "report.json"
    assert main([*command, "--beam=3", "--no-repeat=2", f"--json={report}", f"--output={tmp_path / 'out'}"]) == 0
    found = json.loads(report.read_text())["search"]
    assert found["width"] == 3 and found["controls"] == [{"kind": "NoRepeat", "size": 2}]
    outputs = (tmp_path / "out" / "outputs.txt").read_text().splitlines()
    pairs = [list(zip(line.split(), line.split()[1:])) for line in outputs]
    assert len(outputs) == 10 and all(len(set(found)) == len(found) for found in pairs)
