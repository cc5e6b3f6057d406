"""Plans of batches over random lengths, and reading over random bytes."""

import io

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from seq2seq_keras.data import BatchPlan, read_lines
from seq2seq_keras.errors import InputError

LENGTHS = st.lists(st.tuples(st.integers(1, 40), st.integers(0, 39)), min_size=1, max_size=80)
BOM = b"\xef\xbb\xbf"
PIECES = st.sampled_from([b"\n", b"\r", b"\r\n", BOM, b"\xff", b"\0", b"\xc2\x85", "\U0001f600".encode(), b"ab"])
FILES = st.binary(max_size=60) | st.lists(PIECES, max_size=30).map(b"".join)
SEEDS = st.integers(0, 2**31)


@settings(deadline=None, max_examples=150)
@given(LENGTHS, st.integers(40, 300), SEEDS, SEEDS)
def test_every_epoch_has_every_example_once_within_the_budget(lengths, budget, seed, epoch):
    source, target = np.array(lengths).T
    plan = BatchPlan(source, target, budget, seed)
    for batches in (plan.epoch(epoch), plan.epoch(epoch + 1), plan.ordered()):
        assert len(batches) == len(plan)
        assert sorted(np.concatenate(batches).tolist()) == list(range(len(lengths)))
        for batch in batches:
            assert 0 < len(batch) * max(source[batch].max(), target[batch].max() + 1) <= budget


@settings(deadline=None, max_examples=50)
@given(LENGTHS, SEEDS, SEEDS)
def test_an_epoch_does_not_depend_on_what_was_asked_before(lengths, seed, epoch):
    source, target = np.array(lengths).T
    one, other = BatchPlan(source, target, 64, seed), BatchPlan(source, target, 64, seed)
    other.epoch(epoch + 1)
    assert [b.tolist() for b in one.epoch(epoch)] == [b.tolist() for b in other.epoch(epoch)]


@settings(deadline=None, max_examples=30)
@given(SEEDS, SEEDS)
def test_the_next_epoch_has_another_order(seed, epoch):
    plan = BatchPlan(np.arange(60) % 7 + 1, np.arange(60) % 5, 16, seed)
    one, other = plan.epoch(epoch), plan.epoch(epoch + 1)
    assert np.concatenate(one).tolist() != np.concatenate(other).tolist()


@settings(deadline=None, max_examples=200)
@given(FILES, st.integers(1, 30))
def test_a_file_of_any_bytes_is_its_lines_or_an_input_error(data, limit):
    parts = data.removeprefix(BOM).split(b"\n")
    parts = [part.removesuffix(b"\r") for part in (parts if parts[-1] else parts[:-1])]
    try:
        wanted = [part.decode("utf-8") for part in parts]
    except UnicodeDecodeError:
        wanted = []
    if any("\0" in line or len(line) > limit for line in wanted):
        wanted = []
    try:
        found = read_lines(io.BytesIO(data), max_characters=limit)
    except InputError:
        found = []
    assert found == wanted
