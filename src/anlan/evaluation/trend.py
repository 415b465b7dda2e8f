"""Trends: whether a claimed decline is there, and whether it was continuous."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import norm, t

from anlan.core.errors import AnlanError
from anlan.evaluation.counts import counts
from anlan.evaluation.glm import harmonics, quasi_poisson


@dataclass(frozen=True)
class Trend:
    """A log-linear trend.

    Attributes
    ----------
    yearly_ratio : float
        Factor a year; 0.9 is a fall of 10 % a year.
    interval : tuple of float
    p_value : float
        Two-sided, of no trend.
    dispersion : float
    """

    yearly_ratio: float
    interval: tuple[float, float]
    p_value: float
    dispersion: float


def trend(series: ArrayLike, *, season: float = 52.1775, order: int = 2, level: float = 0.95) -> Trend:
    """Quasi-Poisson trend with seasonality and Newey–West errors.

    Parameters
    ----------
    series : array_like, shape (n,)
        Counts in periods of equal length.
    season : float
        Periods a year.
    order : int
        Pairs of harmonics, used where the series is at least two years long.
    level : float

    Raises
    ------
    AnlanError
        If there are fewer than eight periods.
    """
    y = counts(series, "series")
    n = len(y)
    if n < 8:
        raise AnlanError(f"{n} periods", "a trend needs at least eight", "use weeks, or a longer history")
    time = (np.arange(n) - (n - 1) / 2) / season
    x = np.stack([np.ones(n), time], axis=1)
    if n >= 2 * season:
        x = np.concatenate([x, harmonics(np.arange(n) / season % 1.0, order)], axis=1)
    fit = quasi_poisson(x, y)
    slope, se = float(fit.beta[1]), float(np.sqrt(fit.covariance[1, 1]))
    half = float(t.ppf(0.5 + level / 2, n - x.shape[1])) * se
    p = float(2 * t.sf(abs(slope) / se, n - x.shape[1]))
    return Trend(
        float(np.exp(slope)), (float(np.exp(slope - half)), float(np.exp(slope + half))), p, fit.dispersion
    )


@dataclass(frozen=True)
class YearOnYear:
    """Whether a claim of year-on-year decline stands.

    Attributes
    ----------
    ratios : tuple of float
        Each year over the one before.
    intervals : tuple of (float, float)
    p_values : tuple of float
        One-sided, of no decline, for each step.
    cumulative_ratio : float
        Last year over the first.
    cumulative_interval : tuple of float
    cumulative_p : float
        One-sided, of no decline from first to last.
    continuous_p : float
        Of "not every year fell": the largest of `p_values` (intersection–union test, Berger 1982). Only
        where this is small may a decline be called continuous.
    dispersion : float
        Variance of a year's count over its mean, estimated from the parts of the years.
    """

    ratios: tuple[float, ...]
    intervals: tuple[tuple[float, float], ...]
    p_values: tuple[float, ...]
    cumulative_ratio: float
    cumulative_interval: tuple[float, float]
    cumulative_p: float
    continuous_p: float
    dispersion: float


def year_on_year(table: ArrayLike, *, level: float = 0.95) -> YearOnYear:
    """Compare the same season of successive years.

    Parameters
    ----------
    table : array_like, shape (n_year, n_part)
        Counts; the columns are the same parts (weeks, months) of each year.
    level : float

    Raises
    ------
    AnlanError
        If there is only one year, or a year without any count.
    """
    y = counts(table, "table", 2)
    years, parts = y.shape
    totals = y.sum(axis=1)
    if years < 2 or (totals == 0).any():
        raise AnlanError(
            f"{years} years, the smallest with {totals.min() if years else 0:g} calls",
            "a comparison needs two years with calls in each",
            "use a longer history or a wider category",
        )
    phi = 1.0
    if parts > 1:
        # Interaction of year and part beyond their margins: what a common season does not explain.
        fit = totals[:, None] * y.sum(axis=0) / y.sum()
        used = fit > 0
        phi = max(1.0, float(((y - fit)[used] ** 2 / fit[used]).sum() / ((years - 1) * (parts - 1))))
    z = float(norm.ppf(0.5 + level / 2))

    def compare(before: float, after: float) -> tuple[float, tuple[float, float], float]:
        log_ratio = np.log(after / before)
        se = np.sqrt(phi * (1 / before + 1 / after))
        interval = (float(np.exp(log_ratio - z * se)), float(np.exp(log_ratio + z * se)))
        return after / before, interval, float(norm.cdf(log_ratio / se))

    steps = [compare(totals[k], totals[k + 1]) for k in range(years - 1)]
    ratio, interval, p = compare(totals[0], totals[-1])
    return YearOnYear(
        tuple(float(s[0]) for s in steps),
        tuple(s[1] for s in steps),
        tuple(s[2] for s in steps),
        float(ratio),
        interval,
        p,
        max(s[2] for s in steps),
        phi,
    )
