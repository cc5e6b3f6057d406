"""Which examples share a batch, as a pure function of seed and epoch: resuming needs no saved iterator."""

import numpy as np

from seq2seq_keras.data.examples import Examples
from seq2seq_keras.errors import InputError

_SOURCE_STEP = 4
"""Sources whose length, rounded up to this, is equal count as equally long: they change places between epochs."""


class BatchPlan:
    """Batches of alike length under a token budget: padded, both sides of a batch fit into it.

    Every epoch sorts by length with ties broken at random, cuts at the same places and shuffles the batches, so that
    each epoch has the same number of batches, other neighbours and another order.

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
        rounded = -(-source // _SOURCE_STEP) * _SOURCE_STEP
        # Rounding must not push an example that fits over the budget.
        rounded = np.minimum(rounded, np.maximum(source, tokens_per_batch))
        self._key = target * (int(rounded.max()) + 1) + rounded  # sorts by target, then source
        self._cuts = self._cut(np.argsort(self._key, kind="stable"), rounded, target)

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
        """The batches from short to long, always the same: for validation."""
        return np.split(np.argsort(self._key, kind="stable"), self._cuts)

    def _cut(self, order: np.ndarray, source: np.ndarray, target: np.ndarray) -> np.ndarray:
        cuts, begin, longest = [], 0, 0
        lengths = np.maximum(source, target)[order].tolist()
        for i, length in enumerate(lengths):
            longest = max(longest, length)
            if (i - begin + 1) * longest > self.tokens_per_batch:
                cuts.append(i)
                begin, longest = i, length
        return np.asarray(cuts, np.int64)

    @staticmethod
    def _check(lengths: np.ndarray, budget: int) -> None:
        if (worst := int(lengths.max())) > budget:
            raise InputError(
                f"example {int(lengths.argmax()):,} has {worst:,} tokens and a batch has room for {budget:,}",
                remedy="raise the tokens per batch, or filter long pairs out first",
            )


def plan(examples: Examples, tokens_per_batch: int = 4_096, seed: int = 0) -> BatchPlan:
    """The plan that `batch` follows for the same arguments."""
    return BatchPlan(examples.source.lengths, examples.target.lengths, tokens_per_batch, seed)
