"""Recurrent cells and stacks of them: what recurrent encoders and decoders are made of."""

from .cell import Cell
from .stack import Stack

__all__ = ["Cell", "Stack"]
