"""Naus' scan statistic: how surprising is the fullest of all moving windows along a line of time?"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import gammaln, pdtr

from anlan.core.errors import AnlanError


def naus(length: float, width: float, mean: float, count: int, *, complete: bool = False) -> float:
    """Probability that some moving window holds at least ``count`` Poisson events.

    With p and F the Poisson probability and distribution function of mean ψ, and k = ``count``,

        P(S ≥ k) ≈ 1 - Q2 (Q3 / Q2)^(length - width)

    where Q2 and Q3 are the exact probabilities that no window among two and three adjoining ones reaches k
    (Naus, J. I. (1982), "Approximations for distributions of scan statistics", *Journal of the American
    Statistical Association* 77, 177-183, theorem 1 and equation 3.3).

    Parameters
    ----------
    length : float
        Length of the study in windows: 208 fortnights.
    width : float
        Windows that Q2 already spans: 2 in Naus' formula. (Known in published software as the width of
        the window.)
    mean : float
        ψ, the events expected in one window.
    count : int
        k, the most events seen in any window.
    complete : bool
        Naus' last sum in Q3 runs to k - 1. Published software and the figure printed for (208, 2, 0.6, 6),
        0.039022, stop at k - 2; with the whole sum it is 0.039023. A simulation of Q3 at ψ = 2, k = 3
        agrees with the whole sum; the two differ only far from the tail that matters.

    Returns
    -------
    float
        Between 0 and 1.

    Raises
    ------
    AnlanError
        If the mean is not positive, the count is below 2 or the study shorter than two windows.

    Examples
    --------
    >>> round(naus(208, 2, 0.6, 6), 6)
    0.039022
    """
    if not (math.isfinite(mean) and mean > 0):
        raise AnlanError(f"mean = {mean}", "a window expects more than no event", "give ψ > 0", code="mean")
    if count != int(count) or count < 2:
        raise AnlanError(
            f"count = {count}", "a cluster holds at least two events", "give a whole count of 2 or more",
            code="count",
        )  # fmt: skip
    if not (width > 0 and length >= width and math.isfinite(length)):
        raise AnlanError(
            f"length = {length}, width = {width}",
            "the study is at least as long as what the first factor spans",
            "give the length in windows, and 2 for the width",
            code="length",
        )
    k = int(count)

    def p(i: int) -> float:
        return math.exp(i * math.log(mean) - mean - float(gammaln(i + 1))) if i >= 0 else 0.0

    def f(i: int) -> float:
        return float(pdtr(i, mean)) if i >= 0 else 0.0

    q2 = f(k - 1) ** 2 - (k - 1) * p(k) * p(k - 2) - (k - 1 - mean) * p(k) * f(k - 3)
    a1 = 2 * p(k) * f(k - 1) * ((k - 1) * f(k - 2) - mean * f(k - 3))
    a2 = 0.5 * p(k) ** 2 * ((k - 1) * (k - 2) * f(k - 3) - 2 * (k - 2) * mean * f(k - 4) + mean**2 * f(k - 5))
    a3 = sum(p(2 * k - r) * f(r - 1) ** 2 for r in range(1, k))
    a4 = sum(
        p(2 * k - r) * p(r) * ((r - 1) * f(r - 2) - mean * f(r - 3))
        for r in range(2, k if complete else k - 1)
    )
    q3 = f(k - 1) ** 3 - a1 + a2 + a3 - a4
    if q2 <= 0.0:
        return 1.0
    return float(np.clip(1.0 - q2 * max(q3 / q2, 0.0) ** (length - width), 0.0, 1.0))
