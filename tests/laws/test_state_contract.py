"""State is a value: batch first, constant shapes and dtypes, the fixed part untouched."""

import numpy as np
import pytest
from keras import ops, tree

from tests import cases


def leaves(nest):
    return [(tuple(leaf.shape), str(leaf.dtype)) for leaf in tree.flatten(nest)]


@pytest.mark.parametrize("case", cases.DECODERS, ids=str)
def test_every_leaf_is_batch_first_and_constant(case):
    decoder = case.build()
    inputs, context = cases.ramp(3, 4, cases.WIDTH), cases.context(decoder)
    decoder(inputs, context)
    first = state = decoder.init_state(context, max_length=4)
    assert all(shape[0] == 3 for shape, _ in leaves(state))
    for t in range(4):
        before = state
        _, state = decoder.step(inputs[:, t], state)
        tree.assert_same_structure(before, state)
        assert leaves(state) == leaves(first)
        for old, new in zip(tree.flatten(before.fixed), tree.flatten(state.fixed)):
            np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("case", cases.DECODERS, ids=str)
def test_a_step_leaves_its_argument_as_it_was(case):
    decoder = case.build()
    inputs, context = cases.ramp(3, 4, cases.WIDTH), cases.context(decoder)
    decoder(inputs, context)
    state = decoder.init_state(context, max_length=4)
    kept = [np.array(leaf) for leaf in tree.flatten(state)]
    first, _ = decoder.step(inputs[:, 0], state)
    again, _ = decoder.step(inputs[:, 0], state)
    np.testing.assert_array_equal(first, again)
    for old, leaf in zip(kept, tree.flatten(state)):
        np.testing.assert_array_equal(old, leaf)


@pytest.mark.parametrize("case", cases.costly(cases.MODELS), ids=str)
def test_reordering_and_stepping_commute(case):
    model = case.build()
    cases.shake(model)
    source, target, order = cases.sources(), cases.targets(), [2, 0, 0]
    state = model.init_state(source, max_length=4)
    _, state = model.step(target[:, 0], state)

    logits, after = model.step(target[:, 1], state)
    moved = tree.map_structure(lambda leaf: ops.take(leaf, order, axis=0), state)
    moved_logits, moved_after = model.step(target[order, 1], moved)

    np.testing.assert_allclose(ops.take(logits, order, axis=0), moved_logits, atol=2e-6)
    for leaf, moved_leaf in zip(tree.flatten(after), tree.flatten(moved_after)):
        np.testing.assert_allclose(ops.take(leaf, order, axis=0), moved_leaf, atol=2e-6)
