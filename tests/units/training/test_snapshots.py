import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seq2seq_keras.training import snapshots

ARRAYS = {
    "model/0000/a": np.arange(6, dtype="float32").reshape(2, 3),
    "model/0001/b": np.array(3, "int64"),
    "model/0002/c": np.array([1.5, -2.0], ml_dtypes.bfloat16),
    "model/0003/d": np.array([1, 2], "uint32"),
}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    path = tmp_path_factory.mktemp("snapshot") / "s.npz"
    snapshots.write(path, ARRAYS, {"epoch": 3, "others": [{"value": 0.5}]})
    return path


def test_what_was_written_is_read(written):
    found = snapshots.read(written)
    assert found.facts == {"epoch": 3, "others": [{"value": 0.5}]}
    assert list(found.arrays) == list(ARRAYS)
    for name, array in ARRAYS.items():
        assert found.arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(found.arrays[name], array)


def test_the_same_content_gives_the_same_bytes(written, tmp_path):
    snapshots.write(tmp_path / "t.npz", ARRAYS, {"epoch": 3, "others": [{"value": 0.5}]})
    assert (tmp_path / "t.npz").read_bytes() == written.read_bytes()


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_byte_changed_or_missing_is_noticed(written, tmp_path_factory, data):
    content = bytearray(written.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        content[place] ^= data.draw(st.integers(1, 255))
    else:
        del content[place:]
    path = tmp_path_factory.mktemp("damaged") / "s.npz"
    path.write_bytes(content)
    with pytest.raises(snapshots.Damaged):
        snapshots.read(path)
