import numpy as np
import pytest

from seq2seq_keras.attention import AdditiveAttention
from seq2seq_keras.bridges import KeepMemory, ProjectStates
from seq2seq_keras.decoders import AttentiveDecoder
from seq2seq_keras.embed import TokenTable
from seq2seq_keras.encoders import BidirectionalEncoder, PyramidalEncoder
from seq2seq_keras.encoders.pyramidal import paired
from seq2seq_keras.models import Seq2Seq
from seq2seq_keras.recurrence import Cell
from tests import cases


def test_neighbours_stand_side_by_side_and_an_odd_one_beside_zeros():
    sequence = np.arange(1.0, 11.0).reshape(1, 5, 2)
    real = np.array([[True, True, True, False, False]])
    vectors, mask = paired(sequence, real)
    np.testing.assert_array_equal(vectors, [[[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 0, 0]]])
    np.testing.assert_array_equal(mask, [[True, True, False]])


def test_every_layer_reads_pairs_of_what_the_one_below_says():
    """Layer by layer with bidirectional encoders, whose formulas have their own test."""
    encoder, inputs, real = PyramidalEncoder("rnn", 4, depth=3), cases.ramp(3, 6, 5), cases.real()
    encoder(inputs, real)
    cases.shake(encoder)
    encoded = encoder(inputs, real)
    for place, level in enumerate(encoder.levels):
        if place:
            if inputs.shape[1] % 2:
                inputs, real = np.pad(inputs, [(0, 0), (0, 1), (0, 0)]), np.pad(real, [(0, 0), (0, 1)])
            inputs = np.concatenate([inputs[:, ::2], inputs[:, 1::2]], axis=-1)
            real = real[:, ::2] | real[:, 1::2]
        layer = BidirectionalEncoder("rnn", 4)
        layer(inputs, real)
        layer.set_weights(level.get_weights())
        below = layer(inputs, real)
        inputs = np.array(below.sequence)
        np.testing.assert_allclose(encoded.state[place][0], below.state[0][0], atol=1e-6)
    assert encoded.sequence.shape == (3, 2, 4)
    np.testing.assert_allclose(encoded.sequence, inputs, atol=1e-6)
    np.testing.assert_array_equal(encoded.mask, [[True, True], [True, False], [True, False]])


@pytest.mark.parametrize("length", [1, 4, 7])
def test_a_source_of_any_length_is_read(length):
    encoded = PyramidalEncoder("rnn", 4, depth=3)(cases.ramp(2, length, 3), np.ones((2, length), "bool"))
    assert encoded.sequence.shape == (2, -(-length // 4), 4)
    assert np.array(encoded.mask).all()


def test_a_decoder_attends_to_the_shorter_memory_step_by_step_and_with_more_padding():
    decoder = AttentiveDecoder("rnn", 8, AdditiveAttention(6))
    model = Seq2Seq(
        TokenTable(cases.VOCABULARY, 8),
        PyramidalEncoder("rnn", 8, depth=2),
        KeepMemory(ProjectStates(decoder.state_size)),
        decoder,
    )
    cases.shake(model)
    target = cases.targets(3)
    whole = model({"source": cases.sources(), "target": target})
    state = model.init_state(cases.sources(padding=3), target.shape[1])
    for t in range(target.shape[1]):
        logits, state = model.step(target[:, t], state)
        np.testing.assert_allclose(logits, whole[:, t], atol=5e-6)


def test_odd_widths_and_residuals_are_refused():
    with pytest.raises(ValueError, match="units must be even.*found 7"):
        PyramidalEncoder("gru", 7)
    with pytest.raises(ValueError, match="no residual"):
        PyramidalEncoder(Cell("gru", residual=True), 8)
