"""Text to ids and back, inside the graph."""

from .byte_values import Bytes
from .characters import Characters
from .kinds import KINDS, learn, load, save
from .normal import alike, strings
from .pairs import encode_all, encode_pairs, pairs, prepare
from .sentence_piece import SentencePiece
from .tokenizer import SPECIALS, Tokenizer
from .word_piece import WordPiece
from .words import Words

__all__ = [
    "KINDS",
    "SPECIALS",
    "Bytes",
    "Characters",
    "SentencePiece",
    "Tokenizer",
    "WordPiece",
    "Words",
    "alike",
    "encode_all",
    "encode_pairs",
    "learn",
    "load",
    "pairs",
    "prepare",
    "save",
    "strings",
]
