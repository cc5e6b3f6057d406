"""A saved model steps as the live one: the same context, the same state leaf by leaf, the same logits."""

import numpy as np
import pytest
import tensorflow as tf
from keras import tree

from seq2seq_keras.context import Context
from seq2seq_keras.export import signatures
from tests import cases

LENGTH = 3


@pytest.mark.parametrize("case", cases.costly(cases.MODELS), ids=str)
def test_endpoints_of_ids_equal_the_live_model(case, tmp_path):
    model = case.build()
    cases.shake(model)
    module = tf.Module()
    module.weights = [weight.value for weight in model.weights]
    with signatures.portable(model):
        tf.saved_model.save(module, str(tmp_path), signatures=signatures.of_ids(model, LENGTH))
    saved = tf.saved_model.load(str(tmp_path)).signatures

    # Other lengths and another batch than it was traced with: it was traced with none.
    source, target = tf.constant(cases.sources(padding=2)[:2]), tf.constant(cases.targets(LENGTH)[:2])
    assert len(saved["encode"](source=source)) == len(tree.flatten(Context(*model.encode(source))))
    state, leaves = model.init_state(source, LENGTH), dict(saved["init_state"](source=source))
    same(state.carry, leaves, "carry")
    same(state.fixed, leaves, "fixed")
    for t in range(LENGTH):
        logits, state = model.step(target[:, t], state)
        after = dict(saved["step"](ids=target[:, t], **leaves))
        np.testing.assert_allclose(after.pop("logits"), logits, atol=5e-6)
        leaves |= after
        same(state.carry, leaves, "carry")


def same(nest, leaves: dict, prefix: str):
    """Every leaf of the nest is there under its name, with its dtype and values."""
    expected = tree.flatten(nest)
    assert len(expected) == sum(name.startswith(prefix) for name in leaves)
    for place, leaf in enumerate(expected):
        found = leaves[f"{prefix}_{place}"]
        assert found.dtype == leaf.dtype
        np.testing.assert_allclose(np.float32(found), np.float32(leaf), atol=5e-6)
