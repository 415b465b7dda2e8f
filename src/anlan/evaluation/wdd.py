"""Weighted displacement difference: whether crime fell more where something was done.

The estimate adds up the changes in treated and displacement areas and takes away those in their controls.
With counts that are Poisson its variance is the sum of the (scaled) counts, so eight figures suffice
(Wheeler & Ratcliffe 2018, *Crime Science* 7:11). The plain interval is too narrow where counts are more
dispersed than Poisson: pass ``dispersion`` (from `dispersion`), or calibrate by placebos (`placebo`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm

from anlan.core.errors import AnlanError
from anlan.core.seed import stream
from anlan.evaluation.counts import counts, pair, positive


@dataclass(frozen=True)
class Difference:
    """A weighted displacement difference.

    Attributes
    ----------
    estimate : float
        Crimes prevented if negative, in counts a unit of weight.
    standard_error : float
    z : float
        ``estimate / standard_error``; 0 where both are 0.
    interval : tuple of float
        Two-sided, at `level`, closed.
    level : float
    p_value : float
        Two-sided, normal.
    """

    estimate: float
    standard_error: float
    z: float
    interval: tuple[float, float]
    level: float
    p_value: float


def wdd(
    control: Sequence[float],
    treated: Sequence[float],
    displacement_control: Sequence[float] | None = None,
    displacement_treated: Sequence[float] | None = None,
    time_weights: Sequence[float] | None = None,
    area_weights: Sequence[float] | None = None,
    *,
    dispersion: float = 1.0,
    level: float = 0.95,
) -> Difference:
    """Weighted displacement difference of one comparison (Wheeler & Ratcliffe 2018).

    Parameters
    ----------
    control, treated : pair of float
        Counts (before, after) in the control and in the treated area.
    displacement_control, displacement_treated : pair of float, optional
        Counts around them, to which crime may have moved; both or neither.
    time_weights : pair of float, optional
        Lengths of the periods (before, after): counts are divided by them.
    area_weights : sequence of float, optional
        Sizes of the areas in the order control, treated, displacement control, displacement treated:
        counts are divided by them too.
    dispersion : float
        Variance of a count over its mean; 1 is Poisson.
    level : float
        Of the interval.

    Returns
    -------
    Difference

    Raises
    ------
    AnlanError
        If a figure is negative, a pair is not a pair, or a weight is not positive.
    """
    if (displacement_control is None) != (displacement_treated is None):
        raise AnlanError(
            "one displacement area",
            "displacement is compared with a control of its own",
            "give both displacement_control and displacement_treated, or neither",
        )
    pairs = [pair(control, "control"), pair(treated, "treated")]
    if displacement_control is not None and displacement_treated is not None:
        pairs += [
            pair(displacement_control, "displacement_control"),
            pair(displacement_treated, "displacement_treated"),
        ]
    time = (1.0, 1.0) if time_weights is None else pair(time_weights, "time_weights")
    areas = [1.0] * len(pairs) if area_weights is None else [float(a) for a in area_weights]
    if len(areas) != len(pairs):
        raise AnlanError(
            f"{len(areas)} area weights",
            f"there are {len(pairs)} areas",
            "give one for each: control, treated, displacement control, displacement treated",
        )
    positive(dispersion, "dispersion")
    estimate = variance = 0.0
    for (before, after), size, sign in zip(pairs, areas, (-1.0, 1.0, -1.0, 1.0), strict=False):
        b = positive(size, "area weight") * positive(time[0], "time weight")
        a = size * positive(time[1], "time weight")
        estimate += sign * (after / a - before / b)
        variance += after / a**2 + before / b**2
    return _difference(estimate, float(np.sqrt(variance * dispersion)), level)


def wdd_harm(
    control: ArrayLike,
    treated: ArrayLike,
    harm: ArrayLike,
    displacement_control: ArrayLike | None = None,
    displacement_treated: ArrayLike | None = None,
    time_weights: Sequence[float] | None = None,
    *,
    level: float = 0.95,
) -> Difference:
    """Harm-weighted difference over several categories (Wheeler & Ratcliffe 2018, with harm weights).

    Parameters
    ----------
    control, treated, displacement_control, displacement_treated : array_like, shape (n_category, 2)
        Counts (before, after) of each category.
    harm : array_like, shape (n_category,)
        Harm of one case of each category, any unit; the variance takes its square.
    time_weights : pair of float, optional
        Lengths of the periods.
    level : float

    Returns
    -------
    Difference
        In units of harm.
    """
    weight = counts(harm, "harm")
    estimate = variance = 0.0
    tables = [control, treated, displacement_control, displacement_treated]
    for k, h in enumerate(weight):
        rows = [None if t is None else counts(t, "counts", 2)[k] for t in tables]
        one = wdd(rows[0], rows[1], rows[2], rows[3], time_weights)  # type: ignore[arg-type]
        estimate += h * one.estimate
        variance += (h * one.standard_error) ** 2
    return _difference(estimate, float(np.sqrt(variance)), level)


def dispersion(series: ArrayLike) -> float:
    """Variance over mean of weekly counts around their own level, pooled over places; at least 1.

    Parameters
    ----------
    series : array_like, shape (n_place, n_period)
        Counts of untouched places in periods of equal length. Each place's linear trend is taken out, so
        that a trend is not mistaken for noise; two degrees of freedom a place are charged for it.
    """
    table = counts(series, "series", 2)
    n = table.shape[1]
    if n < 4:
        raise AnlanError(
            f"{n} periods", "dispersion needs at least four periods", "use weeks instead of months"
        )
    time = np.arange(n) - (n - 1) / 2
    slope = table @ time / (time @ time)
    fit = table.mean(axis=1, keepdims=True) + slope[:, None] * time
    fit = np.maximum(fit, 1e-9)
    busy = table.mean(axis=1) > 0
    if not busy.any():
        return 1.0
    pearson = ((table - fit) ** 2 / fit)[busy].sum() / (busy.sum() * (n - 2))
    return float(max(1.0, pearson))


@dataclass(frozen=True)
class Placebo:
    """An estimate judged against the same comparison where nothing happened.

    Attributes
    ----------
    difference : Difference
        With the interval widened to the placebos' spread.
    estimates : ndarray of float64, shape (n_placebo,)
        Placebo estimates, each divided by its own plain standard error.
    p_value : float
        Share of placebos (with the real one counted in) at least as far from their middle.
    plain_coverage : float
        Share of placebo estimates whose plain interval holds the truth, 0: below `level` shows how
        much too narrow the plain interval is here.
    """

    difference: Difference
    estimates: NDArray[np.float64]
    p_value: float
    plain_coverage: float


def placebo(
    series: ArrayLike,
    treated: Sequence[int],
    control: Sequence[int],
    change: int,
    *,
    n_placebo: int = 999,
    dates: bool = True,
    area_weights: tuple[float, float] | None = None,
    level: float = 0.95,
    seed: int = 0,
) -> Placebo:
    """Calibrate the interval by applying the same comparison where nothing was done.

    Placebos draw pseudo-treated and pseudo-control sets of the same sizes from the untouched places and,
    with ``dates``, also a pseudo date within the period before the change, keeping the ratio of lengths.
    The interval then uses the placebos' own quantiles of the standardised estimate instead of the normal's
    (randomisation inference; MacKinnon & Webb 2020 for few treated units).

    Parameters
    ----------
    series : array_like, shape (n_place, n_period)
        Counts by place and period of equal length.
    treated, control : sequence of int
        Rows of the treated and the control places.
    change : int
        First period after the change: before is ``[0, change)``, after is ``[change, n_period)``.
    n_placebo : int
    dates : bool
    area_weights : pair of float, optional
        Sizes of the control and the treated set, as in `wdd`; ``(len(control), len(treated))`` compares
        changes per place, which is right where sets of different size share a common trend.
    level : float
    seed : int

    Raises
    ------
    AnlanError
        If there are too few untouched places to draw from.
    """
    table = counts(series, "series", 2)
    n_place, n_period = table.shape
    if not 0 < change < n_period:
        raise AnlanError(
            f"change = {change}", f"it lies inside the {n_period} periods", "choose a period in between"
        )
    chosen = sorted({*treated, *control})
    if not chosen or chosen[0] < 0 or chosen[-1] >= n_place or set(treated) & set(control):
        raise AnlanError(
            "treated and control places",
            f"they are different rows between 0 and {n_place - 1}",
            "name each place once",
        )
    untouched = np.setdiff1d(np.arange(n_place), np.asarray(treated, dtype=np.int64))
    size_t, size_c = len(treated), len(control)
    if len(untouched) < size_t + size_c or len(untouched) < 10:
        raise AnlanError(
            f"{len(untouched)} untouched places",
            f"placebos draw {size_t} + {size_c} places from at least ten untouched ones",
            "use smaller places or fewer controls",
        )
    weights = (change, n_period - change)

    def compare(t: NDArray[np.int64], c: NDArray[np.int64], begin: int, at: int, end: int) -> Difference:
        def both(rows: NDArray[np.int64]) -> tuple[float, float]:
            return float(table[rows, begin:at].sum()), float(table[rows, at:end].sum())

        return wdd(
            both(c), both(t), time_weights=(at - begin, end - at), area_weights=area_weights, level=level
        )

    real = compare(np.asarray(treated), np.asarray(control), 0, change, n_period)
    rng = stream(seed, "wdd-placebo")
    scaled = np.zeros(n_placebo)
    covered = 0
    for k in range(n_placebo):
        rows = rng.permutation(untouched)[: size_t + size_c]
        begin, at, end = 0, change, n_period
        if dates and change >= 8:
            # A pseudo date inside the time before, with the same share of it after.
            after = max(2, round(change * weights[1] / n_period))
            at = int(rng.integers(max(2, change - 2 * after), change - after + 1))
            end = at + after
        one = compare(rows[:size_t], rows[size_t:], begin, at, end)
        scaled[k] = one.z
        covered += one.interval[0] <= 0.0 <= one.interval[1]
    middle = float(np.median(scaled))
    low, high = np.quantile(scaled, [(1 - level) / 2, (1 + level) / 2])
    se = real.standard_error
    interval = (real.estimate - float(high) * se, real.estimate - float(low) * se)
    far = int((np.abs(scaled - middle) >= abs(real.z - middle) - 1e-12).sum())
    p = (1 + far) / (1 + n_placebo)
    calibrated = Difference(real.estimate, se, real.z, interval, level, p)
    return Placebo(calibrated, scaled, p, covered / n_placebo)


def _difference(estimate: float, standard_error: float, level: float) -> Difference:
    if not 0 < level < 1:
        raise AnlanError(f"level = {level:g}", "it lies between 0 and 1", "use 0.95")
    z = 0.0 if standard_error == 0 else estimate / standard_error
    half = float(norm.ppf(0.5 + level / 2)) * standard_error
    return Difference(
        estimate, standard_error, z, (estimate - half, estimate + half), level, float(2 * norm.sf(abs(z)))
    )
