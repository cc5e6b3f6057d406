"""In which numbers to compute."""

import keras

from seq2seq_keras.errors import InputError

POLICIES = ("float32", "mixed_bfloat16", "mixed_float16")


def choose_precision(asked: str = "auto") -> str:
    """The policy for what was asked: `auto` is mixed_bfloat16 on an accelerator, float32 on a CPU.

    bfloat16 has the range of float32, so that its gradients need no loss scaling. Parts that must stay exact (loss,
    softmax over the vocabulary, scores of search) compute in float32 under every policy.

    Raises:
        InputError: no such policy.
    """
    if asked == "auto":
        return "mixed_bfloat16" if _accelerated() else "float32"
    if asked not in POLICIES:
        raise InputError(f"precision is {asked!r}", expected=f"auto, {', '.join(POLICIES)}")
    return asked


def use_precision(asked: str = "auto") -> str:
    """Sets Keras' global policy to `choose_precision(asked)` and returns its name."""
    policy = choose_precision(asked)
    keras.config.set_dtype_policy(policy)
    return policy


def _accelerated() -> bool:
    return any(not name.startswith("cpu") for name in keras.distribution.list_devices())
