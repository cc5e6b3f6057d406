"""The folder of a saved task: whole or absent, and refused if damaged."""

import json
import os
from pathlib import Path

from seq2seq_keras.errors import InputError

NAME = "task.json"
_FORMAT = 1


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
