"""`Encoded` to `Context`: c = m(h_1..h_S)."""

from .memory import KeepMemory
from .states import CopyStates, ProjectStates

__all__ = ["CopyStates", "KeepMemory", "ProjectStates"]
