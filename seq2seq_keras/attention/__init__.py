"""How a decoder looks at a memory."""

from .additive import AdditiveAttention
from .dot import DotAttention
from .feed_forward import ACTIVATIONS
from .masks import causal, hide
from .multihead import MultiHeadAttention
from .norms import NORMS

__all__ = ["ACTIVATIONS", "NORMS", "AdditiveAttention", "DotAttention", "MultiHeadAttention", "causal", "hide"]
