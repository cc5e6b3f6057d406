"""The position-wise half of a Transformer layer."""

import keras
from keras import activations, ops

from seq2seq_keras.serial import serializable


def _gelu(x):
    """x times the probability that a standard normal number lies below it; not the approximation by tanh."""
    return activations.gelu(x, approximate=False)


_PLAIN = {"relu": activations.relu, "gelu": _gelu, "silu": activations.silu}
_GATED = {"reglu": activations.relu, "geglu": _gelu, "swiglu": activations.silu}
ACTIVATIONS = (*_PLAIN, *_GATED)
"""What may stand between the two maps."""


@serializable
class FeedForward(keras.layers.Layer):
    """Two dense maps with an activation f between, the same at every position.

    f(x W + b) V + c; gated (f(x W + b) * (x U + a)) V + c, whose U makes it half as large again: two thirds of
    `inner` give a gated part the size of a plain one.

    Args:
        width: model width D.
        inner: width between the two maps.
        activation: `relu`, `gelu` or `silu`; gated `reglu`, `geglu` or `swiglu`.

    Call:
        inputs: (B, T, D) float.
        returns: (B, T, D) float.

    Raises:
        ValueError: another activation.

    Reference: Vaswani et al., 2017, section 3.3; Shazeer, 2020 for the gated ones (there without biases).
    """

    def __init__(self, width: int, inner: int, activation: str = "relu", **kwargs):
        super().__init__(**kwargs)
        if activation not in ACTIVATIONS:
            raise ValueError(f"activation must be one of {list(ACTIVATIONS)}, found {activation!r}")
        self.width, self.inner, self.activation = width, inner, activation
        # W and U in one product.
        outputs = 2 * inner if self.gated else inner
        self.widen = keras.layers.Dense(outputs, activation=_PLAIN.get(activation), name="widen")
        self.narrow = keras.layers.Dense(width, name="narrow")

    @property
    def gated(self) -> bool:
        return self.activation in _GATED

    def build(self, inputs_shape):
        self.widen.build(inputs_shape)
        self.narrow.build((*inputs_shape[:-1], self.inner))

    def call(self, inputs):
        inner = self.widen(inputs)
        if self.gated:
            gate, value = ops.split(inner, 2, axis=-1)
            inner = _GATED[self.activation](gate) * value
        return self.narrow(inner)

    def compute_output_shape(self, inputs_shape):
        return inputs_shape
