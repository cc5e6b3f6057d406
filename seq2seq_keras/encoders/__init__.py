"""Vectors (B, S, D) to `Encoded`: the contextual vectors h_1..h_S."""

from .bidirectional import BidirectionalEncoder
from .recurrent import RecurrentEncoder
from .transformer import TransformerEncoder

__all__ = ["BidirectionalEncoder", "RecurrentEncoder", "TransformerEncoder"]
