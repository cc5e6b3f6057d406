"""Characters: Unicode code points."""

import tensorflow as tf

from seq2seq_keras.tokens.tokenizer import UNKNOWN
from seq2seq_keras.tokens.vocabulary import Parts


class Characters(Parts):
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

    @staticmethod
    def _split(texts):
        return tf.strings.unicode_split(texts, "UTF-8")
