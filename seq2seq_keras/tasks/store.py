"""The head of a saved task: what it was made of."""

import json
import os
from pathlib import Path

from seq2seq_keras import folders

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
    expected = "a folder that a task was saved to"
    return folders.read_head(folder, NAME, _FORMAT, expected=expected, remedy="save the task again")
