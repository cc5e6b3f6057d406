"""Rows 16 and 17: whatever happens to the newest checkpoint, it is noticed, the one before is taken, and both are
named. Where none is whole, training is refused: it never begins at the first step in silence."""

import shutil
import zipfile

import numpy as np
import pytest

from pipelines import exits
from seq2seq_keras import training
from seq2seq_keras.errors import AllDamaged
from seq2seq_keras.training import snapshots
from tests.units.training import small


@pytest.fixture(scope="module")
def made():
    return small.examples()[0]


@pytest.fixture(scope="module")
def folder(made, tmp_path_factory):
    """Checkpoints of two epochs, and one inside the second."""
    folder = tmp_path_factory.mktemp("checkpoints")
    small.fit(small.compiled(), made, callbacks=[training.Checkpoints(folder, every=3)], epochs=2)
    assert len(training.files(folder)) == 3
    return folder


@pytest.fixture(scope="module")
def model():
    return small.compiled()


def flipped(path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def without_a_member(path) -> None:
    """As if the index of a file were gone: still a zip."""
    with zipfile.ZipFile(path) as old:
        members = {name: old.read(name) for name in old.namelist() if name != "facts.json"}
    with zipfile.ZipFile(path, "w") as new:
        for name, content in members.items():
            new.writestr(name, content)


def of_zeros(path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def a_folder(path) -> None:
    path.unlink()
    path.mkdir()


DAMAGE = {
    "cut short": lambda path: path.write_bytes(path.read_bytes()[:-100]),
    "cut to half": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "one bit flipped": flipped,
    "no bytes": lambda path: path.write_bytes(b""),
    "zeros": of_zeros,
    "another text": lambda path: path.write_text("garbage " * 100),
    "longer": lambda path: path.write_bytes(path.read_bytes() + b"\0"),
    "a member missing": without_a_member,
    "a folder": a_folder,
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_newest_checkpoint_is_named_and_so_is_the_one_taken(folder, model, tmp_path, kind):
    copy = shutil.copytree(folder, tmp_path / "copy")
    *_, before, newest = training.files(copy)
    good = snapshots.read(before)
    DAMAGE[kind](newest)
    with pytest.warns(UserWarning, match=f"damaged .{newest.name}: .*; {before.name} is taken"):
        position = training.Checkpoints(copy).restore(model)
    assert position == (good.facts["epoch"], good.facts["step"])
    weights = [array for name, array in good.arrays.items() if name.startswith("model/")]
    for ours, theirs in zip((variable.numpy() for variable in model.variables), weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("kind", DAMAGE)
def test_where_every_checkpoint_is_damaged_training_is_refused(folder, model, tmp_path, kind):
    copy, before = shutil.copytree(folder, tmp_path / "copy"), model.get_weights()
    for path in training.files(copy):
        DAMAGE[kind](path)
    with pytest.raises(AllDamaged, match="every checkpoint is damaged") as refused:
        training.Checkpoints(copy).restore(model)
    assert exits.of(refused.value) == 4
    assert all(path.name in str(refused.value) for path in training.files(copy))
    for ours, theirs in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)
