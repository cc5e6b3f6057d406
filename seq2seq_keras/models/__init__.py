"""Parts wired into one Keras model; a published family is a function that calls constructors."""

from .attention import attention
from .recurrent import lstm
from .seq2seq import Seq2Seq
from .transformer import transformer

__all__ = ["Seq2Seq", "attention", "lstm", "transformer"]
