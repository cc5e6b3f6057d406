import numpy as np
import pytest

from seq2seq_keras.attention import ACTIVATIONS
from seq2seq_keras.attention.feed_forward import FeedForward
from tests import cases, oracles

GATES = {"reglu": "relu", "geglu": "gelu", "swiglu": "silu"}


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_feed_forward_is_the_papers_formula(activation):
    part, inputs = FeedForward(8, 6, activation), cases.ramp(2, 3, 8, scale=2.0)
    part(inputs)
    cases.shake(part)
    w, b, v, c = (oracles.numbers(weight) for layer in (part.widen, part.narrow) for weight in layer.weights)
    inner = inputs @ w + b
    if activation in GATES:
        inner = oracles.activation(GATES[activation])(inner[..., :6]) * inner[..., 6:]
    else:
        inner = oracles.activation(activation)(inner)
    np.testing.assert_allclose(part(inputs), inner @ v + c, atol=1e-5)


def test_two_thirds_of_the_inner_width_make_a_gated_part_as_large():
    sizes = []
    for inner, activation in ((96, "relu"), (64, "swiglu")):
        part = FeedForward(8, inner, activation)
        part.build((None, None, 8))
        sizes.append(sum(np.prod(weight.shape) for weight in part.weights if len(weight.shape) == 2))
    assert sizes[0] == sizes[1]


def test_an_unknown_activation_is_refused():
    with pytest.raises(ValueError, match="activation must be one of .*'swiglu'.*, found 'swish'"):
        FeedForward(8, 6, "swish")
