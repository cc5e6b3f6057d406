"""Figures about predictions: while training, over decoded text, over edits."""

from .consensus import consensus
from .edit import error_rate
from .overlap import Overlap, Significance, bleu, chrf, compare
from .sequence import Perplexity, TokenAccuracy

__all__ = [
    "Overlap",
    "Perplexity",
    "Significance",
    "TokenAccuracy",
    "bleu",
    "chrf",
    "compare",
    "consensus",
    "error_rate",
]
