"""Aligned files in stretches of lines that can be read apart from each other."""

import hashlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from seq2seq_keras.data.lines import read_pieces
from seq2seq_keras.errors import InputError

_LF, _TAB, _BLANK = b"\n\t "


class Span(NamedTuple):
    """Lines of a corpus that are read together."""

    first: int
    """Number of the first line, from 1."""
    count: int
    offsets: tuple[int, ...]
    """Byte where the first line begins, in each file."""


@dataclass(frozen=True)
class Spans:
    """A corpus in files, looked through once."""

    files: tuple[str, ...]
    """Source and target, or one table."""
    columns: tuple[int, int] | None
    """Of source and target in the table, from 0; None for two files."""
    width: int
    """Columns that most lines of the table have; 0 for two files."""
    lines: int
    sizes: tuple[int, ...]
    """Bytes of each file, decompressed."""
    hashes: tuple[str, ...]
    """SHA-256 of the same bytes."""
    spans: tuple[Span, ...]


def find_spans(
    source: str | Path, target: str | Path | None = None, *, columns: tuple[int, int] = (0, 1), lines: int = 50_000
) -> Spans:
    """Looks through two aligned files, or one table, once, with bounded memory.

    A compressed file cannot be entered in the middle: with one, everything is one span.

    Args:
        source: text file, or the table where `target` is not given; decompressed where its name ends in `.gz`.
        target: text file whose line N goes with line N of `source`.
        columns: of source and target in the table.
        lines: of a span.

    Raises:
        InputError: an unreadable or empty file, files of unequal length, or a table without these columns.
    """
    files = [Path(source)] if target is None else [Path(source), Path(target)]
    if any(file.suffix == ".gz" for file in files):
        lines = 2**62
    found = [_Looked(file, lines, table=target is None) for file in files]
    counts = [one.lines for one in found]
    if counts[0] != counts[-1]:
        raise InputError(
            f"{source} has {counts[0]:,} lines and {target} has {counts[1]:,}",
            expected="as many: line N of one goes with line N of the other",
            remedy=f"look at line {min(counts) + 1:,} of the longer file, and for lines lost or broken before it",
        )
    if not counts[0]:
        raise InputError("no lines: the file is empty", where=source, expected="one pair a line")
    width = 0
    if target is None:
        width = found[0].width
        if width <= max(columns):
            raise InputError(
                f"most lines have {width} column{'s' * (width != 1)}, column {max(columns) + 1} is missing",
                where=source,
                expected="columns separated by one TAB",
                remedy="give the columns that hold source and target, counted from 0, or two aligned files",
            )
    spans = [
        Span(1 + place * lines, min(lines, counts[0] - place * lines), offsets)
        for place, offsets in enumerate(zip(*(one.begins for one in found), strict=True))
    ]
    return Spans(
        tuple(map(str, files)),
        tuple(columns) if target is None else None,
        width,
        counts[0],
        tuple(one.size for one in found),
        tuple(one.hash for one in found),
        tuple(spans),
    )


class _Looked:
    """One file: its lines, where spans begin, its size and hash, and the columns that most of its lines have."""

    def __init__(self, file: Path, lines: int, table: bool):
        digest, votes = hashlib.sha256(), Counter()
        self.size, ends, begins = 0, 0, [0]
        tabs = seen = 0  # of the line that the last piece cut in two
        piece = b""
        for piece in read_pieces(file):
            digest.update(piece)
            values = np.frombuffer(piece, np.uint8)
            places = np.flatnonzero(values == _LF)
            due = places[(-1 - ends) % lines :: lines]
            begins += (self.size + due + 1).tolist()
            if table:
                tabs_of, seen_of = (_in_lines(found, places) for found in (values == _TAB, values > _BLANK))
                tabs_of[0] += tabs
                seen_of[0] += seen
                votes.update((tabs_of[:-1][seen_of[:-1] > 0] + 1).tolist())
                tabs, seen = tabs_of[-1], seen_of[-1]
            ends += len(places)
            self.size += len(piece)
        if seen:
            votes[int(tabs) + 1] += 1
        if begins[-1] == self.size:
            begins.pop()  # no line follows
        self.begins, self.hash = begins, digest.hexdigest()
        self.lines = ends + (not piece.endswith(b"\n") if piece else 0)
        self.width = votes.most_common(1)[0][0] if votes else 0


def _in_lines(found: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """(lines + 1,) how many of the bytes of each line are meant, the last of them cut off by the end of the piece.

    Args:
        found: (bytes,) bool.
        ends: where lines end.
    """
    sums = np.concatenate([[0], np.cumsum(found, dtype=np.int64)])
    return np.diff(sums[np.concatenate([[0], ends, [len(found)]])])
