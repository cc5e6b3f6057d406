"""`python -m pipelines <task> --help`: the command line, made from the settings."""

import ast
import contextlib
import importlib
import inspect
import io
import os
import re
import sys
from dataclasses import make_dataclass
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
    "study": settings.Study,
    "bench": settings.Bench,
    "bench_serve": settings.BenchServe,
    "bench_decode": settings.BenchDecode,
    "serve": settings.Serve,
}
"""Each is a module of this folder with `run(settings)`. Imported when called: TensorFlow takes seconds to load."""
BENCHES = {"train": "bench", "serve": "bench_serve", "decode": "bench_decode"}
"""What `bench` measures, by the word after it."""


def parse(arguments: list[str]):
    """Command line to (name, settings). A misspelt setting ends in `InputError`, `--help` in `SystemExit(0)`."""
    # Switches as TensorFlow's own programs take them: --name=true and --name=false.
    arguments = [re.sub(r"^--([\w.-]+)=true$", r"--\1", word) for word in arguments]
    arguments = [re.sub(r"^--((?:[\w-]+\.)*)([\w-]+)=false$", r"--\1no-\2", word) for word in arguments]
    complaint = io.StringIO()
    try:
        with contextlib.redirect_stderr(complaint):
            chosen = tyro.cli(_choices(), prog="python -m pipelines", args=arguments)
    except SystemExit as end:
        if end.code in (0, None):
            raise
        raise InputError(_one_line(complaint.getvalue())) from None
    chosen = getattr(chosen, "measured", chosen)
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


def _choices():
    """All commands as tyro takes them; the benches are one command with a second word."""
    alone = [_choice(name, name) for name in COMMANDS if name not in BENCHES.values()]
    measured = Union[tuple(_choice(word, name) for word, name in BENCHES.items())]  # noqa: UP007
    benches = make_dataclass("Benches", [("measured", Annotated[measured, tyro.conf.arg(name="")])])
    bench = tyro.conf.subcommand("bench", description="Measure the speed of training, of the server, or of decoding.")
    return Union[(*alone, Annotated[benches, bench])]


def _choice(word: str, name: str):
    """One command, and the word it is called by."""
    kind = COMMANDS[name]
    return Annotated[kind, tyro.conf.subcommand(word, description=_description(name, kind))]


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
