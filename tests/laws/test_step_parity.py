"""The whole sequence at once equals one step at a time."""

import numpy as np
import pytest

from tests import cases


@pytest.mark.parametrize("case", cases.DECODERS, ids=str)
def test_one_step_at_a_time_equals_the_whole_sequence(case):
    decoder = case.build()
    inputs, context = cases.ramp(3, 5, cases.WIDTH), cases.context(decoder)
    decoder(inputs, context)
    cases.shake(decoder)
    whole = decoder(inputs, context)  # (B, T, D)

    state = decoder.init_state(context, max_length=5)
    for t in range(5):
        output, state = decoder.step(inputs[:, t], state)
        np.testing.assert_allclose(output, whole[:, t], atol=2e-6)


@pytest.mark.parametrize("case", cases.costly(cases.MODELS), ids=str)
def test_model_steps_equal_teacher_forcing(case):
    model = case.build()
    cases.shake(model)
    source, target = cases.sources(), cases.targets()
    whole = model({"source": source, "target": target})  # (B, T, V)

    state = model.init_state(source, max_length=target.shape[1])
    for t in range(target.shape[1]):
        logits, state = model.step(target[:, t], state)
        np.testing.assert_allclose(logits, whole[:, t], atol=5e-6)


@pytest.mark.parametrize("case", cases.costly(cases.MODELS), ids=str)
def test_a_longer_cache_changes_nothing(case):
    model = case.build()
    cases.shake(model)
    short, long = model.init_state(cases.sources(), 3), model.init_state(cases.sources(), 9)
    for ids in cases.targets().T[:3]:
        (from_short, short), (from_long, long) = model.step(ids, short), model.step(ids, long)
        np.testing.assert_allclose(from_short, from_long, atol=2e-6)
