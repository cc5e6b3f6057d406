"""Which side a text belongs to, by its characters: to find pairs whose sides changed places."""

from collections.abc import Iterator

import numpy as np

from seq2seq_keras.data.corpus import Corpus

_BUCKETS = 1 << 16
_CHUNK = 10_000
"""Rows at a time, to bound memory."""
_LEARNED = 50_000
"""Rows to learn from, spread over the corpus: more change nothing."""
_SEPARABLE = 0.9
"""Share of unseen training pairs that must be told the right way round, or nothing is judged."""
_SURE = 2.0
"""Log-odds below which one pair looks reversed."""


class Sides:
    """How much likelier each character trigram is on the source side than on the target side.

    Args:
        train: pairs taken to be the right way round.
    """

    def __init__(self, train: Corpus):
        step = -(-len(train) // _LEARNED) or 1
        source, target = train.source[::step], train.target[::step]
        # Each half is judged by the weights of the other: on a few pairs, weights know their own by heart.
        halves = [(source[half::2], target[half::2]) for half in (0, 1)]
        held_out = np.concatenate([_odds(_weights(*halves[1 - half]), *halves[half]) for half in (0, 1)])
        self._usual = float(np.median(held_out)) if len(held_out) else 0.0
        self.separable = len(held_out) > 1 and float(np.mean(held_out > 0)) >= _SEPARABLE
        """False where both sides are written alike, as when copying or reversing: then order cannot be told."""
        self._weights = _weights(source, target)

    def odds(self, corpus: Corpus) -> np.ndarray:
        """(n,) log-odds that a pair is the right way round, by the mean trigram of each side."""
        return _odds(self._weights, corpus.source, corpus.target)

    def reversed_rows(self, corpus: Corpus) -> np.ndarray:
        """Rows that look as if their sides changed places; none where sides cannot be told apart."""
        return np.flatnonzero(self.odds(corpus) < -_SURE) if self.separable else np.zeros(0, np.int64)

    def swapped(self, corpus: Corpus) -> bool:
        """Whether the pairs of a corpus look reversed, and not just foreign."""
        return self.separable and len(corpus) > 0 and float(np.median(self.odds(corpus))) < -self._usual / 3


def _weights(source: list[str], target: list[str]) -> np.ndarray:
    counts = [_counts(side) + 0.5 for side in (source, target)]
    return np.log(counts[0] / counts[0].sum()) - np.log(counts[1] / counts[1].sum())


def _odds(weights: np.ndarray, source: list[str], target: list[str]) -> np.ndarray:
    return _means(weights, source) - _means(weights, target)


def _means(weights: np.ndarray, texts: list[str]) -> np.ndarray:
    parts = [np.zeros(0)]
    for buckets, rows, count in _trigrams(texts):
        sums = np.bincount(rows, weights[buckets], count)
        parts.append(sums / np.maximum(np.bincount(rows, minlength=count), 1))
    return np.concatenate(parts)


def _counts(texts: list[str]) -> np.ndarray:
    counts = np.zeros(_BUCKETS)
    for buckets, _, _ in _trigrams(texts):
        counts += np.bincount(buckets, minlength=_BUCKETS)
    return counts


def _trigrams(texts: list[str]) -> Iterator[tuple[np.ndarray, np.ndarray, int]]:
    """Buckets of the trigrams of a chunk of texts, the row of each, and how many rows the chunk has."""
    for begin in range(0, len(texts), _CHUNK):
        padded = [f"\n{text}\n" for text in texts[begin : begin + _CHUNK]]
        codes = np.frombuffer("".join(padded).encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
        rows = np.repeat(np.arange(len(padded)), [len(text) for text in padded])
        mixed = (codes[:-2] * 0x9E3779B1 + codes[1:-1] * 0x85EBCA77 + codes[2:] * 0xC2B2AE3D) >> np.uint64(8)
        inside = rows[:-2] == rows[2:]
        yield (mixed[inside] % _BUCKETS).astype(np.int64), rows[:-2][inside], len(padded)
