"""Gate equations over several steps, through the decoders' own step."""

import numpy as np
import pytest

from seq2seq_keras.attention import AdditiveAttention
from seq2seq_keras.decoders import AttentiveDecoder, RecurrentDecoder
from tests import cases, oracles

STEPS = 4


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_recurrent_decoder_follows_the_gate_equations(cell):
    decoder = RecurrentDecoder(cell, 8)
    inputs, context = cases.ramp(3, STEPS, 5), cases.context(decoder)
    decoder(inputs, context)
    cases.shake(decoder)
    weights = [oracles.numbers(w) for w in decoder.stack.layers[0].cell.trainable_weights]
    state = [oracles.numbers(s) for s in context.state[0]]

    outputs = np.array(decoder(inputs, context))
    for t in range(STEPS):
        if cell == "lstm":
            state = list(oracles.lstm_step(inputs[:, t], *state, *weights))
        else:
            step = oracles.gru_step if cell == "gru" else oracles.rnn_step
            state = [step(inputs[:, t], *state, *weights)]
        np.testing.assert_allclose(outputs[:, t], state[0], atol=1e-5)


def test_attentive_decoder_feeds_its_output_back():
    decoder = AttentiveDecoder("lstm", 8, AdditiveAttention(6))
    inputs, context = cases.ramp(3, STEPS, 5), cases.context(decoder)
    decoder(inputs, context)
    cases.shake(decoder)
    cell = [oracles.numbers(w) for w in decoder.stack.layers[0].cell.trainable_weights]
    attention = decoder.attention
    w, b = map(oracles.numbers, attention.query_projection.weights)
    u, v = oracles.numbers(attention.memory_projection.kernel), oracles.numbers(attention.energy.kernel)[:, 0]
    join, bias = map(oracles.numbers, decoder.join.weights)
    memory, (h, c) = oracles.numbers(context.memory), map(oracles.numbers, context.state[0])

    output = np.zeros((3, 8))
    outputs = np.array(decoder(inputs, context))
    for t in range(STEPS):
        h, c = oracles.lstm_step(np.concatenate([inputs[:, t], output], -1), h, c, *cell)
        found, _ = oracles.additive_attention(h, memory, cases.real(), w, b, u, v)
        output = np.tanh(np.concatenate([h, found], -1) @ join + bias)
        np.testing.assert_allclose(outputs[:, t], output, atol=1e-5)
