"""Whether line N of one side goes with line N of the other, told without knowing either language."""

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass

import numpy as np

from seq2seq_keras.data.corpus import Corpus

_REACH = 10
"""Offsets looked at, either way. More lines lost at one place still show where the first ones were lost."""
_WINDOW = 51
"""Rows whose mean length is taken out, so that files sorted by length or topic do not agree at every offset."""
_COMMON = 0.3
"""A token in more rows than this tells no row from another."""
_BLOCK = 16
"""Rows taken together to measure scatter: neighbours are not independent."""
_FEWEST = 4 * _BLOCK
"""Rows a shifted stretch has; fewer are no evidence."""
_CLEAR = 7.0
"""Standard errors by which the offset must agree better. On 29 aligned real data sets none came above 4."""
_TOKEN = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True)
class Shift:
    """A stretch of rows where the sides agree clearly better at an offset than line by line."""

    first: int
    """Line number, about: where it begins."""
    last: int
    """Line number, about: where it ends."""
    offset: int
    """Line N of the source goes with line N + offset of the target."""
    open_end: bool
    """It goes on to the end of the file."""
    clarity: float
    """Standard errors between the two readings."""


def shifts(corpus: Corpus) -> list[Shift]:
    """Stretches of misaligned rows, in the order of their lines; none for a corpus that is aligned.

    Four signals, each as a log-likelihood ratio of "belongs together" against "does not": length, numbers, copied
    words, punctuation. Row by row they are weak; over 100 to 200 rows the sum decides. Lines in random order agree
    nowhere and are not found here: `survey` reports the agreement of lengths.
    """
    if len(corpus) < _FEWEST:
        return []
    agreement = _Agreement(corpus)
    straight, found = agreement.at(0), []
    for offset in sorted(range(-_REACH, _REACH + 1), key=abs)[1:]:
        gain = np.where(agreement.judged(offset), agreement.at(offset) - straight, 0.0)
        begin, end = _best_stretch(gain)
        if (clarity := _clarity(gain[begin:end], gain.std())) >= _CLEAR:
            found.append((float(gain[begin:end].sum()), begin, end, offset, clarity))
    return [_shift(corpus, *one) for one in _apart(found)]


class _Agreement:
    """How well source row i and target row i + offset agree."""

    def __init__(self, corpus: Corpus):
        self.rows = len(corpus)
        self._lengths = [_relative_lengths(side) for side in (corpus.source, corpus.target)]
        self._postings = _Postings(corpus.source, corpus.target)
        self._texts = [np.array([hash(text.strip()) for text in side]) for side in (corpus.source, corpus.target)]
        usual = max(self._correlation(offset) for offset in range(-_REACH, _REACH + 1))
        self._rho = min(max(usual, 0.0), 0.95)

    def at(self, offset: int) -> np.ndarray:
        """(n,) log-likelihood ratios; 0 where there is no row at the offset."""
        ratios, rho = self._postings.shared(offset), self._rho
        x, y, here = self._pairs(*self._lengths, offset)
        ratios[here] += (rho * x * y - rho**2 * (x**2 + y**2) / 2) / (1 - rho**2)
        return ratios

    def judged(self, offset: int) -> np.ndarray:
        """(n,) bool: rows that can speak for the offset.

        In a dialogue or a continued text the target is the next source: that is a chain, and no line was lost. One
        text on both sides, a row apart, counts only where pairs are often identical anyway.
        """
        x, y, here = self._pairs(*self._texts, offset)
        chained = abs(offset) == 1 and np.mean(x == y) > 10 * np.mean(self._texts[0] == self._texts[1])
        judged = np.zeros(self.rows, bool)
        judged[here] = (x != y) | (not chained)
        return judged

    def _correlation(self, offset: int) -> float:
        x, y, _ = self._pairs(*self._lengths, offset)
        return float(np.mean(x * y))

    def _pairs(self, source: np.ndarray, target: np.ndarray, offset: int):
        here = slice(max(0, -offset), self.rows - max(0, offset))
        return source[here], target[here.start + offset : here.stop + offset], here


class _Postings:
    """Which rows hold which of the tokens that both sides use but few rows hold."""

    def __init__(self, source: list[str], target: list[str]):
        self.rows = len(source)
        sides = [[set(_TOKEN.findall(_folded(text))) for text in side] for side in (source, target)]
        rare = [_rare(side) for side in sides]
        # Half of what a match says at best: a word of both languages need not mean the same in both.
        known = {token: i for i, token in enumerate(rare[0].keys() & rare[1].keys())}
        counts = np.array([rare[1][token] for token in known], float)
        self._weights = np.clip(np.log(self.rows / np.maximum(counts, 1)) / 2, 0, 3)
        self._source, self._target = (self._keys(side, known) for side in sides)

    def shared(self, offset: int) -> np.ndarray:
        """(n,) summed weights of the tokens that source row i and target row i + offset share."""
        row = self._source % self.rows
        found = np.isin(self._source + offset, self._target, assume_unique=True)
        found &= (row + offset >= 0) & (row + offset < self.rows)
        hits = self._source[found]
        return np.bincount(hits % self.rows, self._weights[hits // self.rows], self.rows).astype(float)

    def _keys(self, side: list[set[str]], known: dict[str, int]) -> np.ndarray:
        """One number for each token in each row, sorted."""
        keys = [known[token] * self.rows + row for row, tokens in enumerate(side) for token in tokens if token in known]
        return np.sort(np.array(keys, np.int64))


def _rare(side: list[set[str]]) -> dict[str, int]:
    counts = Counter(token for tokens in side for token in tokens)
    return {token: count for token, count in counts.items() if count <= _COMMON * len(side)}


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _relative_lengths(texts: list[str]) -> np.ndarray:
    """(n,) logarithms of lengths against their neighbours', with mean 0 and variance 1; extremes are cut."""
    logs = np.log1p([len(text) for text in texts])
    window = min(_WINDOW, len(logs))
    sums, counts = (np.convolve(row, np.ones(window), "same") for row in (logs, np.ones_like(logs)))
    rest = logs - sums / counts
    scale = rest.std()
    return np.clip(rest / scale, -3, 3) if scale > 1e-9 else np.zeros_like(rest)


def _best_stretch(gain: np.ndarray) -> tuple[int, int]:
    """Begin and end of the stretch with the largest sum, less a little a row so that mere noise stays short."""
    sums = np.concatenate([[0.0], np.cumsum(gain - 0.1 * gain.std())])
    lowest = np.minimum.accumulate(sums)
    end = int(np.argmax(sums - lowest))
    return int(np.argmin(sums[: end + 1])), end


def _clarity(gain: np.ndarray, usual: float) -> float:
    """Mean over its standard error, by blocks of rows.

    Args:
        usual: standard deviation of a row's gain: a few blocks may happen to scatter less.
    """
    if len(gain) < _FEWEST:
        return 0.0
    blocks = gain[: len(gain) // _BLOCK * _BLOCK].reshape(-1, _BLOCK).mean(axis=1)
    scatter = max(float(blocks.std(ddof=1)), usual / np.sqrt(_BLOCK), 1e-9)
    return float(blocks.mean()) / scatter * np.sqrt(len(blocks))


def _apart(found: list[tuple]) -> list[tuple]:
    """Stretches that do not overlap, those that gain most first, then in order of rows.

    Where neighbours are alike, the offsets beside the right one are better than none too, over the same rows.
    """
    kept = []
    for one in sorted(found, reverse=True):
        if all(one[2] <= other[1] or one[1] >= other[2] for other in kept):
            kept.append(one)
    return sorted(kept, key=lambda one: one[1])


def _shift(corpus: Corpus, _: float, begin: int, end: int, offset: int, clarity: float) -> Shift:
    open_end = end + _REACH + _BLOCK >= len(corpus)
    return Shift(corpus.lines[begin], corpus.lines[end - 1], offset, open_end, round(float(clarity), 1))
