"""Subwords of whole sentences, blanks included."""

import hashlib
import re
from collections.abc import Iterable

import numpy as np
import tensorflow as tf
import tensorflow_text as tf_text
from tensorflow_text.python.ops import sentencepiece_tokenizer as ops

from seq2seq_keras.context import UNK
from seq2seq_keras.errors import InputError
from seq2seq_keras.tokens.subwords import learn_model
from seq2seq_keras.tokens.tokenizer import UNKNOWN, Tokenizer

_BLANK = "\N{LOWER ONE EIGHTH BLOCK}"
_BYTE = re.compile(r"<0x([0-9A-F]{2})>")


class SentencePiece(Tokenizer):
    """Subwords learned over whole sentences: decode(encode(x)) is x, normalised.

    With byte fallback that holds for every text; the one exception is U+2581, which the scheme uses for the blank.

    Args:
        model: a sentencepiece model, as bytes.
        normalize: one of `FORMS`, applied before the model.

    Reference: Kudo and Richardson, 2018; Kudo, 2018 (unigram); Sennrich et al., 2016 (bpe).
    """

    kind = "sentencepiece"
    file = "sentencepiece.model"

    def __init__(self, model: bytes, normalize: str | None = "nfkc"):
        try:
            tokenizer = tf_text.SentencepieceTokenizer(model=model, out_type=tf.int32)
            tokenizer._model_resource = _Model(model)
            size = int(tokenizer.vocab_size())
        except tf.errors.OpError:
            raise InputError("this is no sentencepiece model") from None
        pieces = [piece.decode("utf-8") for piece in tokenizer.id_to_string(tf.range(size)).numpy()]
        # A text can hold the letters <0x41>, but no learned piece does: the trainer splits it at the digits.
        codes = [_BYTE.fullmatch(piece) for piece in pieces]
        surfaces = [
            bytes([int(code[1], 16)]) if code else piece.replace(_BLANK, " ").encode("utf-8")
            for piece, code in zip(pieces, codes, strict=True)
        ]
        super().__init__(pieces, surfaces[4:], UNKNOWN.encode(), normalize, blank_first=True)
        self._model, self._tokenizer = model, tokenizer
        self._is_byte = np.array([bool(code) for code in codes])

    @classmethod
    def learn(
        cls,
        texts: Iterable[str],
        size: int = 8_000,
        *,
        model_type: str = "unigram",
        byte_fallback: bool = True,
        character_coverage: float = 1.0,
        normalize: str | None = "nfkc",
    ) -> "SentencePiece":
        """Learns the pieces from texts.

        Args:
            size: most pieces, specials included.
            model_type: `unigram` or `bpe`.
            byte_fallback: a character without a piece is spelled in bytes (256 pieces of their own), never unknown.
            character_coverage: share of the texts' characters that get a piece; below 1 for very large alphabets.
            normalize: one of `FORMS`.

        Raises:
            InputError: no text, a size too small for the alphabet, or an unknown type.
        """
        if model_type not in ("unigram", "bpe"):
            raise InputError(f"model_type is {model_type!r}", expected="unigram or bpe")
        options = dict(model_type=model_type, byte_fallback=byte_fallback, character_coverage=character_coverage)
        return cls(learn_model(texts, size, normalize, **options), normalize)

    def unknown(self, ids: np.ndarray) -> np.ndarray:
        """Spelling in bytes counts as unknown: the vocabulary has no piece for it."""
        return self._is_byte[ids] | (ids == UNK)

    def content(self) -> bytes:
        return self._model

    @classmethod
    def restore(cls, content: bytes, settings: dict) -> "SentencePiece":
        return cls(content, **settings)

    def _ids(self, texts):
        return self._tokenizer.tokenize(texts)


class _Model(tf.saved_model.experimental.TrackableResource):
    """A model that TensorFlow keeps by name.

    tensorflow-text's own has no name and belongs to the kernel that made it: after `keras.backend.clear_session()`,
    which drops all kernels, it would be gone.
    """

    def __init__(self, model: bytes):
        super().__init__()
        self._model = model
        _ = self.resource_handle  # makes it

    def _create_resource(self):
        name = f"sentencepiece_{hashlib.sha256(self._model).hexdigest()}"
        return ops.gen_sentencepiece_tokenizer.sentencepiece_op(model=self._model, shared_name=name)
