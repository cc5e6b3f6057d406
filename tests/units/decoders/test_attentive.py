"""Attentive decoders step by step, by the equations of their papers."""

import numpy as np
import pytest
import tensorflow as tf
from keras import ops, tree

from seq2seq_keras.attention import AdditiveAttention, DotAttention
from seq2seq_keras.context import DecodeState
from seq2seq_keras.decoders import AttentiveDecoder, BahdanauDecoder
from tests import cases, oracles

STEPS = 4


def ready(decoder):
    """The decoder with no weight at rest, its inputs (B, T, E) and context."""
    inputs, context = cases.ramp(3, STEPS, 5), cases.context(decoder)
    decoder(inputs, context)
    cases.shake(decoder)
    return inputs, context


def additive(decoder, memory):
    """Its attention in NumPy: (query, covered) to context and weights."""
    attention = decoder.attention
    w, b = map(oracles.numbers, attention.query_projection.weights)
    u, v = oracles.numbers(attention.memory_projection.kernel), oracles.numbers(attention.energy.kernel)[:, 0]
    told = oracles.numbers(attention.coverage_projection.kernel)[0] if attention.coverage else 0.0

    def look(query, covered):
        known = covered[..., None] * told if attention.coverage else 0.0
        return oracles.additive_attention(query, memory, cases.real(), w, b, u, v, known)

    return look


@pytest.mark.parametrize("fed", [True, False])
@pytest.mark.parametrize("coverage", [True, False])
def test_luongs_decoder_steps_then_looks(fed, coverage):
    decoder = AttentiveDecoder("lstm", 8, AdditiveAttention(6, coverage), input_feeding=fed)
    inputs, context = ready(decoder)
    cell = [oracles.numbers(w) for w in decoder.stack.layers[0].cell.trainable_weights]
    join, bias = map(oracles.numbers, decoder.join.weights)
    memory, (h, c) = oracles.numbers(context.memory), map(oracles.numbers, context.state[0])
    look, output, covered = additive(decoder, memory), np.zeros((3, 8)), np.zeros((3, 6))

    outputs, looked = decoder(inputs, context, looked=True)
    for t in range(STEPS):
        told = np.concatenate([inputs[:, t], output], -1) if fed else inputs[:, t]
        h, c = oracles.lstm_step(told, h, c, *cell)
        found, weights = look(h, covered)
        covered = covered + weights
        output = np.tanh(np.concatenate([h, found], -1) @ join + bias)
        np.testing.assert_allclose(outputs[:, t], output, atol=1e-5)
        np.testing.assert_allclose(looked[:, t], weights, atol=1e-5)


@pytest.mark.parametrize("coverage", [True, False])
def test_bahdanaus_decoder_looks_then_steps(coverage):
    decoder = BahdanauDecoder("gru", 8, AdditiveAttention(6, coverage))
    inputs, context = ready(decoder)
    cell = [oracles.numbers(w) for w in decoder.stack.layers[0].cell.trainable_weights]
    readout = [oracles.numbers(w) for w in decoder.readout.trainable_weights]
    memory, (state,) = oracles.numbers(context.memory), map(oracles.numbers, context.state[0])
    look, covered = additive(decoder, memory), np.zeros((3, 6))

    outputs, looked = decoder(inputs, context, looked=True)
    for t in range(STEPS):
        found, weights = look(state, covered)
        covered = covered + weights
        state = oracles.gru_step(np.concatenate([inputs[:, t], found], -1), state, *cell)
        output = oracles.maxout(np.concatenate([state, found, inputs[:, t]], -1), *readout)
        np.testing.assert_allclose(outputs[:, t], output, atol=1e-5)
        np.testing.assert_allclose(looked[:, t], weights, atol=1e-5)


DECODERS = {
    "fed": lambda: AttentiveDecoder("gru", 8, AdditiveAttention(6, coverage=True)),
    "unfed": lambda: AttentiveDecoder("gru", 8, DotAttention("scaled"), input_feeding=False),
    "bahdanau": lambda: BahdanauDecoder("gru", 8, AdditiveAttention(6)),
}


@pytest.mark.parametrize("name", DECODERS)
@pytest.mark.parametrize("graph", [False, True], ids=["eager", "graph"])
def test_rows_of_one_source_can_share_what_never_changes(name, graph):
    decoder = DECODERS[name]()
    inputs, context = ready(decoder)
    start = decoder.init_state(context, STEPS)
    several = tree.map_structure(lambda leaf: ops.repeat(leaf, 2, axis=0), start)
    # Six rows that differ, over three sources.
    _, several = decoder.step(np.repeat(inputs[:, 0], 2, axis=0)[::-1].copy(), several)

    def step(inputs, carry, fixed):
        output, state = decoder.step(inputs, DecodeState(carry, fixed))
        return output, state.carry

    if graph:
        loose = tree.map_structure(lambda leaf: tf.TensorSpec([None] * len(leaf.shape[:-1]) + [leaf.shape[-1]]), start)
        fixed = loose.fixed._replace(mask=tf.TensorSpec([None, 6], tf.bool))
        step = tf.function(step, input_signature=[tf.TensorSpec([None, 5]), loose.carry, fixed])
    now = cases.ramp(6, 5)
    shared, expected = step(now, several.carry, start.fixed), step(now, several.carry, several.fixed)
    for leaf, same in zip(tree.flatten(shared), tree.flatten(expected), strict=True):
        np.testing.assert_allclose(leaf, same, atol=1e-6)


@pytest.mark.parametrize("name", DECODERS)
def test_dropout_changes_training_and_nothing_else(name):
    part = DECODERS[name]()
    decoder = type(part)("gru", 8, part.attention, 2, 0.5)
    inputs, context = ready(decoder)
    np.testing.assert_array_equal(decoder(inputs, context), decoder(inputs, context))
    one, other = (np.array(decoder(inputs, context, training=True)) for _ in range(2))
    assert np.abs(one - other).max() > 1e-3
    assert 0.2 < (one == 0).mean() < 0.8


def test_without_coverage_and_feeding_nothing_of_them_is_kept():
    states = {name: build().init_state(cases.context(build()), STEPS) for name, build in DECODERS.items()}
    assert [name for name, state in states.items() if state.carry.output != ()] == ["fed"]
    assert [name for name, state in states.items() if state.carry.covered != ()] == ["fed"]


def test_a_context_with_nothing_to_look_at_or_of_other_layers_is_refused():
    decoder, context = DECODERS["fed"](), cases.context(DECODERS["fed"]())
    with pytest.raises(ValueError, match="must have a memory and states of 1 layers, found no memory"):
        decoder.init_state(context._replace(memory=(), mask=()), STEPS)
    with pytest.raises(ValueError, match="found states of 0 layers"):
        decoder.init_state(context._replace(state=()), STEPS)
