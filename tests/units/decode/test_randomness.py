"""Numbers from keys: even, unlike their neighbours, and those of a plain computation."""

import numpy as np
import pytest
from keras import ops

from seq2seq_keras.context import PAD
from seq2seq_keras.decode.randomness import joined, key_of, uniform

MANY = 200_000
PARTS = 100
LIMIT = 170.0
"""Chi-square of 99 degrees of freedom is above this once in 100,000 times."""


def mixed(number: int) -> int:
    number ^= number >> 16
    number = number * 0x7FEB352D % 2**32
    number ^= number >> 15
    number = number * 0x846CA68B % 2**32
    return number ^ number >> 16


def draws(**numbers):
    """Numbers of a source, a seed, a sample and a time, one of which varies."""
    key = numbers.pop("source", 0)
    for name in ("seed", "sample", "time"):
        key = joined(key, numbers.pop(name, 0))
    assert not numbers
    return np.asarray(uniform(key), "float64")


def chi_square(counts, expected) -> float:
    return float(np.sum((counts - expected) ** 2 / expected))


def test_a_key_is_that_of_whole_number_arithmetic():
    for key, number in [(0, 0), (1, 0), (-1, 7), (123456789, -5), (-(2**31), 2**31 - 1)]:
        true = mixed(key % 2**32 ^ mixed((number + 0x9E3779B9) % 2**32))
        assert int(joined(np.int32(key), np.int32(number))) % 2**32 == true


def test_a_seed_above_the_signed_ones_has_its_own_key():
    assert int(joined(np.int32(0), 2**32 - 1)) == int(joined(np.int32(0), np.int32(-1)))
    assert int(joined(np.int32(0), 2**32 - 1)) != int(joined(np.int32(0), 2**31 - 1))


@pytest.mark.parametrize("varied", ["source", "seed", "sample", "time"])
def test_numbers_are_spread_evenly_whatever_varies(varied):
    numbers = draws(**{varied: np.arange(MANY, dtype="int32")})
    assert 0 < numbers.min() < numbers.max() < 1
    counts = np.histogram(numbers, PARTS, (0, 1))[0]
    assert chi_square(counts, MANY / PARTS) < LIMIT


@pytest.mark.parametrize("varied", ["source", "seed", "sample", "time"])
def test_a_number_says_nothing_of_the_next_one(varied):
    numbers = draws(**{varied: np.arange(MANY, dtype="int32")})
    pairs = np.histogram2d(numbers[:-1], numbers[1:], 10, [(0, 1), (0, 1)])[0]
    assert chi_square(pairs, (MANY - 1) / 100) < LIMIT


def test_the_steps_of_two_samples_are_unlike():
    numbers = draws(sample=np.arange(500, dtype="int32")[:, None], time=np.arange(400, dtype="int32"))
    assert np.abs(np.corrcoef(numbers) - np.eye(500)).max() < 0.3, "six standard deviations"
    assert len(np.unique(numbers)) > 0.98 * numbers.size


def test_the_extremes_are_inside():
    np.testing.assert_array_equal(uniform(np.array([0, -1], "int32")), np.float32([2.0**-24, 1 - 2.0**-24]))


def test_the_key_of_a_source_knows_its_order_and_not_its_padding():
    ids = np.array([[4, 5, 6], [5, 4, 6], [4, 5, PAD], [4, PAD, PAD], [PAD, PAD, PAD]], "int32")
    keys = np.asarray(key_of(ids))
    assert len(set(keys.tolist())) == 5
    np.testing.assert_array_equal(key_of(np.pad(ids, [(0, 0), (0, 9)])), keys)
    np.testing.assert_array_equal(key_of(ops.convert_to_tensor(ids[::-1])), keys[::-1])
