"""How a decoder looks at a memory."""

from .additive import AdditiveAttention
from .masks import causal, hide
from .multihead import MultiHeadAttention

__all__ = ["AdditiveAttention", "MultiHeadAttention", "causal", "hide"]
