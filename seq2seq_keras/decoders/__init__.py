"""`Context` and what was said so far to what comes next: a whole sequence at once, or one step."""

from .attentive import AttentiveDecoder
from .bahdanau import BahdanauDecoder
from .conditioned import ConditionedDecoder
from .copying import PointerGenerator
from .recurrent import RecurrentDecoder
from .transformer import TransformerDecoder

__all__ = [
    "AttentiveDecoder",
    "BahdanauDecoder",
    "ConditionedDecoder",
    "PointerGenerator",
    "RecurrentDecoder",
    "TransformerDecoder",
]
