"""The flexible Farrington algorithm: counts that are more than their season explains."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from anlan.core.columns import Floats
from anlan.core.errors import AnlanError
from anlan.hotspots.discipline import counts as checked
from anlan.hotspots.glm import Fits, Matrix, fit
from anlan.hotspots.tails import upper_tail

_PERIODS = 10
_ANSCOMBE = 2.58
_CHUNK = 512
_SPARSE = 1.0
"""Mean count per week below which past peaks are not weighed down: see `farrington`."""


@dataclass(frozen=True, eq=False)
class Detection:
    """What one week of every series was, and what was to be expected.

    Attributes
    ----------
    observed, expected, variance : ndarray of float64, shape (S,)
        The count, its predicted mean, and the variance of a new count around it (dispersion and the
        uncertainty of the mean together).
    p : ndarray of float64, shape (S,)
        P(Y ≥ observed) of the negative binomial with that mean and variance.
    dispersion : ndarray of float64, shape (S,)
    trend : ndarray of bool, shape (S,)
        Whether a trend was kept.
    reference_weeks : int
    years : int
        Earlier years that were used.
    """

    observed: Floats
    expected: Floats
    variance: Floats
    p: Floats
    dispersion: Floats
    trend: NDArray[np.bool_]
    reference_weeks: int
    years: int


def farrington(
    counts: NDArray[np.floating] | NDArray[np.integer],
    first_monday: date,
    *,
    at: int = -1,
    exposure: Floats | None = None,
    holidays: Matrix | None = None,
    years: int = 5,
    half_window: int = 3,
    skip_recent: int = 26,
    seasonal_sd: float | None = 0.5,
    reweight: bool = True,
    group: NDArray[np.integer] | None = None,
    mid_p: bool = False,
) -> Detection:
    """Test one week of many series against the same season of earlier years.

    Noufaily, A., Enki, D. G., Farrington, P., Garthwaite, P., Andrews, N. and Charlett, A. (2013), "An
    improved algorithm for outbreak detection in multiple surveillance systems", *Statistics in Medicine*
    32, 1206-1222. For the week t and each earlier year, the weeks within ``half_window`` of the same date
    form season 0, the rest of the year nine further seasons of about five weeks. A quasi-Poisson model
    with these ten levels and a linear trend is fitted to all weeks from the oldest such window up to
    ``skip_recent`` weeks before t; weeks whose standardised Anscombe residual exceeds 2.58 are weighed by
    its inverse square and the model is fitted again. A trend needs three years, and is dropped where it
    predicts more than any reference week had.

    Where it departs from the paper, and why. (1) The p-value is that of a negative binomial whose
    variance holds the dispersion *and* the error of the fitted mean, instead of a plug-in threshold, so
    that it holds its level with little history. (2) Seasonal and holiday effects have a normal prior with
    deviation ``seasonal_sd`` on the log scale, and the trend over the whole history one with
    deviation 1, because a season of zeros in a small area would otherwise predict exactly zero. (3) Past
    peaks are not weighed down in series below one call a week: there the residual of a single call passes
    2.58, and weighing ordinary calls down makes false alarms. (4) A
    series without a single reference call gets the predictive distribution of a rate with Jeffreys'
    prior. (5) The dispersion of a series is drawn towards that of its group as far as its own counts are
    too few to tell it (see `pooled_dispersion`). (6) Weeks of holidays have their own effects. (7) Parts of
    weeks count by their exposure.
    Realised rates of false alarms are in docs/benchmarks/analysis.md.

    Parameters
    ----------
    counts : ndarray, shape (S, T)
        Calls per week, the first beginning on ``first_monday``.
    first_monday : date
    at : int
        The week to test; the last by default.
    exposure : ndarray of float64, shape (T,), optional
        Share of each week's calls that could be counted: 1 for a whole week, 0 leaves a week out.
    holidays : ndarray of float64, shape (T, H), optional
        Share of each week's days in each holiday; see `holiday_shares`.
    years : int
        Use at most this many earlier years.
    half_window, skip_recent : int
        Weeks.
    seasonal_sd : float or None
        None fits freely, as the paper does.
    reweight : bool
    group : ndarray of int, shape (S,), optional
        Series of one group (a category) share what is known of their dispersion; all by default.
    mid_p : bool
        See `upper_tail`.

    Returns
    -------
    Detection

    Raises
    ------
    AnlanError
        If a count is negative or the history does not hold the season of one earlier year.
    """
    y = checked(counts, "weekly counts")
    if y.ndim != 2:
        raise ValueError(f"counts have shape {y.shape}; (series, weeks) is needed")
    n_time = y.shape[1]
    at = at % n_time
    size = np.ones(n_time) if exposure is None else np.asarray(exposure, float)
    centres = same_season(first_monday, at, years, half_window)
    if not len(centres):
        raise AnlanError(
            f"{at} weeks of history",
            f"the same season of an earlier year needs at least {53 + half_window} weeks",
            "load a longer history, or use the detectors for short ones (ears)",
            code="history_short",
        )
    season = seasons(centres, at, half_window)
    use = np.flatnonzero((season >= 0) & (size[: at + 1] > 0))
    use = use[use <= min(at - skip_recent, at - 1)]
    if len(use) < 3 * half_window or not size[at] > 0:
        raise AnlanError(
            f"{len(use)} reference weeks",
            "too few weeks were counted in earlier years, or the week itself was not",
            "choose another week or load the missing ones",
            code="history_short",
        )
    design, now, precision = _design(season, use, at, len(centres), holidays, seasonal_sd)
    out = _Out(y.shape[0])
    for begin in range(0, y.shape[0], _CHUNK):
        rows = slice(begin, min(begin + _CHUNK, y.shape[0]))
        _chunk(out, rows, y[rows][:, use], design, size[use], now, precision, len(centres) >= 3, reweight)
    dispersion = pooled_dispersion(out.dispersion, y[:, use].mean(axis=1), len(use), group)
    expected = out.rate * size[at]
    variance = dispersion * expected + dispersion * out.error * size[at] ** 2
    observed = y[:, at]
    return Detection(
        observed=observed,
        expected=expected,
        variance=variance,
        p=upper_tail(observed, expected, variance, mid=mid_p),
        dispersion=dispersion,
        trend=out.trend,
        reference_weeks=len(use),
        years=len(centres),
    )


def same_season(first_monday: date, at: int, years: int, half_window: int) -> list[int]:
    """The weeks that hold the same date in earlier years, latest first, whose window lies in the history."""
    monday = date.fromordinal(first_monday.toordinal() + 7 * at)
    out = []
    for back in range(1, years + 1):
        day = 28 if (monday.month, monday.day) == (2, 29) else monday.day
        then = monday.replace(year=monday.year - back, day=day)
        week = round((then - first_monday).days / 7)
        if week < half_window:
            break
        out.append(week)
    return out


def seasons(centres: list[int], at: int, half_window: int) -> NDArray[np.int64]:
    """Season of each week up to ``at``, shape (at + 1,): 0 around each centre, 1 … 9 between; -1 before."""
    season = np.full(at + 1, -1)
    points = [*centres[::-1], at]
    season[max(points[0] - half_window, 0) : points[0] + half_window + 1] = 0
    for this, following in pairwise(points):
        season[this - half_window : this + half_window + 1] = 0
        begin, end = this + half_window + 1, following - half_window
        between = np.arange(begin, end)
        season[begin:end] = 1 + ((between - begin) * (_PERIODS - 1)) // max(len(between), 1)
    season[at - half_window : at + 1] = 0
    return season


def pooled_dispersion(
    dispersion: Floats, mean: Floats, n_weeks: int, group: NDArray[np.integer] | None = None
) -> Floats:
    """Dispersions of many series, each drawn towards its group's, at least 1, shape (S,).

    Pearson's dispersion of n weeks of Poisson counts with mean m has variance (2 + 1/m) / n: a series of
    few calls says little about its own. It is averaged with its group's mean, which counts as thirty
    weeks of well-filled counts.
    """
    which = np.zeros(len(dispersion), np.int64) if group is None else np.asarray(group, np.int64)
    known = np.where(mean > 0, n_weeks / (2.0 + 1.0 / np.maximum(mean, 1e-9)), 0.0)
    size = int(which.max(initial=0)) + 1
    weight = np.bincount(which, known, minlength=size)
    total = np.bincount(which, known * dispersion, minlength=size)
    shared = np.divide(total, weight, out=np.ones(size), where=weight > 0)
    return np.maximum((known * dispersion + 15.0 * shared[which]) / (known + 15.0), 1.0)


class _Out:
    """Results by series, filled chunk by chunk."""

    def __init__(self, n: int) -> None:
        self.rate, self.error, self.dispersion = np.empty(n), np.empty(n), np.ones(n)
        self.trend = np.zeros(n, bool)


def _design(
    season: NDArray[np.int64],
    use: NDArray[np.int64],
    at: int,
    n_years: int,
    holidays: Matrix | None,
    seasonal_sd: float | None,
) -> tuple[Matrix, Floats, Floats]:
    """Design of the reference weeks, row of the tested week, and prior precisions; the trend comes last."""
    loose = 1e-9
    soft = loose if seasonal_sd is None else 1.0 / seasonal_sd**2
    columns, row, precision = [np.ones(len(use))], [1.0], [loose]
    for level in range(1, _PERIODS):
        here = (season[use] == level).astype(float)
        if here.any():
            columns.append(here)
            row.append(0.0)
            precision.append(soft)
    if holidays is not None:
        for share in holidays.T:
            # Seen in one week only, an effect cannot be told from that week's chance.
            if np.count_nonzero(share[use]) > 1:
                columns.append(share[use])
                row.append(float(share[at]))
                precision.append(soft)
    columns.append((use - at) / (52.18 * n_years))
    row.append(0.0)
    precision.append(loose if seasonal_sd is None else 1.0)
    return np.column_stack(columns), np.array(row), np.array(precision)


def _chunk(
    out: _Out,
    rows: slice,
    y: Matrix,
    design: Matrix,
    exposure: Floats,
    now: Floats,
    precision: Floats,
    trend: bool,
    reweight: bool,
) -> None:
    total = y.sum(axis=1)
    weeks = float(exposure.sum())
    # Jeffreys' prior: half a call in all the weeks that were seen.
    rate, error = (total + 0.5) / weeks, (total + 0.5) / weeks**2
    dispersion, kept = np.ones(len(y)), np.zeros(len(y), bool)
    some = np.flatnonzero(total > 0)
    if len(some) and trend:
        full = _weighted(y[some], design, exposure, precision, reweight)
        predicted = np.exp(full.beta @ now)
        plausible = predicted <= (y[some] / exposure).max(axis=1)
        _take(rate, error, dispersion, some[plausible], full, now, plausible)
        kept[some[plausible]] = True
        some = some[~plausible]
    if len(some):
        flat = _weighted(y[some], design[:, :-1], exposure, precision[:-1], reweight)
        _take(rate, error, dispersion, some, flat, now[:-1], np.ones(len(some), bool))
    out.rate[rows], out.error[rows], out.dispersion[rows], out.trend[rows] = rate, error, dispersion, kept


def _take(
    rate: Floats,
    error: Floats,
    dispersion: Floats,
    which: NDArray[np.int64],
    fits: Fits,
    now: Floats,
    good: NDArray[np.bool_],
) -> None:
    """Rate of the tested week, and the variance of its estimate per unit of dispersion (delta method)."""
    value = np.exp(fits.beta[good] @ now)
    log_variance = np.einsum("i,sij,j->s", now, fits.spread[good], now)
    rate[which], error[which] = value, value**2 * log_variance
    dispersion[which] = fits.dispersion[good]


def _weighted(y: Matrix, design: Matrix, exposure: Floats, precision: Floats, reweight: bool) -> Fits:
    first = fit(y, design, exposure, precision)
    often = y.mean(axis=1) >= _SPARSE
    if not (reweight and often.any()):
        return first
    mean = first.mean[often]
    residual = 1.5 * (y[often] ** (2 / 3) * mean ** (-1 / 6) - np.sqrt(mean))
    residual /= np.sqrt(np.maximum(first.dispersion[often, None], 1.0) * (1.0 - first.leverage[often]))
    weight = np.where(residual > _ANSCOMBE, 1.0 / np.maximum(residual, 1e-9) ** 2, 1.0)
    weight *= y.shape[1] / weight.sum(axis=1, keepdims=True)
    second = fit(y[often], design, exposure, precision, weight, start=mean)

    def merged(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
        out = a.copy()
        out[often] = b
        return out

    return Fits(
        *(
            merged(getattr(first, name), getattr(second, name))
            for name in ("beta", "mean", "spread", "dispersion", "leverage")
        )
    )
