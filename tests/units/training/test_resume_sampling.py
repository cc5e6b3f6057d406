"""What is random about an objective belongs to the step: a resumed run draws what it would have drawn."""

import keras
import numpy as np
import pytest

from seq2seq_keras import objectives, training
from tests.units.training import small
from tests.units.training.test_checkpoints import Die

pytestmark = pytest.mark.filterwarnings("ignore:Your input ran out of data")


def compiled():
    model = small.compiled()
    loss = objectives.ScheduledSampling(objectives.CrossEntropy(), objectives.Linear(0.2), sample=True)
    model.compile(keras.optimizers.Adam(1e-2), loss, run_eagerly=True)
    return model


def test_scheduled_sampling_resumes_exactly(tmp_path):
    made, _ = small.examples()
    whole = compiled()
    small.fit(whole, made, epochs=1)
    with pytest.raises(RuntimeError, match="killed"):
        small.fit(compiled(), made, callbacks=[training.Checkpoints(tmp_path, every=1), Die(3)], epochs=1)
    keras.utils.set_random_seed(99)
    model, checkpoints = compiled(), training.Checkpoints(tmp_path, every=1)
    position = checkpoints.restore(model)
    assert position == (0, 3)
    small.fit(model, made, position, [checkpoints], epochs=1)
    for ours, theirs in zip(model.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
