"""c = m(h_1..h_S): every way to make one vector of a source, and of that vector a decoder's first state."""

import keras
import numpy as np
import pytest

from seq2seq_keras.bridges import AttentionPool, LastState, MaxPool, MeanPool, Summary
from seq2seq_keras.context import Encoded
from tests import cases, oracles

POOLS = {"last": LastState, "mean": MeanPool, "max": MaxPool}


def stateless(padding: int = 0, dtype: str = "float32") -> Encoded:
    """What an encoder without states could have returned, with what must not be seen at padding."""
    sequence, real = cases.ramp(3, 6, cases.WIDTH), np.pad(cases.real(), [(0, 0), (0, padding)])
    sequence = np.pad(sequence, [(0, 0), (0, padding), (0, 0)])
    sequence[~real] = 50.0
    return Encoded(keras.ops.cast(sequence, dtype), keras.ops.convert_to_tensor(real), ())


@pytest.mark.parametrize("padding", [0, 3])
@pytest.mark.parametrize("name", POOLS)
def test_pools_follow_their_formulas_over_real_positions(name, padding):
    context = Summary(POOLS[name]())(stateless(padding))
    expected = oracles.pools(oracles.numbers(stateless().sequence), cases.LENGTHS)[name]
    np.testing.assert_allclose(context.memory[:, 0], expected, atol=1e-6)
    np.testing.assert_array_equal(context.mask, np.ones((3, 1), "bool"))
    assert context.state == ()


def test_the_last_state_is_the_topmost_layers_own_where_there_is_one():
    encoded = cases.encoded()
    np.testing.assert_array_equal(Summary(LastState())(encoded).memory[:, 0], encoded.state[-1][0])


@pytest.mark.parametrize("padding", [0, 3])
def test_attention_pooling_weighs_real_positions_by_a_query_that_is_learned(padding):
    pool = AttentionPool(5)
    bridge = Summary(pool)
    bridge(stateless())
    cases.shake(bridge)
    w, b, v = (oracles.numbers(weight) for weight in pool.weights)
    expected = oracles.attention_pool(oracles.numbers(stateless().sequence), cases.LENGTHS, w, b, v[:, 0])
    np.testing.assert_allclose(bridge(stateless(padding)).memory[:, 0], expected, atol=1e-6)


@pytest.mark.parametrize("units", [None, 7])
def test_context_and_states_are_tanh_of_dense_maps(units):
    """Cho et al., 2014: c = tanh(V h_N), h'_0 = tanh(V' c)."""
    bridge, encoded = Summary(LastState(), [[5, 4], [3]], units), cases.encoded()
    bridge(encoded)
    cases.shake(bridge)
    context, vector = bridge(encoded), oracles.numbers(encoded.state[-1][0])
    if units:
        kernel, bias = map(oracles.numbers, bridge.projection.weights)
        vector = np.tanh(vector @ kernel + bias)
    assert context.memory.shape == (3, 1, units or cases.WIDTH)
    np.testing.assert_allclose(context.memory[:, 0], vector, atol=1e-6)
    for starts, states in zip(bridge.starts, context.state, strict=True):
        for start, state in zip(starts, states, strict=True):
            kernel, bias = map(oracles.numbers, start.weights)
            np.testing.assert_allclose(state, np.tanh(vector @ kernel + bias), atol=1e-6)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize("pool", [LastState, MeanPool, MaxPool, lambda: AttentionPool(5)])
def test_half_precision_keeps_its_dtype_and_stays_near(pool, dtype):
    keras.config.set_dtype_policy(f"mixed_{dtype}")
    bridge = Summary(pool(), [[5]])
    narrow = bridge(stateless(dtype=dtype))
    assert {keras.backend.standardize_dtype(leaf.dtype) for leaf in (narrow.memory, *narrow.state[0])} == {dtype}
    assert np.isfinite(keras.ops.cast(narrow.memory, "float32")).all()


def test_the_mean_of_many_large_numbers_does_not_overflow_float16():
    keras.config.set_dtype_policy("mixed_float16")
    long = Encoded(keras.ops.full((1, 500, 2), 300.0, "float16"), keras.ops.ones((1, 500), "bool"), ())
    np.testing.assert_array_equal(Summary(MeanPool())(long).memory, np.full((1, 1, 2), 300.0, "float16"))
