"""Scores of translated text by sacreBLEU, with the signatures that make them comparable."""

from typing import NamedTuple

from sacrebleu.metrics import BLEU, CHRF
from sacrebleu.significance import PairedTest

from seq2seq_keras.errors import InputError


class Overlap(NamedTuple):
    """A corpus score."""

    score: float
    """0 to 100."""
    signature: str
    """How it was computed: metric, references, tokeniser, version."""


class Significance(NamedTuple):
    """Whether two systems differ by more than chance."""

    ours: float
    """Score of the first system, 0 to 100."""
    theirs: float
    """Score of the second."""
    p_value: float
    """Chance to see such a difference between equal systems."""


def bleu(outputs: list[str], references: list[list[str]], tokenize: str = "13a") -> Overlap:
    """Corpus BLEU.

    Args:
        outputs: n texts.
        references: one list of n texts for each set of references.
        tokenize: sacreBLEU's tokeniser; `none` for text that is tokenised already.

    Raises:
        InputError: no outputs, or references of another number.

    Reference: Papineni et al., 2002; Post, 2018.
    """
    _check(outputs, references)
    metric = _bleu(tokenize)
    score = metric.corpus_score(outputs, references).score
    return Overlap(score, str(metric.get_signature()))


def chrf(outputs: list[str], references: list[list[str]]) -> Overlap:
    """Corpus chrF2. Arguments as of `bleu`.

    Reference: Popovic, 2015.
    """
    _check(outputs, references)
    metric = CHRF()
    score = metric.corpus_score(outputs, references).score
    return Overlap(score, str(metric.get_signature()))


def compare(
    ours: list[str],
    theirs: list[str],
    references: list[list[str]],
    tokenize: str = "13a",
    samples: int = 1000,
) -> Significance:
    """Paired bootstrap resampling of the BLEU of two systems on the same sources.

    Args:
        ours, theirs: n outputs each.
        references: one list of n texts for each set of references.
        samples: resampled test sets.

    Reference: Koehn, 2004.
    """
    _check(ours, references)
    _check(theirs, references)
    test = PairedTest(
        [("theirs", theirs), ("ours", ours)],  # the first is the baseline the p-value is against
        {"BLEU": _bleu(tokenize)},
        references,
        test_type="bs",
        n_samples=samples,
    )
    _, scores = test()
    baseline, system = scores["BLEU"]
    # The test counts no tie as chance: equal outputs would differ "significantly".
    p_value = 1.0 if ours == theirs else float(system.p_value)
    return Significance(float(system.score), float(baseline.score), p_value)


def _bleu(tokenize: str) -> BLEU:
    # `force` silences the warning about text that looks tokenised: with `none` that is what was asked for.
    try:
        return BLEU(tokenize=tokenize, force=True)
    except (RuntimeError, ImportError) as error:
        raise InputError(f"the tokeniser {tokenize} cannot be used ({' '.join(str(error).split())})") from None


def _check(outputs: list[str], references: list[list[str]]) -> None:
    if not outputs:
        raise InputError("there is no output to score")
    if not references:
        raise InputError("there is no reference to score against")
    for number, rows in enumerate(references, start=1):
        if len(rows) != len(outputs):
            raise InputError(
                f"{len(outputs):,} outputs and {len(rows):,} references (set {number})",
                expected="one reference for every output",
            )
