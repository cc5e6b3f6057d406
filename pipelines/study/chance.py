"""How much the seeds alone make two means differ."""

import math
import statistics

_STUDENT = {1: 12.71, 2: 4.30, 3: 3.18, 4: 2.78, 5: 2.57, 6: 2.45, 7: 2.36, 8: 2.31, 10: 2.23, 15: 2.13, 20: 2.09}
"""Degrees of freedom to the quantile of 97.5% of Student's t distribution; of the next fewer where one is missing."""
_ENOUGH = 3
"""Seeds of each of two variants from which on they speak for themselves."""
ASSUMED = (
    f"Noise: half the 95% interval of a difference of two means, by Welch's t where both have {_ENOUGH} seeds or more. "
    "With fewer it is by the spread pooled over all variants, which assumes that seeds move all of them alike."
)
"""For the report."""


def noise(better: list[float], worse: list[float], all_groups: list[list[float]]) -> float | None:
    """Half the 95% interval of a difference of two means; None where there is no spread to see.

    Args:
        better, worse: a figure of two variants, by seed.
        all_groups: that of all variants, those two among them.
    """
    if min(len(better), len(worse)) >= _ENOUGH:
        return _welch(better, worse)
    freedom = sum(len(group) - 1 for group in all_groups)
    if not freedom:
        return None
    squares = sum((len(group) - 1) * statistics.variance(group) for group in all_groups if len(group) > 1)
    return _quantile(freedom) * math.sqrt(squares / freedom * (1 / len(better) + 1 / len(worse)))


def _welch(one: list[float], other: list[float]) -> float:
    """By the spread of each group alone; degrees of freedom as Welch and Satterthwaite have them."""
    shares = [statistics.variance(group) / len(group) for group in (one, other)]
    if not sum(shares):
        return 0.0
    freedom = sum(shares) ** 2 / sum(share**2 / (len(group) - 1) for share, group in zip(shares, (one, other)))
    return _quantile(freedom) * math.sqrt(sum(shares))


def _quantile(freedom: float) -> float:
    return _STUDENT[max(known for known in _STUDENT if known <= round(freedom, 6))]
