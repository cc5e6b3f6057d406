"""Parts wired into one Keras model; a published family is a function that calls constructors."""

from .attention import attention, bahdanau, luong
from .conditioned import cho
from .counts import Capacity, capacity, parameters
from .parts import ATTENTIONS, BRIDGES, POOLS
from .precision import recast
from .recurrent import lstm, sutskever
from .seq2seq import Seq2Seq
from .transformer import transformer, transformer_base, transformer_small, transformer_tiny

FAMILIES = {
    build.__name__: build
    for build in (
        lstm,
        sutskever,
        cho,
        attention,
        bahdanau,
        luong,
        transformer,
        transformer_tiny,
        transformer_small,
        transformer_base,
    )
}
"""The builders by name: (source_size, target_size=None, *, sizes and parts) to a model; each has its own sizes."""

__all__ = [
    "ATTENTIONS",
    "BRIDGES",
    "Capacity",
    "FAMILIES",
    "POOLS",
    "Seq2Seq",
    "attention",
    "bahdanau",
    "capacity",
    "cho",
    "lstm",
    "luong",
    "parameters",
    "recast",
    "sutskever",
    "transformer",
    "transformer_base",
    "transformer_small",
    "transformer_tiny",
]
