"""Characters: Unicode code points."""

from collections.abc import Iterable

import tensorflow as tf

from seq2seq_keras.tokens.normal import chunks, normal
from seq2seq_keras.tokens.tokenizer import UNKNOWN, Tokenizer
from seq2seq_keras.tokens.vocabulary import Lookup, most_frequent


class Characters(Tokenizer):
    """One id a code point. decode(encode(x)) is x, normalised, where the vocabulary holds every character of x.

    Args:
        pieces: specials, then the characters.
        normalize: one of `FORMS`.
    """

    kind = "characters"
    file = "characters.json"

    def __init__(self, pieces: list[str], normalize: str | None = "nfkc"):
        surfaces = [character.encode("utf-8") for character in pieces[4:]]
        super().__init__(pieces, surfaces, UNKNOWN.encode(), normalize, blank_first=False)
        self._lookup = Lookup(self.pieces)

    @classmethod
    def learn(
        cls,
        texts: Iterable[str],
        size: int | None = None,
        *,
        min_count: int = 1,
        normalize: str | None = "nfkc",
    ) -> "Characters":
        """Takes the most frequent characters of the texts.

        Args:
            size: most pieces, specials included; None for all.
            min_count: a character seen less often is unknown.
            normalize: one of `FORMS`.
        """
        split = (tf.strings.unicode_split(normal(chunk, normalize), "UTF-8") for chunk in chunks(texts))
        return cls(most_frequent(split, size, min_count), normalize)

    def _ids(self, texts):
        return self._lookup(tf.strings.unicode_split(texts, "UTF-8"))
