"""Every trainable weight learns."""

import numpy as np
import pytest
import tensorflow as tf

from seq2seq_keras.objectives import CrossEntropy
from tests import cases


@pytest.mark.parametrize("case", cases.MODELS, ids=str)
def test_every_weight_gets_a_finite_gradient(case):
    model = case.build()
    cases.shake(model)
    source, target = cases.sources(), cases.targets()
    with tf.GradientTape() as tape:
        loss = CrossEntropy(0.1)(np.roll(target, -1, 1), model({"source": source, "target": target}, training=True))
    gradients = tape.gradient(loss, [weight.value for weight in model.trainable_weights])
    for weight, gradient in zip(model.trainable_weights, gradients):
        assert gradient is not None, weight.path
        values = tf.convert_to_tensor(gradient).numpy()
        assert np.isfinite(values).all(), weight.path
        assert np.abs(values).max() > 0, weight.path
