"""The inference loop and what picks the next token; knows a model only as `Stepper`."""

from .beam import Beam
from .generate import Hypotheses, generate
from .pick import Greedy
from .score import score

__all__ = ["Beam", "Greedy", "Hypotheses", "generate", "score"]
