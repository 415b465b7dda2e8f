"""Interrupted time series: a level that shifts, a slope that bends, on top of trend and season."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t

from anlan.core.errors import AnlanError
from anlan.evaluation.counts import counts
from anlan.evaluation.glm import harmonics, quasi_poisson


@dataclass(frozen=True, eq=False)
class Interruption:
    """What changed at the interruption.

    Attributes
    ----------
    level_ratio : float
        Rate just after over the rate expected there.
    level_interval : tuple of float
    level_p : float
        Of no step, from the same t distribution as `level_interval`.
    slope_ratio : float
        Factor by which the trend's weekly (periodic) growth changed.
    slope_interval : tuple of float
    prevented : float
        Expected minus seen after the interruption, in counts; positive is fewer.
    prevented_interval : tuple of float
    prevented_p : float
        Of no change in the counts after the interruption: step and bend together, from the same t
        distribution and the same error as `prevented_interval`, so that the two never disagree.
    expected : ndarray of float64, shape (n,)
        Fitted before, counterfactual after.
    dispersion : float
    level : float
        Of the intervals.
    """

    level_ratio: float
    level_interval: tuple[float, float]
    level_p: float
    slope_ratio: float
    slope_interval: tuple[float, float]
    prevented: float
    prevented_interval: tuple[float, float]
    prevented_p: float
    expected: NDArray[np.float64]
    dispersion: float
    level: float


def interrupted(
    series: ArrayLike,
    change: int,
    *,
    season: float = 52.1775,
    order: int = 2,
    exposure: ArrayLike | None = None,
    level: float = 0.95,
) -> Interruption:
    """Segmented quasi-Poisson regression with seasonality (Bernal, Cummins & Gasparrini 2017).

    ``log E y_t = a + b t + harmonics + c 1[t ≥ T] + d (t − T) 1[t ≥ T]``; Newey–West errors.

    Parameters
    ----------
    series : array_like, shape (n,)
        Counts in periods of equal length.
    change : int
        First period after the interruption.
    season : float
        Periods a year (52.1775 for weeks).
    order : int
        Pairs of harmonics; seasons are modelled only where a full year lies before the change, because
        they cannot be told from the change otherwise.
    exposure : array_like, shape (n,), optional
        Length of each period where they differ.
    level : float

    Raises
    ------
    AnlanError
        If fewer than eight periods lie before or three after.
    """
    y = counts(series, "series")
    n = len(y)
    if change < 8 or n - change < 3:
        raise AnlanError(
            f"{change} periods before and {n - change} after",
            "an interrupted series needs at least eight before and three after",
            "use weeks, or a longer history",
        )
    time = np.arange(n, dtype=np.float64)
    after = time >= change
    columns = [np.ones(n), (time - change) / season, after * 1.0, after * (time - change) / season]
    x = np.stack(columns, axis=1)
    if change >= season:
        x = np.concatenate([x, harmonics(time / season % 1.0, order)], axis=1)
    offset = None if exposure is None else np.log(counts(exposure, "exposure"))
    fit = quasi_poisson(x, y, offset)
    z = float(t.ppf(0.5 + level / 2, n - x.shape[1]))
    step, bend = fit.beta[2], fit.beta[3] / season
    step_se = float(np.sqrt(fit.covariance[2, 2]))
    bend_se = float(np.sqrt(fit.covariance[3, 3])) / season
    without = x.copy()
    without[:, 2:4] = 0.0
    base = np.zeros(n) if offset is None else offset
    expected = np.exp(without @ fit.beta + base)
    # Delta method: gradient of the expected sum after the change with respect to the coefficients.
    gradient = (without[after] * expected[after, None]).sum(axis=0)
    se_expected = float(np.sqrt(gradient @ fit.covariance @ gradient))
    noise = fit.dispersion * expected[after].sum()
    prevented = float(expected[after].sum() - y[after].sum())
    se_prevented = float(np.sqrt(se_expected**2 + noise))
    half = z * se_prevented
    return Interruption(
        level_ratio=float(np.exp(step)),
        level_interval=(float(np.exp(step - z * step_se)), float(np.exp(step + z * step_se))),
        level_p=float(2 * t.sf(abs(step) / step_se, n - x.shape[1])),
        slope_ratio=float(np.exp(bend)),
        slope_interval=(float(np.exp(bend - z * bend_se)), float(np.exp(bend + z * bend_se))),
        prevented=prevented,
        prevented_interval=(prevented - half, prevented + half),
        prevented_p=float(2 * t.sf(abs(prevented) / se_prevented, n - x.shape[1])),
        expected=expected,
        dispersion=fit.dispersion,
        level=level,
    )
