"""Positions, grouped heads and the decoder alone: whole sequences, steps and caches agree."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops, tree

from seq2seq_keras.bridges import CopyStates
from seq2seq_keras.context import Context
from seq2seq_keras.decoders import TransformerDecoder
from seq2seq_keras.embed import POSITIONS, LearnedPositions, TokenTable
from seq2seq_keras.encoders import RecurrentEncoder
from seq2seq_keras.models import Seq2Seq
from tests import cases

LENGTH = 5
INPUTS = cases.ramp(3, LENGTH, cases.WIDTH)
ALONE = Context((), (), [[ops.convert_to_tensor(cases.ramp(3, 4))]])
"""No memory: its state says no more than how many rows there are."""


def made(context, **options):
    decoder = TransformerDecoder(cases.WIDTH, depth=2, heads=4, inner=6, **options)
    decoder(INPUTS, context)
    cases.shake(decoder)
    return decoder


@pytest.fixture(params=POSITIONS)
def with_positions(request):
    """A decoder, a context, and every output of it."""
    context = cases.context(None)
    decoder = made(context, positions=request.param, norms="post", memory_heads=2)
    return decoder, context, np.array(decoder(INPUTS, context))


def test_steps_over_a_cache_that_grows_equal_the_whole_sequence(with_positions):
    decoder, context, whole = with_positions
    state = decoder.branch(decoder.init_state(context, 2), 1)
    assert {cache.shape for cache in tree.flatten(state.grown)} == {(3, 2, 2, 2)}
    for t in range(LENGTH):
        if t == 2:
            state = decoder.lengthen(state, LENGTH + 3)
        output, state = decoder.step(INPUTS[:, t], state)
        np.testing.assert_allclose(output, whole[:, t], atol=5e-6)


def test_several_steps_at_once_after_going_back_equal_the_whole_sequence(with_positions):
    decoder, context, whole = with_positions
    _, state = decoder.extend(INPUTS[:, ::-1][:, :4], decoder.init_state(context, LENGTH))
    state = decoder.rewind(state, ops.zeros((3,), "int32"))
    first, state = decoder.extend(INPUTS[:, :2], state)
    again, _ = decoder.extend(INPUTS[:, 2:], state)
    np.testing.assert_allclose(np.concatenate([first, again], axis=1), whole, atol=5e-6)


def test_rows_of_one_source_share_its_cache(with_positions):
    decoder, context, _ = with_positions
    apart = decoder.init_state(Context(*(ops.repeat(leaf, 2, axis=0) for leaf in context[:2]), ()), LENGTH)
    shared = apart._replace(fixed=decoder.init_state(context, LENGTH).fixed)
    for t in range(3):
        rows = np.concatenate([INPUTS[:, t], INPUTS[:, t + 1]])
        (expected, apart), (output, shared) = decoder.step(rows, apart), decoder.step(rows, shared)
        np.testing.assert_allclose(output, expected, atol=2e-6)
        np.testing.assert_allclose(decoder.alignment(shared), decoder.alignment(apart), atol=2e-6)


@pytest.mark.parametrize("open_shapes", [False, True])
def test_rows_go_on_from_one_another_as_if_their_caches_were_copied(with_positions, open_shapes):
    decoder, context, _ = with_positions
    rows, steps = 3, 6
    inputs = np.random.default_rng(1).normal(size=(steps, 3 * rows, cases.WIDTH)).astype("float32")
    parents = np.random.default_rng(2).integers(rows, size=(steps, 3, rows)) + rows * np.arange(3)[:, None]

    def walk(mask, memory):
        start = decoder.init_state(Context(memory, mask, ()), 0 * ops.shape(mask)[0] if open_shapes else 3)
        state, outputs = decoder.branch(start, rows), []
        for t in range(steps):
            if t % 3 == 0:
                state = decoder.lengthen(state, t + 3)
            output, state = decoder.step(inputs[t], state)
            outputs.append((output, decoder.alignment(state)))
            carry = tree.map_structure(lambda leaf: ops.take(leaf, parents[t].ravel(), axis=0), state.carry)  # noqa: B023
            state = state._replace(carry=carry)
        return outputs

    if open_shapes:
        given = [tf.TensorSpec([None, None], "bool"), tf.TensorSpec([None, None, cases.WIDTH])]
        walk = tf.function(walk, input_signature=given, autograph=False)
    found = walk(context.mask, context.memory)

    state = decoder.init_state(Context(*(ops.repeat(leaf, rows, axis=0) for leaf in context[:2]), ()), steps)
    for t in range(steps):
        output, state = decoder.step(inputs[t], state)
        np.testing.assert_allclose(found[t][0], output, atol=5e-6)
        np.testing.assert_allclose(found[t][1], decoder.alignment(state), atol=2e-6)
        carry = tree.map_structure(lambda leaf: ops.take(leaf, parents[t].ravel(), axis=0), state.carry)  # noqa: B023
        state = state._replace(carry=carry)


def test_where_the_whole_sequence_looks_is_where_its_steps_look(with_positions):
    decoder, context, whole = with_positions
    outputs, weights = decoder(INPUTS, context, looked=True)
    np.testing.assert_allclose(outputs, whole, atol=1e-6)
    state = decoder.init_state(context, LENGTH)
    for t in range(LENGTH):
        _, state = decoder.step(INPUTS[:, t], state)
        np.testing.assert_allclose(decoder.alignment(state), weights[:, t], atol=2e-6)


def test_more_steps_than_learned_positions_are_refused():
    context = cases.context(None)
    decoder = made(context, positions=LearnedPositions(LENGTH))
    state = decoder.init_state(context, LENGTH)
    for use in (lambda: decoder.init_state(context, 6), lambda: decoder.lengthen(decoder.branch(state, 1), 6)):
        with pytest.raises(ValueError, match="there are 5 positions, their limit; found a length of 6"):
            use()


@pytest.mark.parametrize("positions", ["sinusoidal", "relative"])
def test_a_decoder_alone_steps_as_it_hears_the_whole_sequence(positions):
    decoder = made(ALONE, positions=positions)
    whole = decoder(INPUTS, ALONE)
    state = decoder.init_state(ALONE, LENGTH)
    assert tree.flatten(state.fixed) == []
    for t in range(2):
        output, state = decoder.step(INPUTS[:, t], state)
        np.testing.assert_allclose(output, whole[:, t], atol=5e-6)
    rest, _ = decoder.extend(INPUTS[:, 2:], state)
    np.testing.assert_allclose(rest, whole[:, 2:], atol=5e-6)
    assert not any("source" in weight.path for weight in decoder.weights)


def test_a_decoder_is_alone_or_is_not():
    alone, other, memory = made(ALONE), made(cases.context(None)), cases.context(None)
    with pytest.raises(ValueError, match="built on no memory, found a context of a memory"):
        alone.init_state(memory, 3)
    with pytest.raises(ValueError, match="built on a memory, found a context of no memory"):
        other.init_state(ALONE, 3)
    with pytest.raises(ValueError, match="must have a leaf, memory or state"):
        alone.init_state(Context((), (), ()), 3)
    with pytest.raises(ValueError, match="looked needs a context with a memory"):
        alone(INPUTS, ALONE, looked=True)


def test_a_decoder_alone_is_a_model_that_saves_and_shows_one_step(tmp_path):
    model = Seq2Seq(
        TokenTable(cases.VOCABULARY, cases.WIDTH),
        encoder=RecurrentEncoder("gru", cases.WIDTH),
        bridge=CopyStates(),
        decoder=TransformerDecoder(cases.WIDTH, depth=1, heads=2, inner=6, positions="rotary", memory_heads=1),
    )
    cases.shake(model)
    assert not model.has_attention
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    inputs = {"source": cases.sources(), "target": cases.targets()}
    np.testing.assert_array_equal(again(inputs), model(inputs))

    ids, state = ops.convert_to_tensor(cases.targets()[:, 0]), model.init_state(cases.sources(), 4)
    logits, after = again.decoder_model(max_length=4)([ids, state])
    np.testing.assert_allclose(logits, model(inputs)[:, 0], atol=5e-6)
    tree.assert_same_structure(after, state)
