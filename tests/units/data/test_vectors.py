"""Files of word vectors: what is kept, what stands for what, and every mistake named with its line."""

import gzip
import re
from pathlib import Path

import numpy as np
import pytest

from seq2seq_keras.data import read_vectors, vectors_width
from seq2seq_keras.errors import InputError

GLOVE = Path(__file__).parents[4] / "shared" / "data" / "glove-50d" / "glove.6B.50d.trim.txt.gz"
ROWS = "the 1 2 3\nParis 4.5 -5 6e-1\nparis 7 8 9\n. . -1 -2 -3\n"


@pytest.fixture
def put(tmp_path):
    """Writes a file, packed where its name ends in .gz, and gives its path."""

    def write(content: str | bytes, name: str = "vectors.txt"):
        data = content.encode("utf-8") if isinstance(content, str) else content
        path = tmp_path / name
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    return write


def test_the_words_asked_for_are_found_and_the_others_named(put):
    found = read_vectors(put(ROWS), ["Paris", "xyz", ". .", "the", "paris"])
    np.testing.assert_array_equal(found.places, [0, 2, 3, 4])
    expected = np.array([[4.5, -5, 0.6], [-1, -2, -3], [1, 2, 3], [7, 8, 9]], "float32")
    np.testing.assert_array_equal(found.matrix, expected)
    assert found.matrix.dtype == np.float32
    assert found.missing == ["xyz"] and found.covered == 0.8


@pytest.mark.parametrize(
    "content",
    [
        "4 3\n" + ROWS,
        ROWS.replace("\n", " \n"),
        ROWS.replace(" ", "\t").replace(".\t.", ". ."),
        ROWS.replace("\n", "\r\n"),
        "\ufeff" + ROWS.removesuffix("\n"),
        "2 3\n" + ROWS,
    ],
    ids=["header", "blank at the end", "tabs", "CRLF", "byte order mark", "more lines than the header says"],
)
def test_the_forms_of_word2vec_and_fasttext_say_the_same(put, content):
    words = ["Paris", "the", ". ."]
    for name in ("vectors.vec", "vectors.txt.gz"):
        path = put(content, name)
        assert vectors_width(path) == 3
        np.testing.assert_array_equal(read_vectors(path, words).matrix, read_vectors(put(ROWS), words).matrix)


def test_a_word_that_is_missing_takes_its_lower_case_form_and_never_another(put):
    path = put("the 1 2\nThe 3 4\nRome 5 6\n")
    np.testing.assert_array_equal(read_vectors(path, ["THE", "The", "the"]).matrix, [[1, 2], [3, 4], [1, 2]])
    assert read_vectors(path, ["rome", "ROME"]).missing == ["rome", "ROME"]


def test_of_two_lines_for_a_word_the_first_counts(put):
    np.testing.assert_array_equal(read_vectors(put("a 1 2\na 3 4\n"), ["a", "a"]).matrix, [[1, 2], [1, 2]])


def test_nothing_asked_for_is_nothing_found(put):
    found = read_vectors(put(ROWS), [])
    assert found.matrix.shape == (0, 3) and found.covered == 0.0 and found.missing == []


def test_numbers_of_other_words_are_counted_but_not_read(put):
    assert read_vectors(put("a 1 2\nb x y\n"), ["a"]).covered == 1.0


BAD = {
    "too few": ("a 1 2\nb 1\n", r":2: 1 value; expected 2, as in the first line"),
    "too many": ("a 1 2\nb 1 2 3\n", r":2: 3 values; expected 2"),
    "a blank line": ("a 1 2\n\na 1 2\n", r":2: 0 values"),
    "another width than the header": ("1 3\na 1 2\n", r":2: 2 values; expected 3"),
    "no number": ("a 1 2\nb 1 x2\n", r":2: 'x2' is no number"),
    "no number at first": ("a b 2\n", r":1: 'b' is no number"),
    "a word alone": ("a\n", r":1: 1 value; expected a word and its numbers"),
    "not finite": ("a 1 2\nb 1 nan\n", r":2: a number is not finite"),
    "too large for float32": ("b 1 1e99\n", r":1: a number is not finite"),
    "invalid UTF-8": (b"a 1 2\n\xff 1 2\n", r":2: invalid UTF-8.*text form"),
    "a binary file": (b"3 2\na \0\0\x80\x3f\n", r":2: NUL character"),
    "cut short": ("3 2\na 1 2\nb 1 2\n", r"2 vectors, and its first line says 3"),
    "empty": ("", r"the file is empty"),
    "too long": ("a 1 2\n" + "b" * 1_000_001 + " 1 2\n", r":2: too long"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_used_is_named_with_its_line(put, name):
    content, message = BAD[name]
    path = put(content)
    with pytest.raises(InputError, match=re.escape(str(path)) + ".*" + message.removeprefix(r".*")):
        read_vectors(path, ["a", "b"])


def test_a_file_that_is_not_there_is_named(tmp_path):
    for read in (vectors_width, lambda path: read_vectors(path, [])):
        with pytest.raises(InputError, match="no such file"):
            read(tmp_path / "none.txt")


def test_a_packed_file_cut_short_is_named(put):
    path = put(ROWS * 99, "vectors.gz")
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(InputError, match="damaged or cut short"):
        read_vectors(path, ["the"])


@pytest.mark.skipif(not GLOVE.exists(), reason="GloVe is not on this machine")
def test_glove_knows_what_words_are_like():
    words = ["cat", "dog", "parliament", "Paris", "qqqqqqq"]
    found = read_vectors(GLOVE, words)
    assert found.missing == ["qqqqqqq"] and found.matrix.shape == (4, 50)
    unit = found.matrix / np.linalg.norm(found.matrix, axis=1, keepdims=True)
    assert unit[0] @ unit[1] > 0.85 > 0.3 > unit[0] @ unit[2]
