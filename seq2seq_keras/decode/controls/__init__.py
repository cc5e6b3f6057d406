"""Rules about what may be said, for every search."""

from .banned import Banned
from .conflicts import check
from .control import Control, Said
from .length import MaxLength, MinLength
from .prefix import Prefix, Prefixes
from .repetition import NoRepeat, RepetitionPenalty
from .shortlist import Shortlist

__all__ = [
    "Banned",
    "Control",
    "MaxLength",
    "MinLength",
    "NoRepeat",
    "Prefix",
    "Prefixes",
    "RepetitionPenalty",
    "Said",
    "Shortlist",
    "check",
]
