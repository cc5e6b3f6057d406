"""Raw pairs in, padded batches out."""

from .alignment import Shift, shifts
from .batch import batch
from .corpus import Corpus
from .examples import Examples, Ragged
from .plan import BatchPlan, plan
from .read import read_lines, read_pairs
from .sides import Sides
from .survey import overlap, survey
from .suspicions import misaligned, swapped
from .toy import copy_pairs, reverse_pairs, sort_pairs
from .vectors import Vectors, read_vectors, vectors_width

__all__ = [
    "BatchPlan",
    "Corpus",
    "Examples",
    "Ragged",
    "Shift",
    "Sides",
    "Vectors",
    "batch",
    "copy_pairs",
    "misaligned",
    "overlap",
    "plan",
    "read_lines",
    "read_pairs",
    "read_vectors",
    "reverse_pairs",
    "shifts",
    "sort_pairs",
    "survey",
    "swapped",
    "vectors_width",
]
