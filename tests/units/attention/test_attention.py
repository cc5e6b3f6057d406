import numpy as np
import pytest
from keras import ops

from seq2seq_keras.attention import AdditiveAttention, MultiHeadAttention, causal, hide
from tests import cases, oracles


def test_additive_attention_is_the_papers_formula():
    attention = AdditiveAttention(5)
    query, memory, real = cases.ramp(3, 4), cases.ramp(3, 6, 8), cases.real()
    attention(query, attention.prepare(memory), memory, real)
    cases.shake(attention)
    context, weights = attention(query, attention.prepare(memory), memory, real)

    w, b = map(oracles.numbers, attention.query_projection.weights)
    (u,), (v,) = (map(oracles.numbers, part.weights) for part in (attention.memory_projection, attention.energy))
    expected = oracles.additive_attention(query.astype("float64"), memory.astype("float64"), real, w, b, u, v[:, 0])
    np.testing.assert_allclose(context, expected[0], atol=1e-6)
    np.testing.assert_allclose(weights, expected[1], atol=1e-6)


def test_coverage_tells_the_score_where_one_has_looked():
    attention = AdditiveAttention(5, coverage=True)
    query, memory, real, covered = cases.ramp(3, 4), cases.ramp(3, 6, 8), cases.real(), abs(cases.ramp(3, 6))
    attention(query, attention.prepare(memory), memory, real, covered)
    cases.shake(attention)
    _, weights = attention(query, attention.prepare(memory), memory, real, covered)

    w, b = map(oracles.numbers, attention.query_projection.weights)
    parts = attention.memory_projection, attention.energy, attention.coverage_projection
    u, v, c = (oracles.numbers(part.kernel) for part in parts)
    told = covered[..., None] * c[0]
    _, expected = oracles.additive_attention(query.astype("float64"), memory, real, w, b, u, v[:, 0], told)
    np.testing.assert_allclose(weights, expected, atol=1e-6)


@pytest.mark.parametrize("coverage", [False, True])
def test_coverage_and_what_is_covered_go_together(coverage):
    attention, memory = AdditiveAttention(5, coverage), cases.ramp(3, 6, 8)
    covered = () if coverage else (cases.ramp(3, 6),)
    with pytest.raises(ValueError, match="covered goes with coverage=True alone"):
        attention(cases.ramp(3, 4), attention.prepare(memory), memory, cases.real(), *covered)


def test_multi_head_attention_is_the_papers_formula():
    attention = MultiHeadAttention(8, heads=2)
    inputs, memory = cases.ramp(3, 4, 8), cases.ramp(3, 6, 8)
    seen = cases.real()[:, None, None]
    attention(inputs, memory, seen)
    cases.shake(attention)
    queries, (keys, values) = attention.queries(inputs), attention.remember(memory)
    assert queries.shape == (3, 2, 4, 4) and keys.shape == values.shape == (3, 2, 6, 4)

    kernel, bias = map(oracles.numbers, attention.query.weights)
    by_hand = (inputs @ kernel + bias).reshape(3, 4, 2, 4).transpose(0, 2, 1, 3)
    np.testing.assert_allclose(queries, by_hand, atol=1e-6)

    mixed, expected = oracles.multi_head_attention(*map(oracles.numbers, (queries, keys, values)), seen)
    kernel, bias = map(oracles.numbers, attention.join.weights)
    by_hand = mixed.transpose(0, 2, 1, 3).reshape(3, 4, 8) @ kernel + bias
    np.testing.assert_allclose(attention(inputs, memory, seen), by_hand, atol=1e-5)
    flat, weights = attention.look(inputs.reshape(12, 8), keys, values, seen)
    np.testing.assert_allclose(weights, expected, atol=1e-6)
    np.testing.assert_allclose(flat, by_hand.reshape(12, 8), atol=1e-5)


def test_heads_must_divide_the_width():
    with pytest.raises(ValueError, match="heads must divide width, found width 8 and heads 3"):
        MultiHeadAttention(8, heads=3)


def test_causal_mask_is_the_lower_triangle():
    np.testing.assert_array_equal(causal(4)[0, 0], np.tril(np.ones((4, 4), bool)))


def test_a_hidden_score_weighs_nothing_in_float16():
    scores = ops.convert_to_tensor(np.array([[900.0, 1.0, -900.0]], "float16"))
    weights = ops.softmax(hide(scores, np.array([[False, True, True]])))
    np.testing.assert_array_equal(weights, [[0.0, 1.0, 0.0]])
