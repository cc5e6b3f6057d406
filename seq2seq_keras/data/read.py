"""Aligned files and tables to raw pairs; every row left out is counted with its reason and line."""

from collections import Counter
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import BinaryIO

from seq2seq_keras.data.corpus import Corpus
from seq2seq_keras.data.lines import decode, read_bytes
from seq2seq_keras.errors import InputError, TooManyRejects

_BYTES_PER_CHARACTER = 4
_SPARE_COLUMNS = 8
"""Columns of a table, beside those asked for, that a line has room for."""
_SHOWN = 3

Row = tuple[str, str, str]
"""Source, target, and why the row cannot be used (empty if it can)."""


def read_pairs(
    source: str | Path,
    target: str | Path | None = None,
    *,
    columns: tuple[int, int] = (0, 1),
    max_characters: int = 5_000,
    max_reject_fraction: float = 0.01,
) -> Corpus:
    """Reads two aligned text files, one sentence a line, or one table with a tab between columns.

    Args:
        source: text file, or the table where `target` is not given; decompressed where its name ends in `.gz`.
        target: text file whose line N goes with line N of `source`.
        columns: of source and target in the table, from 0.
        max_characters: a row with a longer side is left out.
        max_reject_fraction: share of rows that may be left out; more is an error.

    Raises:
        InputError: files of unequal length, unreadable files, or no row left.
        TooManyRejects: more bad rows than may be left out.
    """
    if target is None:
        name, rows = str(source), _table_rows(source, columns, max_characters)
    else:
        name, rows = f"{source} and {target}", _aligned_rows(source, target, max_characters)
    corpus = Corpus([], [], [], {}, name)
    line = 0
    for line, (left, right, reason) in enumerate(rows, start=1):
        reason = reason or ("" if left.strip() and right.strip() else "empty side")
        if reason:
            corpus.rejected.setdefault(reason, []).append(line)
        else:
            corpus.source.append(left)
            corpus.target.append(right)
            corpus.lines.append(line)
    _check(corpus, line, max_reject_fraction)
    return corpus


def read_lines(file: str | Path | BinaryIO, *, max_characters: int = 5_000) -> list[str]:
    """Reads one text file whole: every line counts and keeps its place, empty ones too.

    Args:
        file: path, decompressed where its name ends in `.gz`, or an open binary stream such as standard input.
        max_characters: a longer line is an error.

    Raises:
        InputError: unreadable or empty file; a line that is too long or no UTF-8 text, named.
    """
    name, texts = str(getattr(file, "name", file)), []
    for number, line in enumerate(read_bytes(file, max_characters * _BYTES_PER_CHARACTER), start=1):
        text, reason = decode(line, max_characters)
        if reason:
            detail = f" (limit {max_characters:,} characters)" if reason == "too long" else ""
            raise InputError(f"{reason}{detail}", where=f"{name}:{number}", remedy="mend this line")
        texts.append(text)
    if not texts:
        raise InputError("the file is empty", where=name, expected="one text a line")
    return texts


def _aligned_rows(source, target, limit: int) -> Iterator[Row]:
    size = limit * _BYTES_PER_CHARACTER
    end = object()
    counts = [0, 0]
    for left, right in zip_longest(read_bytes(source, size), read_bytes(target, size), fillvalue=end):
        counts[0] += left is not end
        counts[1] += right is not end
        if left is not end and right is not end:
            (left, wrong), (right, also) = decode(left, limit), decode(right, limit)
            yield left, right, wrong or also
    if counts[0] != counts[1]:
        raise InputError(
            f"{source} has {counts[0]:,} lines and {target} has {counts[1]:,}",
            expected="as many: line N of one goes with line N of the other",
            remedy=f"look at line {min(counts) + 1:,} of the longer file, and for lines lost or broken before it",
        )


def _table_rows(file, columns: tuple[int, int], limit: int) -> Iterator[Row]:
    """A row counts if it has as many columns as most of the table."""
    room = limit * _BYTES_PER_CHARACTER * (max(columns) + 1 + _SPARE_COLUMNS)
    rows, widths = [], []
    for line in read_bytes(file, room):
        text, reason = decode(line, room)
        cells = text.split("\t")
        widths.append(0 if reason or not text.strip() else len(cells))
        pair = [cells[column] if column < len(cells) else "" for column in columns]
        if not reason and max(map(len, pair)) > limit:
            reason = "too long"
        rows.append((*pair, reason))
    usual = Counter(width for width in widths if width).most_common(1)
    width = usual[0][0] if usual else 0
    if usual and width <= max(columns):
        line = widths.index(width) + 1
        raise InputError(
            f"found {width} column{'s' * (width != 1)}, column {max(columns) + 1} is missing",
            where=f"{file}:{line}",
            expected="columns separated by one TAB",
            remedy="give the columns that hold source and target, counted from 0, or two aligned files",
        )
    for found, (left, right, reason) in zip(widths, rows, strict=True):
        yield left, right, reason or ("wrong number of columns" if found and found != width else "")


def _check(corpus: Corpus, total: int, max_reject_fraction: float) -> None:
    if not total:
        raise InputError("no lines: the file is empty", where=corpus.name, expected="one pair a line")
    count = sum(map(len, corpus.rejected.values()))
    found = "; ".join(f"{reason}: {_some(lines)}" for reason, lines in corpus.rejected.items())
    if not len(corpus):
        raise InputError(f"no usable row among {total:,} ({found})", where=corpus.name)
    if count / total > max_reject_fraction:
        raise TooManyRejects(
            f"{count:,} of {total:,} rows cannot be used ({found})",
            where=corpus.name,
            expected=f"at most {max_reject_fraction:.2%}",
            remedy=f"mend them, or raise max_reject_fraction to {_above(count / total)} to go on without them",
        )


def _some(lines: list[int]) -> str:
    shown = ", ".join(map(str, lines[:_SHOWN]))
    rest = f" and {len(lines) - _SHOWN:,} more" if len(lines) > _SHOWN else ""
    return f"line{'s' * (len(lines) > 1)} {shown}{rest}"


def _above(fraction: float) -> str:
    """The fraction rounded up to two digits, so that following the advice is enough."""
    return f"{min(1.0, int(fraction * 100 + 1) / 100):.2f}"
