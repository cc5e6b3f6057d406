"""Vectors (B, S, D) to `Encoded`: the contextual vectors h_1..h_S."""

from .bidirectional import BidirectionalEncoder
from .convolutional import ConvolutionalEncoder
from .pyramidal import PyramidalEncoder
from .recurrent import RecurrentEncoder
from .reversed import ReversedEncoder
from .transformer import TransformerEncoder

__all__ = [
    "BidirectionalEncoder",
    "ConvolutionalEncoder",
    "PyramidalEncoder",
    "RecurrentEncoder",
    "ReversedEncoder",
    "TransformerEncoder",
]
