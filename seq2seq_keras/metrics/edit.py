"""Error rates by edit distance, through jiwer."""

from typing import NamedTuple

import jiwer

from seq2seq_keras.errors import InputError


class ErrorRate(NamedTuple):
    """Whole rows that are wrong, and edits inside them."""

    rows: float
    """Share of rows that differ from every reference: the word error rate where a row spells one word."""
    tokens: float
    """Edits to the nearest reference over the length of that reference: the phoneme error rate."""


def error_rate(outputs: list[str], references: list[list[str]]) -> ErrorRate:
    """Error rates against the nearest of several references, tokens separated by blanks.

    Args:
        outputs: n texts.
        references: n lists of accepted texts, at least one each.

    Raises:
        InputError: no outputs, another number of references, or a row without any.
    """
    if not outputs:
        raise InputError("there is no output to score")
    if len(outputs) != len(references):
        raise InputError(f"{len(outputs):,} outputs and {len(references):,} rows of references")
    wrong = edits = length = 0
    for row, (output, accepted) in enumerate(zip(outputs, references), start=1):
        if not any(text.split() for text in accepted):
            raise InputError("a row without a reference", where=f"row {row}")
        distance, size = min(_edits(output.split(), text.split()) for text in accepted if text.split())
        wrong += distance > 0
        edits += distance
        length += size
    return ErrorRate(wrong / len(outputs), edits / length)


def _edits(output: list[str], reference: list[str]) -> tuple[int, int]:
    """Edit distance and length of the reference."""
    if output == reference:
        return 0, len(reference)
    found = jiwer.process_words(" ".join(reference), " ".join(output))
    return found.substitutions + found.deletions + found.insertions, len(reference)
