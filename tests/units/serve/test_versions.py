"""Which folders are versions, and which of them a policy serves."""

import os

import pytest

from seq2seq_keras.serve import versions
from seq2seq_keras.serve.config import All, Latest, Specific


def add(folder, name="saved_model.pb"):
    folder.mkdir(parents=True)
    (folder / name).write_bytes(b"graph")


def test_versions_are_folders_with_a_number_and_a_model(tmp_path):
    for name in ("1", "00000123", str(2**63 - 1)):
        add(tmp_path / name)
    add(tmp_path / "7", "saved_model.pbtxt")
    for name in ("-1", "1.5", "v2", "2a", " 3", "\N{ARABIC-INDIC DIGIT THREE}", str(2**63), ".4", "1_0"):
        add(tmp_path / name)
    (tmp_path / "8").mkdir()  # not complete yet
    (tmp_path / "9").write_bytes(b"a file")
    (tmp_path / "10" / "saved_model.pb").mkdir(parents=True)
    expected = {1: "1", 123: "00000123", 7: "7", 2**63 - 1: str(2**63 - 1)}
    assert versions.found(tmp_path) == {number: tmp_path / name for number, name in expected.items()}


def test_a_link_to_a_folder_is_a_version(tmp_path):
    add(tmp_path / "elsewhere")
    (tmp_path / "5").symlink_to(tmp_path / "elsewhere")
    assert versions.found(tmp_path) == {5: tmp_path / "5"}


def test_the_plain_name_comes_first_where_a_number_has_two(tmp_path):
    add(tmp_path / "005")
    add(tmp_path / "5")
    assert versions.found(tmp_path) == {5: tmp_path / "5"}


def test_a_folder_that_cannot_be_read(tmp_path):
    with pytest.raises(OSError):
        versions.found(tmp_path / "none")
    (tmp_path / "file").touch()
    with pytest.raises(OSError):
        versions.found(tmp_path / "file")


@pytest.mark.parametrize(
    "policy, numbers",
    [
        (Latest(), [10]),
        (Latest(2), [10, 9]),
        (Latest(5), [10, 9, 1]),
        (All(), [10, 9, 1]),
        (Specific((1, 9, 77)), [9, 1]),
        (Specific((77,)), []),
    ],
)
def test_policies(policy, numbers):
    assert versions.wanted({9: "a", 10: "b", 1: "c"}, policy) == numbers


def test_a_stamp_changes_with_every_file(tmp_path):
    add(tmp_path / "1")
    (tmp_path / "1" / "variables").mkdir()
    part = tmp_path / "1" / "variables" / "part"
    stamps = [versions.stamp(tmp_path / "1")]
    part.write_bytes(b"1")
    stamps.append(versions.stamp(tmp_path / "1"))
    part.write_bytes(b"12")
    stamps.append(versions.stamp(tmp_path / "1"))
    os.utime(part, ns=(0, 5))
    stamps.append(versions.stamp(tmp_path / "1"))
    other = tmp_path / "other"
    other.write_bytes(b"12")
    os.utime(other, ns=(0, 5))
    other.replace(part)
    stamps.append(versions.stamp(tmp_path / "1"))
    part.unlink()
    stamps.append(versions.stamp(tmp_path / "1"))
    assert len(set(stamps[:-1])) == len(stamps) - 1
    assert stamps[-1] == stamps[0] == versions.stamp(tmp_path / "1")
    assert versions.stamp(tmp_path / "none") == frozenset()
