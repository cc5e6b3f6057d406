"""What was left out, counted by reason, with the first lines of each."""

from collections.abc import Iterable

FIRST = 10
"""Line numbers kept of each reason, the lowest; counts are whole."""


class Tally:
    """Counts that can be added in any order with the same result.

    Args:
        counts: reason to how many lines.
        lines: reason to the lowest of their numbers, rising.
    """

    def __init__(self, counts: dict[str, int] | None = None, lines: dict[str, list[int]] | None = None):
        self.counts, self.lines = dict(counts or {}), {reason: list(found) for reason, found in (lines or {}).items()}

    def add(self, reason: str, lines: Iterable[int]) -> None:
        """Counts lines, given by number."""
        lines = sorted(map(int, lines))
        if lines:
            self.counts[reason] = self.counts.get(reason, 0) + len(lines)
            self.lines[reason] = sorted([*self.lines.get(reason, []), *lines[:FIRST]])[:FIRST]

    def merge(self, other: "Tally") -> "Tally":
        """Adds what another one counted, of other lines; returns itself."""
        for reason, count in other.counts.items():
            self.counts[reason] = self.counts.get(reason, 0) + count
            self.lines[reason] = sorted([*self.lines.get(reason, []), *other.lines[reason]])[:FIRST]
        return self

    def plain(self) -> dict:
        """For JSON: reason to `count` and the first `lines`, in the order of names."""
        return {reason: {"count": self.counts[reason], "lines": self.lines[reason]} for reason in sorted(self.counts)}

    @classmethod
    def of(cls, plain: dict) -> "Tally":
        """From what `plain` gave."""
        return cls(*({reason: part[key] for reason, part in plain.items()} for key in ("count", "lines")))
