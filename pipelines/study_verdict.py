"""What the numbers say about the usual claim: differences of means, beside what the seeds differ by."""

import math
import statistics
from typing import NamedTuple

from pipelines import study_table
from pipelines.study_question import Expected, Question
from pipelines.study_runs import Row

_STUDENT = {1: 12.71, 2: 4.30, 3: 3.18, 4: 2.78, 5: 2.57, 6: 2.45, 7: 2.36, 8: 2.31, 10: 2.23, 15: 2.13, 20: 2.09}
"""Degrees of freedom to the quantile of 97.5% of Student's t distribution; of the next fewer where one is missing."""


class Difference(NamedTuple):
    """How much better the one is that the claim calls better."""

    by: float
    """Above 0 where it is better, in units of the figure."""
    noise: float | None
    """Half the 95% interval of the difference; None where each has one seed and nothing is known of it."""

    @property
    def outcome(self) -> str:
        """In words, against the claim that it is better."""
        if self.noise is None:
            return f"{'as claimed' if self.by > 0 else 'not as claimed'} (one seed, noise unknown)"
        if abs(self.by) <= self.noise:
            return "within the noise"
        return "as claimed" if self.by > 0 else "against the claim"


def noise(groups: list[list[float]], one: int, other: int) -> float | None:
    """Half the 95% interval of a difference of two means, by the pooled standard deviation of all groups.

    Pooled, since two or three seeds of two variants alone say next to nothing of how much seeds do.

    Args:
        groups: a figure by seed, one list a variant.
        one, other: seeds of the two variants.
    """
    freedom = sum(len(group) - 1 for group in groups)
    if not freedom:
        return None
    squares = sum((len(group) - 1) * statistics.variance(group) for group in groups if len(group) > 1)
    quantile = _STUDENT[max(known for known in _STUDENT if known <= freedom)]
    return quantile * math.sqrt(squares / freedom * (1 / one + 1 / other))


def difference(rows: list[Row], expected: Expected, figure: str) -> Difference:
    """Between two variants, over their seeds.

    Args:
        rows: of one budget.
        figure: the score of the task, for a claim that names no figure.
    """
    name = expected.figure or figure
    groups: dict[str, list[float]] = {}
    for row in rows:
        if name in row.figures:
            groups.setdefault(row.variant, []).append(row.figures[name])
    better, worse = groups[expected.better], groups[expected.worse]
    by = statistics.fmean(better) - statistics.fmean(worse)
    sign = 1 if study_table.FIGURES[name].more_is_better else -1
    return Difference(sign * by, noise(list(groups.values()), len(better), len(worse)))


def sentence(question: Question, rows: list[Row], figure: str, budget: str) -> str:
    """The claim beside the numbers."""
    held = [row for row in rows if row.budget == budget]
    parts = []
    has = {name for row in held for name in row.figures}
    for expected in (each for each in question.expected if (each.figure or figure) in has):
        found, shown = difference(held, expected, figure), study_table.FIGURES[expected.figure or figure]
        beside = "" if found.noise is None else f" (noise {shown.form.format(found.noise)})"
        how = "better" if found.by > 0 else "worse" if found.by < 0 else "no better"
        parts.append(
            f"{expected.better} is {how} than {expected.worse} by {shown.form.format(abs(found.by))} in "
            f"{shown.title}{beside}: {found.outcome}"
        )
    return f"Usual claim: {question.claim}. After {budget}: {'; '.join(parts)}."
