"""Write a run as one SavedModel, strings in and strings out, and check it where none of our code is.

python -m pipelines export --run runs/en_de --to saved_models/en_de/1
"""

import datetime
import os
from pathlib import Path

from pipelines import runs
from pipelines.settings import Export
from seq2seq_keras.errors import InputError
from seq2seq_keras.tasks import TextToText

_CHECKED = 8
"""Texts that the exported model must answer as the live one does."""


def run(settings: Export) -> int:
    """The command; returns the exit code."""
    task = TextToText.load(runs.model_folder(settings.run))
    report = runs.read_json(settings.run / "report.json")
    if not {"settings", "data", "valid"} <= report.keys():
        raise InputError("is not what a run reports", where=settings.run / "report.json", remedy="repeat its command")
    tested = _tested(settings.run)
    figures = write(task, settings.to, report, report["data"].get("samples") or ["a b c", ""], tested)
    if settings.json:
        runs.write_json(settings.json, figures)
    return 0


def write(task: TextToText, folder, report: dict, texts: list[str], tested: dict | None = None) -> dict:
    """Exports a task and checks the result in a fresh process against the live model.

    Args:
        report: of the run.
        texts: to compare on.
        tested: scores on test sets, for the card.
    """
    if not folder.name.isdigit():
        raise InputError(
            f"{folder.name!r} is no version number", where=folder, remedy=f"name a folder like {folder / '1'}"
        )
    card = {
        "title": folder.parent.name,
        "family": report["settings"]["model"],
        "data": _data(report),
        "scores": {f"validation {name}": round(value, 3) for name, value in report["valid"].items()} | (tested or {}),
        "date": datetime.date.today().isoformat(),
    }
    try:
        task.export(folder, settings=_without_folders(report["settings"]), card=card, check=texts[:_CHECKED])
    except RuntimeError as error:
        raise InputError(
            f"not exported: {' '.join(str(error).split())}", remedy="report this with the run's report.json"
        ) from error
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    print(f"exported and checked in a fresh process: {folder} ({size / 2**20:.1f} MiB)", flush=True)
    return {"folder": str(folder), "bytes": size, "checked": len(texts[:_CHECKED]), "card": card}


def _data(report: dict) -> str:
    train, valid = report["data"]["train"], report["data"]["valid"]
    watched = f"; watched on {_names(valid)}, {valid['pairs']:,} pairs" if valid else ""
    return f"trained on {_names(train)}, {train['pairs']:,} pairs{watched}"


def _names(part: dict) -> str:
    return " and ".join(Path(name).name for name in part["name"].split(" and "))


def _tested(run: Path) -> dict:
    """What `evaluate` found, with signatures."""
    found = {}
    for path in sorted((run / "evaluations").glob("*/report.json")):
        report = runs.read_json(path)
        for name in ("bleu", "chrf"):
            found[f"{path.parent.name} {name}"] = f"{report[name]:.2f} ({report[f'{name}_signature']})"
    return found


def _without_folders(value):
    """Settings with files by name alone: an export goes to strangers."""
    if isinstance(value, dict):
        return {name: _without_folders(part) for name, part in value.items()}
    return Path(value).name if isinstance(value, str) and os.sep in value else value
