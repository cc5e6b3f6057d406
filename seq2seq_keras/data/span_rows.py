"""Rows of a stretch of a corpus, one by one."""

from collections.abc import Iterator
from itertools import islice

from seq2seq_keras.data.lines import decode, read_bytes
from seq2seq_keras.data.spans import Span, Spans

_BYTES_PER_CHARACTER = 4
_SPARE_COLUMNS = 8
"""Columns of a table, beside those asked for, that a line has room for."""


def read_span(spans: Spans, span: Span, max_characters: int = 5_000) -> Iterator[tuple[int, str, str, str]]:
    """Line number, source, target and why the row cannot be used (empty if it can), as `read_pairs` judges it.

    Args:
        max_characters: of a side; a row with a longer one cannot be used.
    """
    limit = max_characters * _BYTES_PER_CHARACTER
    if spans.columns is None:
        sides = (read_bytes(file, limit, begin) for file, begin in zip(spans.files, span.offsets, strict=True))
        for number, pair in enumerate(islice(zip(*sides), span.count), start=span.first):
            (left, wrong), (right, also) = (decode(line, max_characters) for line in pair)
            yield number, left, right, wrong or also
        return
    room = limit * (max(spans.columns) + 1 + _SPARE_COLUMNS)
    table = islice(read_bytes(spans.files[0], room, span.offsets[0]), span.count)
    for number, line in enumerate(table, start=span.first):
        text, reason = decode(line, room)
        cells = text.split("\t")
        if not reason and text.strip() and len(cells) != spans.width:
            reason = "wrong number of columns"
        left, right = (cells[column] if column < len(cells) else "" for column in spans.columns)
        if not reason and max(len(left), len(right)) > max_characters:
            reason = "too long"
        yield number, left, right, reason
