"""Graph and XLA give the eager numbers, and a step is traced once."""

import numpy as np
import pytest
import tensorflow as tf

from tests import cases


@pytest.mark.parametrize("case", cases.costly(cases.MODELS), ids=str)
@pytest.mark.parametrize("jit", [False, True], ids=["graph", "xla"])
def test_compiled_call_equals_eager(case, jit):
    model = case.build()
    cases.shake(model)
    inputs = {"source": tf.constant(cases.sources()), "target": tf.constant(cases.targets())}
    compiled = tf.function(lambda given: model(given), jit_compile=jit)
    np.testing.assert_allclose(compiled(inputs), model(inputs), atol=1e-5)


@pytest.mark.parametrize("case", cases.costly(cases.MODELS), ids=str)
def test_step_is_traced_once(case):
    model = case.build()
    traces = []

    @tf.function
    def step(ids, state):
        traces.append(1)
        return model.step(ids, state)

    state = model.init_state(cases.sources(), max_length=4)
    for ids in cases.targets().T[:4]:
        _, state = step(tf.constant(ids), state)
    assert len(traces) == 1
