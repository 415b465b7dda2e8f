"""Two counts compared: whether one rate is really lower than the other."""

from __future__ import annotations

from dataclasses import dataclass

from scipy.stats import beta, binomtest, poisson_means_test

from anlan.core.errors import AnlanError
from anlan.evaluation.counts import pair, positive


def e_test(a: float, b: float, *, exposure: tuple[float, float] = (1.0, 1.0)) -> float:
    """Two-sided E-test of equal Poisson means: its p-value.

    More powerful than the conditional test when counts are small (Krishnamoorthy & Thomson 2004, *Journal
    of Statistical Planning and Inference* 119).

    Parameters
    ----------
    a, b : float
        The two counts.
    exposure : pair of float
        Over how much time or area each was counted.

    Raises
    ------
    AnlanError
        If a count is negative or not whole, or an exposure is not positive.
    """
    a, b = _whole(a, b)
    positive(exposure[0], "exposure")
    positive(exposure[1], "exposure")
    if a == b == 0:
        return 1.0
    return float(poisson_means_test(int(a), exposure[0], int(b), exposure[1]).pvalue)


@dataclass(frozen=True)
class RateRatio:
    """Rate after over rate before.

    Attributes
    ----------
    ratio : float
        NaN where both counts are zero, infinite where only the first is.
    interval : tuple of float
        Exact (Clopper–Pearson on the conditional binomial), closed.
    p_value : float
        Exact conditional test of equal rates, two-sided.
    """

    ratio: float
    interval: tuple[float, float]
    p_value: float


def rate_ratio(
    before: float, after: float, *, exposure: tuple[float, float] = (1.0, 1.0), level: float = 0.95
) -> RateRatio:
    """Rate ratio of two Poisson counts, exact given their sum (Przyborowski & Wilenski 1940).

    Parameters
    ----------
    before, after : float
        Counts.
    exposure : pair of float
        Lengths of the two periods.
    level : float
    """
    before, after = _whole(before, after)
    t0, t1 = positive(exposure[0], "exposure"), positive(exposure[1], "exposure")
    n = before + after
    if n == 0:
        return RateRatio(float("nan"), (0.0, float("inf")), 1.0)
    tail = (1 - level) / 2
    low = 0.0 if after == 0 else float(beta.ppf(tail, after, before + 1))
    high = 1.0 if before == 0 else float(beta.ppf(1 - tail, after + 1, before))
    ratio = float("inf") if before == 0 else after / before * t0 / t1
    p = float(binomtest(int(after), int(n), t1 / (t0 + t1)).pvalue)
    return RateRatio(ratio, (_odds(low) * t0 / t1, _odds(high) * t0 / t1), p)


def _whole(a: float, b: float) -> tuple[float, float]:
    a, b = pair((a, b), "counts")
    for value in (a, b):
        if abs(value - round(value)) > 1e-6:
            raise AnlanError(
                f"count {value:g}",
                "an exact test is of whole counts",
                "give the counts as they were counted, and lengths of time as exposure",
                code="count",
            )
    return float(round(a)), float(round(b))


def _odds(p: float) -> float:
    return float("inf") if p >= 1 else p / (1 - p)
