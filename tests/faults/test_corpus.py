"""Rows 1, 2, 4, 8 and 9: a large file with bad rows here and there, lines of any length, hardly any pairs at all."""

import random
import tracemalloc

import pytest

from pipelines import exits
from pipelines.__main__ import main
from seq2seq_keras import data
from seq2seq_keras.errors import TooManyRejects

ROWS = 50_000
HUGE = 100 * 2**20


def table(seed: int) -> tuple[list[bytes], list[bytes], dict]:
    """Rows, the same with one of every 10,000 or so spoilt, and why and where."""
    chance = random.Random(seed)
    rows = [f"source {number} ä\ttarget {number} \N{SNOWMAN}".encode() for number in range(ROWS)]
    spoilt, why = list(rows), {}
    ways = {
        "invalid UTF-8": lambda row: row[:-1],
        "wrong number of columns": lambda row: row + b"\tthird",
        "empty side": lambda row: row.split(b"\t")[0] + b"\t ",
        "NUL character": lambda row: row.replace(b" ", b"\0", 1),
        "too long": lambda row: row + b"x" * 6_000,
    }
    for place in sorted(chance.sample(range(ROWS), 5 * len(ways))):
        reason = chance.choice(list(ways))
        spoilt[place] = ways[reason](rows[place])
        why.setdefault(reason, []).append(place + 1)
    return rows, spoilt, why


@pytest.mark.parametrize("seed", [1, 2])
def test_rows_that_cannot_be_read_are_counted_exactly_and_the_rest_is_untouched(tmp_path, seed):
    rows, spoilt, why = table(seed)
    bad = {line for lines in why.values() for line in lines}
    (tmp_path / "clean.tsv").write_bytes(b"\n".join(row for line, row in enumerate(rows, 1) if line not in bad) + b"\n")
    (tmp_path / "spoilt.tsv").write_bytes(b"\n".join(spoilt) + b"\n")
    found, clean = data.read_pairs(tmp_path / "spoilt.tsv"), data.read_pairs(tmp_path / "clean.tsv")
    assert found.rejected == why
    assert (found.source, found.target) == (clean.source, clean.target)
    assert found.lines == [line for line in range(1, ROWS + 1) if line not in bad]


@pytest.mark.parametrize("ends", [True, False])
def test_a_line_of_a_hundred_megabytes_is_never_held(tmp_path, ends):
    with open(tmp_path / "a", "wb") as file:
        file.write(b"one\n")
        for _ in range(HUGE // 2**20):
            file.write(b"x" * 2**20)
        file.write(b"\nthree\n" if ends else b"")
    (tmp_path / "b").write_text("one\ntwo\nthree\n" if ends else "one\ntwo\n")
    tracemalloc.start()
    try:
        corpus = data.read_pairs(tmp_path / "a", tmp_path / "b", max_reject_fraction=0.5)
        assert tracemalloc.get_traced_memory()[1] < 16 * 2**20
    finally:
        tracemalloc.stop()
    assert corpus.rejected == {"too long": [2]}
    assert corpus.source == (["one", "three"] if ends else ["one"])


def test_a_share_of_bad_rows_above_the_limit_has_an_exit_code_of_its_own(tmp_path, capfd):
    lines = ["a\tb"] * 95 + ["a\t"] * 5
    path = tmp_path / "pairs.tsv"
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(TooManyRejects):
        data.read_pairs(path)
    assert main(["translate", f"--train.tsv={path}", f"--output={tmp_path / 'run'}"]) == exits.REJECTS == 3
    said = capfd.readouterr().err.strip()
    assert "5 of 100 rows cannot be used (empty side: lines 96, 97, 98 and 2 more)" in said and "\n" not in said
    assert not (tmp_path / "run").exists()


def test_a_corpus_whose_rows_are_all_filtered_is_an_error_at_once(tmp_path, capfd):
    (tmp_path / "pairs.tsv").write_text("a b c d e f\tg\n" * 10)
    flags = ["--max-source", "2", "--tokens.kind", "words", f"--output={tmp_path / 'run'}"]
    assert main(["translate", f"--train.tsv={tmp_path / 'pairs.tsv'}", *flags]) == 2
    said = capfd.readouterr().err.strip()
    assert said.startswith("error: ") and "\n" not in said and "10" in said
    assert not (tmp_path / "run" / "settings.json").exists()


def test_a_corpus_smaller_than_a_batch_is_one_batch_an_epoch():
    one = data.Examples(data.Ragged.from_rows([[5, 3]]), data.Ragged.from_rows([[7]]))
    assert len(data.plan(one, 4_096)) == 1
    assert [labels.shape for _, labels in data.batch(one, 4_096).repeat(2)] == [(1, 2), (1, 2)]
