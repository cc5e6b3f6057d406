"""Fewer heads of keys and values than of queries."""

import numpy as np
import pytest

from seq2seq_keras.attention import MultiHeadAttention
from seq2seq_keras.embed import Placed, RelativePositions, RotaryPositions
from tests import cases, oracles


class Both(RelativePositions):
    """Turns and biases at once."""

    turn = RotaryPositions.turn
    base = 100.0


def repeated(grouped: MultiHeadAttention) -> MultiHeadAttention:
    """The same attention, with each head of keys and values written out for every head of queries it serves."""
    plain = MultiHeadAttention(grouped.width, grouped.heads)
    plain.build(None)
    times = grouped.heads // grouped.kept_heads
    wide = []
    for weight in map(oracles.numbers, grouped.key_value.weights):
        heads = weight.reshape(*weight.shape[:-1], 2, grouped.kept_heads, grouped.head_width)
        wide.append(np.repeat(heads, times, axis=-2).reshape(*weight.shape[:-1], -1))
    for mine, theirs in zip((plain.query, plain.join), (grouped.query, grouped.join)):
        mine.set_weights(theirs.get_weights())
    plain.key_value.set_weights(wide)
    return plain


@pytest.mark.parametrize("memory_heads", [1, 2])
def test_grouped_heads_equal_repeated_heads(memory_heads):
    inputs, seen = cases.ramp(3, 6, 16), cases.real()[:, None, None]
    grouped = MultiHeadAttention(16, heads=4, memory_heads=memory_heads)
    grouped(inputs, inputs, seen)
    cases.shake(grouped)
    plain = repeated(grouped)
    positions = Both(4, buckets=8, distance=16)
    positions.build(inputs.shape)
    cases.shake(positions)

    for placed in (None, Placed(positions, np.arange(6), np.arange(6))):
        (found, looked), (expected, there) = (
            part(inputs, inputs, seen, placed=placed, looked=True) for part in (grouped, plain)
        )
        np.testing.assert_allclose(found, expected, atol=1e-5)
        np.testing.assert_allclose(looked, there, atol=1e-6)
        flat = inputs.reshape(18, 16)
        keys, values = grouped.remember_flat(flat, 6, placed)
        assert keys.shape == values.shape == (3, memory_heads, 6, 4)
        found, looked = grouped.look(flat, keys, values, seen, placed)
        np.testing.assert_allclose(found, np.reshape(expected, (18, 16)), atol=1e-5)
        np.testing.assert_allclose(looked, there, atol=1e-6)


def test_a_bias_is_added_to_the_scores_and_turned_heads_meet():
    inputs, seen = cases.ramp(2, 5, 8), np.ones((1, 1, 1, 5), bool)
    attention, positions = MultiHeadAttention(8, heads=2), Both(2, buckets=8, distance=16)
    attention(inputs, inputs, seen)
    positions.build(inputs.shape)
    for part in (attention, positions):
        cases.shake(part)
    placed = Placed(positions, np.arange(5), np.arange(5))
    _, looked = attention(inputs, inputs, seen, placed=placed, looked=True)

    def turned(heads):
        return np.stack(
            [[oracles.rotated(head, np.arange(5), 100.0) for head in row] for row in oracles.numbers(heads)]
        )

    queries, keys = turned(attention.queries(inputs)), turned(attention.remember(inputs)[0])
    scores = np.einsum("bhtd,bhsd->bhts", queries, keys) / 2 + oracles.numbers(placed.bias)
    np.testing.assert_allclose(looked, oracles.softmax(scores), atol=1e-6)


@pytest.mark.parametrize("memory_heads", [0, 3, 8])
def test_memory_heads_must_divide_heads(memory_heads):
    with pytest.raises(ValueError, match=f"found heads 4 and memory_heads {memory_heads}"):
        MultiHeadAttention(8, heads=4, memory_heads=memory_heads)
