"""Write a run as one SavedModel, strings in and strings out, and check it where none of our code is.

python -m pipelines export --run runs/en_de --to saved_models/en_de/1
"""

import datetime

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
    figures = write(task, settings.to, report, report["data"].get("samples") or ["a b c", ""])
    if settings.json:
        runs.write_json(settings.json, figures)
    return 0


def write(task: TextToText, folder, report: dict, texts: list[str]) -> dict:
    """Exports a task and checks the result in a fresh process against the live model.

    Args:
        report: of the run.
        texts: to compare on.
    """
    if not folder.name.isdigit():
        raise InputError(
            f"{folder.name!r} is no version number", where=folder, remedy=f"name a folder like {folder / '1'}"
        )
    card = {
        "title": folder.parent.name,
        "family": report["settings"]["model"],
        "data": _data(report),
        "scores": {f"validation {name}": round(value, 3) for name, value in report["valid"].items()},
        "date": datetime.date.today().isoformat(),
    }
    try:
        task.export(folder, settings=report["settings"], card=card, check=texts[:_CHECKED])
    except RuntimeError as error:
        raise InputError(
            f"not exported: {' '.join(str(error).split())}", remedy="report this with the run's report.json"
        ) from error
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    print(f"exported and checked in a fresh process: {folder} ({size / 2**20:.1f} MiB)", flush=True)
    return {"folder": str(folder), "bytes": size, "checked": len(texts[:_CHECKED]), "card": card}


def _data(report: dict) -> str:
    train, valid = report["data"]["train"], report["data"]["valid"]
    watched = f"; watched on {valid['name']}, {valid['pairs']:,} pairs" if valid else ""
    return f"trained on {train['name']}, {train['pairs']:,} pairs{watched}"
