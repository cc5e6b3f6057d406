"""The corpus of most tests of this folder, and a disk of any size."""

import subprocess
from pathlib import Path

import pytest

from tests.pipelines.conftest import write


@pytest.fixture
def disk(tmp_path):
    """Makes a small disk of a size, or gives the one there is another size or other options."""
    place, mounted = tmp_path / "disk", []
    place.mkdir()

    def mount(size: str) -> Path:
        options = f"{'remount,' if mounted else ''}size={size}"
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", place], capture_output=True, text=True)
        if done.returncode and not mounted:
            pytest.skip(f"no file system may be mounted here: {done.stderr.strip()}")
        assert not done.returncode, done.stderr
        mounted.append(size)
        return place

    try:
        yield mount
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", place], check=True)


@pytest.fixture(scope="session")
def corpus(tmp_path_factory):
    """The corpus of the pipelines' tests; a test changes none of its files."""
    return write(tmp_path_factory.mktemp("corpus"))
