"""Raw pairs in, padded batches out."""

from .alignment import Shift, shifts
from .batch import batch
from .cleaning import UNUSABLE, Cleaning
from .corpus import Corpus
from .examples import Examples, Ragged
from .partitions import Partition
from .plan import BatchPlan, plan
from .read import read_lines, read_pairs
from .shard_batches import ShardPlan
from .shard_files import write_shard
from .shards import Shards
from .sides import Sides
from .span_rows import read_span
from .spans import Span, Spans, find_spans
from .survey import overlap, survey
from .suspicions import misaligned, swapped
from .tally import Tally
from .toy import copy_pairs, reverse_pairs, sort_pairs
from .vectors import Vectors, read_vectors, vectors_width

__all__ = [
    "UNUSABLE",
    "BatchPlan",
    "Cleaning",
    "Corpus",
    "Examples",
    "Partition",
    "Ragged",
    "ShardPlan",
    "Shards",
    "Shift",
    "Sides",
    "Span",
    "Spans",
    "Tally",
    "Vectors",
    "batch",
    "copy_pairs",
    "find_spans",
    "misaligned",
    "overlap",
    "plan",
    "read_lines",
    "read_pairs",
    "read_span",
    "read_vectors",
    "reverse_pairs",
    "shifts",
    "sort_pairs",
    "survey",
    "swapped",
    "vectors_width",
    "write_shard",
]
