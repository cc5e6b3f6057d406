"""Stretches of a corpus give the rows that reading it whole gives, wherever they are cut."""

import gzip
import hashlib
import tracemalloc

import pytest

from seq2seq_keras.data import find_spans, read_pairs, read_span
from seq2seq_keras.errors import InputError

SOURCE = b"\xef\xbb\xbfone\ntwo\r\n\nfour \xff\nfive\0\nsix\xe2\x80\xa8same line\n" + b"x" * 50 + b"\neight\nnine"
TARGET = b"1\n2\n3\n4\n5\n6\n7\n\n9\n"
TABLE = b"id\tone\t1\nid\ttwo\t2\nid\tthree\n\nid\tfive\t5\tmore\nid\tsix\t6\r\nid\tseven\t7"


def rows(spans, limit: int = 20) -> list[tuple]:
    return [row for span in spans.spans for row in read_span(spans, span, limit)]


def judged(found) -> tuple[list, dict]:
    """As `read_pairs` tells it: the pairs that count, and lines by reason."""
    kept, rejected = [], {}
    for line, source, target, reason in found:
        reason = reason or ("" if source.strip() and target.strip() else "empty side")
        if reason:
            rejected.setdefault(reason, []).append(line)
        else:
            kept.append((line, source, target))
    return kept, rejected


@pytest.fixture
def files(tmp_path):
    for name, content in (("s", SOURCE), ("t", TARGET), ("table", TABLE)):
        (tmp_path / name).write_bytes(content)
        (tmp_path / f"{name}.gz").write_bytes(gzip.compress(content))
    return tmp_path


@pytest.mark.parametrize("lines", [1, 2, 3, 8, 9, 10, 1000])
@pytest.mark.parametrize("ending", ["", ".gz"])
def test_two_files_in_stretches_are_the_two_files(files, lines, ending):
    paths = files / f"s{ending}", files / f"t{ending}"
    spans = find_spans(*paths, lines=lines)
    assert len(spans.spans) == (1 if ending else -(-9 // lines))
    whole = read_pairs(*paths, max_characters=20, max_reject_fraction=1.0)
    assert judged(rows(spans)) == (list(zip(whole.lines, whole.source, whole.target)), whole.rejected)
    assert spans.lines == 9 and spans.sizes == (len(SOURCE), len(TARGET))
    assert spans.hashes == tuple(hashlib.sha256(content).hexdigest() for content in (SOURCE, TARGET))


@pytest.mark.parametrize("lines", [1, 2, 7, 1000])
def test_a_table_in_stretches_is_the_table(files, lines):
    spans = find_spans(files / "table", columns=(1, 2), lines=lines)
    whole = read_pairs(files / "table", columns=(1, 2), max_reject_fraction=1.0)
    assert judged(rows(spans)) == (list(zip(whole.lines, whole.source, whole.target)), whole.rejected)
    assert spans.width == 3


def test_stretches_are_found_across_the_pieces_that_a_file_is_read_in(tmp_path):
    texts = [f"{number} " + "x" * (number % 701) for number in range(20_000)]
    (tmp_path / "s").write_text("\n".join(texts) + "\n")
    (tmp_path / "table").write_text("".join(f"{text}\t{text}\n" for text in texts))
    spans = find_spans(tmp_path / "s", tmp_path / "s", lines=777)
    assert spans.sizes[0] > 4 * 2**20
    assert [source for _, source, _, _ in rows(spans, 1000)] == texts
    table = find_spans(tmp_path / "table", lines=777)
    assert table.width == 2 and [target for _, _, target, _ in rows(table, 1000)] == texts


def test_files_of_different_length_are_refused_with_both_counts(files):
    (files / "t").write_bytes(TARGET + b"ten\n")
    with pytest.raises(InputError, match="has 9 lines and .* has 10"):
        find_spans(files / "s", files / "t")


def test_an_empty_file_is_refused(tmp_path):
    (tmp_path / "s").write_bytes(b"")
    with pytest.raises(InputError, match="the file is empty"):
        find_spans(tmp_path / "s", tmp_path / "s")


def test_a_missing_column_is_refused(files):
    with pytest.raises(InputError, match="most lines have 3 columns, column 6 is missing"):
        find_spans(files / "table", columns=(0, 5))


def test_a_line_of_100_megabytes_takes_the_memory_of_a_short_one(tmp_path):
    with open(tmp_path / "s", "wb") as file:
        for _ in range(100):
            file.write(b"x" * 1_000_000)
        file.write(b"\nshort\n")
    (tmp_path / "t").write_bytes(b"a\nb\n")
    tracemalloc.start()
    spans = find_spans(tmp_path / "s", tmp_path / "t")
    found = rows(spans)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [(line, reason) for line, _, _, reason in found] == [(1, "too long"), (2, "")]
    assert most < 64 * 2**20
