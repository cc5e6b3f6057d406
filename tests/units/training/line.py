"""A model of one layer and a few rows, some of them no numbers: training without the time it takes."""

import keras
import numpy as np
import tensorflow as tf

from seq2seq_keras import training

ROWS = 12


def compiled(policy: str = "float32") -> keras.Model:
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, dtype=policy)])
    model.compile(training.GuardedOptimizer(keras.optimizers.Adam(0.1), 1.0), "mse", metrics=["mae"], jit_compile=False)
    if policy == "mixed_float16":  # a global policy makes `compile` do so
        scaled = keras.optimizers.LossScaleOptimizer(model.optimizer, initial_scale=64.0)
        model.compile(scaled, "mse", metrics=["mae"], jit_compile=False)
    return model


def batches(bad=(), keep=None):
    inputs = np.random.default_rng(1).normal(size=(ROWS, 1, 2)).astype("float32")
    labels = inputs.sum(axis=-1, keepdims=True)
    for step in bad:
        inputs[step] = np.nan
    chosen = [step for step in range(ROWS) if keep is None or step in keep]
    return tf.data.Dataset.from_tensor_slices((inputs[chosen], labels[chosen]))
