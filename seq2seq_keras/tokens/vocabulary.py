"""Strings and their ids, for the kinds that look whole strings up."""

from collections import Counter
from collections.abc import Iterable

import tensorflow as tf

from seq2seq_keras.context import UNK
from seq2seq_keras.errors import InputError
from seq2seq_keras.tokens.normal import chunks, normal
from seq2seq_keras.tokens.tokenizer import SPECIALS, Tokenizer


class Lookup(tf.Module):
    """String to id by a table: what it does not hold is UNK, and so are the names of the special ids."""

    def __init__(self, pieces: list[str]):
        super().__init__()
        learned = list(range(len(SPECIALS), len(pieces)))
        keys = tf.constant([pieces[place].encode("utf-8") for place in learned], tf.string, shape=[len(learned)])
        values = tf.constant(learned, tf.int32, shape=[len(learned)])
        self._table = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(keys, values), UNK)

    def __call__(self, strings):
        """string to int32, any shape, ragged too."""
        return self._table.lookup(strings)


class Parts(Tokenizer):
    """A text split into parts that are looked up whole. A kind says how to split, and what a part is written out as."""

    def __init__(self, pieces, surfaces, unknown: bytes, normalize: str | None, blank_first: bool):
        super().__init__(pieces, surfaces, unknown, normalize, blank_first)
        self._lookup = Lookup(self.pieces)

    @classmethod
    def learn(
        cls,
        texts: Iterable[str],
        size: int | None = None,
        *,
        min_count: int = 1,
        normalize: str | None = "nfkc",
    ) -> "Parts":
        """Takes the most frequent parts of the texts.

        Args:
            size: most pieces, specials included; None for all.
            min_count: a part seen less often is unknown.
            normalize: one of `FORMS`.
        """
        split = (cls._split(normal(chunk, normalize)) for chunk in chunks(texts))
        return cls(most_frequent(split, size, min_count), normalize)

    @staticmethod
    def _split(texts: tf.Tensor) -> tf.RaggedTensor:
        """(B,) normalised string to (B, None) string."""
        raise NotImplementedError

    def _ids(self, texts):
        return self._lookup(self._split(texts))


def most_frequent(parts: Iterable[tf.RaggedTensor], size: int | None, min_count: int) -> list[str]:
    """The pieces of a vocabulary: specials, then the strings by falling count, equal counts by code point.

    Args:
        parts: (B, None) string, chunk by chunk.
        size: most pieces, specials included; None for all.
        min_count: a string seen less often is left out.
    """
    counts: Counter[bytes] = Counter()
    for part in parts:
        counts.update(part.flat_values.numpy().tolist())
    for name in SPECIALS:
        counts.pop(name.encode(), None)
    kept = [text for text, count in counts.items() if count >= min_count]
    kept.sort(key=lambda text: (-counts[text], text))
    if not kept:
        raise InputError("there is no text to learn a vocabulary from")
    if size is not None and size <= len(SPECIALS):
        raise InputError(f"the vocabulary size is {size}", expected=f"more than the {len(SPECIALS)} special pieces")
    chosen = kept if size is None else kept[: size - len(SPECIALS)]
    return [*SPECIALS, *(text.decode("utf-8") for text in chosen)]
