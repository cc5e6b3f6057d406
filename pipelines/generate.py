"""Translate standard input, line by line in order, to standard output.

python -m pipelines generate --model saved_models/en_de/1 < input.txt > output.txt
python -m pipelines generate --model en_de --url http://127.0.0.1:8501 < input.txt > output.txt
"""

import contextlib
import sys
import time

from pipelines import runs, serve
from pipelines.evaluate import searched
from pipelines.settings import Generate
from seq2seq_keras import data, decode
from seq2seq_keras.errors import InputError

_AT_ONCE = 1024
"""Lines decoded before their outputs are written."""
_PATIENCE = 600.0
"""Seconds to wait for an answer of a server, which has limits of its own."""


def run(settings: Generate) -> int:
    """The command; returns the exit code."""
    if settings.n_best < 1 or settings.batch < 1:
        raise InputError("--n-best and --batch count from 1")
    if settings.n_best > 1 and settings.search == "greedy":
        raise InputError("greedy search has one output a line", remedy="leave --search or --n-best out")
    with contextlib.ExitStack() as stack:
        if settings.url is not None:
            answer = served(settings, stack)
        else:
            answer = exported(settings) if (settings.model / "saved_model.pb").exists() else live(settings)
        return translate(settings, answer)


def translate(settings: Generate, answer) -> int:
    """Every line through `answer`, written as soon as it is there."""
    lines = data.read_lines(sys.stdin.buffer)
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    begun = time.monotonic()
    for begin in range(0, len(lines), _AT_ONCE):
        for number, outputs in enumerate(answer(lines[begin : begin + _AT_ONCE]), start=begin + 1):
            if settings.n_best == 1:
                print(runs.one_line(outputs[0][0]))
            else:
                for text, score in outputs[: settings.n_best]:
                    print(f"{number}\t{score:.4f}\t{runs.one_line(text)}")
        sys.stdout.flush()
    if settings.json:
        seconds = time.monotonic() - begun
        runs.write_json(
            settings.json, {"lines": len(lines), "seconds": seconds, "lines_per_second": len(lines) / seconds}
        )
    return 0


def exported(settings: Generate):
    """Lines to (text, score) lists, by a SavedModel and its own search."""
    from seq2seq_keras import export

    _as_saved(settings, "name the run folder with --model instead")
    model = export.load(settings.model, settings.batch)
    if settings.n_best > 1:
        width = model.settings["search"].get("width", 1)
        if settings.n_best > width:
            raise InputError(f"--n-best is {settings.n_best}", expected=f"at most {width}, the beam of this SavedModel")
        return model.nbest
    kind = model.settings["search"].get("kind")
    if settings.search == "beam" and kind != "Beam":
        raise InputError(
            f"this SavedModel was exported with {kind} search", remedy="leave --search out, or name the run folder"
        )
    endpoint = "greedy" if settings.search == "greedy" else "serving_default"
    return lambda lines: [[pair] for pair in model.scored(lines, endpoint)]


def served(settings: Generate, stack: contextlib.ExitStack):
    """Lines to (text, score) lists, by a model on a server and its own search; the stack closes the connections."""
    # The client needs the extra `serve`, which nothing else here does.
    from seq2seq_keras.serve.client import Client

    _as_saved(settings, "leave it out: a served model searches as it was exported")
    if settings.search == "beam":
        raise InputError(
            "--search beam cannot be asked of a server",
            remedy="leave --search out: a served model searches as it was exported",
        )
    token = serve.token(settings.token_file)
    client = stack.enter_context(
        Client(settings.url, str(settings.model), token=token, timeout=_PATIENCE, batch=settings.batch)
    )
    telling = _refusals_of(settings.url)
    if settings.n_best > 1:
        width = telling(client.predict)({"text": [""]}, "nbest")["score"].shape[-1]
        if settings.n_best > width:
            raise InputError(f"--n-best is {settings.n_best}", expected=f"at most {width}, the beam of this model")
        return telling(client.nbest)
    telling(client.status)()  # before anything is read
    signature = "greedy" if settings.search == "greedy" else "serving_default"
    return telling(lambda lines: [[pair] for pair in client.scored(lines, signature)])


def live(settings: Generate):
    """Lines to (text, score) lists, by a run and any search."""
    from seq2seq_keras.tasks import TextToText

    task = TextToText.load(runs.model_folder(settings.model))
    task.batch_size = settings.batch
    search = searched(settings, task.search)
    if settings.n_best > 1:
        if settings.beam is not None and settings.beam < settings.n_best:
            raise InputError(f"--n-best is {settings.n_best}", expected=f"at most {settings.beam}, the --beam given")
        width = max(search.width, settings.n_best)
        search = decode.Beam(width, getattr(search, "length_penalty", 0.0), settings.n_best)
    return lambda lines: task.nbest(lines, search)


@contextlib.contextmanager
def _refusals_of(url: str):
    """What a server refuses is told as every other mistake is."""
    from seq2seq_keras.serve.status import ServingError

    try:
        yield
    except ServingError as error:
        raise InputError(f"the server says {error.message!r}", where=url) from None


def _as_saved(settings: Generate, remedy: str) -> None:
    """Refuses what only a run can change."""
    asked = {"--beam": settings.beam, "--length-penalty": settings.length_penalty}
    fixed = [name for name, value in asked.items() if value is not None]
    if fixed:
        raise InputError(f"{' and '.join(fixed)} cannot be changed in a SavedModel", remedy=remedy)
