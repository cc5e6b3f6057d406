"""Pairs on disk in stretches of their hashes: each is small enough to sort in memory, and equal pairs meet in one.

The order of a prepared corpus is that of its pairs' hashes, which no order of arrival changes: a shuffle that every
number of workers makes alike.
"""

import hashlib
import os
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np

DIGEST = 16
"""Bytes of a pair's hash; among 10 ** 9 pairs two hashes meet by chance once in 10 ** 20 corpora."""
_HEAD = struct.Struct(f"<{DIGEST}sQII")
_FIELDS = np.dtype([("high", ">u8"), ("low", ">u8"), ("line", "<u8"), ("source", "<u4"), ("target", "<u4")])


class Hash:
    """The hash of a pair: BLAKE2b of both texts, keyed by a seed.

    Args:
        seed: another one, another order; not negative.
    """

    def __init__(self, seed: int):
        self._begun = hashlib.blake2b(digest_size=DIGEST, key=str(seed).encode())

    def __call__(self, source: bytes, target: bytes) -> bytes:
        """16 bytes; neither text may hold a NUL."""
        made = self._begun.copy()
        made.update(source + b"\0" + target)
        return made.digest()


def place(digest: bytes, partitions: int) -> int:
    """The partition of a hash: partition i holds lower hashes than partition i + 1."""
    return int.from_bytes(digest[:8], "big") * partitions >> 64


def packed(digest: bytes, line: int, source: bytes, target: bytes) -> tuple[bytes, bytes]:
    """A pair as `write` takes it: head and texts."""
    return _HEAD.pack(digest, line, len(source), len(target)), source + target


def write(folder: Path, partition: int, name: str, rows: list[tuple[bytes, bytes]]) -> None:
    """Adds pairs to a partition.

    Args:
        folder: of all partitions.
        name: of the writer; no two may write under one name at the same time.
        rows: as `packed` makes them.
    """
    heads, texts = (b"".join(parts) for parts in zip(*rows, strict=True))
    # Texts first: a head without its texts would be found out by nobody.
    for ending, content in (("texts", texts), ("heads", heads)):
        with open(_path(folder, partition, name, ending), "ab") as file:
            file.write(content)


class Partition:
    """The pairs of one partition in the order of their hashes, then of their lines.

    Args:
        folder: of all partitions.
        partition: number of this one.
        repeated: whether pairs that repeat an earlier line are kept.
    """

    def __init__(self, folder: str | os.PathLike, partition: int, repeated: bool = False):
        names = sorted(Path(folder).glob(f"{partition:06d}.*.heads"))
        heads = np.concatenate([np.zeros(0, _FIELDS), *(np.fromfile(name, _FIELDS) for name in names)])
        self._texts = b"".join(name.with_suffix(".texts").read_bytes() for name in names)
        sizes = heads["source"].astype(np.int64) + heads["target"]
        begins = np.cumsum(sizes) - sizes
        order = np.lexsort((heads["line"], heads["low"], heads["high"]))
        heads, begins = heads[order], begins[order]
        again = np.zeros(len(heads), bool)
        if not repeated:
            again[1:] = (heads["high"][1:] == heads["high"][:-1]) & (heads["low"][1:] == heads["low"][:-1])
        self.duplicates = heads["line"][again]
        """(n,) numbers of the lines that were left out since they repeat an earlier one."""
        self._heads, self._begins = heads[~again], begins[~again]

    def __len__(self) -> int:
        return len(self._heads)

    @property
    def lines(self) -> np.ndarray:
        """(n,) where each pair stood in its file."""
        return self._heads["line"]

    def pairs(self, begin: int = 0, end: int | None = None) -> Iterator[tuple[bytes, bytes]]:
        """Source and target in UTF-8, of a stretch of rows."""
        chosen, begins = self._heads[begin:end], self._begins[begin:end]
        for start, source, target in zip(begins.tolist(), chosen["source"].tolist(), chosen["target"].tolist()):
            middle = start + source
            yield self._texts[start:middle], self._texts[middle : middle + target]


def _path(folder: Path, partition: int, name: str, ending: str) -> Path:
    return Path(folder) / f"{partition:06d}.{name}.{ending}"
