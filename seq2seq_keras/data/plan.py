"""Which examples share a batch, as a pure function of seed and epoch: resuming needs no saved iterator."""

from functools import singledispatch

import numpy as np

from seq2seq_keras.data.examples import Examples
from seq2seq_keras.errors import InputError


class BatchPlan:
    """Batches of alike length under a token budget: padded, both sides of a batch fit into it.

    Every epoch sorts by length with ties broken at random, cuts at the same places and shuffles the batches, so that
    each epoch has the same number of batches and another order. Examples of the same lengths change neighbours; one
    whose lengths are rare keeps its own.

    Of several ways to sort, that which pads these lengths least is taken: of Multi30k in batches of 2,048 that leaves
    2% of the positions as padding.

    Args:
        source_lengths: (n,) int, with EOS.
        target_lengths: (n,) int, without BOS and EOS; one more is counted for either.
        tokens_per_batch: most positions of a padded batch, on its longer side: B * max(S, T) never exceeds it.
        seed: not negative.

    Raises:
        InputError: there is no example, or one alone exceeds the budget.
    """

    def __init__(self, source_lengths, target_lengths, tokens_per_batch: int, seed: int):
        if seed < 0:
            raise InputError(f"seed is {seed}", expected="0 or more")
        source, target = np.asarray(source_lengths, np.int64), np.asarray(target_lengths, np.int64) + 1
        if not len(source):
            raise InputError("there are no examples to batch")
        self._check(np.maximum(source, target), tokens_per_batch)
        self.tokens_per_batch, self.seed = tokens_per_batch, seed
        source, target = _coarse(source, tokens_per_batch), _coarse(target, tokens_per_batch)
        ways = ((np.maximum(source, target), source - target), (target, source), (source, target))
        found = [self._sorted(_up_and_down(*way), source, target) for way in ways]
        _, self._key, self._cuts = min(found, key=lambda one: one[0])

    def __len__(self) -> int:
        """Batches of an epoch, the same in every epoch."""
        return len(self._cuts) + 1

    def epoch(self, epoch: int) -> list[np.ndarray]:
        """The batches of an epoch in training order, each the indices of its examples."""
        random = np.random.default_rng([self.seed, epoch])
        mixed = random.permutation(len(self._key))
        order = mixed[np.argsort(self._key[mixed], kind="stable")]
        batches = np.split(order, self._cuts)
        return [batches[i] for i in random.permutation(len(batches))]

    def ordered(self) -> list[np.ndarray]:
        """The batches as sorted, always the same: for validation."""
        return np.split(np.argsort(self._key, kind="stable"), self._cuts)

    def _sorted(self, key: np.ndarray, source: np.ndarray, target: np.ndarray) -> tuple[int, np.ndarray, np.ndarray]:
        """Padded positions of an epoch sorted by this key, the key, and where its batches begin, but the first."""
        order = np.argsort(key, kind="stable")
        source, target = source[order], target[order]
        cuts, begin, longest = [], 0, 0
        for i, length in enumerate(np.maximum(source, target).tolist()):
            longest = max(longest, length)
            if (i - begin + 1) * longest > self.tokens_per_batch:
                cuts.append(i)
                begin, longest = i, length
        begins = np.asarray([0, *cuts], np.int64)
        widths = np.maximum.reduceat(source, begins) + np.maximum.reduceat(target, begins)
        return int((widths * np.diff(begins, append=len(key))).sum()), key, begins[1:]

    @staticmethod
    def _check(lengths: np.ndarray, budget: int) -> None:
        if (worst := int(lengths.max())) > budget:
            raise InputError(
                f"example {int(lengths.argmax()):,} has {worst:,} tokens and a batch has room for {budget:,}",
                remedy="raise the tokens per batch, or filter long pairs out first",
            )


def _coarse(lengths: np.ndarray, budget: int) -> np.ndarray:
    """Rounded up by less than a sixteenth: what counts as equally long changes places between epochs."""
    step = 2 ** np.maximum(np.log2(lengths).astype(np.int64) - 4, 0)
    # Rounding must not push an example that fits over the budget.
    return np.minimum(-(-lengths // step) * step, budget)


def _up_and_down(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """A key that sorts by one length, then by another, up and down in turns: neighbours are alike in both."""
    first, second = (np.unique(each, return_inverse=True)[1] for each in (first, second))
    last = int(second.max())
    return first * (last + 1) + np.where(first % 2, last - second, second)


@singledispatch
def plan(examples: Examples, tokens_per_batch: int = 4_096, seed: int = 0) -> BatchPlan:
    """The plan that `batch` follows for the same arguments."""
    return BatchPlan(examples.source.lengths, examples.target.lengths, tokens_per_batch, seed)
