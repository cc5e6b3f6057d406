"""`python -m pipelines <task> --help`: the command line, made from the settings."""

import ast
import contextlib
import importlib
import inspect
import io
import os
import sys
from pathlib import Path
from typing import Annotated, Union

import tyro

from pipelines import runs, settings
from seq2seq_keras.errors import InputError

COMMANDS = {
    "translate": settings.Translate,
    "evaluate": settings.Evaluate,
    "export": settings.Export,
    "generate": settings.Generate,
    "inspect": settings.Inspect,
    "quickstart": settings.Quickstart,
    "bench": settings.Bench,
}
"""Each is a module of this folder with `run(settings)`. Imported when called: TensorFlow takes seconds to load."""


def parse(arguments: list[str]):
    """Command line to (name, settings). A misspelt setting ends in `InputError`, `--help` in `SystemExit(0)`."""
    choices = tuple(
        Annotated[kind, tyro.conf.subcommand(name, description=_description(name, kind))]
        for name, kind in COMMANDS.items()
    )
    complaint = io.StringIO()
    try:
        with contextlib.redirect_stderr(complaint):
            chosen = tyro.cli(Union[choices], prog="python -m pipelines", args=arguments)  # noqa: UP007
    except SystemExit as end:
        if end.code in (0, None):
            raise
        raise InputError(_one_line(complaint.getvalue())) from None
    return next(name for name, kind in COMMANDS.items() if type(chosen) is kind), chosen


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; returns the exit code: 0, or 2 for a user's mistake."""
    try:
        name, chosen = parse(sys.argv[1:] if arguments is None else arguments)
        runs.check_writable(chosen.json)
        _load_tensorflow()
        return importlib.import_module(f"pipelines.{name}").run(chosen) or 0
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of our output went away, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


def _load_tensorflow() -> None:
    """Imports TensorFlow without its greetings, which go to standard error before logging can be told to be quiet."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    kept, nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 2)
    try:
        importlib.import_module("tensorflow")
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nothing)


def _description(name: str, kind: type) -> str:
    """What the command does, and how it is typed: both are written once, where they belong, and read from there."""
    module = ast.get_docstring(ast.parse(Path(__file__).with_name(f"{name}.py").read_text(encoding="utf-8")))
    return "\n\n".join([inspect.getdoc(kind), module.partition("\n")[2].strip()])


def _one_line(box: str) -> str:
    """The text of a drawn box on one line: its title goes, its sections are joined by semicolons."""
    sections, lines = [], [line.strip("╭╮╰╯│ ") for line in box.splitlines()]
    for line in lines[1:]:
        if not line.strip("─"):
            sections.append([])
        elif sections:
            sections[-1].append(line)
        else:
            sections = [[line]]
    return "; ".join(" ".join(section) for section in sections if section) or "the command line could not be read"


if __name__ == "__main__":
    sys.exit(main())
