"""One file that is either whole or refused: named arrays and a few facts.

The file is a zip of `.npy` members, as NumPy's `.npz`, whose zip comment is the SHA-256 of every byte before it. It is
written under another name beside its place, synced, and renamed: a crash leaves the old file or the new one.
"""

import hashlib
import json
import os
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from seq2seq_keras.errors import InputError

SUFFIX = ".npz"
UNFINISHED = ".unfinished"
_FACTS = "facts.json"
_DIGEST = 64  # hexadecimal characters at the very end of the file


class Snapshot(NamedTuple):
    """What a file held."""

    arrays: dict[str, np.ndarray]
    """In the order written."""
    facts: dict
    """Plain JSON values."""


class Damaged(Exception):
    """The file is not what was written."""


def write(path: Path, arrays: dict[str, np.ndarray], facts: dict) -> None:
    """Replaces `path` by a whole new file, or leaves it as it was.

    Raises:
        InputError: the disk is full or may not be written.
    """
    unfinished = path.with_name(path.name + UNFINISHED)
    try:
        with open(unfinished, "w+b") as file:
            _write_zip(file, arrays, facts)
            file.flush()
            _seal(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
        _sync_folder(path.parent)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise InputError(
            f"could not be written ({error.strerror or error})",
            where=path,
            remedy="what was there before is untouched; make room or choose another folder, and run again",
        ) from error


def read(path: Path) -> Snapshot:
    """Every array and fact of a whole file.

    Raises:
        Damaged: any byte differs from what was written, or some are missing.
    """
    _check(path)
    try:
        with zipfile.ZipFile(path) as archive:
            facts = json.loads(archive.read(_FACTS))
            arrays = {name: _read_array(archive, name, dtype) for name, dtype in facts.pop("dtypes").items()}
    except (zipfile.BadZipFile, KeyError, ValueError, EOFError) as error:
        raise Damaged(f"not a snapshot ({error})") from error
    return Snapshot(arrays, facts)


def _write_zip(file, arrays: dict[str, np.ndarray], facts: dict) -> None:
    dtypes = {name: str(array.dtype) for name, array in arrays.items()}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        # A ZipInfo without a date is dated 1980: the same state always gives the same bytes.
        archive.writestr(zipfile.ZipInfo(_FACTS), json.dumps({**facts, "dtypes": dtypes}))
        for name, array in arrays.items():
            with archive.open(zipfile.ZipInfo(name + ".npy"), "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asanyarray(array, order="C"), allow_pickle=False)
        archive.comment = b"0" * _DIGEST


def _read_array(archive: zipfile.ZipFile, name: str, dtype: str) -> np.ndarray:
    with archive.open(name + ".npy") as member:
        array = np.lib.format.read_array(member, allow_pickle=False)
    # NumPy's format knows no bfloat16 and gives it back as raw two-byte records.
    return array.view(np.dtype(dtype)) if array.dtype.kind == "V" else array


def _seal(file) -> None:
    digest = _digest(file)
    file.seek(-_DIGEST, os.SEEK_END)
    file.write(digest)


def _check(path: Path) -> None:
    try:
        with open(path, "rb") as file:
            if os.fstat(file.fileno()).st_size <= _DIGEST:
                raise Damaged("almost empty")
            digest = _digest(file)
            if file.read(_DIGEST) != digest:
                raise Damaged("its SHA-256 does not match: cut short or changed")
    except OSError as error:
        raise Damaged(f"cannot be read ({error.strerror})") from error


def _digest(file) -> bytes:
    """SHA-256 of all but the last 64 bytes; leaves the file positioned there."""
    left, digest = file.seek(0, os.SEEK_END) - _DIGEST, hashlib.sha256()
    file.seek(0)
    while left:
        chunk = file.read(min(left, 1 << 20))
        if not chunk:
            break
        digest.update(chunk)
        left -= len(chunk)
    return digest.hexdigest().encode()


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # a folder cannot be opened there
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
