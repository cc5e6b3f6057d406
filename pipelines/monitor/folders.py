"""What lies in a folder: runs, and the tables of studies and tunings."""

import os
from pathlib import Path
from typing import NamedTuple

from pipelines import runs
from seq2seq_keras.errors import InputError


class Run(NamedTuple):
    """What a run folder says of itself; what is missing or damaged is empty."""

    name: str
    """Path below the folder that was searched."""
    folder: Path
    settings: dict
    data: dict
    history: list[dict]
    """A row of figures an epoch."""
    report: dict
    """Of a finished run."""

    @property
    def finished(self) -> bool:
        return bool(self.report)


class Table(NamedTuple):
    """The results of a study or a tuning."""

    name: str
    text: str
    """Markdown."""
    picture: bytes
    """PNG; empty if there is none."""


class Found(NamedTuple):
    """What was found, in the order of names."""

    runs: list[Run]
    tables: list[Table]


def find(folder: Path) -> Found:
    """Every run, study and tuning in a folder and below; the folder may be one of them itself."""
    found = Found([], [])
    for place, below, files in os.walk(folder):
        path = Path(place)
        name = folder.absolute().name if path == folder else str(path.relative_to(folder))
        below[:] = sorted(one for one in below if one[0] != ".")
        if "settings.json" in files and "data.json" in files:
            found.runs.append(_run(name, path))
            below.clear()  # a run holds none
        elif "results.md" in files:
            found.tables.append(_table(name, path))
    return found


def _run(name: str, folder: Path) -> Run:
    read = [_read(folder / f"{one}.json", kind()) for one, kind in _PARTS.items()]
    return Run(name, folder, *read)


_PARTS = {"settings": dict, "data": dict, "history": list, "report": dict}


def _read(path: Path, empty):
    try:
        content = runs.read_json(path)
    except InputError:
        return empty
    return content if isinstance(content, type(empty)) else empty


def _table(name: str, folder: Path) -> Table:
    picture = folder / "results.png"
    text = (folder / "results.md").read_text(encoding="utf-8", errors="replace")
    return Table(name, text, picture.read_bytes() if picture.exists() else b"")
