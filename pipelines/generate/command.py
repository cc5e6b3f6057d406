"""Translate standard input, line by line in order, to standard output.

Any run or exported SavedModel, and any model on a server:
    python -m pipelines generate --model saved_models/en_de/1 < input.txt > output.txt
    python -m pipelines generate --model en_de --url http://127.0.0.1:8501 < input.txt > output.txt

Five outputs a line with their scores, from a beam of ten; and three that differ:
    python -m pipelines generate --model runs/en_de --beam 10 --n-best 5 < input.txt
    python -m pipelines generate --model runs/en_de --search diverse --beam 6 --groups 3 --n-best 3 < input.txt

Drawn at random; the best of 16; the one of 16 that the others agree with most:
    python -m pipelines generate --model runs/en_de --search sample --temperature 0.7 --top-p 0.9 < input.txt
    python -m pipelines generate --model runs/en_de --search sample --best-of 16 < input.txt
    python -m pipelines generate --model runs/en_de --search sample --mbr 16 < input.txt

With rules; while it grows; with pictures of the attention:
    python -m pipelines generate --model runs/en_de --ban Hund "kleiner Junge" --must Strand --no-repeat 3 < input.txt
    python -m pipelines generate --model runs/en_de --search greedy --stream < input.txt
    python -m pipelines generate --model runs/en_de --alignments attention < input.txt
"""

import contextlib
import sys
import time

from pipelines import runs
from pipelines.generate import saved, speakers
from pipelines.generate.speakers import Speaker
from pipelines.settings import Generate
from seq2seq_keras import cores, data
from seq2seq_keras.errors import InputError

_AT_ONCE = 1024
"""Lines decoded before their outputs are written."""


def run(settings: Generate) -> int:
    """The command; returns the exit code."""
    check(settings)
    cores.for_batches()
    with contextlib.ExitStack() as stack:
        if settings.url is not None:
            speaker = saved.served(settings, stack)
        elif (settings.model / "saved_model.pb").exists():
            speaker = saved.exported(settings)
        else:
            speaker = speakers.live(settings)
        if settings.alignments and speaker.align is None:
            raise InputError("--alignments needs a model with attention, in a folder", remedy="leave it out")
        return translate(settings, speaker)


def check(settings: Generate) -> None:
    """Refuses what has no meaning, before a model is loaded."""
    search = settings.strategy.search
    if min(settings.n_best, settings.batch, 1 if settings.mbr is None else settings.mbr) < 1:
        raise InputError("--n-best, --mbr and --batch count from 1")
    if settings.n_best > 1 and search == "greedy":
        raise InputError("greedy search has one output a line", remedy="leave --search or --n-best out")
    if settings.mbr and search != "sample":
        raise InputError("--mbr chooses among outputs that are drawn", remedy="add --search sample")
    if settings.mbr and (settings.n_best > 1 or settings.strategy.best_of):
        raise InputError(
            "--mbr has one output a line, of all that are drawn", remedy="leave --n-best and --best-of out"
        )
    whole = {"--n-best": settings.n_best > 1, "--mbr": settings.mbr, "--alignments": settings.alignments}
    whole |= {"--replace-unknown": settings.replace_unknown, "--best-of": settings.strategy.best_of}
    if settings.stream and any(whole.values()):
        late = " and ".join(name for name, asked in whole.items() if asked)
        raise InputError(f"{late} waits for whole outputs, and --stream does not", remedy="leave one of them out")
    if settings.alignments:
        runs.check_folder(settings.alignments)
        runs.check_writable(settings.alignments / "1.png")


def translate(settings: Generate, speaker: Speaker) -> int:
    """Every line through the speaker, written as soon as it is there."""
    lines = data.read_lines(sys.stdin.buffer)
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    begun = time.monotonic()
    if settings.stream:
        for line in lines:
            grow(speaker, line)
    else:
        for begin in range(0, len(lines), _AT_ONCE):
            answer(settings, speaker, lines[begin : begin + _AT_ONCE], begin + 1)
    if settings.json:
        seconds = time.monotonic() - begun
        runs.write_json(
            settings.json, {"lines": len(lines), "seconds": seconds, "lines_per_second": len(lines) / seconds}
        )
    return 0


def answer(settings: Generate, speaker: Speaker, lines: list[str], first: int) -> None:
    """Writes the outputs of some lines, and draws their alignments where that was asked.

    Args:
        first: number of the first line.
    """
    for number, (line, outputs) in enumerate(zip(lines, speaker.answer(lines)), start=first):
        if settings.n_best == 1:
            print(runs.one_line(outputs[0][0]))
        else:
            for text, score, *_ in outputs[: settings.n_best]:
                print(f"{number}\t{score:.4f}\t{runs.one_line(text)}")
        if settings.alignments:
            from pipelines import plots

            text = outputs[0][0]
            plots.alignment(text, *speaker.align(line, text), settings.alignments / f"{number}.png")
    sys.stdout.flush()


def grow(speaker: Speaker, line: str) -> None:
    """Writes one output while it grows. What is said stays: a single path only ever adds."""
    shown = ""
    for text in map(runs.one_line, speaker.grow(line)):
        if text.startswith(shown):
            print(text[len(shown) :], end="", flush=True)
            shown = text
    print(flush=True)
