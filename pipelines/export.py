"""Write a run as one SavedModel, strings in and strings out, and check it where none of our code is.

python -m pipelines export --run runs/en_de --to saved_models/en_de/1

Its search and its rules are those of the run, or as asked here; they stay in it:
    python -m pipelines export --run runs/en_de --to saved_models/en_de/2 --search greedy --max-ratio 2 --ban Hund

A Transformer may also become a folder for CTranslate2 (extra `ctranslate2`), which takes and gives pieces of text:
    python -m pipelines export --run runs/en_de --to saved_models/en_de_fast/1 --format ctranslate2
"""

import datetime
import os
from pathlib import Path

from pipelines import runs, searches
from pipelines.settings import Export
from seq2seq_keras import export
from seq2seq_keras.errors import InputError
from seq2seq_keras.export import ctranslate2
from seq2seq_keras.tasks import TextToText

_CHECKED = 8
"""Texts that the exported model must answer as the live one does."""
_FORMS = {"saved_model": export.write, "ctranslate2": ctranslate2.write}


def run(settings: Export) -> int:
    """The command; returns the exit code."""
    task = TextToText.load(runs.model_folder(settings.run), precision=settings.precision)
    report = runs.read_json(settings.run / "report.json")
    if not {"settings", "data", "valid"} <= report.keys():
        raise InputError("is not what a run reports", where=settings.run / "report.json", remedy="repeat its command")
    task.search = searches.asked(settings.strategy, settings.rules, task)
    tested = _tested(settings.run)
    texts = report["data"].get("samples") or ["a b c", ""]
    figures = write(task, settings.to, report, texts, tested, settings.replace_unknown, settings.format)
    if settings.json:
        runs.write_json(settings.json, figures)
    return 0


def write(
    task: TextToText,
    folder,
    report: dict,
    texts: list[str],
    tested: dict | None = None,
    replace_unknown: bool = False,
    form: str = "saved_model",
) -> dict:
    """Exports a task and checks the result against the live model, a SavedModel in a fresh process.

    Args:
        report: of the run.
        texts: to compare on.
        tested: scores on test sets, for the card.
        replace_unknown: names words that the vocabulary lacks by those of the source.
        form: `saved_model` or `ctranslate2`.
    """
    if form == "ctranslate2" and replace_unknown:
        raise InputError(
            "--replace-unknown is of a SavedModel", remedy="give `replace_unknowns=True` where CTranslate2 is called"
        )
    if not folder.name.isdigit():
        raise InputError(
            f"{folder.name!r} is no version number", where=folder, remedy=f"name a folder like {folder / '1'}"
        )
    card = {
        "title": folder.parent.name,
        "family": runs.family(report["settings"]),
        "data": _data(report),
        "scores": {f"validation {name}": round(value, 3) for name, value in report["valid"].items()} | (tested or {}),
        "date": datetime.date.today().isoformat(),
    }
    about = {"settings": _without_folders(report["settings"]), "card": card}
    try:
        task.export(folder, check=texts[:_CHECKED], replace_unknown=replace_unknown, write=_FORMS[form], **about)
    except RuntimeError as error:
        raise InputError(
            f"not exported: {' '.join(str(error).split())}", remedy="report this with the run's report.json"
        ) from error
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    checked = "checked" if form == "ctranslate2" else "checked in a fresh process"
    print(f"exported and {checked}: {folder} ({size / 2**20:.1f} MiB)", flush=True)
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
