"""Minimum Bayes risk: which of several samples the others agree with most."""

from collections import Counter
from typing import Literal

from sacrebleu.metrics import BLEU, CHRF

from seq2seq_keras.errors import InputError

_UTILITIES = {"chrf": CHRF, "bleu": lambda: BLEU(effective_order=True)}


def consensus(samples: list[list[str]], utility: Literal["chrf", "bleu"] = "chrf") -> list[int]:
    """For each source the sample of highest mean utility, all its other samples taken as references.

    A text that was drawn more than once counts as often, as candidate and as reference. Of equals the first one is
    taken. Takes time that grows with the square of the number of different texts of a source.

    Args:
        samples: one list of texts for each source, any number of texts.
        utility: sentence score of a text against another: chrF2, or BLEU over the orders that the text has.

    Returns:
        one index for each source.

    Raises:
        ValueError: a utility that is not known.
        InputError: a source without samples.

    Reference: Eikema and Aziz, 2020.
    """
    if utility not in _UTILITIES:
        raise ValueError(f"utility must be one of {', '.join(_UTILITIES)}; found {utility!r}")
    for number, texts in enumerate(samples, start=1):
        if not texts:
            raise InputError("no sample to choose from", where=f"source {number}")
    metric = _UTILITIES[utility]()
    return [texts.index(_central(texts, metric)) for texts in samples]


def _central(texts: list[str], metric: BLEU | CHRF) -> str:
    """The text that the others agree with most."""
    counts = Counter(texts)  # in the order in which texts come first

    def total(text: str) -> float:
        others = counts - Counter([text])
        return sum(times * metric.sentence_score(text, [other]).score for other, times in others.items())

    return max(counts, key=total)
