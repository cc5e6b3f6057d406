"""The results of a search in its folder: table, picture, TensorBoard's hyperparameters, and the best trial as a run."""

import shutil
from pathlib import Path

from pipelines import command_line, runs
from pipelines.bench import tables
from pipelines.settings import Tune
from pipelines.tune import defaults, hparams, oracle, plots, space, table, trial_record
from pipelines.tune.trial_record import Record
from seq2seq_keras import folders
from seq2seq_keras.errors import InputError


def write(settings: Tune, corpora: defaults.Corpora, records: list[Record], minutes: float) -> dict:
    """results.md, .csv, .json and .png, logs/hparams/ and best/.

    Args:
        minutes: that the search took in this call.

    Returns:
        the report.

    Raises:
        InputError: no trial finished.
    """
    folder, objective = defaults.folder(settings), settings.objective
    sign, ranges = oracle.sign(objective), space.of(settings)
    best = trial_record.best(records, sign)
    if best is None:
        causes = "; ".join(dict.fromkeys(record.cause for record in records if record.cause))
        raise InputError(f"no trial finished: {causes or 'there was none'}", where=folder / "trials")
    report = {
        "title": f"tune: {settings.pipeline}, {objective}",
        "verdict": table.verdict(records, objective, sign),
        "notes": _notes(settings, corpora, best, minutes),
        **tables.measured(),
        "command": command_line.of(settings, "tune"),
        "settings": runs.plain(settings),
        "space": [each._asdict() for each in ranges],
        "best": best.trial,
        "minutes": round(minutes, 2),
        "trials": [record._asdict() for record in table.ordered(records, sign)],
    }
    export(folder / "trials" / best.trial, folder / "best")
    text = table.render(report, records, sign)
    hparams.write(records, ranges, objective, folder / "logs" / "hparams")
    runs.write_json(folder / "results.json", report)
    runs.write_text(folder / "results.csv", table.spreadsheet(records, objective, sign))
    runs.write_bytes(folder / "results.png", plots.draw(records, objective, sign))
    runs.write_text(folder / "results.md", text)
    print(f"\n{text}\nbest run: {folder / 'best'}; table, plot and trials: {folder}", flush=True)
    return report


def export(trial: Path, best: Path) -> None:
    """A copy of a finished run without its checkpoints, whole or not there."""
    settings = runs.read_json(trial / "settings.json")
    with folders.replacing(best, "settings.json", "the best run") as beside:
        shutil.copytree(trial, beside, ignore=shutil.ignore_patterns("checkpoints", ".lock"), dirs_exist_ok=True)
        runs.write_json(beside / "settings.json", settings | {"output": str(best)})


def _notes(settings: Tune, corpora: defaults.Corpora, best: Record, minutes: float) -> list[str]:
    asked = defaults.baseline(settings)
    budget = [f"{settings.minutes:g} minutes"] if settings.minutes else []
    budget += [f"{asked.epochs} epochs"] if settings.epochs or not settings.minutes else []
    return [
        f"A trial: at most {' or '.join(budget)} on {len(corpora.train):,} pairs of {_name(corpora)}, judged by "
        f"{len(corpora.valid):,}. All figures are of the best weights of a trial.",
        f"Search: {settings.algorithm}; this call took {minutes:.1f} minutes.",
        f"The best run is trial {best.trial}.",
    ]


def _name(corpora: defaults.Corpora) -> str:
    return " and ".join(Path(name).name for name in corpora.train.name.split(" and "))
