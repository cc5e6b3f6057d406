"""A prepared corpus: shards of ids on disk, and the manifest that says what they are."""

import hashlib
import json
import os
from pathlib import Path

import numpy as np

from seq2seq_keras.data.examples import Examples
from seq2seq_keras.data.shard_files import read_examples
from seq2seq_keras.errors import InputError
from seq2seq_keras.folders import read_head

MANIFEST = "manifest.json"
FORMAT = 1
_ENTRIES = {"pairs": int, "shards": list, "vocabulary": dict, "rejected": dict, "filtered": dict, "samples": list}
_PIECE = 1 << 20
_REMEDY = "prepare the corpus again, or copy the folder again"


class Shards:
    """Pairs ready to be batched, as `Examples` are, but on disk: one shard at a time is in memory.

    `data.batch` and `data.plan` take them in place of `Examples`.

    Args:
        folder: that `python -m pipelines prepare` wrote.
        check: reads every file and compares it with its SHA-256, a few seconds a gigabyte.

    Raises:
        InputError: no such folder, none of ours, damaged, or without a pair.
    """

    def __init__(self, folder: str | os.PathLike, check: bool = True):
        self.folder = Path(folder)
        self.manifest = read_head(
            folder, MANIFEST, FORMAT, _ENTRIES, expected="a folder that the command prepare wrote", remedy=_REMEDY
        )
        if not len(self):
            raise InputError("the shards hold no pair", where=folder, remedy=_REMEDY)
        if check:
            for name, digest in self.files.items():
                self._check(name, digest)
        self.batches: dict[int, list[int]] = {}
        """Tokens a batch to the batches of each shard: counted once, by `plan`."""

    def __len__(self) -> int:
        return self.manifest["pairs"]

    @property
    def name(self) -> str:
        """What messages call it."""
        return str(self.folder)

    @property
    def files(self) -> dict[str, str]:
        """Name of every file to its SHA-256; the manifest itself is not among them."""
        return {name: digest for shard in self.manifest["shards"] for name, digest in shard["files"].items()} | (
            self.manifest["vocabulary"]["files"]
        )

    @property
    def sizes(self) -> list[int]:
        """Pairs of each shard."""
        return [shard["pairs"] for shard in self.manifest["shards"]]

    @property
    def longest(self) -> tuple[int, int]:
        """Most ids of a source, and of a target with its EOS."""
        return tuple(
            max(shard[f"longest_{side}"] for shard in self.manifest["shards"]) for side in ("source", "target")
        )

    @property
    def fingerprint(self) -> str:
        """Differs between any two prepared corpora that do not hold the same ids in the same order."""
        told = [[shard["pairs"], shard["files"]] for shard in self.manifest["shards"]]
        return hashlib.sha256(json.dumps([told, self.manifest["vocabulary"]], sort_keys=True).encode()).hexdigest()

    def records(self, shard: int) -> Path:
        """The TFRecord file of a shard."""
        return self.folder / f"{self.manifest['shards'][shard]['name']}.tfrecord"

    def lengths(self, shard: int) -> np.ndarray:
        """(n, 2) uint16, mapped from the disk: lengths of sources, EOS included, and of targets, without it."""
        return np.load(self.folder / f"{self.manifest['shards'][shard]['name']}.lengths.npy", mmap_mode="r")

    def examples(self, shard: int) -> Examples:
        """The pairs of a shard in memory."""
        return read_examples(self.records(shard), self.sizes[shard])

    def first(self) -> Examples:
        """The pairs of the first shard that has any: a random sample of all."""
        return self.examples(next(shard for shard, size in enumerate(self.sizes) if size))

    def longer_targets(self, limit: int) -> int:
        """How many targets have so many ids or more, EOS not counted."""
        return sum(int((self.lengths(shard)[:, 1] >= limit).sum()) for shard, size in enumerate(self.sizes) if size)

    def _check(self, name: str, digest: str) -> None:
        path = self.folder / name
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise InputError(f"file name {name!r} leads out of the folder", where=self.folder / MANIFEST)
        try:
            found = file_hash(path)
        except OSError as error:
            raise InputError(f"it cannot be read ({error.strerror})", where=path, remedy=_REMEDY) from None
        if found != digest:
            raise InputError("its content is not what was written", where=path, remedy=_REMEDY)


def file_hash(path: str | os.PathLike) -> str:
    """SHA-256 of a file, read in pieces."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()
