"""Pairs come out of their partitions in the order of their hashes, each once, whoever brought them and when."""

import random

import numpy as np
import pytest

from seq2seq_keras.data import Partition, Tally
from seq2seq_keras.data.partitions import Hash, packed, place, write

PAIRS = [(f"source {number}".encode(), f"ziel {number} ä".encode()) for number in range(60)]
ROWS = [(line, *pair) for line, pair in enumerate(PAIRS * 2, start=1)]


def fill(folder, rows, partitions: int, writers: int) -> None:
    digest_of = Hash(3)
    for number, (line, source, target) in enumerate(rows):
        digest = digest_of(source, target)
        row = packed(digest, line, source, target)
        write(folder, place(digest, partitions), f"writer-{number % writers}", [row])


def all_of(folder, partitions: int, **options) -> list[tuple]:
    found = [Partition(folder, number, **options) for number in range(partitions)]
    return [(line, *pair) for part in found for line, pair in zip(part.lines.tolist(), part.pairs(), strict=True)]


@pytest.fixture(scope="module")
def expected():
    """Line and pair of every first appearance, in the order of hashes."""
    return sorted(ROWS[:60], key=lambda row: Hash(3)(*row[1:]))


@pytest.mark.parametrize("partitions", [1, 2, 7])
@pytest.mark.parametrize("writers", [1, 3])
def test_the_order_is_that_of_the_hashes_alone(tmp_path, expected, partitions, writers):
    shuffled = random.Random(partitions).sample(ROWS, len(ROWS))
    fill(tmp_path, shuffled, partitions, writers)
    assert all_of(tmp_path, partitions) == expected


def test_of_equal_pairs_the_first_line_stays_and_the_others_are_told(tmp_path):
    fill(tmp_path, ROWS[::-1], 2, 2)
    repeated = np.concatenate([Partition(tmp_path, number).duplicates for number in range(2)])
    assert sorted(repeated.tolist()) == list(range(61, 121))


def test_equal_pairs_may_be_kept(tmp_path):
    fill(tmp_path, ROWS, 2, 1)
    assert sorted(line for line, *_ in all_of(tmp_path, 2, repeated=True)) == list(range(1, 121))


def test_a_stretch_of_a_partition_is_that_stretch(tmp_path, expected):
    fill(tmp_path, ROWS, 1, 1)
    assert list(Partition(tmp_path, 0).pairs(10, 13)) == [row[1:] for row in expected[10:13]]


def test_a_partition_that_nobody_wrote_to_is_empty(tmp_path):
    assert len(Partition(tmp_path, 5)) == 0 and list(Partition(tmp_path, 5).pairs()) == []


def test_another_seed_gives_another_order():
    assert sorted(PAIRS, key=lambda pair: Hash(1)(*pair)) != sorted(PAIRS, key=lambda pair: Hash(2)(*pair))


def test_sides_do_not_run_into_each_other():
    assert Hash(0)(b"ab", b"c") != Hash(0)(b"a", b"bc")


def test_counts_add_up_in_any_order():
    parts = [Tally() for _ in range(3)]
    for line in range(1, 91):
        parts[line % 3].add("odd" if line % 2 else "even", [line])
    sums = []
    for order in ((0, 1, 2), (2, 0, 1)):
        merged = Tally()
        for number in order:
            merged.merge(Tally.of(parts[number].plain()))
        sums.append(merged.plain())
    assert sums[0] == sums[1]
    assert sums[0]["odd"] == {"count": 45, "lines": [1, 3, 5, 7, 9, 11, 13, 15, 17, 19]}
