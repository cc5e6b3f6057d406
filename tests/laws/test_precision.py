"""Every family runs and trains in float32, mixed_bfloat16 and mixed_float16; logits stay float32."""

import keras
import numpy as np
import pytest
from keras import tree

from seq2seq_keras import models
from seq2seq_keras.objectives import CrossEntropy
from seq2seq_keras.serial import global_policy
from tests import cases

TOLERANCE = {"float32": 5e-6, "mixed_bfloat16": 0.08, "mixed_float16": 0.01}


@pytest.fixture(params=sorted(TOLERANCE))
def policy(request):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(request.param)
    yield request.param
    keras.config.set_dtype_policy(before)


@pytest.mark.parametrize("case", cases.costly(cases.MODELS), ids=str)
def test_step_parity_and_a_training_step_under_each_policy(case, policy):
    model = case.build()
    source, target = cases.sources(), cases.targets()
    whole = model({"source": source, "target": target})
    assert keras.backend.standardize_dtype(whole.dtype) == "float32"

    state = model.init_state(source, max_length=target.shape[1])
    dtypes = [str(leaf.dtype) for leaf in tree.flatten(state)]
    for t in range(target.shape[1]):
        logits, state = model.step(target[:, t], state)
        np.testing.assert_allclose(logits, whole[:, t], atol=TOLERANCE[policy])
        assert (np.asarray(logits).view("uint32") & 0xFFFF).any(), "logits with the bits of bfloat16 alone"
    assert [str(leaf.dtype) for leaf in tree.flatten(state)] == dtypes

    model.compile(keras.optimizers.Adam(1e-3), CrossEntropy(0.1), jit_compile=False, run_eagerly=True)
    loss = model.train_on_batch({"source": source, "target": target}, np.roll(target, -1, 1))
    assert np.isfinite(loss)


@pytest.mark.parametrize("case", cases.costly(cases.MODELS), ids=str)
def test_a_model_is_loaded_in_the_precision_it_was_made_in_and_recast_to_another(case, tmp_path):
    with global_policy("mixed_bfloat16"):
        model = case.build()
        inputs = {"source": cases.sources(), "target": cases.targets()}
        expected = model(inputs)
        model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again(inputs), expected)

    exact = case.build()
    exact.set_weights(model.get_weights())
    recast = models.recast(again, "float32")
    np.testing.assert_array_equal(recast(inputs), exact(inputs))
    assert recast.dtype_policy.name == "float32" and again.dtype_policy.name == "mixed_bfloat16"
