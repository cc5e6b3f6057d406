"""Gate equations of Keras' own cells over several steps, what LSTM cells remember, and how much there is of it."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from seq2seq_keras.recurrence import Cell
from tests import cases, oracles

STEPS = 5
FORMULAS = {"rnn": oracles.rnn_step, "gru": oracles.gru_step, "lstm": oracles.lstm_step}


def shaken(kind: str, inputs: int = 5, units: int = 4):
    """A layer with no weight at its start, and its weights."""
    layer = Cell(kind).layer(units, "layer")
    layer.build((None, None, inputs))
    cases.shake(layer)
    return layer, [oracles.numbers(weight) for weight in layer.cell.trainable_weights]


@pytest.mark.parametrize("kind", FORMULAS)
def test_whole_sequences_and_single_steps_follow_the_gate_equations(kind):
    layer, weights = shaken(kind)
    inputs = cases.ramp(3, STEPS, 5)
    begin = [cases.ramp(3, 4, scale=0.3 + i) for i in range(Cell(kind).states)]
    whole, *last = layer(inputs, initial_state=begin)
    expected, state = [oracles.numbers(s) for s in begin], begin
    for t in range(STEPS):
        after = FORMULAS[kind](inputs[:, t], *expected, *weights)
        expected = list(after) if isinstance(after, tuple) else [after]
        output, state = layer.cell(inputs[:, t], state)
        np.testing.assert_allclose(output, expected[0], atol=1e-5)
        np.testing.assert_allclose(whole[:, t], expected[0], atol=1e-5)
        np.testing.assert_allclose(tf.convert_to_tensor(state), expected, atol=1e-5)
    np.testing.assert_allclose(tf.convert_to_tensor(last), expected, atol=1e-5)


def test_what_an_lstm_remembers_fades_by_its_forget_gate_alone():
    """dc_t / dc_(t-1) = f_t with h_(t-1) held: nothing else can make the gradient along c vanish or explode."""
    layer, (kernel, recurrent, bias) = shaken("lstm")
    inputs, h, c = cases.ramp(3, 5), cases.ramp(3, 4), tf.constant(cases.ramp(3, 4, scale=2))
    with tf.GradientTape() as tape:
        tape.watch(c)
        _, (_, after) = layer.cell(inputs, [h, c])
    f = np.split(oracles.sigmoid(inputs @ kernel + h @ recurrent + bias), 4, axis=-1)[1]
    jacobian = tape.batch_jacobian(after, c)
    np.testing.assert_allclose(jacobian, np.stack([np.diag(row) for row in f]), atol=1e-6)


@pytest.mark.parametrize("kind", FORMULAS)
@pytest.mark.parametrize(("inputs", "units"), [(5, 4), (3, 7)])
def test_parameters_are_those_that_keras_counts(kind, inputs, units):
    layer, _ = shaken(kind, inputs, units)
    assert Cell(kind).parameters(inputs, units) == layer.count_params()


def test_parameters_of_the_formulas_by_hand():
    """E = 2, D = 3."""
    assert Cell("rnn").parameters(2, 3) == 6 + 9 + 3
    assert Cell("gru").parameters(2, 3) == 3 * (6 + 9 + 3 + 3)
    assert Cell("lstm").parameters(2, 3) == 4 * (6 + 9 + 3)


def test_capacity_is_what_is_handed_from_step_to_step():
    assert Cell("rnn").capacity(7) == Cell("gru").capacity(7) == 7
    assert Cell("lstm").capacity(1_000, depth=4) == 8_000  # Sutskever et al., 2014, section 3.4


def test_a_cell_is_rebuilt_from_its_config_and_refuses_what_it_is_not():
    cell = Cell("gru", residual=True, normalize=True, recurrent_dropout=0.2)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(cell))
    assert vars(again) == vars(cell)
    assert Cell.of(cell) is cell and Cell.of("gru").kind == "gru"
    with pytest.raises(ValueError, match=r"one of \['gru', 'lstm', 'rnn'\], found 'ltsm'"):
        Cell("ltsm")
    with pytest.raises(ValueError, match="below 1, found 1.0"):
        Cell("rnn", recurrent_dropout=1.0)
