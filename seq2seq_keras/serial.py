"""Keras serialisation for every part: one decorator instead of a `get_config` in each file."""

import functools
import inspect
from contextlib import contextmanager

import keras

PACKAGE = "seq2seq_keras"


def serializable(cls):
    """Registers a Keras class and gives it `get_config` and `from_config` from its constructor's arguments.

    Every constructor argument must be kept under its own name on the object. Arguments that are Keras objects
    (layers, initializers) are serialised with it, so a model's config holds its parts. What a layer makes in its
    constructor computes in the layer's own precision: what was trained in another one than the global policy's of
    today loads as it was.
    """
    names = [
        name
        for name, parameter in inspect.signature(cls.__init__).parameters.items()
        if name != "self" and parameter.kind is not inspect.Parameter.VAR_KEYWORD
    ]
    is_layer = issubclass(cls, keras.layers.Layer) and not issubclass(cls, keras.Model)

    def get_config(self) -> dict:
        config = {name: keras.saving.serialize_keras_object(getattr(self, name)) for name in names}
        if hasattr(self, "name"):
            config["name"] = self.name
        if is_layer:
            config["dtype"] = keras.saving.serialize_keras_object(self.dtype_policy)
            config["trainable"] = self.trainable
        return config

    def from_config(cls, config: dict):
        return cls(**{name: keras.saving.deserialize_keras_object(value) for name, value in config.items()})

    if is_layer:
        cls.__init__ = _of_one_precision(cls.__init__)
    cls.get_config = get_config
    cls.from_config = classmethod(from_config)
    return keras.saving.register_keras_serializable(package=PACKAGE)(cls)


def _of_one_precision(construct):
    """A constructor inside which the global policy is that of `dtype`."""

    @functools.wraps(construct)
    def __init__(self, *args, dtype=None, **kwargs):
        with global_policy(dtype):
            construct(self, *args, dtype=dtype, **kwargs)

    __init__.__signature__ = inspect.signature(construct)  # Keras looks at this one, not at what is wrapped
    return __init__


@contextmanager
def global_policy(dtype):
    """Keras' global precision policy is this one for a while; None leaves it as it is."""
    before = keras.config.dtype_policy()
    if dtype is not None:
        keras.config.set_dtype_policy(keras.dtype_policies.get(dtype))
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
