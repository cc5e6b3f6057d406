import numpy as np
import pytest

from seq2seq_keras.bridges import CopyStates, KeepMemory, ProjectStates
from tests import cases, oracles


def test_copied_states_are_the_encoders():
    encoded = cases.encoded()
    context = CopyStates()(encoded)
    assert context.memory == () and context.mask == ()
    np.testing.assert_array_equal(context.state[1][0], encoded.state[1][0])


def test_projected_states_are_tanh_of_a_dense_map():
    encoded, bridge = cases.encoded(), ProjectStates([[5, 4], [3, 2]])
    bridge(encoded)
    cases.shake(bridge)
    context = bridge(encoded)
    for layers, states, given in zip(bridge.projections, context.state, encoded.state):
        for layer, state, source in zip(layers, states, given):
            kernel, bias = map(oracles.numbers, layer.weights)
            np.testing.assert_allclose(state, np.tanh(oracles.numbers(source) @ kernel + bias), atol=1e-6)


def test_kept_memory_is_the_whole_sequence():
    encoded = cases.encoded()
    context = KeepMemory()(encoded)
    np.testing.assert_array_equal(context.memory, encoded.sequence)
    np.testing.assert_array_equal(context.mask, encoded.mask)
    assert context.state == ()


def test_another_number_of_layers_is_an_error_that_names_both():
    with pytest.raises(ValueError, match=r"\[2, 2\].*expects \[2\]"):
        ProjectStates([[8, 8]])(cases.encoded())
