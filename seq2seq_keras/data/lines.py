"""Lines of a file as bytes, read with bounded memory."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from seq2seq_keras.errors import InputError

_BOM = b"\xef\xbb\xbf"
_PIECE = 1 << 20


def read_bytes(file: str | Path | BinaryIO, limit: int, begin: int = 0) -> Iterator[bytes | None]:
    """Yields each line without its end; None where it is longer than `limit` bytes, whatever its length.

    Only LF ends a line (a CR before it goes too): U+2028 and NEL are text. A byte order mark at the start of the file
    is dropped.

    Args:
        file: path, decompressed where its name ends in `.gz`, or an open binary stream.
        limit: most bytes of a line kept in memory.
        begin: byte of a file to begin at; what is before it is not read, so that 0 is quickest where it is compressed.

    Raises:
        InputError: missing, a folder, not permitted, or a damaged gzip file.
    """
    if not isinstance(file, str | Path):
        yield from _split(file, limit)
        return
    with _opened(file) as stream:
        if begin:
            stream.seek(begin)
        yield from _split(stream, limit, marked=not begin)


def read_pieces(file: str | Path) -> Iterator[bytes]:
    """The bytes of a file from its begin to its end, a mebibyte at a time; arguments and errors of `read_bytes`."""
    with _opened(file) as stream:
        while piece := stream.read(_PIECE):
            yield piece


def decode(line: bytes | None, limit: int) -> tuple[str, str]:
    """A line to its text and why it cannot be used: `too long`, `NUL character`, `invalid UTF-8`, or nothing."""
    if line is None:
        return "", "too long"
    if b"\0" in line:
        return "", "NUL character"
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        return "", "invalid UTF-8"
    return (text, "") if len(text) <= limit else ("", "too long")


@contextmanager
def _opened(file: str | Path) -> Iterator[BinaryIO]:
    name = str(file)
    try:
        with gzip.open(file, "rb") if name.endswith(".gz") else open(file, "rb") as stream:
            yield stream
    except FileNotFoundError:
        raise InputError("there is no such file", where=name, remedy="check the path") from None
    except IsADirectoryError:
        raise InputError("this is a folder", where=name, expected="a text file") from None
    except PermissionError:
        raise InputError("reading it is not permitted", where=name, remedy="change its permissions") from None
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError(
            f"the gzip file is damaged or cut short ({error})", where=name, remedy="copy or download it again"
        ) from None
    except OSError as error:
        raise InputError(f"it cannot be read ({error.strerror or error})", where=name) from None


def _split(stream: BinaryIO, limit: int, marked: bool = True) -> Iterator[bytes | None]:
    room = limit + 2 + len(_BOM)
    first = marked
    while line := stream.readline(room):
        cut = not line.endswith(b"\n") and len(line) == room
        if cut:
            _skip(stream)
        if first:
            line, first = line.removeprefix(_BOM), False
            if not line:
                return  # an empty file but for its mark
        line = line.removesuffix(b"\n").removesuffix(b"\r")
        yield None if cut or len(line) > limit else line


def _skip(stream: BinaryIO) -> None:
    """Reads on to the end of the line, keeping nothing."""
    while (piece := stream.readline(_PIECE)) and not piece.endswith(b"\n"):
        pass
