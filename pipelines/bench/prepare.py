"""Speed and memory of preparing a corpus.

    python -m pipelines bench prepare --pairs 10000000 --folder /data/scratch --output results

The pairs are made up and written to disk first; what is measured is the command `prepare` in a process of its own.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from pipelines import demands, memory, runs
from pipelines.bench import corpora, tables
from pipelines.settings import BenchPrepare
from seq2seq_keras.errors import InputError

_CHUNK = 100_000
"""Pairs made up at a time."""
_DUPLICATE, _EMPTY = 100, 1000
"""One pair in so many."""
_LARGE = 100_000_000
"""Pairs to tell the time of."""
_FILE = "bench_prepare.md"


def run(settings: BenchPrepare) -> int:
    """The command; returns the exit code."""
    check(settings)
    with tempfile.TemporaryDirectory(dir=settings.folder) as folder:
        begun = time.monotonic()
        sizes = write(Path(folder), settings.pairs)
        print(f"made up {settings.pairs:,} pairs in {time.monotonic() - begun:,.1f} s", flush=True)
        figures = measure(Path(folder), settings)
    report = {**tables.about(settings), "settings": runs.plain(settings), "text_bytes": sizes, **figures}
    tables.show(render(report), settings.output, _FILE)
    if settings.json:
        runs.write_json(settings.json, report)
    return 0


def check(settings: BenchPrepare) -> None:
    """Refuses what cannot be measured."""
    demands.from_one(settings, "pairs", "sample")
    if settings.folder is not None and not settings.folder.is_dir():
        raise InputError("there is no such folder", where=settings.folder, remedy="make it, or leave --folder out")


def write(folder: Path, pairs: int, seed: int = 0) -> int:
    """Writes `source` and `target` of so many made-up pairs, a part at a time; returns their bytes."""
    random = np.random.default_rng(seed)
    words = [corpora.words(random, letters) for letters in corpora.LETTERS]
    with open(folder / "source", "w") as source, open(folder / "target", "w") as target:
        for begin in range(0, pairs, _CHUNK):
            lengths = corpora.sizes_of(random, min(_CHUNK, pairs - begin))
            sides = [corpora.sentences(random, known, sizes) for known, sizes in zip(words, lengths)]
            for texts in sides:
                texts[_DUPLICATE - 1 :: _DUPLICATE] = texts[: len(texts) // _DUPLICATE]
            sides[0][_EMPTY - 1 :: _EMPTY] = [""] * len(sides[0][_EMPTY - 1 :: _EMPTY])
            for file, texts in zip((source, target), sides):
                file.write("\n".join(texts) + "\n")
    return sum((folder / side).stat().st_size for side in ("source", "target"))


def measure(folder: Path, settings: BenchPrepare) -> dict:
    """Runs the command on what `write` wrote, and watches it.

    Raises:
        InputError: it failed.
    """
    command = [sys.executable, "-m", "pipelines", "prepare", f"--sample={settings.sample}"]
    command += [f"--train.{side}={folder / side}" for side in ("source", "target")]
    command += [f"--output={folder / 'shards'}", f"--json={folder / 'figures.json'}"]
    command += [f"--{name}={value}" for name in ("jobs", "shards") if (value := getattr(settings, name)) is not None]
    begun = time.monotonic()
    process = subprocess.Popen(command)
    try:
        with memory.Watch(process.pid) as watch:
            code = process.wait()
    finally:
        process.terminate()  # which is nothing to one that has ended
        process.wait()
    seconds = time.monotonic() - begun
    if code:
        raise InputError(f"prepare ended with code {code}", remedy="look at its message above")
    told = json.loads((folder / "figures.json").read_text())
    return {
        "seconds": round(seconds, 1),
        "pairs_a_second": settings.pairs / seconds,
        "hours_for_100_million": _LARGE / settings.pairs * seconds / 3600,
        "memory_own": watch.own,
        "memory_mapped": watch.mapped,
        "pairs_kept": told["pairs"],
        "left_out": {name: found["count"] for name, found in {**told["rejected"], **told["filtered"]}.items()},
        "shards": told["shards"],
        "shard_bytes": sum(file.stat().st_size for file in (folder / "shards").glob("shard-*")),
    }


def render(report: dict) -> str:
    """The figures as a table."""
    left_out = ", ".join(f"{reason} {count:,}" for reason, count in report["left_out"].items())
    rows = {
        "pairs": f"{report['settings']['pairs']:,} ({report['text_bytes'] / 1e6:,.0f} MB of text)",
        "kept": f"{report['pairs_kept']:,}; left out: {left_out or 'nothing'}",
        "written": f"{report['shards']:,} shards ({report['shard_bytes'] / 1e6:,.0f} MB)",
        "time": f"{report['seconds']:,} s, start and vocabulary included",
        "speed": f"{report['pairs_a_second']:,.0f} pairs a second",
        "100,000,000 pairs at this speed": f"{report['hours_for_100_million']:.1f} h",
        "memory of all processes": f"{report['memory_own'] / 1e6:,.0f} MB at most",
        "beside it, code of libraries": f"{report['memory_mapped'] / 1e6:,.0f} MB, mapped from disk",
    }
    machine = f"{report['machine']['cpu']}, {report['machine']['cores']} cores; {report['date']}"
    table = "\n".join(f"| {name} | {value} |" for name, value in rows.items())
    return f"| prepare | |\n| --- | --- |\n{table}\n\n{machine}\n\n    {report['command']}\n"
