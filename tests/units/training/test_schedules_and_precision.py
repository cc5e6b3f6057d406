import keras
import numpy as np
import pytest

from seq2seq_keras import training
from seq2seq_keras.errors import InputError


def test_inverse_square_root_rises_in_a_line_and_falls_with_the_root():
    schedule = training.InverseSquareRoot(peak=2.0, warmup=4)
    rates = [float(schedule(step)) for step in range(16)]
    expected = [2.0 * min(n / 4, (4 / n) ** 0.5) for n in range(1, 17)]
    np.testing.assert_allclose(rates, expected, rtol=1e-6)
    assert max(rates) == rates[3] == 2.0


def test_a_schedule_is_kept_in_a_config():
    optimizer = keras.optimizers.Adam(training.InverseSquareRoot(1e-3, 100))
    again = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert float(again.learning_rate) == float(optimizer.learning_rate)


def test_no_warmup_begins_at_the_peak():
    assert float(training.InverseSquareRoot(3.0, 0)(0)) == 3.0


@pytest.mark.parametrize("arguments", [(0.0, 10), (-1.0, 10), (1.0, -1)])
def test_senseless_schedules_are_refused(arguments):
    with pytest.raises(ValueError, match="peak must be positive"):
        training.InverseSquareRoot(*arguments)


def test_precision_is_float32_on_a_cpu_and_bfloat16_elsewhere(monkeypatch):
    monkeypatch.setattr(keras.distribution, "list_devices", lambda: ["cpu:0"])
    assert training.choose_precision() == "float32"
    monkeypatch.setattr(keras.distribution, "list_devices", lambda: ["gpu:0"])
    assert training.choose_precision() == "mixed_bfloat16"


def test_an_unknown_precision_is_named():
    with pytest.raises(InputError, match="float8"):
        training.use_precision("float8")
