import numpy as np
import pytest

from seq2seq_keras.encoders import BidirectionalEncoder, RecurrentEncoder
from tests import cases, oracles


def weights_of(cell):
    return [oracles.numbers(w) for w in cell.trainable_weights]


def test_lstm_state_is_the_one_after_the_last_real_position():
    encoder, inputs, real = RecurrentEncoder("lstm", 8), cases.ramp(3, 6, 5), cases.real()
    encoder(inputs, real)
    cases.shake(encoder)
    encoded = encoder(inputs, real)
    for row, length in enumerate(cases.LENGTHS):
        h = c = np.zeros((1, 8))
        for t in range(length):
            h, c = oracles.lstm_step(inputs[row : row + 1, t], h, c, *weights_of(encoder.stack.layers[0].cell))
            np.testing.assert_allclose(encoded.sequence[row, t], h[0], atol=1e-5)
        np.testing.assert_allclose(encoded.state[0][0][row], h[0], atol=1e-5)
        np.testing.assert_allclose(encoded.state[0][1][row], c[0], atol=1e-5)
        np.testing.assert_array_equal(encoded.sequence[row, length:], 0)


def test_the_backward_half_reads_from_the_last_real_position():
    encoder, inputs, real = BidirectionalEncoder("gru", 8), cases.ramp(3, 6, 5), cases.real()
    encoder(inputs, real)
    cases.shake(encoder)
    encoded = encoder(inputs, real)
    backward = weights_of(encoder.stack.layers[0].backward_layer.cell)
    for row, length in enumerate(cases.LENGTHS):
        h = np.zeros((1, 4))
        for t in reversed(range(length)):
            h = oracles.gru_step(inputs[row : row + 1, t], h, *backward)
            np.testing.assert_allclose(encoded.sequence[row, t, 4:], h[0], atol=1e-5)
        np.testing.assert_allclose(encoded.state[0][0][row, 4:], h[0], atol=1e-5)


def test_odd_width_and_unknown_cell_are_refused():
    with pytest.raises(ValueError, match="units must be even"):
        BidirectionalEncoder("lstm", 7)
    with pytest.raises(ValueError, match="cell must be one of"):
        RecurrentEncoder("ltsm", 8)
