"""Whatever comes in, as vectors (B, S, D)."""

from .positions import SinusoidalPositions
from .tokens import TokenTable

__all__ = ["SinusoidalPositions", "TokenTable"]
