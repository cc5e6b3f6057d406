"""Strictness: fixed seeds, deterministic kernels, CPU, quiet TensorFlow, no policy left over from another test."""

import gc
import os

import pytest
from hypothesis import given
from hypothesis.strategies import none


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


@pytest.fixture(scope="session", autouse=True)
def _rarely_collected(_deterministic):
    """What is imported stays. To look through it for garbage again and again takes a fifth of the time of the tests."""
    # Before its first test Hypothesis asks who holds NumPy's random state: of what is frozen nothing is told.
    given(none())(lambda _: None)()
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


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
