"""Stand-ins for loaded models: they load when told to, fail when told to, and remember that they were closed."""

import shutil
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path


class Double:
    """In place of a `Servable`."""

    def __init__(self, name: str, version: int, folder: Path):
        self.name, self.version, self.folder = name, version, folder
        self.closed = threading.Event()

    def close(self) -> None:
        assert not self.closed.is_set(), "closed twice"
        self.closed.set()


class Loader:
    """In place of `servable.load`.

    Attributes:
        calls: versions that were asked for, as (name, version).
        made: what was loaded.
        errors: what to raise, by (name, version), for as long as it is there.
        gates: event to wait for before the load ends, by (name, version).
    """

    def __init__(self):
        self.calls: list[tuple[str, int]] = []
        self.made: list[Double] = []
        self.errors: dict[tuple[str, int], Exception] = {}
        self.gates: dict[tuple[str, int], threading.Event] = {}
        self.began: dict[tuple[str, int], threading.Event] = defaultdict(threading.Event)

    def __call__(self, name: str, version: int, folder: Path) -> Double:
        key = (name, version)
        self.calls.append(key)
        self.began[key].set()
        if key in self.gates:
            assert self.gates[key].wait(10)
        if key in self.errors:
            raise self.errors[key]
        double = Double(name, version, folder)
        self.made.append(double)
        return double

    def last(self, version: int) -> Double:
        """What was loaded last as this version."""
        return [double for double in self.made if double.version == version][-1]

    @property
    def open(self) -> list[int]:
        """Versions that are loaded and not closed."""
        return [double.version for double in self.made if not double.closed.is_set()]


def add(base_path: Path, *versions: int | str) -> None:
    """Makes version folders, each whole from the first moment."""
    for version in versions:
        beside = base_path / f".{version}"
        beside.mkdir(parents=True)
        (beside / "saved_model.pb").write_bytes(b"graph")
        beside.rename(base_path / str(version))


def remove(base_path: Path, *versions: int | str) -> None:
    """Takes version folders away."""
    for version in versions:
        shutil.rmtree(base_path / str(version))


def until(holds: Callable[[], object], seconds: float = 10.0) -> None:
    """Waits for what another thread brings about."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.002)
