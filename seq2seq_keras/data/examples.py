"""Pairs as ids, in memory."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Ragged:
    """n rows of different length, one after the other: row i is values[splits[i]:splits[i + 1]]."""

    values: np.ndarray
    """(N,) int32."""
    splits: np.ndarray
    """(n + 1,) int64, from 0 to N."""

    @classmethod
    def from_rows(cls, rows: Iterable) -> "Ragged":
        arrays = [np.asarray(row, np.int32) for row in rows]
        values = np.concatenate([np.zeros(0, np.int32), *arrays])
        return cls(values, np.cumsum([0, *map(len, arrays)], dtype=np.int64))

    @property
    def lengths(self) -> np.ndarray:
        """(n,) int64."""
        return np.diff(self.splits)

    def __len__(self) -> int:
        return len(self.splits) - 1

    def __getitem__(self, row: int) -> np.ndarray:
        row = range(len(self))[row]
        return self.values[self.splits[row] : self.splits[row + 1]]

    def keep(self, rows: np.ndarray) -> "Ragged":
        """The rows where the (n,) bool mask is True."""
        lengths = self.lengths
        splits = np.concatenate([[0], np.cumsum(lengths[rows])]).astype(np.int64)
        return Ragged(self.values[np.repeat(rows, lengths)], splits)


@dataclass(frozen=True)
class Examples:
    """Pairs ready to be batched."""

    source: Ragged
    """Each row ends with EOS."""
    target: Ragged
    """Without BOS and EOS: batching adds them."""
    filtered: dict[str, int] = field(default_factory=dict)
    """Reason to the number of pairs left out for it."""

    def __len__(self) -> int:
        return len(self.source)

    def longer_targets(self, limit: int) -> int:
        """How many targets have so many ids or more, EOS not counted."""
        return int((self.target.lengths >= limit).sum())
