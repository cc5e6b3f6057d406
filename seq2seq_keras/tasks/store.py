"""A task on the disk: its model, its vocabularies, and a head that says how they work together."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import keras

from seq2seq_keras import folders, tokens
from seq2seq_keras.decode import parts
from seq2seq_keras.errors import InputError
from seq2seq_keras.models import Seq2Seq

if TYPE_CHECKING:
    from seq2seq_keras.tasks.text_to_text import TextToText

NAME = "task.json"
_FORMAT = 1
_MODEL = "model.keras"
_REMEDY = "save the task again"
_LIMITS = ("max_source", "max_length", "batch_size")
_BEFORE = {"beam": "Beam", "greedy": "Greedy"}
"""What searches were called in the first tasks that were saved."""


def check_whole(task: "TextToText", verb: str) -> None:
    """What is written must be one model.

    Raises:
        InputError: it is an ensemble or another stepper.
    """
    if not isinstance(task.model, Seq2Seq):
        kind = type(task.model).__name__
        raise InputError(f"a model of kind {kind} is not one to {verb}", remedy=f"{verb} its members, each alone")


def write(folder: str | os.PathLike, task: "TextToText") -> None:
    """Writes all that `read` needs: the `.keras` file without optimizer, vocabularies, search and limits.

    Raises:
        InputError: it cannot be written, or the task is one of several models; what was there before is untouched.
        ValueError: the search holds tensors.
    """
    check_whole(task, "save")
    head = {"search": parts.described(task.search)} | {name: getattr(task, name) for name in _LIMITS}
    head |= {"source": task.source.fingerprint, "target": None if task.shared else task.target.fingerprint}
    model = type(task.model).from_config(task.model.get_config())  # a compiled model would bring its optimizer
    model.set_weights(task.model.get_weights())
    with folders.replacing(folder, NAME, "the task") as beside:
        model.save(beside / _MODEL)
        task.source.save(beside / "source")
        if not task.shared:
            task.target.save(beside / "target")
        (beside / NAME).write_text(json.dumps({"format": _FORMAT, **head}, indent=2) + "\n", encoding="utf-8")


def read(folder: str | os.PathLike) -> dict:
    """What a task is made of, by the names of its arguments.

    Raises:
        InputError: no such folder, none of ours, or damaged.
    """
    folder = Path(folder)
    entries = {"source": str, "search": dict, **dict.fromkeys(_LIMITS, int)}
    expected = "a folder that a task was saved to"
    head = folders.read_head(folder, NAME, _FORMAT, entries, expected=expected, remedy=_REMEDY)
    made = {"source": tokens.load(folder / "source", head["source"])}
    made["target"] = None if head.get("target") is None else tokens.load(folder / "target", head["target"])
    try:
        made["model"] = keras.saving.load_model(folder / _MODEL, compile=False)
    except Exception as error:  # Keras raises whatever its zip, HDF5 and JSON readers do
        raise InputError(f"cannot be read ({type(error).__name__})", where=folder / _MODEL, remedy=_REMEDY) from error
    made["search"] = _search(head["search"], folder / NAME)
    return made | {name: head[name] for name in _LIMITS}


def _search(description: dict, where: Path):
    kind = description.get("kind")
    try:
        return parts.search(description | {"kind": _BEFORE.get(kind, kind)})
    except (ValueError, TypeError, RecursionError) as error:
        raise InputError(f"search: {error}", where=where, remedy=_REMEDY) from None
