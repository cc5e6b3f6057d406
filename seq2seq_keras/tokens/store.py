"""A tokenizer's folder: its vocabulary file, and `tokenizer.json` with kind, settings and check sums."""

import hashlib
import json
from pathlib import Path

from seq2seq_keras.errors import InputError
from seq2seq_keras.folders import read_head, replacing

NAME = "tokenizer.json"
_FORMAT = 1
_REMEDY = "copy the folder again, or learn the vocabulary anew"


def write(folder: str | Path, kind: str, settings: dict, fingerprint: str, files: dict[str, bytes]) -> None:
    """Writes beside, then renames: a reader sees the old folder or the new one.

    Raises:
        InputError: it cannot be written, or what is there is something else than a vocabulary.
    """
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    head = {"format": _FORMAT, "kind": kind, "settings": settings, "fingerprint": fingerprint, "files": sums}
    with replacing(folder, NAME, "the vocabulary") as beside:
        for name, content in {**files, NAME: json.dumps(head, indent=2).encode()}.items():
            (beside / name).write_bytes(content)


def read(folder: str | Path) -> tuple[dict, dict[str, bytes]]:
    """The head and the files by name, checked against their sums.

    Raises:
        InputError: no such folder, none of ours, or damaged.
    """
    folder = Path(folder)
    entries = {"kind": str, "settings": dict, "fingerprint": str, "files": dict}
    head = read_head(folder, NAME, _FORMAT, entries, expected="a folder written by tokens.save", remedy=_REMEDY)
    return head, {name: _file(folder, name, digest) for name, digest in head["files"].items()}


def _file(folder: Path, name: str, digest: str) -> bytes:
    if Path(name).name != name or "\0" in name:
        raise InputError(f"file name {name!r} leads out of the folder", where=folder / NAME)
    try:
        content = (folder / name).read_bytes()
    except OSError as error:
        raise InputError(f"it cannot be read ({error.strerror})", where=folder / name, remedy=_REMEDY) from None
    if hashlib.sha256(content).hexdigest() != digest:
        raise InputError("its content is not what was written", where=folder / name, remedy=_REMEDY)
    return content
