"""What every tokenizer is: ids of text and text of ids, inside the graph."""

import hashlib
import json
from pathlib import Path

import numpy as np
import tensorflow as tf

from seq2seq_keras.context import EOS, PAD, UNK
from seq2seq_keras.errors import InputError
from seq2seq_keras.tokens import store
from seq2seq_keras.tokens.normal import check_form, normal, strings

SPECIALS = ("<pad>", "<unk>", "<bos>", "<eos>")
"""Pieces of the ids 0 to 3. They stand for themselves only: the same letters in a text are text."""
UNKNOWN = "\N{DOUBLE QUESTION MARK}"
"""How UNK is written out."""


class Tokenizer(tf.Module):
    """Text to ids and back, as a trackable module that goes into a SavedModel whole.

    A kind of tokenizer gives the ids of normalised text and the bytes each id stands for; the rest is here.

    Args:
        pieces: name of every id; the first four are `SPECIALS`.
        surfaces: bytes that every id from 4 on stands for, in order.
        unknown: how UNK is written out, as bytes.
        normalize: one of `FORMS`.
        blank_first: the text begins with a blank too many, since words bring their own.
    """

    kind: str
    file: str
    """Name of the file that holds the vocabulary."""

    def __init__(self, pieces, surfaces, unknown: bytes, normalize: str | None, blank_first: bool):
        super().__init__()
        check_form(normalize)
        pieces = list(pieces)
        if tuple(pieces[: len(SPECIALS)]) != SPECIALS:
            raise InputError(f"the vocabulary begins with {pieces[:4]}", expected=" ".join(SPECIALS))
        if len(set(pieces)) != len(pieces):
            twice = next(piece for place, piece in enumerate(pieces) if piece in pieces[:place])
            raise InputError(f"{twice!r} is in the vocabulary twice", expected="every piece once")
        self.normalize = normalize
        # Object arrays, since tf.Module would wrap lists in trackable ones.
        self._pieces = np.array(pieces, object)
        self._surfaces = np.array([b"", unknown, b"", b"", *surfaces], object)
        self._blank_first = blank_first

    @property
    def size(self) -> int:
        """How many ids there are."""
        return len(self._pieces)

    @property
    def pieces(self) -> list[str]:
        """Every piece, at the place of its id."""
        return self._pieces.tolist()

    @property
    def words(self) -> list[str | None]:
        """The word each id stands for by itself, at the place of the id: to look things up that are known of words.

        Where pieces bring the blank before a word, one that does is the word it begins, and one that goes on with a
        word stands for itself only if it has no letter and no digit, as punctuation does. Elsewhere (characters, bytes)
        every piece stands for itself. None for all others, for the specials and for single bytes of a character.
        """
        unknown = self.unknown(np.arange(self.size))
        return [
            None if place < len(SPECIALS) or unknown[place] else _word(surface, self._blank_first)
            for place, surface in enumerate(self._surfaces.tolist())
        ]

    @property
    def fingerprint(self) -> str:
        """Differs between any two vocabularies that do not give the same ids: to tell a model's own from another."""
        settings = json.dumps([self.kind, self.settings()], sort_keys=True).encode()
        return hashlib.sha256(settings + b"\n" + self.content()).hexdigest()

    def encode(self, texts) -> tf.RaggedTensor:
        """(B,) string, or a list of str, to (B, None) int32 ids without BOS and EOS."""
        return self._ids(normal(strings(texts), self.normalize))

    def decode(self, ids) -> tf.Tensor:
        """(B, T) int ids to (B,) string, valid UTF-8: up to the first EOS, PAD and BOS left out."""
        ids = ids.to_tensor(PAD) if isinstance(ids, tf.RaggedTensor) else tf.convert_to_tensor(ids)
        over = tf.cumsum(tf.cast(tf.equal(ids, EOS), tf.int32), axis=1) > 0
        known = tf.where((ids >= 0) & (ids < self.size), ids, tf.constant(UNK, ids.dtype))
        shown = tf.where(over, tf.constant(PAD, ids.dtype), known)
        texts = tf.strings.reduce_join(tf.gather(tf.constant(self._surfaces), shown), axis=1)
        if self._blank_first:
            texts = tf.strings.regex_replace(texts, "^ ", "", replace_global=False)
        return tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8", errors="replace")

    def written(self, ids) -> str:
        """One row (T,) of int ids to the text that `decode` gives, without TensorFlow, whose call for so little costs a
        millisecond where the cores come from other work."""
        ids = np.asarray(ids, "int64")
        ends = np.flatnonzero(ids == EOS)
        ids = ids[: ends[0]] if len(ends) else ids
        text = b"".join(self._surfaces[np.where((ids >= 0) & (ids < self.size), ids, UNK)].tolist())
        return (text.removeprefix(b" ") if self._blank_first else text).decode("utf-8", "replace")

    def named(self, ids) -> tf.Tensor:
        """(B, T) int ids to the name of each id's piece, (B, T) string, UTF-8; of PAD an empty one."""
        names = [b"", *(piece.encode("utf-8", "replace") for piece in self.pieces[1:])]
        return tf.gather(tf.constant(names), ids)

    def normalized(self, texts) -> tf.Tensor:
        """(B,) string, or a list of str, to the (B,) string whose ids `encode` gives."""
        return normal(strings(texts), self.normalize)

    def unknown(self, ids: np.ndarray) -> np.ndarray:
        """Which ids of an integer array stand for something the vocabulary has no piece for: bool, same shape."""
        return ids == UNK

    def save(self, folder: str | Path) -> None:
        """Writes the folder that `tokens.load` reads, whole or not at all."""
        store.write(folder, self.kind, self.settings(), self.fingerprint, {self.file: self.content()})

    def settings(self) -> dict:
        """What `restore` needs beside the vocabulary, for JSON."""
        return {"normalize": self.normalize}

    def content(self) -> bytes:
        """The vocabulary as the bytes of its file: one JSON list, unless a kind has its own."""
        return json.dumps(self.pieces, ensure_ascii=False, indent=0).encode("utf-8")

    @classmethod
    def restore(cls, content: bytes, settings: dict) -> "Tokenizer":
        """The tokenizer whose `content` and `settings` these are."""
        return cls(json.loads(content), **settings)

    def _ids(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """(B,) normalised string to (B, None) int32."""
        raise NotImplementedError


def _word(surface: bytes, blank_first: bool) -> str | None:
    text = surface.decode("utf-8", "replace")
    if "\N{REPLACEMENT CHARACTER}" in text:
        return None
    inside = blank_first and not text.startswith(" ")
    if inside and any(map(str.isalnum, text)):
        return None
    return (text.removeprefix(" ") if blank_first else text) or None
