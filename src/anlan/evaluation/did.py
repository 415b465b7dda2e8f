"""Difference-in-differences with staggered starts (Callaway & Sant'Anna 2021, *Journal of Econometrics* 225).

With areas that begin at different times the usual two-way regression compares late starters with early
ones that are already treated. Here each group of areas with one start is compared, period by period, only
with areas that are not (yet) treated; the group-time effects are then averaged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm

from anlan.core.errors import AnlanError
from anlan.core.seed import stream

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Effect:
    """An average effect in the outcome's unit, with its standard error, interval and two-sided p-value."""

    estimate: float
    standard_error: float
    interval: tuple[float, float]
    p_value: float


@dataclass(frozen=True, eq=False)
class Staggered:
    """Group-time average treatment effects and their averages.

    Attributes
    ----------
    group, period : ndarray of int64, shape (k,)
        Start and period of each group-time effect; periods before the start show whether trends were
        parallel.
    effect, standard_error : ndarray of float64, shape (k,)
    overall : Effect
        Average over all treated area-periods.
    dynamic : dict of int to Effect
        By periods since the start (negative ones are the check of parallel trends).
    parallel_p : float
        Joint test that all effects before the starts are zero (bootstrap of the largest t); NaN where
        there is no period to test.
    """

    group: NDArray[np.int64]
    period: NDArray[np.int64]
    effect: Floats
    standard_error: Floats
    overall: Effect
    dynamic: dict[int, Effect]
    parallel_p: float


def staggered(
    outcome: ArrayLike,
    start: ArrayLike,
    *,
    control: Literal["never", "not_yet"] = "not_yet",
    draws: int = 999,
    level: float = 0.95,
    seed: int = 0,
) -> Staggered:
    """Effects of treatments that begin at different times.

    Parameters
    ----------
    outcome : array_like, shape (n_area, n_period)
        Counts or rates.
    start : array_like, shape (n_area,)
        First treated period of each area; infinite (or not below n_period) where never treated.
    control : {"not_yet", "never"}
        Compare with areas not yet treated, or with never-treated ones only.
    draws : int
        Multiplier bootstrap draws (Mammen's two-point weights), clustered by area.
    level : float
    seed : int

    Raises
    ------
    AnlanError
        If no area is treated after the first period or none can serve as a control.
    """
    y = np.asarray(outcome, dtype=np.float64)
    begin = np.where(np.asarray(start, dtype=np.float64) < y.shape[1], start, np.inf)
    n, n_period = y.shape
    groups = sorted({int(g) for g in begin[np.isfinite(begin)] if g >= 1})
    if not groups:
        raise AnlanError(
            "no treated area with a period before its start",
            "the effect is a change from the period before",
            "begin the series earlier",
        )
    rows: list[tuple[int, int, float, Floats]] = []
    for g in groups:
        treated = begin == g
        for t in range(1, n_period):
            # Before the start: change from the period before it (a placebo); after: from the last untreated.
            base = t - 1 if t < g else g - 1
            clean = np.isinf(begin) if control == "never" else begin > max(t, base)
            if not clean.any() or not treated.any():
                continue
            change = y[:, t] - y[:, base]
            effect = change[treated].mean() - change[clean].mean()
            influence = np.zeros(n)
            influence[treated] = n / treated.sum() * (change[treated] - change[treated].mean())
            influence[clean] -= n / clean.sum() * (change[clean] - change[clean].mean())
            rows.append((g, t, float(effect), influence))
    if not any(t >= g for g, t, _, _ in rows):
        raise AnlanError(
            "no untreated area to compare with",
            "each treated period needs areas that are not (yet) treated",
            "add areas that were never treated",
        )
    group = np.array([r[0] for r in rows])
    period = np.array([r[1] for r in rows])
    effect = np.array([r[2] for r in rows])
    influence = np.stack([r[3] for r in rows])
    sizes = np.array([(begin == g).sum() for g in group], dtype=np.float64)
    rng = stream(seed, "staggered")
    # Mammen's weights: mean 0, variance 1, third moment 1.
    golden = (1 + np.sqrt(5)) / 2
    weight = np.where(rng.random((draws, n)) < golden / np.sqrt(5), 1 - golden, golden)
    spread = weight @ influence.T / n
    se = _spread(spread)

    def average(rows_in: NDArray[np.bool_]) -> Effect:
        share = np.where(rows_in, sizes, 0.0)
        share = share / share.sum()
        return _effect(float(share @ effect), float(_spread(spread @ share[:, None])[0]), level)

    since = period - group
    before = since < 0
    p = float("nan")
    if before.any():
        with np.errstate(invalid="ignore", divide="ignore"):
            t_seen = np.nanmax(np.abs(effect[before] / se[before]))
            t_drawn = np.nanmax(np.abs(spread[:, before] / se[before]), axis=1)
        p = float((1 + (t_drawn >= t_seen).sum()) / (1 + draws))
    return Staggered(
        group,
        period,
        effect,
        se,
        average(since >= 0),
        {int(k): average(since == k) for k in np.unique(since)},
        p,
    )


def _spread(draws: Floats) -> Floats:
    """Standard errors from the bootstrap's interquartile range, which outlying draws cannot move."""
    low, high = np.quantile(draws, [0.25, 0.75], axis=0)
    return (high - low) / (norm.ppf(0.75) - norm.ppf(0.25))


def _effect(estimate: float, se: float, level: float) -> Effect:
    half = float(norm.ppf(0.5 + level / 2)) * se
    p = float(2 * norm.sf(abs(estimate) / se)) if se > 0 else 1.0
    return Effect(estimate, se, (estimate - half, estimate + half), p)
