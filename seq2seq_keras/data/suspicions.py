"""Mistakes that training does not notice and that end in garbage: misaligned files, swapped sides."""

from seq2seq_keras.data.alignment import Shift, shifts
from seq2seq_keras.data.corpus import Corpus
from seq2seq_keras.data.sides import Sides
from seq2seq_keras.errors import InputError


def misaligned(corpus: Corpus) -> InputError | None:
    """What is wrong where the sides of a corpus run apart from some line on; None where they do not."""
    found = shifts(corpus)
    if not found:
        return None
    first = found[0]
    more = f" ({len(found) - 1} more such stretches follow)" if len(found) > 1 else ""
    return InputError(
        f"source and target do not belong together {_reach(first)}: there, line N of the source goes with line "
        f"N{first.offset:+d} of the target{more}",
        where=f"{corpus.name}:{first.first}",
        expected="line N of one goes with line N of the other",
        remedy=f"look for a line lost, added or broken in two shortly before line {first.first}",
    )


def swapped(train: Corpus, other: Corpus, sides: Sides | None = None) -> InputError | None:
    """What is wrong where `other` looks like `train` with its sides exchanged; None where it does not.

    Args:
        sides: of `train`, if it was made already.
    """
    sides = sides or Sides(train)
    if not sides.swapped(other):
        return None
    rows = (sides.odds(other) < 0).nonzero()[0]
    shown = ", ".join(str(other.lines[row]) for row in rows[:3])
    return InputError(
        f"source and target changed places: {len(rows):,} of {len(other):,} pairs look like those of {train.name} "
        f"the other way round (lines {shown}{' and more' if len(rows) > 3 else ''})",
        where=other.name,
        remedy="exchange its source and target, or those of the training pairs",
    )


def _reach(shift: Shift) -> str:
    return f"from about line {shift.first} on" if shift.open_end else f"from about line {shift.first} to {shift.last}"
