"""Pretrained vectors of words, from the text files of GloVe, word2vec and fastText."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from seq2seq_keras.data.lines import decode, read_bytes
from seq2seq_keras.errors import InputError

_LONGEST = 1_000_000
"""Bytes of a line."""
_FORM = "a word and its numbers, with blanks between them"


class Vectors(NamedTuple):
    """Vectors of those of the words asked for that a file holds."""

    places: np.ndarray
    """(N,) int64, rising: which of the words asked for have one."""
    matrix: np.ndarray
    """(N, E) float32: theirs."""
    missing: list[str]
    """The words that have none, in the order asked for."""

    @property
    def covered(self) -> float:
        """Share of the words asked for that have a vector; 0 where none was asked for."""
        return len(self.places) / max(1, len(self.places) + len(self.missing))


def read_vectors(path: str | Path, words: Sequence[str]) -> Vectors:
    """Reads the vectors of some words, line by line; nothing is kept of the others.

    A line holds a word and its E numbers, with blanks or TABs between them; a word may hold blanks itself, as a few of
    GloVe's do. A first line of two whole numbers is word2vec's header: how many lines follow and E. A word that the
    file lacks takes the vector of its lower-case form; of two lines for one word the first counts. Numbers of words
    that nobody asked for are counted but not read.

    Args:
        path: text file, decompressed where its name ends in `.gz`.
        words: the words wanted; one given twice gets its vector twice.

    Raises:
        InputError: an unreadable or empty file; fewer lines than its header says; or a line, which is named, with
            another number of values than the others, something that is no finite number, or no UTF-8.
    """
    wanted = {word for given in words for word in (given, given.lower())}
    known: dict[str, np.ndarray] = {}
    width = vectors_width(path)
    for number, fields in _rows(path, width):
        word = fields[0].decode("utf-8")
        if word in wanted and word not in known:
            known[word] = _numbers(fields[1:], f"{path}:{number}")
    found = [known.get(word, known.get(word.lower())) for word in words]
    places = [place for place, vector in enumerate(found) if vector is not None]
    return Vectors(
        np.array(places, "int64"),
        np.array([found[place] for place in places], "float32").reshape(len(places), width),
        [word for word, vector in zip(words, found, strict=True) if vector is None],
    )


def vectors_width(path: str | Path) -> int:
    """How many numbers a word has in a file of vectors, from its first line.

    Raises:
        InputError: an unreadable or empty file, or a first line that is no vector.
    """
    line = next(read_bytes(path, _LONGEST), b"")
    _check_text(line, f"{path}:1")
    fields = (line or b"").split()
    header = _header(fields)
    if header:
        return header[1]
    if not fields:
        raise InputError("the file is empty", where=path, expected=f"on every line {_FORM}")
    if len(fields) < 2:
        raise InputError("1 value", where=f"{path}:1", expected=_FORM)
    _numbers(fields[1:], f"{path}:1")
    return len(fields) - 1


def _rows(path: str | Path, width: int) -> Iterator[tuple[int, list[bytes]]]:
    """Number of each line, and its word and E numbers, as bytes."""
    number, promised = 0, None
    for number, line in enumerate(read_bytes(path, _LONGEST), start=1):
        where = f"{path}:{number}"
        _check_text(line, where)
        fields = line.strip().rsplit(None, width)
        if number == 1 and (header := _header(line.split())):
            promised = header[0]
            continue
        if len(fields) != width + 1 or any(map(_is_number, fields[0].split()[1:])):
            count = max(0, len(line.split()) - 1)
            raise InputError(
                f"{count} value{'s' * (count != 1)}", where=where, expected=f"{width}, as in the first line"
            )
        yield number, fields
    if promised is not None and number - 1 < promised:
        raise InputError(
            f"{number - 1:,} vectors, and its first line says {promised:,}",
            where=path,
            remedy="copy or download it again, or mend the first line",
        )


def _header(fields: list[bytes]) -> tuple[int, int] | None:
    """How many vectors a file has and how wide they are, if this is what a line says."""
    if len(fields) == 2 and all(field.isdigit() for field in fields) and int(fields[1]):
        return int(fields[0]), int(fields[1])
    return None


def _check_text(line: bytes | None, where: str) -> None:
    _, reason = decode(line, _LONGEST)
    if reason:
        raise InputError(reason, where=where, expected=_FORM, remedy="give the text form of the file, not the binary")


def _numbers(fields: list[bytes], where: str) -> np.ndarray:
    """(E,) float32."""
    try:
        values = [float(field) for field in fields]
    except ValueError:
        wrong = next(field for field in fields if not _is_number(field))
        raise InputError(f"{wrong.decode()!r} is no number", where=where, expected=_FORM) from None
    with np.errstate(over="ignore"):
        vector = np.array(values).astype("float32")
    if not np.isfinite(vector).all():
        raise InputError("a number is not finite", where=where, remedy="mend or remove this line")
    return vector


def _is_number(field: bytes) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True
