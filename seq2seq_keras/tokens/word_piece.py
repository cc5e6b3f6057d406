"""Subwords inside words."""

from collections import Counter
from collections.abc import Iterable

import tensorflow as tf
import tensorflow_text as tf_text

from seq2seq_keras.errors import InputError
from seq2seq_keras.tokens.normal import chunks, normal
from seq2seq_keras.tokens.subwords import learn_model
from seq2seq_keras.tokens.tokenizer import SPECIALS, UNKNOWN, Tokenizer

_INSIDE = "##"
"""Marks a piece that goes on with a word."""
_NUL = "\0"
"""No piece can hold it."""
_MARK = "\x11"
"""A mark of its own in the library's table of pieces: a piece or a text that holds it makes the table lie or crash."""
_LONGEST_WORD = 5_000
"""Bytes; a longer word is unknown."""


class WordPiece(Tokenizer):
    """Words cut into the longest pieces known, from the left; words are whatever stands between white space.

    decode(encode(x)) is x, normalised, where the vocabulary holds every character of x; a word with another one is
    unknown as a whole, and so is one with U+0000 or U+0011.

    Args:
        pieces: specials, then the pieces; those inside a word begin with `##`.
        normalize: one of `FORMS`.

    Reference: Wu et al., 2016; Song et al., 2021 (the linear-time algorithm).
    """

    kind = "wordpiece"
    file = "wordpiece.json"

    def __init__(self, pieces: list[str], normalize: str | None = "nfkc"):
        surfaces = [(piece[2:] if _is_inside(piece) else f" {piece}").encode() for piece in pieces[4:]]
        marked = next((piece for piece in pieces if {_NUL, _MARK} & set(piece)), None)
        if marked is not None:
            raise InputError(f"piece {marked!r} holds a control character that this kind of vocabulary cannot")
        super().__init__(pieces, surfaces, f" {UNKNOWN}".encode(), normalize, blank_first=True)
        # With a blank in them, no word of a text is taken for a special piece or begins with a piece from inside.
        special = [f"{name} " for name in SPECIALS]
        names = [*special, *(f" {piece[2:]}" if _is_inside(piece) else piece for piece in pieces[4:])]
        try:
            self._tokenizer = tf_text.FastWordpieceTokenizer(
                names,
                suffix_indicator=" ",
                max_bytes_per_word=_LONGEST_WORD,
                token_out_type=tf.int32,
                unknown_token=special[1],
                no_pretokenization=True,
            )
        except RuntimeError as error:
            raise InputError(f"these pieces make no vocabulary ({error})") from None

    @classmethod
    def learn(cls, texts: Iterable[str], size: int = 8_000, *, normalize: str | None = "nfkc") -> "WordPiece":
        """Takes every character of the texts, then the pieces that byte-pair merges build first.

        Args:
            size: most pieces, specials included.
            normalize: one of `FORMS`.

        Raises:
            InputError: no text, or a size too small for its characters.
        """
        texts = list(texts)
        first, inside = _alphabet(texts, normalize)
        alphabet = [*first, *(_INSIDE + character for character in inside)]
        if len(SPECIALS) + len(alphabet) > size:
            raise InputError(
                f"{size:,} pieces do not hold the {len(alphabet):,} characters of the texts",
                remedy="give a larger size, or another kind of vocabulary",
            )
        model = learn_model(texts, size, normalize, model_type="bpe", character_coverage=1.0)
        merged = [_rename(piece) for piece in _pieces(model)]
        known = set(alphabet) | set(SPECIALS)
        pieces = [piece for piece in merged if piece and piece not in known and not {_NUL, _MARK} & set(piece)]
        return cls([*SPECIALS, *alphabet, *pieces][:size], normalize)

    def _ids(self, texts):
        # Both are in no piece: a word with either is unknown.
        texts = tf.strings.regex_replace(texts, _MARK, _NUL)
        return self._tokenizer.tokenize(tf.strings.split(texts)).merge_dims(1, 2)


def _is_inside(piece: str) -> bool:
    return piece.startswith(_INSIDE) and len(piece) > len(_INSIDE)


def _alphabet(texts: list[str], normalize: str | None) -> tuple[list[str], list[str]]:
    """Characters that begin a word, and characters inside one, each by code point."""
    words: Counter[bytes] = Counter()
    for chunk in chunks(texts):
        words.update(tf.strings.split(normal(chunk, normalize)).flat_values.numpy().tolist())
    decoded = [word.decode("utf-8") for word in words]
    first, inside = {word[0] for word in decoded}, {letter for word in decoded for letter in word[1:]}
    return sorted(first - {_NUL, _MARK}), sorted(inside - {_NUL, _MARK})


def _pieces(model: bytes) -> list[str]:
    """Every learned piece, earliest merge first."""
    tokenizer = tf_text.SentencepieceTokenizer(model=model, out_type=tf.int32)
    names = tokenizer.id_to_string(tf.range(tokenizer.vocab_size())).numpy()
    return [name.decode("utf-8") for name in names[len(SPECIALS) :]]


def _rename(piece: str) -> str:
    """A piece as the trainer writes it, as this scheme does; empty if it has no place here."""
    blank = "\N{LOWER ONE EIGHTH BLOCK}"
    begins, letters = piece.startswith(blank), piece.removeprefix(blank)
    if not letters or blank in letters or (begins and letters.startswith(_INSIDE)):
        return ""  # "##x" at the start of a word would read as x inside one
    return letters if begins else _INSIDE + letters
