"""What a raw pair is made of before it counts, and which pairs do not count."""

import regex

from seq2seq_keras.data.scripts import Scripts

UNUSABLE = ("invalid UTF-8", "NUL character", "too long", "wrong number of columns", "empty side")
"""Reasons that are damage of a file; every other one is a choice of whoever filters."""
_CONTROL = regex.compile(r"[\p{Cc}\p{Zl}\p{Zp}]+")
_UNSEEN = regex.compile("[\u200b\u2060\ufeff]+")
"""Zero width: between words they hide duplicates, and one more is what a file's byte order mark is."""


class Cleaning:
    """Cleans a pair and says why it is left out.

    Control characters, line and paragraph separators become blanks, zero-width spaces, word joiners and byte order
    marks go, every run of white space becomes one blank and the ends are stripped. Nothing else of a text changes: the
    rest is the normalisation of its vocabulary.

    Args:
        max_ratio: the longer side has at most so many times the characters of the shorter.
        source_script: scripts of the source, see `Scripts`; none asks nothing.
        target_script: of the target.
        script_share: least share of the letters in them.

    Raises:
        InputError: a script that Unicode does not have.
        ValueError: a ratio below 1 or a share outside 0 to 1.
    """

    def __init__(
        self,
        max_ratio: float = 9.0,
        source_script: tuple[str, ...] = (),
        target_script: tuple[str, ...] = (),
        script_share: float = 0.5,
    ):
        if max_ratio < 1:
            raise ValueError(f"max_ratio must be 1 or more, found {max_ratio}")
        if not 0 <= script_share <= 1:
            raise ValueError(f"script_share must be from 0 to 1, found {script_share}")
        self.max_ratio, self.script_share = max_ratio, script_share
        self._source = Scripts(source_script) if source_script else None
        self._target = Scripts(target_script) if target_script else None

    def __call__(self, source: str, target: str) -> tuple[str, str, str]:
        """The pair as cleaned, and why it is left out: `empty side`, `ratio`, `source script`, `target script`, or
        nothing."""
        source, target = clean(source), clean(target)
        return source, target, self._reason(source, target)

    def _reason(self, source: str, target: str) -> str:
        if not source or not target:
            return "empty side"
        sizes = len(source), len(target)
        if max(sizes) > self.max_ratio * min(sizes):
            return "ratio"
        if self._source is not None and self._source.share(source) < self.script_share:
            return "source script"
        if self._target is not None and self._target.share(target) < self.script_share:
            return "target script"
        return ""


def clean(text: str) -> str:
    """See `Cleaning`."""
    if not text.isprintable():
        text = _CONTROL.sub(" ", _UNSEEN.sub("", text))
    return " ".join(text.split())
