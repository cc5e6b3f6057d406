"""How much memory a process and all it started take together, as Linux counts it."""

import contextlib
import threading
from pathlib import Path


class Watch:
    """Looks at a process every so often and keeps the most memory seen.

    Memory of their own is told apart from files they have mapped, which are mostly the code of libraries, the same for
    all, and which the system may drop and read again. Pages that processes share since one was forked from another
    count once (`smaps_rollup`, proc(5)).

    Args:
        process: its number.
        every: seconds between looks.
    """

    def __init__(self, process: int, every: float = 0.5):
        self.own = 0
        """Bytes of all processes together that are no file's."""
        self.mapped = 0
        """Bytes of files that the process with most of them has in memory."""
        self._process, self._every, self._over = process, every, threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(self._every):
            found = [_taken(process) for process in _family(self._process)]
            self.own = max(self.own, sum(own for own, _ in found))
            self.mapped = max([self.mapped, *(mapped for _, mapped in found)])


def _family(process: int) -> list[int]:
    """The process and all that it started, and that those started."""
    found = [process]
    with contextlib.suppress(OSError):
        for children in Path(f"/proc/{process}/task").glob("*/children"):
            for child in children.read_text().split():
                found += _family(int(child))
    return found


def _taken(process: int) -> tuple[int, int]:
    """Bytes: its part of memory that is no file's, and mapped files; none of a process that is gone."""
    with contextlib.suppress(OSError):
        rows = (line.split() for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()[1:])
        sizes = {row[0]: int(row[1]) * 1024 for row in rows}
        return sizes["Pss_Anon:"], sizes["Rss:"] - sizes["Anonymous:"]
    return 0, 0
