import keras
import numpy as np
import pytest
import tensorflow as tf

from seq2seq_keras.dropout import Dropout


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.999])
def test_the_share_that_is_dropped_is_the_rate_and_the_mean_stays(rate):
    found = np.array(Dropout(rate)(np.ones((200, 101, 7), "float32"), training=True))
    share = round(rate * 256) / 256
    share = min(share, 255 / 256)
    assert abs((found == 0).mean() - share) < 5 * np.sqrt(share * (1 - share) / found.size)
    np.testing.assert_allclose(found[found != 0], 1 / (1 - share), rtol=1e-6)


def test_neighbours_are_dropped_independently():
    dropped = np.array(Dropout(0.3)(np.ones((1, 400_000), "float32"), training=True))[0] == 0
    for apart in range(1, 9):
        assert abs(np.corrcoef(dropped[:-apart], dropped[apart:])[0, 1]) < 0.01


def test_every_call_drops_others_and_the_seed_decides():
    inputs = np.ones((3, 50), "float32")
    keras.utils.set_random_seed(1)
    layer = Dropout(0.5)
    first, second = layer(inputs, training=True), layer(inputs, training=True)
    keras.utils.set_random_seed(1)
    again = Dropout(0.5)(inputs, training=True)
    assert np.any(np.array(first) != np.array(second))
    np.testing.assert_array_equal(first, again)


def test_nothing_is_dropped_at_inference_or_at_rate_0():
    inputs = np.ones((3, 5), "float32")
    np.testing.assert_array_equal(Dropout(0.5)(inputs), inputs)
    np.testing.assert_array_equal(Dropout(0.0)(inputs, training=True), inputs)
    assert not Dropout(0.0).variables


@pytest.mark.parametrize("jit", [False, True], ids=["graph", "xla"])
def test_gradients_pass_where_units_pass(jit):
    layer, inputs = Dropout(0.5), tf.ones((3, 9))

    @tf.function(jit_compile=jit)
    def run(inputs):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = layer(inputs, training=True)
        return outputs, tape.gradient(outputs, inputs)

    outputs, gradient = run(inputs)
    np.testing.assert_array_equal(outputs, gradient)
    assert 0 < np.count_nonzero(outputs) < 27


def test_half_precision_stays_half():
    assert Dropout(0.5, dtype="mixed_bfloat16")(tf.ones((3, 4)), training=True).dtype == tf.bfloat16


def test_other_rates_are_refused():
    with pytest.raises(ValueError, match="rate must be at least 0 and below 1, found 1.0"):
        Dropout(1.0)
