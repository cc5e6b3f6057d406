"""Raw pairs in, padded batches out."""

from .batch import batch
from .corpus import Corpus
from .examples import Examples, Ragged
from .plan import BatchPlan, plan
from .read import read_lines, read_pairs
from .toy import copy_pairs, reverse_pairs

__all__ = [
    "BatchPlan",
    "Corpus",
    "Examples",
    "Ragged",
    "batch",
    "copy_pairs",
    "plan",
    "read_lines",
    "read_pairs",
    "reverse_pairs",
]
