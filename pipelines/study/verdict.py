"""What the numbers say about the usual claim: differences of means, beside what the seeds differ by."""

import statistics
from typing import NamedTuple

from pipelines.study import chance, table
from pipelines.study.question import Expected, Question
from pipelines.study.trained import Row


class Difference(NamedTuple):
    """How much better the one is that the claim calls better, or names first of two that it calls alike."""

    by: float
    """Above 0 where it is better, in units of the figure."""
    noise: float | None
    """Half the 95% interval of the difference; None where each has one seed and nothing is known of it."""
    alike: bool = False
    """Whether the claim is that there is no difference."""

    @property
    def outcome(self) -> str:
        """In words, against the claim."""
        if self.noise is None:
            held = "as claimed" if self.by > 0 else "not as claimed"
            return f"{'claimed to be alike' if self.alike else held} (one seed, noise unknown)"
        if abs(self.by) <= self.noise:
            return "within the noise" + (", as claimed" if self.alike else "")
        if self.alike:
            return "against the claim"
        return "as claimed" if self.by > 0 else "against the claim"


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
    sign = 1 if table.FIGURES[name].more_is_better else -1
    return Difference(sign * by, chance.noise(better, worse, list(groups.values())), expected.alike)


def sentence(question: Question, rows: list[Row], figure: str, budget: str) -> str:
    """The claim beside the numbers."""
    held = [row for row in rows if row.budget == budget]
    parts = []
    for expected in (each for each in question.expected if _known(held, each, figure)):
        found, shown = difference(held, expected, figure), table.FIGURES[expected.figure or figure]
        beside = "" if found.noise is None else f" (noise {shown.form.format(found.noise)})"
        how = "better" if found.by > 0 else "worse" if found.by < 0 else "no better"
        parts.append(
            f"{expected.better} is {how} than {expected.worse} by {shown.form.format(abs(found.by))} in "
            f"{shown.title}{beside}: {found.outcome}"
        )
    return f"Usual claim: {question.claim}. After {budget}: {'; '.join(parts)}."


def _known(rows: list[Row], expected: Expected, figure: str) -> bool:
    """Whether both variants have the figure with every seed; some are of one budget alone, or left out near nothing."""
    compared = [row for row in rows if row.variant in (expected.better, expected.worse)]
    both = {row.variant for row in compared} == {expected.better, expected.worse}
    return both and all((expected.figure or figure) in row.figures for row in compared)
