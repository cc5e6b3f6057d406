"""The table of a bench: what was measured, on what machine, by which command."""

import datetime
import io
import platform
import statistics
from importlib import metadata
from pathlib import Path

import rich.box
import rich.console
import rich.table
import tensorflow as tf

from pipelines import command_line
from pipelines.settings import Bench, BenchServe
from seq2seq_keras import cores
from seq2seq_keras.errors import InputError

FILE = "bench_train.md"
"""Of the bench of training."""


def about(settings: Bench | BenchServe) -> dict:
    """Machine, versions, date and command."""
    return {**measured(), "command": command(settings)}


def measured() -> dict:
    """Machine, versions and date."""
    return {
        "machine": {"cpu": _cpu(), "cores": cores.available(), "gpu": _cards()},
        "versions": {
            "python": platform.python_version(),
            **{name: metadata.version(name) for name in ("tensorflow", "keras", "numpy")},
        },
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


def command(settings: Bench | BenchServe) -> str:
    """The command line that gives these settings; files by name only, for a table that others read."""
    return command_line.of(settings, "bench", settings.what)


def show(text: str, folder: Path | None, name: str = FILE) -> None:
    """Prints a table and, with a folder, writes the same text to a file of this name in it."""
    print(f"\n{text}", end="", flush=True)
    if folder is None:
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot be written ({error.strerror})", where=folder, remedy="choose another place") from None


def render(report: dict) -> str:
    """The report as Markdown: a table of medians with least and most, and what it was measured with."""
    titles = ("", "target tokens/s", "padding", "useful GFLOP/s", "peak GFLOP/s", "of peak", "by peer")
    rows = [
        (
            name,
            span(figures["target_tokens_per_second"], "{:,.0f}"),
            "{:.1%}".format(figures["padding"][0]),
            span(figures["useful_gflops"], "{:,.1f}"),
            span(figures["peak_gflops"], "{:,.1f}"),
            span(figures["of_peak"], "{:.1%}"),
            span(figures["by_peer"], "{:.2f}x") if "by_peer" in figures else "",
        )
        for name, figures in report["summary"].items()
    ]
    return page(titles, rows, _notes(report))


def page(titles: tuple[str, ...], rows: list[tuple[str, ...]], notes: list[str]) -> str:
    """A Markdown table, its first column the names of the rows, with a list of notes below it."""
    table = rich.table.Table(box=rich.box.MARKDOWN)
    for title in titles:
        table.add_column(title, justify="right" if title else "left", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    written = io.StringIO()
    rich.console.Console(file=written, width=1000, color_system=None).print(table)
    lines = [line.rstrip() for line in written.getvalue().splitlines() if line.strip()]
    return "\n".join([*lines, "", *(f"- {note}" for note in notes)]) + "\n"


def origin(report: dict) -> list[str]:
    """Notes on the machine, the versions, the date and the command."""
    machine = report["machine"]
    return [
        f"Machine: {machine['cpu']}, {machine['cores']} cores" + "".join(f", {card}" for card in machine["gpu"]) + ".",
        "Versions: " + ", ".join(f"{name} {version}" for name, version in report["versions"].items()) + ".",
        f"Date: {report['date']}.",
        f"Command: `{report['command']}`",
    ]


def spread(values: list[float]) -> list[float]:
    """Median, least and most."""
    return [statistics.median(values), min(values), max(values)]


def span(values: list[float], form: str) -> str:
    """What `spread` found, in words: median (least to most)."""
    middle, least, most = (form.format(value) for value in values)
    return f"{middle} ({least} to {most})"


def _notes(report: dict) -> list[str]:
    data, settings = report["data"], report["settings"]
    notes = [
        f"Median (least to most) of {settings['turns']} turns of {settings['seconds']:g} seconds after a warm-up of "
        f"one pass, at most {settings['warmup']:g} seconds; {', '.join(settings['precision'])}.",
        f"Data: {data['name']}, {data['pairs']:,} pairs of {data['mean_source_ids']:.1f} and "
        f"{data['mean_target_ids']:.1f} ids, vocabulary of {data['vocabulary']:,}.",
        *origin(report),
    ]
    if "skipped" in report["peer"]:
        notes.insert(0, f"{report['peer']['name']} skipped: {report['peer']['skipped']}.")
    return notes


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())


def _cards() -> list[str]:
    cards = tf.config.list_physical_devices("GPU")
    return [tf.config.experimental.get_device_details(card).get("device_name", "GPU") for card in cards]
