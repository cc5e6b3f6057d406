"""The results of a study in its folder: Markdown, CSV, JSON, a picture, and the same for TensorBoard."""

import shlex
import shutil
from dataclasses import fields, is_dataclass
from pathlib import Path

import tensorflow as tf

from pipelines import bench_table, families, runs, study_table
from pipelines.settings import Model, Study


def about(settings: Study) -> dict:
    """Machine, versions, date, command and settings."""
    return {**bench_table.measured(), "command": command(settings), "settings": runs.plain(settings)}


def command(settings: Study) -> str:
    """The command line that gives these settings; files by name only, for a table that others read."""
    words = ["python", "-m", "pipelines", "study", settings.name]
    for field in fields(settings):
        value = getattr(settings, field.name)
        if field.name == "name" or value == field.default:
            continue
        if not is_dataclass(value):
            words += _typed(families.flag(field.name), value)
            continue
        for part in fields(value):
            inner = getattr(value, part.name)
            if inner != getattr(field.default, part.name):
                # The flags of a model have no prefix.
                own = isinstance(value, Model)
                name = families.flag(part.name) if own else f"--{field.name}.{part.name.replace('_', '-')}"
                words += _typed(name, inner)
    return shlex.join(words)


def write(report: dict, picture: bytes, folder: Path) -> None:
    """results.md, .csv, .json and .png in the folder, and the first and the last in its logs/ for TensorBoard."""
    text = study_table.render(report)
    runs.write_json(folder / "results.json", report)
    runs.write_text(folder / "results.csv", study_table.spreadsheet(report))
    runs.write_bytes(folder / "results.png", picture)
    runs.write_text(folder / "results.md", text)
    shutil.rmtree(folder / "logs", ignore_errors=True)  # of an earlier call, with fewer seeds
    writer = tf.summary.create_file_writer(str(folder / "logs"))
    with writer.as_default(0):
        tf.summary.text(f"study/{report['name']}", text)
        tf.summary.image(f"study/{report['name']}", tf.io.decode_png(picture, channels=4)[None])
    writer.close()
    print(f"\n{text}\ntable, plot and runs: {folder}", flush=True)


def _typed(flag: str, value) -> list[str]:
    if isinstance(value, bool):
        return [flag if value else f"--no-{flag.removeprefix('--')}"]
    values = value if isinstance(value, tuple) else (value,)
    return [flag, *(each.name if isinstance(each, Path) else str(each) for each in values)]
