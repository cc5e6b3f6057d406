"""Words with blanks between them."""

from collections.abc import Iterable

import tensorflow as tf

from seq2seq_keras.tokens.normal import chunks, normal
from seq2seq_keras.tokens.tokenizer import UNKNOWN, Tokenizer
from seq2seq_keras.tokens.vocabulary import Lookup, most_frequent


class Words(Tokenizer):
    """Whatever stands between white space: tokenised text, phonemes, commands.

    decode(encode(x)) is x, normalised, where the vocabulary holds every word of x.

    Args:
        pieces: specials, then the words.
        normalize: one of `FORMS`.
    """

    kind = "words"
    file = "words.json"

    def __init__(self, pieces: list[str], normalize: str | None = "nfkc"):
        surfaces = [f" {word}".encode() for word in pieces[4:]]
        super().__init__(pieces, surfaces, f" {UNKNOWN}".encode(), normalize, blank_first=True)
        self._lookup = Lookup(self.pieces)

    @classmethod
    def learn(
        cls,
        texts: Iterable[str],
        size: int | None = None,
        *,
        min_count: int = 1,
        normalize: str | None = "nfkc",
    ) -> "Words":
        """Takes the most frequent words of the texts.

        Args:
            size: most pieces, specials included; None for all.
            min_count: a word seen less often is unknown.
            normalize: one of `FORMS`.
        """
        split = (tf.strings.split(normal(chunk, normalize)) for chunk in chunks(texts))
        return cls(most_frequent(split, size, min_count), normalize)

    def _ids(self, texts):
        return self._lookup(tf.strings.split(texts))
