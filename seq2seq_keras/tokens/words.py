"""Words with blanks between them."""

import tensorflow as tf

from seq2seq_keras.tokens.tokenizer import UNKNOWN
from seq2seq_keras.tokens.vocabulary import Parts


class Words(Parts):
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

    @staticmethod
    def _split(texts):
        return tf.strings.split(texts)
