"""Pretrained vectors in a run: which table gets which, what is told about them, and what is refused."""

import json
import re

import numpy as np
import pytest

from pipelines import runs, steps, vectors
from pipelines.__main__ import main, parse
from seq2seq_keras import data, tasks
from seq2seq_keras.embed import FrozenTable, ProjectedTable, TokenTable
from seq2seq_keras.errors import InputError
from tests import cases, oracles
from tests.pipelines.conftest import arguments

WORDS = "abcdxyz"
"""Of the toy corpus: a to d are in the file, and x, y and z in no text."""


@pytest.fixture
def file(tmp_path):
    """Vectors of five numbers for some of the corpus' words."""
    path = tmp_path / "vectors.txt"
    rows = zip(WORDS, cases.ramp(len(WORDS), 5, scale=3.0))
    path.write_text("".join(f"{word} {' '.join(map(str, row))}\n" for word, row in rows))
    return path


def asked(corpus, tmp_path, *more):
    """The settings of a command."""
    return parse(arguments(corpus, tmp_path / "run", *map(str, more)))[1]


def prepared(settings):
    train = steps.read(settings.train, "train")
    return steps.prepare(train, None, settings, settings.output, resumed=False)


def ids(tokenizer) -> list[int]:
    return [tokenizer.pieces.index(word) for word in "abcd"]


def test_a_shared_table_begins_with_the_vectors_through_a_map(corpus, file, tmp_path):
    settings = asked(corpus, tmp_path, "--source-vectors", file)
    material = prepared(settings)
    table, other = vectors.tables(settings, material)
    assert other is None and type(table) is ProjectedTable and type(table.table) is TokenTable
    expected = oracles.unit_rows(data.read_vectors(file, list("abcd")).matrix)
    rows = oracles.numbers(table.table.embeddings)
    np.testing.assert_allclose(rows[ids(material.source)], expected, rtol=1e-5)

    covered = material.report["vectors"]["source"]
    said = np.concatenate([material.train.source.values, material.train.target.values])
    share = np.isin(said, ids(material.source)).sum() / (said > 3).sum()
    assert covered["covered"] == 4 and covered["pieces"] == material.source.size - 4
    assert covered["share_of_tokens"] == pytest.approx(share)
    (line,) = vectors.lines(material.report)
    assert f"vectors.txt, 5 wide, tuned, for 4 of {covered['pieces']} pieces ({covered['share']:.1%})" in line


def test_each_side_has_its_own_table_as_asked(corpus, file, tmp_path):
    more = ("--tokens.no-shared", "--target-vectors", file, "--vectors", "frozen", "--width", "5", "--model", "lstm")
    settings = asked(corpus, tmp_path, *more)
    material = prepared(settings)
    source, target = vectors.tables(settings, material)
    assert source == material.source.size
    assert type(target) is FrozenTable and target.width == 5 and target.tied
    np.testing.assert_array_equal(np.flatnonzero(target.frozen), sorted(ids(material.target)))
    model = steps.build(settings, material)
    assert type(model.embedding) is TokenTable and type(model.target_embedding) is FrozenTable
    assert set(material.report["vectors"]) == {"target"}


def test_learned_tables_have_the_form_of_the_vectors_and_nothing_else_of_them(corpus, file, tmp_path):
    settings = asked(corpus, tmp_path, "--source-vectors", file, "--vectors", "learned")
    material = prepared(settings)
    table, _ = vectors.tables(settings, material)
    assert type(table) is ProjectedTable and type(table.table) is TokenTable and table.table.width == 5
    rows = oracles.numbers(table.table(np.array(ids(material.source))))
    assert not np.isclose(rows, oracles.unit_rows(data.read_vectors(file, list("abcd")).matrix)).all(axis=-1).any()


def test_a_run_goes_on_with_its_vectors_wherever_they_lie_and_with_no_others(corpus, file, tmp_path):
    def taken(*more):
        material = prepared(asked(corpus, tmp_path, *more))
        vectors.tables(asked(corpus, tmp_path, *more), material)
        return material.report

    given = ("--source-vectors", file, "--vectors", "frozen")
    runs.write_json(tmp_path / "settings.json", runs.plain(asked(corpus, tmp_path, *given)))
    runs.write_json(tmp_path / "data.json", taken(*given))
    moved = file.rename(tmp_path / "moved.txt")
    given = ("--source-vectors", moved, "--vectors", "frozen")
    runs.same_settings(tmp_path, asked(corpus, tmp_path, *given))
    runs.same_data(tmp_path, taken(*given)["fingerprints"])
    moved.write_text(moved.read_text() + "nobody 1 2 3 4 5\n")  # a row that is not taken
    runs.same_data(tmp_path, taken(*given)["fingerprints"])
    without = taken()
    moved.write_text("a 9 9 9 9 9\n" + moved.read_text().partition("\n")[2])
    for other in (without, taken(*given)):
        with pytest.raises(InputError, match="source vectors changed since the run began"):
            runs.same_data(tmp_path, other["fingerprints"])


def test_without_vectors_nothing_changes(corpus, tmp_path):
    settings = asked(corpus, tmp_path)
    material = prepared(settings)
    assert vectors.tables(settings, material) == (material.source.size, None)
    assert "vectors" not in material.report and vectors.lines(material.report) == []


def test_a_file_of_another_language_is_refused(corpus, file, tmp_path):
    settings = asked(corpus, tmp_path, "--source-vectors", file)
    file.write_text("\u03b1 1 2\n\u03b2 3 4\n")
    with pytest.raises(InputError, match=r"vectors\.txt: holds none of the \d+ words of a vocabulary of kind words"):
        vectors.tables(settings, prepared(settings))


REFUSED = {
    "--vectors frozen": "--vectors frozen without vectors.*Add --source-vectors",
    "--target-vectors FILE": "share one vocabulary.*add --tokens.no-shared",
    "--source-vectors FILE --embedding 7": "--embedding is 7 and vectors are given",
    "--source-vectors FILE.gz": "no such file",
    "--source-vectors .": "this is a folder",
}


@pytest.mark.parametrize("flags", REFUSED)
def test_what_cannot_be_is_refused_before_any_work(corpus, file, tmp_path, capfd, flags):
    flags, message = flags.replace("FILE", str(file)).split(), REFUSED[flags]
    assert main(arguments(corpus, tmp_path / "run", *flags)) == 2
    said = capfd.readouterr().err
    assert re.search(message, said) and len(said.strip().splitlines()) == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_a_run_keeps_its_frozen_vectors_and_needs_the_file_no_more_when_it_is_done(corpus, file, tmp_path, capfd):
    command = arguments(corpus, tmp_path / "run", f"--source-vectors={file}", "--vectors", "frozen")
    assert main(command) == 0
    assert "source vectors:" in capfd.readouterr().out
    assert main([*command, "--epochs", "3"]) == 0
    assert json.loads((tmp_path / "run" / "data.json").read_text())["vectors"]["source"]["covered"] == 4
    expected = oracles.unit_rows(data.read_vectors(file, list("abcd")).matrix)
    file.unlink()
    task = tasks.TextToText.load(tmp_path / "run" / "model")
    rows = oracles.numbers(task.model.embedding.table.embeddings)
    np.testing.assert_allclose(rows[ids(task.source)], expected, rtol=1e-5)
    assert len(task.generate(["a b c"])) == 1
