"""Strictness: fixed seeds, deterministic kernels, CPU, quiet TensorFlow, no policy left over from another test."""

import os

import pytest


def pytest_configure(config):
    """Before TensorFlow is imported: afterwards these settings come too late."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["KERAS_BACKEND"] = "tensorflow"
    asked = config.getoption("markexpr", "")
    if "gpu" not in asked.replace("not gpu", ""):
        os.environ["CUDA_VISIBLE_DEVICES"] = "-1"


@pytest.fixture(scope="session", autouse=True)
def _deterministic():
    import tensorflow as tf

    tf.config.experimental.enable_op_determinism()


@pytest.fixture(autouse=True)
def _fresh(_deterministic):
    """Same seeds before, the same global policy after each test."""
    import keras

    keras.utils.set_random_seed(1)
    policy = keras.config.dtype_policy()
    yield
    keras.config.set_dtype_policy(policy)


@pytest.fixture(scope="module", autouse=True)
def _cleared(_deterministic):
    """What Keras keeps of a module's models goes with it. After every test this would take most of the time."""
    yield
    import keras

    keras.backend.clear_session()
