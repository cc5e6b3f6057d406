"""The version folders of a model: which there are, which of them to serve, and whether one has changed."""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from seq2seq_keras.serve.config import All, Latest, Specific

_NUMBER = re.compile(r"[0-9]+")
_LARGEST = 2**63 - 1
_COMPLETE = ("saved_model.pb", "saved_model.pbtxt")


def found(base_path: Path) -> dict[int, Path]:
    """The complete versions in a folder, by number.

    A folder's name is the number, leading zeros allowed; other names are left alone, as is a folder that has no
    SavedModel yet.

    Raises:
        OSError: the folder cannot be read.
    """
    folders = {}
    # The plain name comes first where one number has two: "5" before "05".
    for name in sorted(os.listdir(base_path), key=lambda name: (len(name), name)):
        folder = Path(base_path, name)
        if _NUMBER.fullmatch(name) and int(name) <= _LARGEST and _is_complete(folder):
            folders.setdefault(int(name), folder)
    return folders


def wanted(numbers: Iterable[int], policy: Latest | All | Specific) -> list[int]:
    """Which of the versions that are there a policy serves, the largest first."""
    numbers = sorted(numbers, reverse=True)
    match policy:
        case Latest(count):
            return numbers[:count]
        case All():
            return numbers
        case Specific(versions):
            return [number for number in numbers if number in versions]


def stamp(folder: Path) -> frozenset[tuple]:
    """Equal for as long as no file in a folder is added, removed, replaced or written to."""
    stamps = set()
    for path in Path(folder).rglob("*"):
        try:
            state = path.stat()
        except OSError:
            stamps.add((str(path), "unreadable"))
            continue
        if path.is_dir():
            continue
        stamps.add((str(path), state.st_mtime_ns, state.st_ino, state.st_size))
    return frozenset(stamps)


def _is_complete(folder: Path) -> bool:
    return any(os.path.isfile(folder / name) for name in _COMPLETE)
