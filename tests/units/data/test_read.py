"""What becomes of a user's files: every row kept or counted, every mistake named."""

import gzip
import io
import os
import re

import pytest

from seq2seq_keras.data import read_lines, read_pairs
from seq2seq_keras.errors import InputError


@pytest.fixture
def put(tmp_path):
    """Writes a file, packed where its name ends in .gz, and gives its path."""

    def write(name: str, content: str | bytes):
        data = content.encode("utf-8") if isinstance(content, str) else content
        path = tmp_path / name
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    return write


def test_aligned_files_give_the_pairs_of_their_lines(put):
    corpus = read_pairs(put("a", "eins\nzwei\n"), put("b", "one\ntwo\n"))
    assert corpus.source == ["eins", "zwei"]
    assert corpus.target == ["one", "two"]
    assert corpus.lines == [1, 2]
    assert corpus.rejected == {}
    assert len(corpus) == 2


def test_a_last_line_without_an_end_counts(put):
    corpus = read_pairs(put("a", "eins\nzwei"), put("b", "one\ntwo\n"))
    assert corpus.source == ["eins", "zwei"]


@pytest.mark.parametrize("names", [("a.gz", "b.gz"), ("a", "b.gz")])
def test_packed_files_give_the_same_pairs(put, names):
    plain = read_pairs(put("x", "ä\nö\n"), put("y", "a\no\n"))
    packed = read_pairs(put(names[0], "ä\nö\n"), put(names[1], "a\no\n"))
    assert (packed.source, packed.target) == (plain.source, plain.target) == (["ä", "ö"], ["a", "o"])


@pytest.mark.parametrize("name", ["t.tsv", "t.tsv.gz"])
def test_a_table_gives_the_columns_asked_for(put, name):
    table = put(name, "1\teins\tone\n2\tzwei\ttwo\n")
    corpus = read_pairs(table, columns=(2, 1))
    assert (corpus.source, corpus.target) == (["one", "two"], ["eins", "zwei"])


def test_crlf_and_a_byte_order_mark_are_no_text(put):
    corpus = read_pairs(put("a", b"\xef\xbb\xbfeins\r\nzwei\r\n"), put("b", b"one\ntwo\n"))
    assert corpus.source == ["eins", "zwei"]
    assert read_pairs(put("t", b"\xef\xbb\xbfeins\tone\r\n")).target == ["one"]


def test_a_byte_order_mark_inside_the_file_is_text(put):
    assert read_lines(put("a", "\ufeffx\n\ufeffy\n")) == ["x", "\ufeffy"]


def test_only_a_line_feed_ends_a_line(put):
    lines = [f"ei{inside}ns" for inside in "\u2028\u2029\x85\x0b\x0c\x1c\r"]
    source, target = put("a", "\n".join(lines)), put("b", "one\n" * len(lines))
    assert read_pairs(source, target).source == read_lines(source) == lines
    assert read_pairs(put("t", "".join(f"{line}\tone\n" for line in lines))).source == lines


def test_every_row_left_out_is_counted_with_reason_and_line(put):
    source = b"good\n\nbad \xff\nn\0l\n" + b"x" * 11 + b"\nlast\n \t\n"
    target = b"good\nb\nc\nd\ne\nlast\ng\n"
    corpus = read_pairs(put("a", source), put("b", target), max_characters=10, max_reject_fraction=1)
    assert corpus.source == corpus.target == ["good", "last"]
    assert corpus.lines == [1, 6]
    assert corpus.rejected == {
        "empty side": [2, 7],
        "invalid UTF-8": [3],
        "NUL character": [4],
        "too long": [5],
    }


def test_a_bad_target_side_leaves_the_row_out_too(put):
    corpus = read_pairs(put("a", b"a\nb\n"), put("b", b"x\n\xff\n"), max_reject_fraction=1)
    assert corpus.rejected == {"invalid UTF-8": [2]}


def test_table_rows_of_another_width_are_left_out(put):
    table = put("t", "a\tb\nc\td\te\nf\ng\th\n\n")
    corpus = read_pairs(table, max_reject_fraction=1)
    assert corpus.source == ["a", "g"]
    assert corpus.rejected == {"wrong number of columns": [2, 3], "empty side": [5]}


def test_a_long_cell_that_is_not_asked_for_does_not_matter(put):
    table = put("t", "a\tb\t" + "x" * 50 + "\n")
    assert read_pairs(table, max_characters=10).source == ["a"]
    table = put("t", "a\tb\nc\t" + "x" * 11 + "\n")
    assert read_pairs(table, max_characters=10, max_reject_fraction=1).rejected == {"too long": [2]}


@pytest.mark.parametrize("text", ["x" * 10, "ä" * 10, "\U0001f600" * 10])
def test_the_limit_counts_characters_and_includes_itself(put, text):
    assert read_lines(put("a", f"{text}\r\n"), max_characters=10) == [text]
    assert read_lines(put("a", f"\ufeff{text}\r\n"), max_characters=10) == [text]
    with pytest.raises(InputError, match="too long"):
        read_lines(put("a", f"{text}x\n"), max_characters=10)


def test_a_line_of_a_megabyte_is_one_rejected_row(put):
    long = "x" * (1 << 20)
    corpus = read_pairs(put("a", f"{long}\nb\n"), put("b", "a\nb\n"), max_reject_fraction=0.5)
    assert corpus.source == ["b"]
    assert corpus.rejected == {"too long": [1]}
    corpus = read_pairs(put("t", f"{long}\tone\nb\tb\n{long}"), max_reject_fraction=0.7)
    assert corpus.lines == [2]
    assert corpus.rejected == {"too long": [1, 3]}


def test_a_megabyte_without_any_line_end_is_not_kept_in_memory():
    class Endless(io.RawIOBase):
        """A stream of one long line that notes the most it was asked for at once."""

        left, most = 1 << 20, 0

        def readline(self, size=-1):
            assert size > 0
            Endless.most = max(Endless.most, size)
            size = min(size, self.left)
            self.left -= size
            return b"x" * size

    with pytest.raises(InputError, match="too long"):
        read_lines(Endless(), max_characters=100)
    assert Endless.most <= 1 << 20


def test_files_of_unequal_length_name_both_and_the_line(put):
    source, target = put("a.de", "1\n2\n3\n"), put("b.en", "1\n2\n")
    with pytest.raises(InputError) as error:
        read_pairs(source, target)
    for part in (f"{source} has 3 lines", f"{target} has 2", "line 3"):
        assert part in str(error.value)
    with pytest.raises(InputError, match="has 2 lines and .* has 3"):
        read_pairs(target, source)


def test_files_of_unequal_length_are_told_before_bad_rows(put):
    with pytest.raises(InputError, match="has 3 lines and .* has 1"):
        read_pairs(put("a", "\n\n\n"), put("b", "\n"))


@pytest.mark.parametrize("read", [read_pairs, read_lines])
@pytest.mark.parametrize("name", ["missing.txt", "missing.txt.gz"])
def test_a_missing_file_is_named(tmp_path, read, name):
    with pytest.raises(InputError, match="no such file.*path") as error:
        read(tmp_path / name)
    assert name in str(error.value)


@pytest.mark.parametrize("name", ["folder", "folder.gz"])
def test_a_folder_is_named(tmp_path, name):
    (tmp_path / name).mkdir()
    with pytest.raises(InputError, match=f"{name}: this is a folder; expected a text file"):
        read_lines(tmp_path / name)


def test_a_file_in_a_file_is_an_input_error(put):
    path = put("a", "x\n")
    with pytest.raises(InputError, match="cannot be read"):
        read_lines(path / "b")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_named(put):
    path = put("a", "x\n")
    path.chmod(0)
    with pytest.raises(InputError, match="not permitted"):
        read_lines(path)


@pytest.mark.parametrize(
    "damage",
    [lambda data: data[:-12], lambda data: b"no gzip\n", lambda data: data[:40] + bytes(20) + data[60:]],
)
def test_a_damaged_packed_file_is_named(put, damage):
    text = "".join(f"line {number * 7919}\n" for number in range(200))
    path = put("a.gz", text)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(InputError, match=r"a\.gz: the gzip file is damaged or cut short .*download it again"):
        read_lines(path)


@pytest.mark.parametrize("name, content", [("a", ""), ("a.gz", ""), ("a", "\ufeff")])
def test_an_empty_file_is_named(put, name, content):
    path = put(name, content)
    with pytest.raises(InputError, match=f"{name}: the file is empty; expected one text a line"):
        read_lines(path)
    with pytest.raises(InputError, match=f"{name}: no lines: the file is empty"):
        read_pairs(path)
    with pytest.raises(InputError, match="no lines"):
        read_pairs(path, path)


def test_a_packed_file_of_no_bytes_at_all_is_an_input_error(tmp_path):
    (tmp_path / "a.gz").write_bytes(b"")
    with pytest.raises(InputError, match=r"a\.gz: "):
        read_lines(tmp_path / "a.gz")


def test_a_missing_column_names_line_and_column(put):
    table = put("t.tsv", "\none two\nthree four\n")
    with pytest.raises(InputError, match="TAB.*two aligned files") as error:
        read_pairs(table)
    assert f"{table}:2: found 1 column, column 2 is missing" in str(error.value)
    with pytest.raises(InputError, match="found 2 columns, column 4 is missing"):
        read_pairs(put("t", "a\tb\n"), columns=(0, 3))


def test_too_many_rejects_name_count_lines_and_remedy(put):
    source = put("a", "x\n" + "\n" * 5 + "x\n")
    with pytest.raises(InputError) as error:
        read_pairs(source, source)
    message = str(error.value)
    for part in (str(source), "5 of 7 rows", "empty side: lines 2, 3, 4 and 2 more", "at most 1.00%"):
        assert part in message
    assert "raise max_reject_fraction to 0.72" in message
    assert len(read_pairs(source, source, max_reject_fraction=0.72)) == 2


def test_no_usable_row_is_an_error_whatever_fraction_is_allowed(put):
    path = put("a", "\n\n")
    with pytest.raises(InputError, match=r"no usable row among 2 \(empty side: lines 1, 2\)"):
        read_pairs(path, path, max_reject_fraction=1)


def test_rejects_up_to_the_allowed_fraction_are_no_error_and_so_is_the_advised_one(put):
    for bad in range(1, 100):
        path = put("a", "x\n" * (100 - bad) + "\n" * bad)
        assert len(read_pairs(path, path, max_reject_fraction=bad / 100)) == 100 - bad
        with pytest.raises(InputError) as error:
            read_pairs(path, path, max_reject_fraction=(bad - 1) / 100)
        advice = float(re.search(r"raise max_reject_fraction to (\S+)", str(error.value))[1])
        assert bad / 100 <= advice <= (bad + 1) / 100
        assert len(read_pairs(path, path, max_reject_fraction=advice)) == 100 - bad


def test_lines_keep_their_place_empty_ones_too(put):
    assert read_lines(put("a", "\nx\n\n  \ny\n\n")) == ["", "x", "", "  ", "y", ""]


def test_lines_come_from_an_open_stream_too():
    assert read_lines(io.BytesIO(b"\xef\xbb\xbfa\r\nb")) == ["a", "b"]


@pytest.mark.parametrize(
    "line, reason",
    [
        (b"a\xffb", "invalid UTF-8"),
        (b"\xed\xa0\x80", "invalid UTF-8"),
        (b"\0", "NUL character"),
        (b"x" * (1 << 20), r"too long \(limit 5,000 characters\)"),
    ],
)
def test_a_bad_line_is_named_with_its_number(put, line, reason):
    path = put("a.txt", b"good\n" + line + b"\n")
    with pytest.raises(InputError, match=rf"a\.txt:2: {reason}\. Mend this line"):
        read_lines(path)
