import json

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from seq2seq_keras.objectives import Constant, Exponential, InverseSigmoid, Linear
from tests import oracles

COUNTS = range(0, 400, 7)
SCHEDULES = [
    (Constant(0.25), oracles.constant(0.25)),
    (Linear(0.05), oracles.linear(0.05, 0.0)),
    (Linear(0.01, floor=0.3), oracles.linear(0.01, 0.3)),
    (Exponential(0.98), oracles.exponential(0.98)),
    (InverseSigmoid(12.0), oracles.inverse_sigmoid(12.0)),
]
ids = [repr(schedule) for schedule, _ in SCHEDULES]


@pytest.mark.parametrize("schedule,formula", SCHEDULES, ids=ids)
def test_probabilities_are_those_of_the_formula(schedule, formula):
    found = [float(schedule(count)) for count in COUNTS]
    np.testing.assert_allclose(found, [formula(count) for count in COUNTS], rtol=1e-5, atol=1e-7)


@settings(max_examples=30, deadline=None)
@given(
    some.sampled_from([Linear, Exponential]).flatmap(lambda kind: some.builds(kind, some.floats(0.0, 1.0)))
    | some.builds(InverseSigmoid, some.floats(1.0, 1e4)),
    some.integers(0, 10**6),
)
def test_a_schedule_never_rises_and_stays_a_probability(schedule, count):
    now, later = float(schedule(count)), float(schedule(count + 1))
    assert 0.0 <= later <= now <= 1.0


@pytest.mark.parametrize("schedule", [Linear(0.1), Exponential(0.5)], ids=repr)
def test_the_first_count_is_teacher_forcing(schedule):
    assert float(schedule(0)) == 1.0


def test_an_inverse_sigmoid_is_a_half_at_k_log_k():
    np.testing.assert_allclose(InverseSigmoid(100.0)(np.float32(100.0 * np.log(100.0))), 0.5, atol=1e-5)


@pytest.mark.parametrize("schedule", [schedule for schedule, _ in SCHEDULES], ids=ids)
def test_config_round_trip(schedule):
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(schedule)))
    assert keras.saving.deserialize_keras_object(config) == schedule


@pytest.mark.parametrize(
    "build,message",
    [
        (lambda: Constant(1.5), "share must be from 0 to 1, found 1.5"),
        (lambda: Linear(-0.1), "k must be 0 or more, found -0.1"),
        (lambda: Linear(0.1, floor=2.0), "floor must be from 0 to 1, found 2.0"),
        (lambda: Exponential(1.1), "k must be from 0 to 1, found 1.1"),
        (lambda: InverseSigmoid(0.5), "k must be 1 or more, found 0.5"),
        (lambda: InverseSigmoid(float("nan")), "k must be 1 or more, found nan"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_senseless_schedules_are_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()
