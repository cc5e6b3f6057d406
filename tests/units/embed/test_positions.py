"""Positions of a Transformer: each against its formula. (The sinusoids are in `test_embed`.)"""

import numpy as np
import pytest

from seq2seq_keras.embed import (
    LearnedPositions,
    NoPositions,
    Placed,
    RelativePositions,
    RotaryPositions,
    SinusoidalPositions,
    positions_of,
)
from tests import cases, oracles


def test_learned_positions_are_rows_of_a_table_scaled_with_the_vectors():
    layer, inputs = LearnedPositions(7), cases.ramp(2, 7, 8)
    layer(inputs)
    expected = (inputs + oracles.numbers(layer.table)) * np.sqrt(8)
    np.testing.assert_allclose(layer(inputs), expected, atol=1e-5)
    flat = layer(inputs.reshape(14, 8), np.tile(np.arange(7, dtype="int32"), 2))
    np.testing.assert_allclose(flat, expected.reshape(14, 8), atol=1e-5)


def test_beyond_their_limit_learned_positions_say_so_where_python_knows_and_else_stay_at_the_last():
    layer, inputs = LearnedPositions(4), cases.ramp(2, 5, 8)
    with pytest.raises(ValueError, match="there are 4 positions, their limit; found a length of 5"):
        layer(inputs)
    far = layer(inputs, np.array([0, 1, 2, 3, 9], "int32"))
    np.testing.assert_array_equal(far, layer(inputs, np.array([0, 1, 2, 3, 3], "int32")))
    with pytest.raises(ValueError, match="limit must be at least 1, found 0"):
        LearnedPositions(0)


def test_rotary_positions_turn_complex_numbers():
    heads, places = cases.ramp(3, 2, 6, 8), np.array([0, 1, 2, 5, 40, 900], "int32")
    turned = np.array(RotaryPositions().turn(heads, places))
    for row in np.ndindex(3, 2):
        np.testing.assert_allclose(turned[row], oracles.rotated(heads[row], places), atol=1e-4)
    by_row = RotaryPositions().turn(heads, np.tile(places, (3, 1)))  # rows that each stand elsewhere
    np.testing.assert_array_equal(by_row, turned)


def test_rotary_products_depend_on_the_distance_only():
    query, key = cases.ramp(1, 1, 1, 8), cases.ramp(1, 1, 1, 8)[..., ::-1]

    def product(here, there):
        turned = [RotaryPositions(base=100.0).turn(*given) for given in ((query, [here]), (key, [there]))]
        return float(np.sum(np.array(turned[0]) * np.array(turned[1])))

    assert product(9, 4) == pytest.approx(product(5, 0), abs=1e-5)
    assert product(4, 9) == pytest.approx(product(0, 5), abs=1e-5)
    assert abs(product(9, 4) - product(4, 9)) > 1e-3
    assert product(7, 7) == pytest.approx(float(np.sum(query * key)), abs=1e-5)


def test_rotary_positions_refuse_heads_of_odd_width():
    with pytest.raises(ValueError, match="even width, found 3"):
        RotaryPositions().turn(cases.ramp(1, 1, 2, 3), [0, 1])


def biased(causal, queries, keys, buckets=8, distance=16):
    """Biases (T, S) of a table in which bucket b has bias b."""
    layer = RelativePositions(1, buckets, distance, bidirectional=not causal)
    layer.build((None, None, 4))
    layer.table.assign(np.arange(buckets, dtype="float32")[:, None])
    return np.array(layer.bias(queries, keys))[0, 0]


def test_relative_buckets_of_both_directions_are_the_papers():
    """Worked by hand: 4 buckets a direction, the first 2 of one distance each, then 2 + floor(2 log_8(distance / 2)).

    Distances 2 to 5 share bucket 2, 6 and more bucket 3 (2 * 8^(1/2) = 5.66); keys behind the query begin at 4.
    """
    row = biased(False, [20], np.arange(40))[0]
    before, behind = row[20::-1], row[21:]
    np.testing.assert_array_equal(before[:9], [0, 1, 2, 2, 2, 2, 3, 3, 3])
    np.testing.assert_array_equal(behind[:8], [5, 6, 6, 6, 6, 7, 7, 7])
    assert set(before[9:]) == {3} and set(behind[8:]) == {7}


def test_relative_buckets_of_the_past_are_the_papers():
    """Worked by hand: 8 buckets, the first 4 of one distance each, then 4 + floor(4 log_4(distance / 4)): 4, 6, 8 and
    12 begin new ones (4 * 4^(1/4) = 5.66, 8, 11.3)."""
    row = biased(True, [18], np.arange(25))[0]
    np.testing.assert_array_equal(row[18::-1], [0, 1, 2, 3, 4, 4, 5, 5, 6, 6, 6, 6, 7, 7, 7, 7, 7, 7, 7])
    np.testing.assert_array_equal(row[19:], 0)  # hidden by the causal mask


def test_edges_of_buckets_are_exact_where_logarithms_are_not():
    """8 + floor(8 log_16(distance / 8)) of the usual sizes: powers of two begin buckets, but for rounding."""
    row = biased(False, [130], np.arange(131), buckets=32, distance=128)[0][::-1]
    np.testing.assert_array_equal(row[[7, 8, 15, 16, 31, 32, 63, 64, 127, 128]], [7, 8, 9, 10, 11, 12, 13, 14, 15, 15])


def test_relative_biases_of_rows_that_stand_at_different_places():
    keys, places = np.arange(6), np.array([[0, 1], [3, 4]])
    layer = RelativePositions(3, buckets=8, distance=16)
    layer.build((None, None, 4))
    cases.shake(layer)
    both = layer.bias(places, keys)
    assert both.shape == (2, 3, 2, 6)
    for row, own in enumerate(places):
        np.testing.assert_array_equal(both[row], layer.bias(own, keys)[0])


@pytest.mark.parametrize(
    "sizes, match",
    [((7, 16), "even, and at least 2"), ((2, 16), "even, and at least 2"), ((8, 2), "more than the 2 buckets")],
)
def test_relative_sizes_that_make_no_buckets_are_refused(sizes, match):
    with pytest.raises(ValueError, match=match):
        RelativePositions(2, *sizes)


def test_without_positions_vectors_are_only_scaled():
    inputs = cases.ramp(2, 3, 8)
    np.testing.assert_allclose(NoPositions()(inputs), inputs * np.sqrt(8), atol=1e-6)
    placed = Placed(NoPositions(), np.arange(3), np.arange(3))
    assert placed.bias is None and placed.turn(inputs) is inputs


def test_positions_go_by_name_or_are_given():
    part = SinusoidalPositions()
    assert positions_of(part, heads=2, causal=True) is part
    assert positions_of("relative", heads=3, causal=False).bidirectional
    assert not positions_of("relative", heads=3, causal=True).bidirectional
    with pytest.raises(ValueError, match="positions must be one of .*'rotary'.*, found 'rotated'"):
        positions_of("rotated", heads=2, causal=True)
    with pytest.raises(ValueError, match="as many heads as their stack, found 4 and 2"):
        positions_of(RelativePositions(4), heads=2, causal=True)


def test_sines_of_an_odd_width_and_biases_of_the_other_direction_are_refused():
    with pytest.raises(ValueError, match="even width, half for sines; found 5"):
        SinusoidalPositions()(cases.ramp(1, 2, 5))
    with pytest.raises(ValueError, match="positions must be one-way here"):
        positions_of(RelativePositions(2), heads=2, causal=True)
