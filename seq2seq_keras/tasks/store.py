"""The folder of a saved task: whole or absent, and refused if damaged."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from seq2seq_keras.errors import InputError

NAME = "task.json"
_FORMAT = 1


@contextmanager
def replacing(folder: str | os.PathLike) -> Iterator[Path]:
    """A new folder beside, which takes the place of `folder` when the block ends well; else all stays as it was.

    Raises:
        InputError: it cannot be written.
    """
    folder = Path(folder)
    if folder.exists() and not (folder / NAME).is_file():
        raise InputError("holds something else than a task", where=folder, remedy="name another folder")
    beside = folder.with_name(f".{folder.name}.new-{os.getpid()}")
    gone = folder.with_name(f".{folder.name}.old-{os.getpid()}")
    try:
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True)
        yield beside
        if folder.exists():
            folder.rename(gone)
        beside.rename(folder)
    except OSError as error:
        raise InputError(f"cannot be written ({error.strerror or error})", where=folder) from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)
        if gone.exists() and not folder.exists():
            gone.rename(folder)
        shutil.rmtree(gone, ignore_errors=True)


def write_head(folder: Path, head: dict) -> None:
    """Writes what `read_head` reads."""
    (folder / NAME).write_text(json.dumps({"format": _FORMAT, **head}, indent=2) + "\n", encoding="utf-8")


def read_head(folder: str | os.PathLike) -> dict:
    """What the task was made of.

    Raises:
        InputError: no such folder, none of ours, or damaged.
    """
    folder = Path(folder)
    if not (folder / NAME).is_file():
        found = f"there is no {NAME} in it" if folder.is_dir() else "there is no such folder"
        raise InputError(found, where=folder, expected="a folder that a task was saved to")
    try:
        head = json.loads((folder / NAME).read_text(encoding="utf-8"))
        version = head["format"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"it is damaged ({error})", where=folder / NAME, remedy="save the task again") from None
    if version != _FORMAT:
        raise InputError(f"format {version!r} of another version", where=folder / NAME, expected=str(_FORMAT))
    return head
