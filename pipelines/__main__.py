"""`python -m pipelines <task> --help`: the command line, made from the settings."""

import ast
import contextlib
import importlib
import inspect
import io
import os
import re
import signal
import sys
from dataclasses import make_dataclass
from pathlib import Path
from typing import Annotated, Union

import tyro

from pipelines import exits, runs, settings
from seq2seq_keras.errors import InputError

_HERE = Path(__file__).parent

COMMANDS = {
    "translate": settings.Translate,
    "evaluate": settings.Evaluate,
    "export": settings.Export,
    "generate": settings.Generate,
    "inspect": settings.Inspect,
    "monitor": settings.Monitor,
    "prepare": settings.Prepare,
    "quickstart": settings.Quickstart,
    "study": settings.Study,
    "tune": settings.Tune,
    "bench train": settings.Bench,
    "bench serve": settings.BenchServe,
    "bench decode": settings.BenchDecode,
    "bench overhead": settings.BenchOverhead,
    "bench prepare": settings.BenchPrepare,
    "serve": settings.Serve,
}
"""By the words that are typed. Where `run(settings)` is, `place` tells; it is imported when called: TensorFlow takes
seconds to load."""


_WRONG = 2
"""What tyro exits with where it cannot read the words; `--help` and a signal have codes of their own."""


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
        if end.code != _WRONG:
            raise
        raise InputError(_one_line(complaint.getvalue())) from None
    chosen = getattr(chosen, "measured", chosen)
    return next(name for name, kind in COMMANDS.items() if type(chosen) is kind), chosen


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; returns the exit code, see `pipelines.exits`."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # texts are in any language, whatever the locale says
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    with _told() as code:
        return call(*parse(sys.argv[1:] if arguments is None else arguments))
    return code[0]


def call(name: str, chosen) -> int:
    """Runs one command whose settings were read; returns the exit code."""
    with _told() as code:
        runs.check_writable(chosen.json)
        importlib.import_module("pipelines.quiet")
        return importlib.import_module(f"pipelines.{place(name)}").run(chosen) or 0
    return code[0]


def place(name: str) -> str:
    """Dotted name below `pipelines` of a command's module: of its own name, or `command` in a folder of that name."""
    module = name.replace(" ", ".")
    alone = (_HERE / module.replace(".", "/")).with_suffix(".py").exists()
    return module if alone else f"{module}.command"


@contextlib.contextmanager
def _told():
    """Says in one line what ended a command before its time, and gives its exit code in the list it yields."""
    code = []
    try:
        yield code
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        code.append(exits.of(error))
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        code.append(exits.INTERRUPTED)
    except BrokenPipeError:  # the reader of our output went away, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code.append(exits.UNREAD)


def _choices():
    """All commands as tyro takes them; the benches are one command with a second word."""
    alone = [_choice(name) for name in COMMANDS if " " not in name]
    measured = Union[tuple(_choice(name) for name in COMMANDS if " " in name)]  # noqa: UP007
    benches = make_dataclass("Benches", [("measured", Annotated[measured, tyro.conf.arg(name="")])])
    bench = tyro.conf.subcommand(
        "bench",
        description="Measure training and what watching it costs, decoding, the server, preparing a corpus.",
    )
    return Union[(*alone, Annotated[benches, bench])]


def _choice(name: str):
    """One command, by its last word."""
    kind = COMMANDS[name]
    return Annotated[kind, tyro.conf.subcommand(name.split()[-1], description=_description(name, kind))]


def _description(name: str, kind: type) -> str:
    """What the command does, and how it is typed: both are written once, where they belong, and read from there."""
    file = (_HERE / place(name).replace(".", "/")).with_suffix(".py")
    module = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))
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
    # An exception, as Ctrl-C is one: what a command is writing, and the processes that it began, go with it.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    sys.exit(main())
