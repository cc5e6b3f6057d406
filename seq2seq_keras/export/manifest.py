"""`manifest.json`: SHA-256 of every file of an export, written last, so that it stands for a complete one."""

import hashlib
import json
from pathlib import Path

from seq2seq_keras.errors import InputError
from seq2seq_keras.folders import read_head

NAME = "manifest.json"
EXTRA = "assets.extra"
"""Folder that may get further files later, such as more warm-up records."""
BATCHING = "batching_params.pbtxt"
"""File that who serves the model may add: how its requests are batched."""
_FORMAT = 1
_REMEDY = "copy the folder again, or export the model anew"


def write(folder: Path) -> None:
    """Sums every file below `folder` and writes the manifest; `replacing` brings all of them onto the disk."""
    sums = {}
    for path in _files(folder):
        with open(path, "rb") as file:
            sums[path.relative_to(folder).as_posix()] = hashlib.file_digest(file, "sha256").hexdigest()
    (folder / NAME).write_text(json.dumps({"format": _FORMAT, "files": sums}, indent=2), encoding="utf-8")


def verify(folder: str | Path) -> None:
    """Compares every file of an export with its manifest.

    Raises:
        InputError: no such folder, no manifest, or a file that is missing, changed or new; the message names it.
    """
    folder = Path(folder)
    sums = _read(folder)
    for name, digest in sums.items():
        path = folder / name
        if not path.resolve().is_relative_to(folder.resolve()):
            raise InputError(f"file name {name!r} leads out of the folder", where=folder / NAME)
        try:
            with open(path, "rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except FileNotFoundError:
            raise InputError("the file is missing", where=path, remedy=_REMEDY) from None
        except OSError as error:
            raise InputError(f"it cannot be read ({error.strerror})", where=path, remedy=_REMEDY) from None
        if found != digest:
            raise InputError("its content is not what was written", where=path, remedy=_REMEDY)
    for path in _files(folder):
        name = path.relative_to(folder)
        # TensorFlow takes a model from more than one file name: a file beside ours could be loaded in its place.
        if name.as_posix() not in sums and name.parts[0] not in (NAME, EXTRA, BATCHING):
            raise InputError(f"the file is not in {NAME}", where=path, remedy="remove it")


def _read(folder: Path) -> dict[str, str]:
    expected = "a folder written by an export"
    head = read_head(folder, NAME, _FORMAT, {"files": dict}, expected=expected, remedy=_REMEDY)
    return {name: str(digest) for name, digest in head["files"].items()}


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if not path.is_dir())
