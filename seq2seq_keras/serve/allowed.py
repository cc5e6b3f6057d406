"""What a SavedModel could do, read from its file: a model is a program, and one that does more than compute stays out.

TensorFlow runs any op that a graph names, also those that read and write files. So the file is looked at before
anything of it is loaded, and every op in it must be in `allowed_ops.txt`, whether it is used or not. Two kinds of op
have a rule of their own:

- The ops of the saver are in every SavedModel. They may be where only saving and restoring lead, and not where a
  request or the start of the model could run them; and what is restored may come from nothing but the variables of
  this folder. Saving is never run by a server.
- A table may be filled from a text file at the start of the model, if the file is an asset of this folder.
"""

import os
from pathlib import Path

from google.protobuf.message import DecodeError
from tensorflow.core.protobuf import saved_model_pb2

from seq2seq_keras.errors import InputError
from seq2seq_keras.serve.program import Place, Program

NAME = "saved_model.pb"
_OTHERS = "saved_model.pbtxt saved_model.cpb".split()
"""Files that TensorFlow could take in place of the one that was looked at."""
_LARGEST = 2**31
"""Bytes that a protobuf can have."""
_RESTORES = "RestoreV2"
_SAVES = frozenset({"SaveV2", "MergeV2Checkpoints", "ShardedFilename", _RESTORES})
_FILLS = "InitializeTableFromTextFileV2"
_REMEDY = "copy the folder again, or export the model anew"


def _listed() -> frozenset[str]:
    lines = Path(__file__).with_name("allowed_ops.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))


COMPILED = "jit_compile"
"""No op: what is told, and may be allowed, of a function that XLA compiles anew for every shape that clients send."""

OPS = _listed()
"""Ops that are allowed everywhere."""


def check(folder: str | Path, more: frozenset[str] = frozenset()) -> saved_model_pb2.SavedModel:
    """Refuses a SavedModel that does more than compute; nothing of it is loaded.

    Args:
        folder: of one version.
        more: further ops to allow everywhere, by whoever trusts the one that wrote the model.

    Returns:
        what was looked at.

    Raises:
        InputError: no SavedModel, a damaged one, or one with ops that are not allowed; the message names them.
    """
    folder = Path(folder)
    model = _read(folder)
    graphs = model.meta_graphs
    if not graphs:
        raise InputError("there is no graph in it", where=folder / NAME)
    refused = set()
    for graph in graphs:
        try:
            refused |= _refused(graph, folder, OPS | more)
        except DecodeError:  # of a message within it
            raise InputError("it is damaged", where=folder / NAME, remedy=_REMEDY) from None
    if refused:
        raise InputError(
            f"its graph holds {', '.join(sorted(refused))}, which a served model may not",
            where=folder / NAME,
            remedy="export the model without them",
        )
    return model


def _read(folder: Path) -> saved_model_pb2.SavedModel:
    path = folder / NAME
    try:
        for other in _OTHERS:
            # Also a link that leads nowhere yet.
            if (folder / other).exists() or (folder / other).is_symlink():
                raise InputError("a second model in the same folder", where=folder / other, remedy="remove it")
        with open(path, "rb") as file:
            content = file.read(_LARGEST + 1)
    except FileNotFoundError:
        found = f"there is no {NAME} in it" if folder.is_dir() else "there is no such folder"
        raise InputError(found, where=folder, expected="a SavedModel") from None
    except OSError as error:
        raise InputError(f"it cannot be read ({error.strerror})", where=path) from None
    if len(content) > _LARGEST:
        raise InputError("it is too large", where=path, expected="at most 2 GB")
    try:
        return saved_model_pb2.SavedModel.FromString(content)
    except DecodeError:
        raise InputError("it is damaged", where=path, remedy=_REMEDY) from None


def _refused(graph, folder: Path, allowed: frozenset[str]) -> set[str]:
    """Ops of one meta graph that are not allowed where they are."""
    program = Program(graph, where=folder / NAME)
    # Looked at first: TensorFlow reads assets by these names.
    assets = {tensor for tensor, name in program.assets if _inside(folder, name)}
    answering, starting = program.reached(program.answers), program.reached(program.starts)
    saving, restoring = program.reached([program.save]), program.reached([program.restore])

    def may(place: Place, node) -> bool:
        if node.op in allowed:
            return True
        if node.op == _RESTORES and place in restoring:
            return place not in answering | starting and program.given(place, node, 0, {program.filename})
        if node.op in _SAVES:
            return place in saving and place not in answering | starting | restoring
        if node.op == _FILLS:
            return place in starting - answering - saving - restoring and program.given(place, node, 1, assets)
        return False

    refused = {node.op for place, node in program.nodes() if not may(place, node)}
    return refused | ({COMPILED} - allowed if program.is_compiled else set())


def _inside(folder: Path, name: str) -> bool:
    """An asset that is one.

    Raises:
        InputError: its name, or a link, leads out of the folder.
    """
    home = Path(os.path.realpath(folder)) / "assets"
    if "\0" in name or ".." in Path(name).parts or not Path(os.path.realpath(home / name)).is_relative_to(home):
        raise InputError(f"asset name {name!r} leads out of the folder", where=folder / NAME)
    return True
