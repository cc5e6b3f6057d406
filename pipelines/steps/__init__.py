"""The verbs every pipeline shares: read, prepare, build, fit, choose, measure."""

from .building import build, translator
from .choosing import choose_weights, measure
from .fitting import best_weights, fit
from .material import Material, begin, describe, learn, prepare, validation
from .reading import check_files, read, read_training

__all__ = [
    "Material",
    "begin",
    "best_weights",
    "build",
    "check_files",
    "choose_weights",
    "describe",
    "fit",
    "learn",
    "measure",
    "prepare",
    "read",
    "read_training",
    "translator",
    "validation",
]
