"""Folders that appear whole or not at all, and the JSON file in each that says what it holds."""

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from seq2seq_keras.errors import InputError


@contextmanager
def replacing(folder: str | os.PathLike, marker: str, what: str) -> Iterator[Path]:
    """An empty folder beside, which takes the place of `folder` when the block ends well; else all stays as it was.

    Everything is on the disk before the new name is: a crash leaves the old folder or the new one, or, between two
    renames, both beside, under hidden names.

    Args:
        folder: to write. What is there may be replaced if it holds `marker`, or nothing; a link stays a link.
        marker: file that says a folder is one of ours; without a name nothing may be replaced.
        what: is written, for messages.

    Raises:
        InputError: it cannot be written, or something else is there.
    """
    folder = Path(folder).resolve()
    _check_ours(folder, marker)
    beside = folder.with_name(f".{folder.name}.new-{os.getpid()}")
    gone = folder.with_name(f".{folder.name}.old-{os.getpid()}")
    try:
        shutil.rmtree(beside, ignore_errors=True)  # of a process of this number that was killed
        beside.mkdir(parents=True)
        yield beside
        for path in [*beside.rglob("*"), beside]:
            _sync(path)
        if folder.exists():
            folder.rename(gone)
        beside.rename(folder)
        _sync(folder.parent)
    except OSError as error:
        raise InputError(f"{what} cannot be written ({error.strerror or error})", where=folder) from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)
        if gone.exists() and not folder.exists():
            gone.rename(folder)
        shutil.rmtree(gone, ignore_errors=True)


def read_head(
    folder: str | os.PathLike, name: str, version: int, entries: dict[str, type], *, expected: str, remedy: str
) -> dict:
    """The JSON file that says what a folder of ours holds.

    Args:
        name: of the file.
        version: what its entry `format` must be.
        entries: what else must be in it, by name and type.
        expected: what the folder should be, for messages.
        remedy: for one that is damaged.

    Raises:
        InputError: no such folder, none of ours, of another version, or damaged.
    """
    folder = Path(folder)
    path = folder / name
    try:
        head = json.loads(path.read_bytes())
        found = head["format"]
    except (FileNotFoundError, NotADirectoryError):
        missing = f"there is no {name} in it" if folder.is_dir() else "there is no such folder"
        raise InputError(missing, where=folder, expected=expected) from None
    except OSError as error:
        raise InputError(f"it cannot be read ({error.strerror})", where=path) from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise InputError("it is damaged", where=path, remedy=remedy) from None
    if found != version:
        raise InputError(f"format {found!r} of another version", where=path, expected=str(version))
    if not all(isinstance(head.get(entry), kind) for entry, kind in entries.items()):
        raise InputError("it is damaged", where=path, remedy=remedy)
    return head


def _check_ours(folder: Path, marker: str) -> None:
    if not folder.exists() and not folder.is_symlink():
        return
    if marker and folder.is_dir() and ((folder / marker).is_file() or not any(folder.iterdir())):
        return
    raise InputError(
        "there is something already" if not marker else f"there is something already, and no {marker} in it",
        where=folder,
        remedy="name another folder, or move this away",
    )


def _sync(path: Path) -> None:
    """Onto the disk. A file that cannot be is an error: a full disk may tell so only now."""
    # Some file systems cannot be asked that about a folder.
    with contextlib.suppress(OSError) if path.is_dir() else contextlib.nullcontext():
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
