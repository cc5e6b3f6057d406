import numpy as np
import pytest

from seq2seq_keras.encoders import ConvolutionalEncoder
from tests import cases, oracles


def ready(depth: int = 2, kernel: int = 3):
    encoder = ConvolutionalEncoder(8, depth, kernel)
    encoder(cases.ramp(3, 6, 4), cases.real())
    cases.shake(encoder)
    return encoder


@pytest.mark.parametrize("kernel", [1, 3, 5])
def test_layers_follow_the_formula_and_read_nothing_beyond_the_last_word(kernel):
    """Each row by itself, without padding."""
    encoder, inputs = ready(kernel=kernel), cases.ramp(3, 6, 4)
    encoded = encoder(inputs, cases.real())
    for row, length in enumerate(cases.LENGTHS):
        here = oracles.numbers(inputs[row, :length]) * 2 + oracles.sinusoids(length, 4)  # sqrt(E) = 2
        enter, bias = map(oracles.numbers, encoder.enter.weights)
        here = here @ enter + bias
        for layer in encoder.layers:
            here = oracles.gated_convolution(here, *map(oracles.numbers, layer.weights))
        np.testing.assert_allclose(encoded.sequence[row, :length], here, atol=1e-5)
        np.testing.assert_array_equal(encoded.sequence[row, length:], 0)
    assert encoded.state == ()


def test_every_vector_sees_depth_times_half_a_kernel_to_each_side():
    encoder, inputs, real = ready(depth=2, kernel=3), cases.ramp(1, 9, 4), np.ones((1, 9), "bool")
    other = inputs.copy()
    other[0, 4] += 1
    moved = np.abs(np.array(encoder(inputs, real).sequence - encoder(other, real).sequence)).max(-1)[0] > 1e-6
    np.testing.assert_array_equal(np.flatnonzero(moved), [2, 3, 4, 5, 6])


def test_an_even_kernel_is_refused():
    with pytest.raises(ValueError, match="kernel must be odd.*found 4"):
        ConvolutionalEncoder(8, 2, kernel=4)
