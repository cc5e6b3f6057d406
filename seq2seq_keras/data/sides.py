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
"""Share of its own training pairs a profile must tell the right way round, or it judges nothing."""
_SURE = 2.0
"""Log-odds below which one pair looks reversed."""


class Sides:
    """How much likelier each character trigram is on the source side than on the target side.

    Args:
        train: pairs taken to be the right way round.
    """

    def __init__(self, train: Corpus):
        step = -(-len(train) // _LEARNED)
        sample = Corpus(train.source[::step], train.target[::step], train.lines[::step])
        counts = [_counts(side) + 0.5 for side in (sample.source, sample.target)]
        self._weights = np.log(counts[0] / counts[0].sum()) - np.log(counts[1] / counts[1].sum())
        self.separable = len(sample) > 0 and float(np.mean(self.odds(sample) > 0)) >= _SEPARABLE
        """False where both sides are written alike, as when copying or reversing: then order cannot be told."""

    def odds(self, corpus: Corpus) -> np.ndarray:
        """(n,) log-odds that a pair is the right way round, by the mean trigram of each side."""
        source, target = self._means(corpus.source), self._means(corpus.target)
        return source - target

    def reversed_rows(self, corpus: Corpus) -> np.ndarray:
        """Rows that look as if their sides changed places; none where sides cannot be told apart."""
        return np.flatnonzero(self.odds(corpus) < -_SURE) if self.separable else np.zeros(0, np.int64)

    def swapped(self, corpus: Corpus) -> bool:
        """Whether most pairs of a corpus look reversed."""
        return self.separable and len(corpus) > 0 and bool(np.mean(self.odds(corpus) < 0) > 0.5)

    def _means(self, texts: list[str]) -> np.ndarray:
        parts = [np.zeros(0)]
        for buckets, rows, count in _trigrams(texts):
            sums = np.bincount(rows, self._weights[buckets], count)
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
