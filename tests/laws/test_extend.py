"""Several steps at once equal one after the other; what was rewound was never said."""

import numpy as np
import pytest
import tensorflow as tf
from keras import ops, tree

from tests import cases

ABLE = [case for case in cases.MODELS if case.name.startswith("transformer")]
LENGTH = 5


@pytest.fixture(params=cases.costly(ABLE), ids=str)
def model(request):
    model = request.param.build()
    cases.shake(model)
    return model


def one_by_one(model, ids, state):
    """(B, N) ids by N steps: logits (B, N, V) and the state after them."""
    found = []
    for now in np.asarray(ids).T:
        logits, state = model.step(now, state)
        found.append(logits)
    return np.stack(found, axis=1), state


def same(one, other):
    tree.assert_same_structure(one, other)
    for left, right in zip(tree.flatten(one), tree.flatten(other), strict=True):
        assert left.dtype == right.dtype
        np.testing.assert_allclose(left, right, atol=2e-6)


def kept(state, steps):
    """The state with what lies beyond its position taken from its caches."""
    caches = tree.map_structure(lambda cache: cache[:, :, :steps], state.carry.caches)
    return state._replace(carry=state.carry._replace(caches=caches))


@pytest.mark.parametrize("case", cases.costly(cases.MODELS), ids=str)
def test_only_who_can_says_so(case):
    model = case.build()
    assert (model.extend is not None) == (model.rewind is not None) == (case in ABLE)


@pytest.mark.parametrize("cut", range(LENGTH))
def test_several_steps_at_once_equal_one_after_the_other(model, cut):
    target, start = cases.targets(LENGTH), model.init_state(cases.sources(), LENGTH + 2)
    expected, after = one_by_one(model, target, start)
    first, state = model.extend(target[:, :cut], start) if cut else (expected[:, :0], start)
    second, state = model.extend(target[:, cut:], state)
    np.testing.assert_allclose(np.concatenate([first, second], axis=1), expected, atol=5e-6)
    same(state, after)


def test_rows_that_stand_at_different_places_extend_each_from_its_own(model):
    """Rows go back by 0, 1 and 2 steps and are then told something else."""
    target, other = cases.targets(LENGTH), cases.targets(LENGTH)[::-1, 1:4]
    _, state = model.extend(target, model.init_state(cases.sources(), LENGTH + 3))
    told, _ = model.extend(other, model.rewind(state, ops.convert_to_tensor([5, 4, 3], "int32")))
    for row, steps in enumerate([5, 4, 3]):
        alone = model.init_state(cases.sources()[row : row + 1], LENGTH + 3)
        _, alone = one_by_one(model, target[row : row + 1, :steps], alone)
        expected, _ = one_by_one(model, other[row : row + 1], alone)
        np.testing.assert_allclose(told[row : row + 1], expected, atol=5e-6)


def test_what_was_rewound_was_never_said(model):
    target, start = cases.targets(LENGTH), model.init_state(cases.sources(), LENGTH)
    _, twice = model.extend(target[:, :3], start)
    back = model.rewind(twice, ops.full((3,), 2, dtype="int32"))
    _, once = model.extend(target[:, :2], start)
    same(kept(back, 2).carry[:2], kept(once, 2).carry[:2])
    same(model.step(target[:, 4], kept_open(back))[0], model.step(target[:, 4], once)[0])


def kept_open(state):
    """The state with nonsense in its caches beyond the second step: nothing may look at it."""
    places = np.arange(LENGTH).reshape(1, 1, -1, 1)
    caches = tree.map_structure(lambda cache: ops.where(places < 2, cache, 1e3), state.carry.caches)
    return state._replace(carry=state.carry._replace(caches=caches))


def test_beyond_the_room_nothing_before_it_changes(model):
    target = cases.targets(LENGTH)
    expected, _ = model.extend(target, model.init_state(cases.sources(), LENGTH))
    found, _ = model.extend(target, model.init_state(cases.sources(), 3))
    np.testing.assert_allclose(found[:, :3], expected[:, :3], atol=5e-6)


@pytest.mark.parametrize("compiled", [False, True], ids=["graph", "xla"])
def test_in_a_graph_as_eagerly(model, compiled):
    ids = tf.TensorSpec([None, 3], tf.int32)

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.int32), ids], jit_compile=compiled)
    def run(source, ids):
        return model.extend(ids, model.init_state(source, LENGTH))

    target = cases.targets(3)
    same(run(cases.sources(), target), model.extend(target, model.init_state(cases.sources(), LENGTH)))
