"""The same model, computing in other numbers."""

import keras

from seq2seq_keras.models.seq2seq import Seq2Seq


def recast(model: Seq2Seq, policy: str) -> Seq2Seq:
    """A model of the same parts and weights under another precision policy, uncompiled.

    What was trained in mixed precision on an accelerator answers faster in float32 on a CPU, whose products of a few
    rows gain nothing from smaller numbers.

    Args:
        model: as it was trained.
        policy: of Keras, such as `float32`.

    Raises:
        ValueError: no such policy.
    """
    made = Seq2Seq.from_config(_under(model.get_config(), keras.dtype_policies.get(policy)))
    made.set_weights(model.get_weights())
    return made


def _under(config, policy: keras.DTypePolicy):
    """A config with every policy in it replaced."""
    if isinstance(config, dict):
        if config.get("class_name") == "DTypePolicy":
            return keras.saving.serialize_keras_object(policy)
        return {name: _under(value, policy) for name, value in config.items()}
    return [_under(value, policy) for value in config] if isinstance(config, list | tuple) else config
