"""Raw pairs in memory, with what was refused on the way."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Corpus:
    """Aligned raw texts: row i of `source` goes with row i of `target`."""

    source: list[str]
    target: list[str]
    lines: list[int]
    """Line number, from 1, where each row stood in its file."""
    rejected: dict[str, list[int]] = field(default_factory=dict)
    """Reason to the line numbers that were left out for it."""
    name: str = ""
    """What messages call it: the file or files it came from."""

    def __len__(self) -> int:
        return len(self.source)
