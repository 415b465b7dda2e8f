"""The flexible Farrington algorithm: counts that are more than their season explains."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from anlan.core.columns import Floats
from anlan.core.errors import AnlanError
from anlan.hotspots.block_dispersion import block_dispersion, pooled_dispersion
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
    """What one week (or the last few together) of every series was, and what was to be expected.

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
    span: int = 1,
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
    weeks count by their exposure. (8) Several weeks can be tested together (``span``), against the season
    around the middle of them; the variance of their sum is then taken from past sums of as many weeks,
    so that a rise that drags on by chance is not taken for more than it is (see `block_dispersion`).
    Realised rates of false alarms are in docs/benchmarks/analysis.md.

    Parameters
    ----------
    counts : ndarray, shape (S, T)
        Calls per week, the first beginning on ``first_monday``.
    first_monday : date
    at : int
        The week to test; the last by default.
    span : int
        Test the sum of so many weeks, the last of which is ``at``.
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
    tested = tested_weeks(at, span, size)
    half_window = max(half_window, span // 2)
    middle = at - (span - 1) // 2
    centres = same_season(first_monday, middle, years, half_window)
    if not len(centres):
        raise AnlanError(
            f"{at} weeks of history",
            f"the same season of an earlier year needs at least {52 + span + half_window} weeks",
            "load a longer history, or use the detectors for short ones (ears)",
            code="history_short",
        )
    season = seasons(centres, middle, half_window, even=span % 2 == 0)
    use = np.flatnonzero((season >= 0) & (size[: middle + 1] > 0))
    use = use[use <= at - span + 1 - max(skip_recent, 1)]
    if len(use) < 3 * half_window or not size[at] > 0:
        raise AnlanError(
            f"{len(use)} reference weeks",
            "too few weeks were counted in earlier years, or the week itself was not",
            "choose another week or load the missing ones",
            code="history_short",
        )
    design, now, precision = _design(season, use, tested, at, len(centres), holidays, seasonal_sd)
    work = _Work(design, size[use], now, size[tested], precision, (at - use) // span, span, reweight)
    out = _Out(y.shape[0])
    for begin in range(0, y.shape[0], _CHUNK):
        rows = slice(begin, min(begin + _CHUNK, y.shape[0]))
        _chunk(out, rows, y[rows][:, use], work, len(centres) >= 3)
    mean = y[:, use].mean(axis=1)
    dispersion = pooled_dispersion(out.dispersion, mean, np.full(len(y), len(use), float), group)
    if span > 1:
        sums = pooled_dispersion(out.sums, mean * span, out.freedom, group)
        dispersion = np.maximum(dispersion, sums)
    variance = dispersion * (out.expected + out.error)
    observed = y[:, tested].sum(axis=1)
    return Detection(
        observed=observed,
        expected=out.expected,
        variance=variance,
        p=upper_tail(observed, out.expected, variance, mid=mid_p),
        dispersion=dispersion,
        trend=out.trend,
        reference_weeks=len(use),
        years=len(centres),
    )


def tested_weeks(at: int, span: int, exposure: Floats) -> NDArray[np.int64]:
    """The recorded weeks among the ``span`` ones that end with ``at``.

    Raises
    ------
    AnlanError
        If the history does not hold so many weeks.
    """
    if not 1 <= span <= at + 1:
        raise AnlanError(
            f"span = {span} weeks",
            f"it is at least one, and the history holds {at + 1} up to the tested week",
            "test fewer weeks together",
            code="history_short",
        )
    weeks = np.arange(at - span + 1, at + 1)
    return weeks[exposure[weeks] > 0]


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


def seasons(centres: list[int], at: int, half_window: int, *, even: bool = False) -> NDArray[np.int64]:
    """Season of each week up to ``at``, shape (at + 1,): 0 around each centre, 1 … 9 between; -1 before.

    ``even`` lets the windows begin a week earlier, so that their middle is that of an even number of weeks.
    """
    season = np.full(at + 1, -1)
    points = [*centres[::-1], at]
    early = half_window + even
    season[max(points[0] - early, 0) : points[0] + half_window + 1] = 0
    for this, following in pairwise(points):
        season[max(this - early, 0) : this + half_window + 1] = 0
        begin, end = this + half_window + 1, following - early
        between = np.arange(begin, end)
        season[begin:end] = 1 + ((between - begin) * (_PERIODS - 1)) // max(len(between), 1)
    season[max(at - early, 0) : at + 1] = 0
    return season


@dataclass(frozen=True, eq=False)
class _Work:
    """What is the same for every chunk of series."""

    design: Matrix
    exposure: Floats
    now: Matrix
    now_exposure: Floats
    precision: Floats
    block: NDArray[np.int64]
    span: int
    reweight: bool


class _Out:
    """Results by series, filled chunk by chunk.

    ``error`` is the variance of what is expected, and ``sums`` the dispersion of sums of weeks with its
    degrees of ``freedom``, each per unit of the dispersion.
    """

    def __init__(self, n: int) -> None:
        self.expected, self.error, self.dispersion = np.empty(n), np.empty(n), np.ones(n)
        self.sums, self.freedom = np.ones(n), np.zeros(n)
        self.trend = np.zeros(n, bool)


def _design(
    season: NDArray[np.int64],
    use: NDArray[np.int64],
    tested: NDArray[np.int64],
    at: int,
    n_years: int,
    holidays: Matrix | None,
    seasonal_sd: float | None,
) -> tuple[Matrix, Matrix, Floats]:
    """Design of the reference weeks and of the tested ones, and prior precisions; the trend comes last."""
    loose = 1e-9
    soft = loose if seasonal_sd is None else 1.0 / seasonal_sd**2
    none = np.zeros(len(tested))
    columns, now, precision = [np.ones(len(use))], [none + 1.0], [loose]
    for level in range(1, _PERIODS):
        here = (season[use] == level).astype(float)
        if here.any():
            columns.append(here)
            now.append(none)
            precision.append(soft)
    if holidays is not None:
        for share in holidays.T:
            # Seen in one week only, an effect cannot be told from that week's chance.
            if np.count_nonzero(share[use]) > 1:
                columns.append(share[use])
                now.append(share[tested])
                precision.append(soft)
    columns.append((use - at) / (52.18 * n_years))
    now.append((tested - at) / (52.18 * n_years))
    precision.append(loose if seasonal_sd is None else 1.0)
    return np.column_stack(columns), np.column_stack(now), np.array(precision)


def _chunk(out: _Out, rows: slice, y: Matrix, work: _Work, trend: bool) -> None:
    total = y.sum(axis=1)
    weeks, ahead = float(work.exposure.sum()), float(work.now_exposure.sum())
    # Jeffreys' prior: half a call in all the weeks that were seen.
    rate = (total + 0.5) / weeks
    out.expected[rows], out.error[rows] = rate * ahead, rate / weeks * ahead**2
    first = rows.start
    some = np.flatnonzero(total > 0)
    if len(some) and trend:
        full = _weighted(y[some], work.design, work)
        predicted = np.exp(full.beta @ work.now.T).mean(axis=1)
        plausible = predicted <= (y[some] / work.exposure).max(axis=1)
        _take(out, first + some[plausible], y[some[plausible]], full.take(plausible), work, True)
        some = some[~plausible]
    if len(some):
        _take(out, first + some, y[some], _weighted(y[some], work.design[:, :-1], work), work, False)


def _take(out: _Out, which: NDArray[np.int64], y: Matrix, fits: Fits, work: _Work, trend: bool) -> None:
    """What is expected of the tested weeks together, and the variance of that (delta method)."""
    p = fits.beta.shape[1]
    now = work.now[:, :p]
    value = np.exp(fits.beta @ now.T) * work.now_exposure
    slope = value @ now
    out.expected[which] = value.sum(axis=1)
    out.error[which] = np.einsum("si,sij,sj->s", slope, fits.spread, slope)
    out.dispersion[which], out.trend[which] = fits.dispersion, trend
    if work.span > 1:
        out.sums[which], out.freedom[which] = block_dispersion(
            y, fits, work.design[:, :p], work.block, _ANSCOMBE
        )


def _weighted(y: Matrix, design: Matrix, work: _Work) -> Fits:
    precision = work.precision[: design.shape[1]]
    first = fit(y, design, work.exposure, precision)
    often = y.mean(axis=1) >= _SPARSE
    if not (work.reweight and often.any()):
        return first
    mean = first.mean[often]
    residual = 1.5 * (y[often] ** (2 / 3) * mean ** (-1 / 6) - np.sqrt(mean))
    residual /= np.sqrt(np.maximum(first.dispersion[often, None], 1.0) * (1.0 - first.leverage[often]))
    weight = np.where(residual > _ANSCOMBE, 1.0 / np.maximum(residual, 1e-9) ** 2, 1.0)
    weight *= y.shape[1] / weight.sum(axis=1, keepdims=True)
    second = fit(y[often], design, work.exposure, precision, weight, start=mean)

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
