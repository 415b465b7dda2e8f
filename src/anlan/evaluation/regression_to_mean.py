"""Regression to the mean: places chosen because they were bad would have got better anyway."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import gamma

from anlan.core.errors import AnlanError
from anlan.evaluation.counts import counts, positive


@dataclass(frozen=True)
class Corrected:
    """A before/after change with the part that would have come anyway taken out.

    Attributes
    ----------
    naive : float
        After minus before, in counts (scaled to equal periods).
    regression : float
        The part of it that is regression to the mean: expected true level minus the count before.
    corrected : float
        ``naive - regression``.
    interval : tuple of float
        Of `corrected`, closed: from the posterior of the true levels before and Poisson noise after.
    level : float
    """

    naive: float
    regression: float
    corrected: float
    interval: tuple[float, float]
    level: float


def regression_to_mean(
    before: ArrayLike,
    after: ArrayLike,
    chosen: ArrayLike,
    *,
    exposure: tuple[float, float] = (1.0, 1.0),
    level: float = 0.95,
) -> Corrected:
    """Empirical-Bayes before/after comparison (Hauer 1997, *Observational Before–After Studies*).

    The counts before of *all* places are taken as Poisson around gamma-distributed true levels; what a
    chosen place's true level probably was lies between its own count and the mean of all.

    Parameters
    ----------
    before, after : array_like, shape (n_place,)
        Counts of all places from which the chosen ones were picked.
    chosen : array_like of bool or int
        Mask or rows of the places that were treated.
    exposure : pair of float
        Lengths of the two periods.
    level : float

    Raises
    ------
    AnlanError
        If fewer than ten places are given: the spread of true levels cannot be estimated.
    """
    b, a = counts(before, "before"), counts(after, "after")
    if len(b) != len(a) or len(b) < 10:
        raise AnlanError(
            f"{len(b)} places before and {len(a)} after",
            "the correction compares the same ten or more places",
            "give every place that could have been chosen",
        )
    rows = np.zeros(len(b), bool)
    rows[np.asarray(chosen)] = True
    scale = positive(exposure[1], "exposure") / positive(exposure[0], "exposure")
    mean, variance = float(b.mean()), float(b.var(ddof=1))
    # Method of moments for the gamma of true levels; no excess variance: all places are alike.
    excess = max(variance - mean, 1e-9 * max(mean, 1e-9))
    rate = mean / excess
    shape = mean * rate
    posterior_shape = shape * rows.sum() + b[rows].sum()
    posterior_rate = rate + 1.0
    expected = posterior_shape / posterior_rate * scale
    seen_before = float(b[rows].sum()) * scale
    seen_after = float(a[rows].sum())
    tail = (1 - level) / 2
    # The sum of the posteriors is a gamma; the noise of the count after is added in quadrature.
    low, high = (gamma.ppf(q, posterior_shape) / posterior_rate * scale for q in (tail, 1 - tail))
    z = (high - low) / 2 / max(np.sqrt(posterior_shape) / posterior_rate * scale, 1e-12)
    spread = np.sqrt((high - low) ** 2 / 4 + z**2 * seen_after)
    corrected = seen_after - expected
    return Corrected(
        seen_after - seen_before,
        expected - seen_before,
        corrected,
        (float(corrected - spread), float(corrected + spread)),
        level,
    )
