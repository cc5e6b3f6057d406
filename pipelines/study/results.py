"""The results of a study in its folder: Markdown, CSV, JSON, a picture, and the same for TensorBoard."""

import shutil
from pathlib import Path

import tensorflow as tf

from pipelines import command_line, runs
from pipelines.bench import tables
from pipelines.settings import Study
from pipelines.study import table


def about(settings: Study) -> dict:
    """Machine, versions, date, command and settings."""
    return {**tables.measured(), "command": command(settings), "settings": runs.plain(settings)}


def command(settings: Study) -> str:
    """The command line that gives these settings; files by name only, for a table that others read."""
    return command_line.of(settings, "study", settings.name, without="name")


def write(report: dict, picture: bytes, folder: Path) -> None:
    """results.md, .csv, .json and .png in the folder, and the first and the last in its logs/study/ for TensorBoard."""
    text = table.render(report)
    runs.write_json(folder / "results.json", report)
    runs.write_text(folder / "results.csv", table.spreadsheet(report))
    runs.write_bytes(folder / "results.png", picture)
    runs.write_text(folder / "results.md", text)
    logs = folder / "logs" / "study"
    shutil.rmtree(logs, ignore_errors=True)  # of an earlier call, with fewer seeds
    writer = tf.summary.create_file_writer(str(logs))
    with writer.as_default(0):
        tf.summary.text(f"study/{report['name']}", text)
        tf.summary.image(f"study/{report['name']}", tf.io.decode_png(picture, channels=4)[None])
    writer.close()
    print(f"\n{text}\ntable, plot and runs: {folder}", flush=True)
