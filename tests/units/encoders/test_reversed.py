import numpy as np
import pytest
import tensorflow as tf

from seq2seq_keras.encoders import PyramidalEncoder, RecurrentEncoder, ReversedEncoder
from seq2seq_keras.encoders.reversed import turned
from tests import cases, oracles


def test_only_the_real_part_is_turned_round():
    inputs = cases.ramp(3, 6, 5)
    expected = oracles.reversal(inputs, cases.LENGTHS)
    np.testing.assert_array_equal(turned(inputs, cases.real()), expected)
    np.testing.assert_array_equal(turned(expected, cases.real()), inputs)


def test_outputs_come_back_in_source_order_and_the_state_is_that_after_the_first_word():
    inner = RecurrentEncoder("gru", 8)
    encoder, inputs, real = ReversedEncoder(inner), cases.ramp(3, 6, 5), cases.real()
    encoder(inputs, real)
    cases.shake(encoder)
    encoded, backwards = encoder(inputs, real), inner(oracles.reversal(inputs, cases.LENGTHS), real)
    weights = [oracles.numbers(weight) for weight in inner.stack.layers[0].cell.trainable_weights]
    for row, length in enumerate(cases.LENGTHS):
        h = np.zeros((1, 8))
        for t in reversed(range(length)):
            h = oracles.gru_step(inputs[row : row + 1, t], h, *weights)
            np.testing.assert_allclose(encoded.sequence[row, t], h[0], atol=1e-5)
        np.testing.assert_allclose(encoded.state[0][0][row], h[0], atol=1e-5)
    np.testing.assert_array_equal(encoded.mask, real)
    np.testing.assert_array_equal(encoded.state[0][0], backwards.state[0][0])


def test_an_encoder_that_shortens_time_is_turned_back_by_its_own_mask():
    encoder, inputs, real = ReversedEncoder(PyramidalEncoder("gru", 8, depth=2)), cases.ramp(3, 6, 5), cases.real()
    encoded = encoder(inputs, real)
    backwards = encoder.encoder(oracles.reversal(inputs, cases.LENGTHS), real)
    expected = oracles.reversal(np.array(backwards.sequence), [3, 2, 1])
    np.testing.assert_array_equal(encoded.sequence, expected)


@pytest.mark.parametrize("jit", [False, True], ids=["graph", "xla"])
def test_gradients_find_their_way_back_with_shapes_unknown(jit):
    inputs, real, weight = cases.ramp(3, 6, 5), cases.real(), cases.ramp(3, 6, 5, scale=3)

    @tf.function(
        jit_compile=jit,
        input_signature=[tf.TensorSpec([None, None, 5]), tf.TensorSpec([None, None], "bool"), tf.TensorSpec(None)],
    )
    def gradient(inputs, real, weight):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            loss = tf.reduce_sum(turned(inputs, real) * weight)
        return tape.gradient(loss, inputs)

    expected = oracles.reversal(weight, cases.LENGTHS)
    np.testing.assert_array_equal(gradient(inputs, real, weight), expected)
