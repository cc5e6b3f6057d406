"""Row 19: where nothing can be written is said before anything is built. (That a folder of something else, of another
run, or of a run at work is refused: tests/pipelines/test_bad_input.py and tests/units/training/test_lock.py.)"""

import pytest

from pipelines import steps
from pipelines.__main__ import main
from tests.pipelines.conftest import arguments, write


@pytest.mark.parametrize("begun", [False, True])
def test_a_disk_that_can_only_be_read_is_told_before_the_first_step(disk, tmp_path, capfd, monkeypatch, begun):
    def never(*_):
        raise AssertionError("the work began")

    monkeypatch.setattr(steps, "prepare", never)
    place = disk("1m")
    if begun:  # an empty folder made before
        (place / "run").mkdir()
    disk("1m,ro")
    assert main(arguments(write(tmp_path), place / "run")) == 2
    said = capfd.readouterr().err.strip()
    assert str(place / "run") in said and "Read-only file system" in said and "\n" not in said
