"""Score a run on a test set.

python -m pipelines evaluate --run runs/en_de --source test.en --reference test.de --json report.json
"""

import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from pipelines import plots, runs, scores, searches
from pipelines.settings import Evaluate
from seq2seq_keras import cores, data, metrics, tokens
from seq2seq_keras.decode import parts
from seq2seq_keras.errors import InputError
from seq2seq_keras.tasks import TextToText

_BUCKETS = (1, 6, 11, 16, 21, 31, 51)
"""First source length, in words, of each bucket."""


def run(settings: Evaluate) -> int:
    """The command; returns the exit code."""
    check(settings)
    cores.for_batches()
    task = TextToText.load(runs.model_folder(settings.run))
    task.batch_size = settings.batch
    sources = data.read_lines(settings.source)
    references = [data.read_lines(path) for path in settings.reference]
    for path, rows in zip(settings.reference, references):
        if len(rows) != len(sources):
            raise InputError(
                f"{settings.source} has {len(sources):,} lines and {path} has {len(rows):,}",
                expected="as many: line N of the reference translates line N of the source",
            )
    cut = too_long(task, sources)
    if cut:
        print(f"note: {cut:,} sources have over {task.max_source} ids and lose their end", flush=True)
    theirs = None if settings.compare is None else other_outputs(settings.compare, settings.source, sources)
    search = searches.asked(settings.strategy, settings.rules, task)

    begun = time.monotonic()
    outputs = [runs.one_line(text) for text in task.generate(sources, search)]
    seconds = time.monotonic() - begun
    report = judged(sources, outputs, references, settings.tokenize)
    if spells(settings.run):
        report["edits"] = scores.Edits().several(outputs, [list(texts) for texts in zip(*references)])
    step = max(1, len(sources) // max(settings.samples, 1))
    report["samples"] = [
        {"source": sources[row], "output": outputs[row], "reference": references[0][row]}
        for row in range(0, len(sources), step)[: settings.samples]
    ]
    report |= {
        "source": str(settings.source),
        "fingerprint": runs.fingerprint(sources),
        "cut_sources": cut,
        "search": parts.described(search),
        "seconds": round(seconds, 2),
        "sentences_per_second": round(len(sources) / seconds, 1),
    }
    if theirs is not None:
        found = metrics.compare(outputs, theirs, references, settings.tokenize)
        report["compare"] = {"with": str(settings.compare), **found._asdict()}

    folder = settings.output or settings.run / "evaluations" / settings.source.name.removesuffix(".gz")
    runs.write_text(folder / "outputs.txt", "".join(f"{line}\n" for line in outputs))
    runs.write_json(folder / "report.json", report)
    plots.by_length(report["by_length"], folder / "by_length.png")
    if settings.json:
        runs.write_json(settings.json, report)
    show(report)
    print(f"outputs, report and plot: {folder}", flush=True)
    return 0


def check(settings: Evaluate) -> None:
    """Refuses what would fail after the work is done."""
    if settings.batch < 1 or settings.samples < 0:
        raise InputError(f"--batch {settings.batch} and --samples {settings.samples}", expected="1, and 0, or more")
    runs.check_report_folder(settings.output)
    metrics.bleu(["a"], [["a"]], settings.tokenize)


def too_long(task: TextToText, sources: list[str]) -> int:
    """How many sources the task cuts."""
    return int((tokens.encode_all(sources, task.source).lengths >= task.max_source).sum())


def spells(run: Path) -> bool:
    """Whether the run was trained to be judged by edits."""
    path = run / "settings.json"
    return path.exists() and runs.read_json(path).get("score") == "edits"


def judged(sources: list[str], outputs: list[str], references: list[list[str]], tokenize: str) -> dict:
    """BLEU and chrF with their signatures, over all and by source length."""
    bleu, chrf = metrics.bleu(outputs, references, tokenize), metrics.chrf(outputs, references)
    buckets: dict[int, list[int]] = {}
    for row, source in enumerate(sources):
        first = max((first for first in _BUCKETS if first <= max(1, len(source.split()))), default=1)
        buckets.setdefault(first, []).append(row)
    by_length = []
    for first, rows in sorted(buckets.items()):
        place = _BUCKETS.index(first)
        last = f"-{_BUCKETS[place + 1] - 1}" if place + 1 < len(_BUCKETS) else "+"
        part = [[reference[row] for row in rows] for reference in references]
        said = [outputs[row] for row in rows]
        figures = {"bleu": metrics.bleu(said, part, tokenize).score, "chrf": metrics.chrf(said, part).score}
        rounded = {name: round(score, 2) for name, score in figures.items()}
        by_length.append({"words": f"{first}{last}", "rows": len(rows), **rounded})
    return {
        "bleu": bleu.score,
        "bleu_signature": bleu.signature,
        "chrf": chrf.score,
        "chrf_signature": chrf.signature,
        "rows": len(sources),
        "by_length": by_length,
    }


def other_outputs(path: Path, source: Path, sources: list[str]) -> list[str]:
    """Outputs of another system: a file, or what an evaluated run said to the same source."""
    if path.is_dir():
        folder = path / "evaluations" / source.name.removesuffix(".gz")
        if not (folder / "report.json").exists():
            raise InputError(
                f"was not evaluated on {source.name} yet",
                where=path,
                remedy=f"evaluate it first: --run {path} --source {source}; or name a file of outputs",
            )
        if runs.read_json(folder / "report.json").get("fingerprint") != runs.fingerprint(sources):
            raise InputError("was evaluated on other sentences", where=folder, remedy=f"evaluate it on {source} first")
        path = folder / "outputs.txt"
    rows = data.read_lines(path)
    if len(rows) != len(sources):
        raise InputError(f"{len(rows):,} outputs", where=path, expected=f"{len(sources):,}, as {source} has lines")
    return rows


def show(report: dict) -> None:
    """The report for people."""
    console = Console()
    print(f"BLEU {report['bleu']:.2f}  {report['bleu_signature']}")
    print(f"chrF {report['chrf']:.2f}  {report['chrf_signature']}")
    print(f"{report['rows']:,} sentences in {report['seconds']} s ({report['sentences_per_second']} a second)")
    if "compare" in report:
        other = report["compare"]
        print(f"against {other['with']}: {other['ours']:.2f} and {other['theirs']:.2f}, p = {other['p_value']:.4f}")
    if "edits" in report:
        print(f"any reference: rows wrong {report['edits']['wer']:.2f}%, tokens wrong {report['edits']['per']:.2f}%")
    table = Table("words in the source", "sentences", "BLEU", "chrF")
    for row in report["by_length"]:
        table.add_row(row["words"], str(row["rows"]), f"{row['bleu']:.2f}", f"{row['chrf']:.2f}")
    console.print(table)
    for sample in report["samples"]:
        print("\n".join(f"{name:<9} {text}" for name, text in sample.items()) + "\n")
