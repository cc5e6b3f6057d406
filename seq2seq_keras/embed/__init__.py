"""Whatever comes in, as vectors (B, S, D)."""

from .frozen import FrozenTable
from .learned import LearnedPositions
from .position_kinds import POSITIONS, positions_of
from .positions import NoPositions, Placed, SinusoidalPositions
from .projected import ProjectedTable
from .relative import RelativePositions
from .rotary import RotaryPositions
from .tokens import TokenTable

__all__ = [
    "POSITIONS",
    "FrozenTable",
    "LearnedPositions",
    "NoPositions",
    "Placed",
    "ProjectedTable",
    "RelativePositions",
    "RotaryPositions",
    "SinusoidalPositions",
    "TokenTable",
    "positions_of",
]
