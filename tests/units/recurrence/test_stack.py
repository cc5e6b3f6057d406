"""What stands around the layers of a stack, and what goes with both directions."""

import numpy as np
import pytest
from keras import ops, tree

from seq2seq_keras.recurrence import Cell, Stack
from tests import cases, oracles

STEPS = 6


def ready(stack, inputs: int = 5):
    stack.build((None, None, inputs))
    cases.shake(stack)
    return stack


def begin(stack):
    return [[ops.convert_to_tensor(cases.ramp(3, size, scale=0.5)) for size in sizes] for sizes in stack.state_size]


def test_norms_come_before_and_residuals_after_every_layer_but_the_first():
    stack = ready(Stack(Cell("rnn", residual=True, normalize=True), 4, depth=3))
    inputs = cases.ramp(3, STEPS, 5)
    given = oracles.numbers(inputs)
    for place, (layer, norm) in enumerate(zip(stack.layers, stack.norms)):
        normed = oracles.layer_norm(given, *map(oracles.numbers, norm.weights), epsilon=norm.epsilon)
        weights, h, found = map(oracles.numbers, layer.cell.trainable_weights), np.zeros((3, 4)), []
        weights = list(weights)
        for t in range(STEPS):
            h = oracles.rnn_step(normed[:, t], h, *weights)
            found.append(h)
        found = np.stack(found, axis=1)
        given = found + given if place else found
    np.testing.assert_allclose(stack(inputs)[0], given, atol=1e-5)


@pytest.mark.parametrize("kind", ["rnn", "gru", "lstm"])
def test_steps_equal_the_whole_sequence_with_all_that_can_stand_around(kind):
    stack = ready(Stack(Cell(kind, residual=True, normalize=True, recurrent_dropout=0.5), 4, depth=4, dropout=0.5))
    inputs, state = cases.ramp(3, STEPS, 5), begin(stack)
    whole, last = stack(inputs, state)
    for t in range(STEPS):
        output, state = stack.step(inputs[:, t], state)
        np.testing.assert_allclose(output, whole[:, t], atol=5e-6)
    for one, other in zip(tree.flatten(last), tree.flatten(state), strict=True):
        np.testing.assert_allclose(one, other, atol=5e-6)


def stuck(outputs) -> np.ndarray:
    """(B, D): which units of h_t = tanh(0.5 + h_(t-1) mask) never saw what they said, of (B, T, D) outputs."""
    return np.isclose(outputs, np.tanh(0.5), atol=1e-6).all(axis=1)


@pytest.mark.parametrize("kind", ["whole", "steps"])
def test_recurrent_dropout_takes_the_same_units_at_every_step_and_none_at_inference(kind):
    share, units = 0.25, 64
    stack = Stack(Cell("rnn", recurrent_dropout=share), units)
    stack.build((None, None, 5))
    stack.layers[0].cell.set_weights([np.zeros((5, units)), np.eye(units), np.full(units, 0.5)])
    inputs = cases.ramp(3, STEPS, 5)

    def run(training):
        if kind == "whole":
            return np.array(stack(inputs, training=training)[0])
        state, found = [[ops.zeros((3, units))]], []
        with stack.shared_dropout(state, training):
            for t in range(STEPS):
                output, state = stack.step(inputs[:, t], state, training=training)
                found.append(output)
        return np.stack(found, axis=1)

    cell = stack.layers[0].cell
    outputs, seed = run(training=True), np.array(cell.seed_generator.state)
    assert not stuck(run(training=False)).any()
    np.testing.assert_array_equal(cell.seed_generator.state, seed)  # nothing is drawn at inference
    assert getattr(cell, "_recurrent_dropout_mask", None) is None
    lost = stuck(outputs)
    h = np.full(outputs[:, 0].shape, np.tanh(0.5))
    for t in range(1, STEPS):  # what is kept is scaled up, at every step alike
        h = np.where(lost, np.tanh(0.5), np.tanh(0.5 + h / (1 - share)))
        np.testing.assert_allclose(outputs[:, t], h, atol=1e-5)
    assert abs(lost.mean() - share) < 0.12
    assert not np.array_equal(lost, stuck(run(training=True))), "the same units in every batch"


@pytest.mark.parametrize(("merge", "join"), [("concat", lambda a, b: np.concatenate([a, b], -1)), ("sum", np.add)])
def test_directions_are_joined_in_outputs_and_states_alike(merge, join):
    stack, inputs, real = ready(Stack("rnn", 4, both_ways=merge)), cases.ramp(3, 6, 5), cases.real()
    outputs, [[state]] = stack(inputs, real=real)
    ways = stack.layers[0].forward_layer, stack.layers[0].backward_layer
    weights = [[oracles.numbers(weight) for weight in way.cell.trainable_weights] for way in ways]
    for row, length in enumerate(cases.LENGTHS):
        found = [[], []]
        for way, order in enumerate([range(length), reversed(range(length))]):
            h = np.zeros(weights[way][0].shape[1])
            for t in order:
                h = oracles.rnn_step(inputs[row, t], h, *weights[way])
                found[way].append(h)
        np.testing.assert_allclose(state[row], join(found[0][-1], found[1][-1]), atol=1e-5)
        np.testing.assert_allclose(outputs[row, :length], join(np.array(found[0]), np.array(found[1])[::-1]), atol=1e-5)


@pytest.mark.parametrize("both_ways", [None, "concat", "sum"])
@pytest.mark.parametrize("normalize", [False, True])
def test_parameters_and_capacity_follow_the_formulas(both_ways, normalize):
    stack = ready(Stack(Cell("lstm", normalize=normalize), 8, depth=3, both_ways=both_ways), inputs=5)
    assert stack.parameters(5) == stack.count_params()
    assert stack.capacity == {None: 48, "concat": 48, "sum": 96}[both_ways]


def test_other_ways_to_join_and_odd_widths_are_refused():
    with pytest.raises(ValueError, match="concat, sum or None, found 'mean'"):
        Stack("rnn", 4, both_ways="mean")
    with pytest.raises(ValueError, match="units must be even.*found 5"):
        Stack("rnn", 5, both_ways="concat")


def test_masks_of_a_loop_spare_what_is_told_beside_the_inputs():
    stack = Stack("gru", 6, depth=2, dropout=0.5)
    stack.build((None, None, 9))
    inputs = cases.ramp(3, STEPS, 5)
    assert stack.masks(inputs) == stack.masks(inputs, training=False) == []
    lowest, upper = (np.array(mask) for mask in stack.masks(inputs, training=True))
    assert lowest.shape == (3, STEPS, 9) and upper.shape == (3, STEPS, 6)
    np.testing.assert_array_equal(lowest[..., 5:], 1.0)
    assert set(np.unique(lowest[..., :5])) == set(np.unique(upper)) == {0.0, 2.0}
