"""`Encoded` to `Context`: c = m(h_1..h_S)."""

from .memory import KeepMemory
from .pools import AttentionPool, LastState, MaxPool, MeanPool
from .states import CopyStates, ProjectStates
from .summary import Summary
from .zero import ZeroStates

__all__ = [
    "AttentionPool",
    "CopyStates",
    "KeepMemory",
    "LastState",
    "MaxPool",
    "MeanPool",
    "ProjectStates",
    "Summary",
    "ZeroStates",
]
