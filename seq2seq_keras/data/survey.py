"""What a corpus holds, counted: the report to read before training on it."""

import unicodedata
from collections import Counter

import numpy as np

from seq2seq_keras.data.corpus import Corpus

_SHOWN = 10
"""Lines and characters listed of each finding; the counts are always whole."""
_BINS = 60
_RARE = 2
"""A character seen this often at most is rare."""
_FARTHEST = 5.0
"""Robust standard deviations between a pair's length ratio and the usual one that make an outlier."""
_LEAST_FACTOR = 2.5
"""An outlier is also this many times longer or shorter than usual: very regular corpora have a tiny deviation."""


def survey(corpus: Corpus) -> dict:
    """Sizes, lengths, duplicates, empty and identical pairs, length-ratio outliers and characters of a corpus.

    All values go into JSON. Line numbers are those of the file; lists are cut, counts are not.
    """
    return {
        "name": corpus.name,
        "pairs": len(corpus),
        "rejected": {reason: _listed(lines) for reason, lines in corpus.rejected.items()},
        "words": _lengths([len(text.split()) for text in corpus.source], [len(text.split()) for text in corpus.target]),
        "characters_a_line": _lengths(*([len(text) for text in side] for side in (corpus.source, corpus.target))),
        "length_correlation": _correlation(corpus),
        "duplicates": _duplicates(corpus),
        "identical": _listed(
            line
            for line, s, t in zip(corpus.lines, corpus.source, corpus.target, strict=True)
            if s.strip() == t.strip()
        ),
        "ratio": ratio_outliers(corpus),
        "characters": {side: characters(getattr(corpus, side), corpus.lines) for side in ("source", "target")},
    }


def overlap(train: Corpus, other: Corpus) -> dict:
    """Pairs, sources and targets of `other` that `train` holds too; lines are those of `other`."""

    def seen(known: set, keys: list) -> dict:
        return _listed(line for key, line in zip(keys, other.lines, strict=True) if key in known)

    return {
        "pairs": seen(set(_pairs(train)), _pairs(other)),
        "sources": seen({text.strip() for text in train.source}, [text.strip() for text in other.source]),
        "targets": seen({text.strip() for text in train.target}, [text.strip() for text in other.target]),
    }


def ratio_outliers(corpus: Corpus) -> dict:
    """Pairs whose sides' lengths, in characters, are far from the usual ratio of target to source; worst first."""
    logs = np.array([np.log((len(t) + 1) / (len(s) + 1)) for s, t in zip(corpus.source, corpus.target, strict=True)])
    if not len(logs):
        return {"median": 0.0, "count": 0, "lines": [], "ratios": []}
    middle = np.median(logs)
    apart = np.abs(logs - middle)
    deviation = 1.4826 * np.median(apart)  # of a normal distribution, from its median absolute deviation
    out = np.flatnonzero(apart > max(_FARTHEST * deviation, np.log(_LEAST_FACTOR)))
    worst = out[np.argsort(-apart[out], kind="stable")][:_SHOWN]
    return {
        "median": round(float(np.exp(middle)), 3),
        "count": len(out),
        "lines": [corpus.lines[row] for row in worst],
        "ratios": [round(float(np.exp(logs[row])), 3) for row in worst],
    }


def characters(texts: list[str], lines: list[int]) -> dict:
    """Distinct characters of one side, and those that look like damage.

    Args:
        lines: number of each text's line.
    """
    counts = Counter("".join(texts))
    rare = sorted(character for character, count in counts.items() if count <= _RARE)
    control = sorted(character for character in counts if unicodedata.category(character) in ("Cc", "Cn", "Co", "Cs"))
    return {
        "distinct": len(counts),
        "rare": {"count": len(rare), "first": [_named(character, counts, texts, lines) for character in rare[:_SHOWN]]},
        "control": {
            "count": sum(counts[character] for character in control),
            "first": [_named(character, counts, texts, lines) for character in control[:_SHOWN]],
        },
        "replacement": _listed(
            line for text, line in zip(texts, lines, strict=True) if "\N{REPLACEMENT CHARACTER}" in text
        ),
    }


def _lengths(source: list[int], target: list[int]) -> dict:
    """Figures and histogram of both sides; they share the edges, and what is beyond the last is in the last bin."""
    both = np.array([*source, *target])
    most = int(np.percentile(both, 99.5)) if len(both) else 1
    width = max(1, -(-(most + 1) // _BINS))
    edges = np.arange(0, most + width + 1, width)
    if edges[-1] <= most:
        edges = np.append(edges, edges[-1] + width)
    return {side: _figures(np.array(values, int), edges) for side, values in (("source", source), ("target", target))}


def _figures(values: np.ndarray, edges: np.ndarray) -> dict:
    counts, _ = np.histogram(np.minimum(values, edges[-1] - 1), edges)
    named = {"min": 0, "median": 50, "p95": 95, "p99": 99, "max": 100}
    figures = {name: int(np.percentile(values, share)) if len(values) else 0 for name, share in named.items()}
    return {
        "total": int(values.sum()),
        "mean": round(float(values.mean()), 2) if len(values) else 0.0,
        **figures,
        "histogram": {"edges": edges.tolist(), "counts": counts.tolist()},
    }


def _correlation(corpus: Corpus) -> float | None:
    """Of the logarithms of lengths: near 0, the sides have little to do with each other; None where one is constant."""
    logs = [np.log1p([len(text) for text in side]) for side in (corpus.source, corpus.target)]
    if len(corpus) < 2 or min(side.std() for side in logs) < 1e-9:
        return None
    return round(float(np.corrcoef(*logs)[0, 1]), 3)


def _duplicates(corpus: Corpus) -> dict:
    """Rows that repeat an earlier pair, or an earlier source with whatever target."""
    return {
        "pairs": _repeated(_pairs(corpus), corpus.lines),
        "sources": _repeated([text.strip() for text in corpus.source], corpus.lines),
    }


def _repeated(keys: list, lines: list[int]) -> dict:
    first, repeats = {}, []
    for key, line in zip(keys, lines, strict=True):
        if first.setdefault(key, line) != line:
            repeats.append((line, first[key]))
    listed = _listed(line for line, _ in repeats)
    return {**listed, "first_at": [before for _, before in repeats[:_SHOWN]]}


def _pairs(corpus: Corpus) -> list[tuple[str, str]]:
    return [(s.strip(), t.strip()) for s, t in zip(corpus.source, corpus.target, strict=True)]


def _named(character: str, counts: Counter, texts: list[str], lines: list[int]) -> dict:
    line = next(line for text, line in zip(texts, lines, strict=True) if character in text)
    name = unicodedata.name(character, unicodedata.category(character))
    return {"character": f"U+{ord(character):04X}", "name": name, "count": counts[character], "line": line}


def _listed(lines) -> dict:
    lines = list(lines)
    return {"count": len(lines), "lines": lines[:_SHOWN]}
