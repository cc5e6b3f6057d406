"""How much of a corpus a given vocabulary does not know."""

from pathlib import Path

import numpy as np

from seq2seq_keras import data, tokens
from seq2seq_keras.errors import InputError

LIMIT = 0.10
"""Share of ids that may be unknown or spelt in bytes. The vocabulary's own corpus stays far below 1 %."""
LIMIT_WORDS = 0.25
"""The same for whole words, of which new text always brings some."""
_SHOWN = 3


def load(folder: Path) -> tuple[tokens.Tokenizer, tokens.Tokenizer]:
    """Vocabularies of source and target, from a run or from a folder of one vocabulary for both sides."""
    folder = Path(folder)
    if not (folder / "source").is_dir():
        both = tokens.load(folder)
        return both, both
    source = tokens.load(folder / "source")
    return source, tokens.load(folder / "target") if (folder / "target").is_dir() else source


def measure(corpus: data.Corpus, vocabularies: tuple[tokens.Tokenizer, tokens.Tokenizer]) -> dict:
    """By side: ids, unknown ones, their share, characters an id, and the lines with the largest share."""
    sides = zip(("source", "target"), (corpus.source, corpus.target), vocabularies, strict=True)
    return {side: _side(texts, corpus.lines, vocabulary) for side, texts, vocabulary in sides}


def wrong(
    corpus: data.Corpus, measured: dict, vocabularies: tuple[tokens.Tokenizer, tokens.Tokenizer], folder: Path
) -> InputError | None:
    """What is wrong where the vocabulary was not made for these texts; None where it was.

    Args:
        measured: what `measure` gave.
        folder: of the vocabulary, for the message.
    """
    for side, vocabulary in zip(("source", "target"), vocabularies, strict=True):
        found, limit = measured[side], LIMIT_WORDS if vocabulary.kind == "words" else LIMIT
        if found["share"] <= limit:
            continue
        lines = ", ".join(map(str, found["lines"][:_SHOWN]))
        crossed = measure(corpus, vocabularies[::-1])
        turned = all(crossed[other]["share"] <= limit for other in crossed)
        return InputError(
            f"the vocabulary in {folder} does not know {found['share']:.0%} of the {side} (worst lines {lines})",
            where=corpus.name,
            expected=f"at most {limit:.0%}",
            remedy="source and target changed places: exchange them"
            if turned
            else "give the vocabulary learned from such text, in the same case and tokenisation",
        )
    return None


def _side(texts: list[str], lines: list[int], vocabulary: tokens.Tokenizer) -> dict:
    ids = tokens.encode_all(texts, vocabulary)
    unknown = vocabulary.unknown(ids.values)
    rows = np.repeat(np.arange(len(ids)), ids.lengths)
    shares = np.bincount(rows, unknown, len(ids)) / np.maximum(ids.lengths, 1)
    worst = np.argsort(-shares, kind="stable")[:10]
    return {
        "ids": len(unknown),
        "unknown": int(unknown.sum()),
        "share": round(float(unknown.mean()), 5) if len(unknown) else 0.0,
        "characters_an_id": round(sum(map(len, texts)) / max(len(unknown), 1), 2),
        "lines": [lines[row] for row in worst if shares[row] > 0],
    }
