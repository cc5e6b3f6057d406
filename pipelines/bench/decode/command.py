"""Speed of decoding: this project live and exported, and its peers with the same weights.

    python -m pipelines bench decode --run runs/en_de --source test.en --output runs/bench --profile
    python -m pipelines bench decode

All systems get the same batches, one after the other in every turn and in alternating order; medians over turns.
Without a run the models have random weights and say `--max-length` ids to every source. Peers are measured where they
are installed: `pip install ctranslate2 keras-hub`.
"""

import statistics
import tempfile
import time
from functools import partial
from pathlib import Path

from pipelines import demands, runs
from pipelines.bench import fit, tables
from pipelines.bench.decode import cases, lineup, profile, table
from pipelines.bench.decode.cases import Case, Subject
from pipelines.bench.decode.systems import LIVE, System
from pipelines.settings import BenchDecode
from seq2seq_keras import cores
from seq2seq_keras.errors import InputError

_PROFILED = 4
"""Batches that a profile is taken of."""


def run(settings: BenchDecode) -> int:
    """The command; returns the exit code."""
    check(settings)
    cores.for_batches()
    texts = cases.sentences(settings)
    report = {
        **tables.about(settings),
        "settings": runs.plain(settings),
        "data": {"name": settings.source.name if settings.source else "made-up sentences", "sentences": len(texts)},
        "skipped": {},
        "vocabulary": {},
        "turns": [],
        "profile": {},
    }
    report["versions"] |= lineup.versions(settings)
    for subject in cases.subjects(settings):
        report["vocabulary"][subject.name] = subject.task.target.size
        with tempfile.TemporaryDirectory() as folder:
            measure(subject, settings, texts, Path(folder), report)
    report["summary"] = table.summary(report["turns"])
    tables.show(table.render(report), settings.output, table.FILE)
    if settings.output:
        table.draw(report["summary"], settings.output / table.PLOT)
    if settings.json:
        runs.write_json(settings.json, report)
    return 0


def check(settings: BenchDecode) -> None:
    """Refuses what cannot be measured."""
    demands.above_zero(settings, "sentences", "beam", "max_length", "width", "depth", "vocabulary", "turns")
    demands.from_zero(settings, "length_penalty")
    demands.some(settings, "search", "batch", "order", "family")
    if min(settings.batch) <= 0:
        raise InputError(f"--batch is {min(settings.batch)}", expected="more than 0")
    fit.check_width(settings)
    if settings.run and settings.source is None:
        raise InputError("--source is missing", remedy="give sentences of the language that the run translates")
    if settings.model and len(settings.run) != 1:
        raise InputError("--model was given without its run", remedy="name the one --run that it was exported from")
    if settings.output:
        runs.check_folder(settings.output)


def measure(subject: Subject, settings: BenchDecode, texts: list[str], folder: Path, report: dict) -> None:
    """All cases of one model, into the report."""
    systems, skipped = lineup.lineup(subject, settings, folder, report["machine"]["cores"])
    for system in systems.values():
        report["versions"] |= getattr(system, "versions", {})
    report["skipped"] |= {f"{name} of {subject.name}": why for name, why in skipped.items()}
    for case in cases.cases(settings):
        name = f"{subject.name}, {case.name}"
        print(name, flush=True)
        parts = cases.batches(texts, case)
        report["turns"] += compared(name, case, systems, parts, settings.turns)
        if settings.profile and case.order != "unsorted":
            some = parts[:: -(-len(parts) // _PROFILED)]
            report["profile"][name] = profile.profile(partial(_each, systems[LIVE], case, some))


def compared(name: str, case: Case, systems: dict[str, System], parts: list[list[str]], turns: int) -> list[dict]:
    """One case by all systems: a row for each turn of each.

    A first pass is not timed: it compiles what has to be, and its outputs are counted and compared.
    """
    given = {who: [system.prepare(part) for part in parts] for who, system in systems.items()}
    rows, outputs = {}, {}
    for who, system in systems.items():
        said = [system.read(case, part, system(case, one)) for part, one in zip(parts, given[who], strict=True)]
        outputs[who] = [text for part in said for text in part.texts]
        same = [ours == theirs for ours, theirs in zip(outputs[who], outputs[LIVE], strict=True)]
        rows[who] = {
            "name": name,
            "system": who,
            "sentences": len(outputs[who]),
            "tokens": sum(sum(part.lengths) for part in said),
            "same": statistics.mean(same),
        }
    found = []
    for turn in range(1, turns + 1):
        for who in list(systems)[:: 1 if turn % 2 else -1]:
            begun = time.perf_counter()
            _each(systems[who], case, given[who])
            row = {"turn": turn, **rows[who], "seconds": time.perf_counter() - begun}
            row |= {f"{what}_per_second": row[what] / row["seconds"] for what in ("tokens", "sentences")}
            found.append(row)
            print(f"turn {turn}: {who} {row['tokens_per_second']:,.0f} tokens/s", flush=True)
    return found


def _each(system: System, case: Case, given: list) -> None:
    for one in given:
        system(case, one)
