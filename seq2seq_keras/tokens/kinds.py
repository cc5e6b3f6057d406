"""Tokenizers by the name of their kind: for settings and for folders."""

from collections.abc import Iterable
from pathlib import Path

from seq2seq_keras.errors import InputError
from seq2seq_keras.tokens import store
from seq2seq_keras.tokens.byte_values import Bytes
from seq2seq_keras.tokens.characters import Characters
from seq2seq_keras.tokens.sentence_piece import SentencePiece
from seq2seq_keras.tokens.tokenizer import Tokenizer
from seq2seq_keras.tokens.word_piece import WordPiece
from seq2seq_keras.tokens.words import Words

KINDS = {cls.kind: cls for cls in (SentencePiece, WordPiece, Words, Characters, Bytes)}


def learn(kind: str, texts: Iterable[str], **options) -> Tokenizer:
    """Learns a vocabulary of a kind given by name.

    Args:
        kind: one of `KINDS`.
        options: of that kind's own `learn`; all take `size`, the most pieces, and `normalize`.
    """
    return _find(kind).learn(texts, **options)


def save(tokenizer: Tokenizer, folder: str | Path) -> None:
    """Writes the folder that `load` reads, whole or not at all; one that is there is replaced."""
    tokenizer.save(folder)


def load(folder: str | Path, fingerprint: str | None = None) -> Tokenizer:
    """Reads a folder that `save` wrote.

    Args:
        fingerprint: of the vocabulary wanted; another one is refused.

    Raises:
        InputError: no such folder, damaged, or another vocabulary than wanted.
    """
    head, files = store.read(folder)
    cls = _find(head["kind"], where=Path(folder) / store.NAME)
    try:
        tokenizer = cls.restore(files[cls.file], head["settings"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"this is no vocabulary of kind {cls.kind} ({error})", where=folder) from None
    if tokenizer.fingerprint != head["fingerprint"]:
        raise InputError("settings and vocabulary do not belong together", where=Path(folder) / store.NAME)
    if fingerprint not in (None, tokenizer.fingerprint):
        raise InputError(
            f"this is the vocabulary of another model ({tokenizer.size:,} pieces, kind {tokenizer.kind})",
            where=folder,
            remedy="use the vocabulary saved with the model",
        )
    return tokenizer


def _find(kind: str, where: object = "") -> type[Tokenizer]:
    if kind not in KINDS:
        raise InputError(f"unknown kind of vocabulary {kind!r}", where=where, expected=f"one of {', '.join(KINDS)}")
    return KINDS[kind]
