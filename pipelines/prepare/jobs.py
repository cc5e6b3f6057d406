"""What every worker of `prepare` knows, and where things lie while the work is not done."""

import dataclasses
from pathlib import Path

from pipelines import runs
from pipelines.settings import Prepare
from seq2seq_keras import data

TEXT_OF_A_SHARD = 16 * 2**20
"""Bytes of text. A worker holds one shard at a time: its pairs, their order, and a part of their ids."""
LINES_OF_A_SPAN = 50_000
_ELSEWHERE = ("output", "json", "jobs", "runner", "beam")
"""Settings that no byte of the output depends on."""


@dataclasses.dataclass(frozen=True)
class Job:
    """One corpus to prepare."""

    settings: Prepare
    spans: data.Spans
    shards: int

    @property
    def work(self) -> Path:
        """Folder beside the output for all that is not done: what it holds goes on after a kill."""
        output = self.settings.output.absolute()
        return output.with_name(f".{output.name}.work")

    @property
    def rows(self) -> Path:
        """Folder of cleaned pairs, by the shard they go into."""
        return self.work / "rows"

    @property
    def read(self) -> Path:
        """File that says that every pair is in `rows`, and what was left out."""
        return self.work / "read.json"

    @property
    def ready(self) -> Path:
        """Folder that becomes the output."""
        return self.work / "ready"

    def name(self, shard: int) -> str:
        """What the files of a shard are called, without their endings."""
        return f"shard-{shard:05d}-of-{self.shards:05d}"

    def facts(self, shard: int) -> Path:
        """File that says that a shard is written, and what is in it."""
        return self.work / "shards" / f"{shard:05d}.json"

    @property
    def identity(self) -> dict:
        """All that the output depends on, as JSON values."""
        given = {name: value for name, value in runs.plain(self.settings).items() if name not in _ELSEWHERE}
        corpus = {
            "files": [Path(file).name for file in self.spans.files],
            "lines": self.spans.lines,
            "bytes": list(self.spans.sizes),
            "sha256": list(self.spans.hashes),
        }
        return {"settings": given, "corpus": corpus}


def plan(settings: Prepare) -> Job:
    """Looks through the files once.

    Raises:
        InputError: see `data.find_spans`.
    """
    files = settings.train
    paths = (files.source, files.target) if files.tsv is None else (files.tsv,)
    spans = data.find_spans(*paths, columns=files.columns, lines=LINES_OF_A_SPAN)
    return Job(settings, spans, settings.shards or max(1, -(-sum(spans.sizes) // TEXT_OF_A_SHARD)))
