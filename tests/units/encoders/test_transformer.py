import numpy as np
import pytest

from seq2seq_keras.encoders import TransformerEncoder
from tests import cases, oracles


def norm(layer, x):
    return oracles.layer_norm(x, *map(oracles.numbers, layer.weights))


@pytest.mark.parametrize("norms", ["pre", "post"])
def test_a_layer_has_its_norms_where_the_papers_have_them(norms):
    encoder, inputs, real = TransformerEncoder(8, 1, 2, 6, norms=norms), cases.ramp(3, 6, 8), cases.real()
    encoder(inputs, real)
    cases.shake(encoder)
    (layer,) = encoder.layers

    def attention(x):
        return oracles.numbers(layer.attention(x.astype("float32"), x.astype("float32"), real[:, None, None]))

    def feed_forward(x):
        return oracles.numbers(layer.feed_forward(x.astype("float32")))

    x = oracles.numbers(encoder.positions(inputs))
    if norms == "pre":
        x = x + attention(norm(layer.attention_norm, x))
        x = norm(encoder.norm, x + feed_forward(norm(layer.feed_forward_norm, x)))
    else:
        x = norm(layer.attention_norm, x + attention(x))
        x = norm(layer.feed_forward_norm, x + feed_forward(x))
    np.testing.assert_allclose(encoder(inputs, real).sequence, x, atol=1e-5)


def test_positions_of_heads_and_scores_tell_one_order_from_another():
    """Without positions the encoder of a reversed text is the reversed encoder's; with any it is not."""
    inputs, real = cases.ramp(1, 4, 8), np.ones((1, 4), bool)
    for positions in ("none", "sinusoidal", "learned", "rotary", "relative"):
        encoder = TransformerEncoder(8, 1, 2, 6, positions=positions)
        encoder(inputs, real)
        cases.shake(encoder)
        there = np.array(encoder(inputs[:, ::-1], real).sequence)[:, ::-1]
        apart = np.abs(there - np.array(encoder(inputs, real).sequence)).max()
        assert (apart < 1e-5) == (positions == "none"), positions


def test_norms_must_have_a_place():
    with pytest.raises(ValueError, match=r"norms must be one of \['pre', 'post'\], found 'middle'"):
        TransformerEncoder(8, 1, 2, 6, norms="middle")
