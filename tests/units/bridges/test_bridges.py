import numpy as np
import pytest

from seq2seq_keras.bridges import CopyStates, KeepMemory, ProjectStates, ZeroStates
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


def test_zeros_are_handed_over_beside_a_memory_or_alone():
    alone, beside = ZeroStates([[5, 4], [3]]), KeepMemory(ZeroStates([[5, 4], [3]]))
    for bridge in (alone, beside):
        state = bridge(cases.encoded()).state
        assert [[tuple(leaf.shape) for leaf in leaves] for leaves in state] == [[(3, 5), (3, 4)], [(3, 3)]]
        assert not any(np.any(leaf) for leaves in state for leaf in leaves)
    assert alone(cases.encoded()).memory == ()
    np.testing.assert_array_equal(beside(cases.encoded()).memory, cases.encoded().sequence)


def test_a_shallower_decoder_begins_with_the_topmost_states():
    encoded, bridge = cases.encoded(), ProjectStates([[5, 4]])
    copied = CopyStates(1)(encoded)
    assert len(copied.state) == 1
    np.testing.assert_array_equal(copied.state[0][1], encoded.state[-1][1])
    bridge(encoded)
    cases.shake(bridge)
    kernel, bias = map(oracles.numbers, bridge.projections[0][1].weights)
    expected = np.tanh(oracles.numbers(encoded.state[-1][1]) @ kernel + bias)
    np.testing.assert_allclose(bridge(encoded).state[0][1], expected, atol=1e-6)


def test_a_deeper_decoder_and_other_cells_are_an_error_that_names_both():
    with pytest.raises(ValueError, match=r"\[2, 2\].*expects \[2, 2, 2\]"):
        ProjectStates([[8, 8]] * 3)(cases.encoded())
    with pytest.raises(ValueError, match=r"\[2, 2\].*expects \[1\]"):
        ProjectStates([[8]])(cases.encoded())
    with pytest.raises(ValueError, match="of 2 layers, expected 3"):
        CopyStates(3)(cases.encoded())
