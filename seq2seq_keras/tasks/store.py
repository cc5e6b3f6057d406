"""The head of a saved task: what it was made of."""

import json
import os
from pathlib import Path

from seq2seq_keras import folders
from seq2seq_keras.errors import InputError

NAME = "task.json"
_FORMAT = 1
_REMEDY = "save the task again"


def write_head(folder: Path, head: dict) -> None:
    """Writes what `read_head` reads."""
    (folder / NAME).write_text(json.dumps({"format": _FORMAT, **head}, indent=2) + "\n", encoding="utf-8")


def read_head(folder: str | os.PathLike) -> dict:
    """What the task was made of.

    Raises:
        InputError: no such folder, none of ours, or damaged.
    """
    entries = {"source": str, "search": dict, "max_source": int, "max_length": int, "batch_size": int}
    expected = "a folder that a task was saved to"
    head = folders.read_head(folder, NAME, _FORMAT, entries, expected=expected, remedy=_REMEDY)
    if "kind" not in head["search"]:
        raise InputError("it is damaged", where=Path(folder) / NAME, remedy=_REMEDY)
    return head
