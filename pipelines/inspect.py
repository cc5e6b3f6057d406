"""What is in a corpus, and whether it is fit to train on.

    python -m pipelines inspect --train.source a.en --train.target a.de --valid.source c.en --valid.target c.de \\
        --output reports/en_de

Ends with code 2 where training would go through and come to nothing: misaligned files, swapped sides, a vocabulary
made for other text. The report is printed and written all the same: it says why, under `problems`.
"""

import dataclasses
from pathlib import Path

from pipelines import findings, plots, runs, steps, unknowns
from pipelines.settings import Inspect
from seq2seq_keras import data
from seq2seq_keras.errors import InputError

_SHOWN = 10


def run(settings: Inspect) -> int:
    """The command; returns the exit code."""
    runs.check_report_folder(settings.output)
    vocabularies = None if settings.vocabulary is None else unknowns.load(settings.vocabulary)
    parts, unusable = read(settings)
    if not parts:
        raise InputError("no pairs", remedy="give --train.source and --train.target, or --train.tsv")
    report, problems = examine(parts, vocabularies, settings.vocabulary)
    problems = [*unusable, *problems]
    report["problems"] = list(map(str, problems))
    findings.show(report)
    _write(settings, report)
    if problems:
        raise problems[0]
    return 0


def read(settings: Inspect) -> tuple[dict[str, data.Corpus], list[InputError]]:
    """The parts that were given, and what is wrong with those that have too many unusable lines for training.

    Raises:
        InputError: a part of which nothing can be told.
    """
    parts, problems = {}, []
    for name in ("train", "valid", "test"):
        files = getattr(settings, name)
        try:
            corpus = steps.read(files, name)
        except InputError as error:
            corpus = steps.read(dataclasses.replace(files, max_reject_fraction=1.0), name)
            problems.append(error)
        if corpus is not None:
            parts[name] = corpus
    return parts, problems


def examine(
    parts: dict[str, data.Corpus], vocabularies=None, folder: Path | None = None
) -> tuple[dict, list[InputError]]:
    """The report as JSON values, and what forbids training, gravest first.

    Args:
        parts: `train`, `valid`, `test`, any of them.
        vocabularies: of source and target.
        folder: they came from, for messages.
    """
    report = {"parts": {name: data.survey(corpus) for name, corpus in parts.items()}, "overlap": {}}
    problems = [data.misaligned(corpus) for corpus in parts.values()]
    train = parts.get("train")
    if train is not None:
        sides = data.Sides(train)
        for name, corpus in parts.items():
            report["parts"][name]["reversed"] = _reversed(corpus, sides)
            if name != "train":
                report["overlap"][name] = data.overlap(train, corpus)
                problems.append(data.swapped(train, corpus, sides))
    if vocabularies is not None:
        measured = {name: unknowns.measure(corpus, vocabularies) for name, corpus in parts.items()}
        report["vocabulary"] = {"folder": str(folder), "sizes": [one.size for one in vocabularies], "parts": measured}
        problems += [unknowns.wrong(parts[name], measured[name], vocabularies, folder) for name in parts]
    problems = [problem for problem in problems if problem is not None]
    report["problems"] = [str(problem) for problem in problems]
    return report, problems


def _reversed(corpus: data.Corpus, sides: data.Sides) -> dict:
    rows = sides.reversed_rows(corpus)
    return {"count": len(rows), "lines": [corpus.lines[row] for row in rows[:_SHOWN]]}


def _write(settings: Inspect, report: dict) -> None:
    if settings.output is not None:
        runs.write_json(settings.output / "report.json", report)
        words = {
            f"{name} {side}": figures["histogram"]
            for name, part in report["parts"].items()
            for side, figures in part["words"].items()
        }
        plots.lengths(words, settings.output / "lengths.png")
        print(f"saved: {settings.output / 'report.json'}, {settings.output / 'lengths.png'}", flush=True)
    if settings.json:
        runs.write_json(settings.json, report)
