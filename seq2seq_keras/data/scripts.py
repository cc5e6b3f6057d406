"""How much of a text is written in given scripts: Latin, Cyrillic, Han."""

from functools import lru_cache

import regex

from seq2seq_keras.errors import InputError

_LETTERS = regex.compile(r"\p{L}+")


class Scripts:
    """Counts letters by Unicode's property Script (Unicode Standard Annex 24); digits and signs belong to none.

    Args:
        names: scripts as Unicode names them, such as `Latin`, or `Han Hiragana Katakana` for Japanese.

    Raises:
        InputError: a name that Unicode does not have.
    """

    def __init__(self, names: tuple[str, ...]):
        self.names = tuple(names)
        self._inside = _letters(self.names)
        self._latin = bool(self._inside.match("a"))

    def share(self, text: str) -> float:
        """Letters of these scripts among all letters; 1 where there is no letter, which says nothing of a script."""
        if text.isascii():
            return 1.0 if self._latin or not _LETTERS.search(text) else 0.0
        letters = sum(map(len, _LETTERS.findall(text)))
        return sum(map(len, self._inside.findall(text))) / letters if letters else 1.0


@lru_cache
def _letters(names: tuple[str, ...]) -> regex.Pattern:
    for name in names:
        try:
            regex.compile(rf"\p{{Script={name}}}")
        except regex.error:
            raise InputError(
                f"{name!r} is no script", expected="a name that Unicode gives scripts: Latin, Cyrillic, Han, Arabic"
            ) from None
    inside = "".join(rf"\p{{Script={name}}}" for name in names)
    return regex.compile(rf"(?V1)[[{inside}]&&\p{{L}}]+")
