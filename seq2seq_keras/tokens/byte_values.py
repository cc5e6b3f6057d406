"""Bytes of UTF-8: nothing to learn, nothing unknown."""

from collections.abc import Iterable

import tensorflow as tf

from seq2seq_keras.errors import InputError
from seq2seq_keras.tokens.tokenizer import SPECIALS, Tokenizer

_PIECES = [*SPECIALS, *(f"<0x{value:02X}>" for value in range(256))]


class Bytes(Tokenizer):
    """One id a byte: 260 in all. decode(encode(x)) is x for every text.

    Args:
        normalize: one of `FORMS`; None keeps every byte of valid text.

    Reference: Xue et al., 2022 (ByT5).
    """

    kind = "bytes"
    file = "bytes.json"

    def __init__(self, normalize: str | None = None):
        values = [bytes([value]) for value in range(256)]
        super().__init__(_PIECES, values, b"", normalize, blank_first=False)

    @classmethod
    def learn(cls, texts: Iterable[str] = (), size: int | None = None, *, normalize: str | None = None) -> "Bytes":
        """There is nothing to learn; `size`, the most pieces as everywhere, must leave room for all 260."""
        if size is not None and size < len(_PIECES):
            raise InputError(f"the vocabulary size is {size}", expected=f"at least {len(_PIECES)} for bytes")
        return cls(normalize)

    @classmethod
    def restore(cls, content: bytes, settings: dict) -> "Bytes":
        return cls(**settings)

    def _ids(self, texts):
        values = tf.io.decode_raw(tf.strings.reduce_join(texts), tf.uint8)  # (N,)
        return tf.RaggedTensor.from_row_lengths(
            tf.cast(values, tf.int32) + len(SPECIALS), tf.strings.length(texts), validate=False
        )
