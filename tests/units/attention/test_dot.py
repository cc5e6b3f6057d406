"""Scores by a product, and several queries at once."""

import keras
import numpy as np
import pytest

from seq2seq_keras.attention import AdditiveAttention, DotAttention
from tests import cases, oracles


@pytest.mark.parametrize("kind", ["dot", "general", "scaled"])
def test_each_kind_is_the_papers_formula(kind):
    attention = DotAttention(kind)
    width = 5 if kind == "general" else 8
    query, memory, real = cases.ramp(3, width), cases.ramp(3, 6, 8), cases.real()
    attention.build((None, width), (None, None, width), (None, None, 8), (None, None))
    context, weights = attention(query, attention.prepare(memory), memory, real)

    kernel = oracles.numbers(attention.weights[0]) if kind == "general" else None
    scale = 8**-0.5 if kind == "scaled" else 1.0
    expected = oracles.dot_attention(query.astype("float64"), memory.astype("float64"), real, kernel, scale)
    np.testing.assert_allclose(context, expected[0], atol=1e-6)
    np.testing.assert_allclose(weights, expected[1], atol=1e-6)
    assert np.all(np.array(weights)[~real] == 0)


@pytest.mark.parametrize("build", [lambda: AdditiveAttention(6), DotAttention], ids=["additive", "dot"])
def test_several_queries_look_as_each_of_them_alone(build):
    attention, memory, real = build(), cases.ramp(3, 6, 8), cases.real()
    queries, keys = cases.ramp(3, 4, 8), attention.prepare(memory)
    context, weights = attention(queries, keys, memory, real)
    for t in range(4):
        one, where = attention(queries[:, t], keys, memory, real)
        np.testing.assert_allclose(context[:, t], one, atol=1e-6)
        np.testing.assert_allclose(weights[:, t], where, atol=1e-6)


def test_weights_are_float32_whatever_the_policy():
    keras.config.set_dtype_policy("mixed_bfloat16")
    attention, memory = DotAttention(), cases.ramp(3, 6, 8)
    context, weights = attention(cases.ramp(3, 8), attention.prepare(memory), memory, cases.real())
    assert (context.dtype.name, weights.dtype.name) == ("bfloat16", "float32")


def test_another_kind_is_refused():
    with pytest.raises(ValueError, match="kind must be dot, general or scaled, found 'concat'"):
        DotAttention("concat")


@pytest.mark.parametrize("kind", ["dot", "scaled", "general"])
def test_widths_that_do_not_agree_are_refused(kind):
    attention, memory = DotAttention(kind), cases.ramp(3, 6, 8)
    keys = attention.prepare(memory)
    with pytest.raises(ValueError, match=f"{kind} attention needs queries as wide as its keys, 8; found 5"):
        attention(cases.ramp(3, 5), keys, memory, cases.real())


def test_it_does_not_take_coverage():
    attention, memory = DotAttention(), cases.ramp(3, 6, 8)
    with pytest.raises(ValueError, match="covered must be None for DotAttention"):
        attention(cases.ramp(3, 8), attention.prepare(memory), memory, cases.real(), cases.ramp(3, 6))
