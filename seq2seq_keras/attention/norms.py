"""Where a Transformer's layer norms stand around its residual connections."""

import keras

NORMS = ("pre", "post")
"""`pre`: x + f(norm(x)), and a last norm after the stack (Xiong et al., 2020). `post`: norm(x + f(x)), and no last norm
(Vaswani et al., 2017); deep stacks of it need a slow start of the learning rate."""


def layer_norm() -> keras.layers.LayerNormalization:
    """(x - mean) / sqrt(variance + 1e-6) over the last axis, scaled and shifted (Ba et al., 2016)."""
    return keras.layers.LayerNormalization(epsilon=1e-6)


def last_norm(norms: str) -> keras.layers.LayerNormalization | None:
    """What closes a stack; None where its layers already end in norms.

    Raises:
        ValueError: `norms` is none of `NORMS`.
    """
    if norms not in NORMS:
        raise ValueError(f"norms must be one of {list(NORMS)}, found {norms!r}")
    return layer_norm() if norms == "pre" else None


def before(norms: str, norm, inputs):
    """What f sees of its inputs."""
    return norm(inputs) if norms == "pre" else inputs


def after(norms: str, norm, inputs, change):
    """The inputs changed by what f made of them."""
    return inputs + change if norms == "pre" else norm(inputs + change)
