"""Controls that no hypothesis can obey together."""

import itertools
from typing import Any

from seq2seq_keras.context import EOS
from seq2seq_keras.decode.controls.banned import Banned
from seq2seq_keras.decode.controls.control import Control
from seq2seq_keras.decode.controls.length import MaxLength, MinLength
from seq2seq_keras.decode.controls.prefix import Prefix
from seq2seq_keras.decode.controls.repetition import NoRepeat
from seq2seq_keras.decode.controls.shortlist import Shortlist


def check(controls: tuple[Control, ...]) -> None:
    """Finds contradictions that are there whatever the source is.

    Others show only on the way, as between a minimum and a maximum of which one depends on the source; such a source
    gets an empty hypothesis of score -inf.

    Raises:
        ValueError: `controls` is no tuple of controls, or two of them contradict each other.
    """
    if not isinstance(controls, tuple) or not all(isinstance(control, Control) for control in controls):
        raise ValueError(f"controls must be a tuple of controls, found {controls!r}")
    for one, other in itertools.permutations(controls, 2):
        problem = _of_prefix(one, other) if isinstance(one, Prefix) else _of_minimum(one, other)
        if problem:
            raise ValueError(f"controls must not contradict each other: {problem}; found {one} and {other}")
    _check_something_is_left(controls)


def _of_prefix(prefix: Prefix, other: Control) -> str:
    """Why `other` does not allow the prefix; empty if it does."""
    ids = prefix.ids
    words = [i for i in ids if i != EOS]
    match other:
        case Prefix() if any(one != two for one, two in zip(ids, other.ids, strict=False)):
            return "a hypothesis can not begin in two ways"
        case Banned() if found := [phrase for phrase in other.phrases if phrase in _runs(ids, len(phrase))]:
            return f"the forced prefix holds {found[0]}, which is banned"
        case Shortlist() if left_out := set(words) - set(other.ids):
            return f"the forced prefix holds {sorted(left_out)}, which the shortlist leaves out"
        case MaxLength() if other.length is not None and len(words) > other.length:
            return f"the forced prefix is longer than {other.length}"
        case MinLength() if len(words) < other.length and EOS in ids:
            return f"the forced prefix ends with EOS before it is {other.length} long"
        case NoRepeat() if len(set(runs := _runs(words, other.size))) < len(runs):
            return f"the forced prefix says {other.size} ids in a row twice"
    return ""


def _of_minimum(minimum: Control, maximum: Control) -> str:
    """Why no length is between them; empty if one is, or if they are something else."""
    if isinstance(minimum, MinLength) and isinstance(maximum, MaxLength):
        for name in ("length", "of_source"):
            least, most = getattr(minimum, name), getattr(maximum, name)
            if most is not None and least > most:
                return f"{name} must be at least {least} and at most {most}"
    return ""


def _check_something_is_left(controls: tuple[Control, ...]) -> None:
    """Raises ValueError if all that is on every shortlist is banned."""
    shortlists = [set(control.ids) for control in controls if isinstance(control, Shortlist)]
    banned = {i for control in controls if isinstance(control, Banned) for (i, *rest) in control.phrases if not rest}
    if shortlists and not set.intersection(*shortlists) - banned:
        raise ValueError(f"controls must leave something to say, and nothing is left on a shortlist; found {controls}")


def _runs(ids: Any, size: int) -> list[tuple[int, ...]]:
    """Every `size` ids that follow each other."""
    return [tuple(ids[start : start + size]) for start in range(len(ids) - size + 1)]
