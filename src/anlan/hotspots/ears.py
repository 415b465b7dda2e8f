"""Detectors for short histories: the early aberration reporting system's C1, C2 and C3."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anlan.core.columns import Floats
from anlan.core.errors import AnlanError
from anlan.hotspots.block_dispersion import pooled_dispersion
from anlan.hotspots.discipline import counts as checked
from anlan.hotspots.farrington import Detection, tested_weeks
from anlan.hotspots.tails import upper_tail

METHODS = ("C1", "C2", "C3")


@dataclass(frozen=True, eq=False)
class Ears:
    """EARS statistics of every series and period; NaN where the baseline is not complete.

    Attributes
    ----------
    statistic, threshold : ndarray of float64, shape (S, T)
        C1, C2: standard deviations above the baseline mean, and the count that would alarm. C3: the sum of
        three periods' excess, and the count at which the newest would make it alarm.
    alarm : ndarray of bool, shape (S, T)
    """

    statistic: NDArray[np.float64]
    threshold: NDArray[np.float64]
    alarm: NDArray[np.bool_]


def ears(
    counts: NDArray[np.floating] | NDArray[np.integer],
    method: str = "C2",
    *,
    baseline: int = 7,
    deviations: float = 3.0,
) -> Ears:
    """C1, C2 and C3 of many series at once.

    C1 compares a period with the mean and standard deviation of the ``baseline`` periods just before it;
    C2 leaves out the two periods between; C3 sums max(0, C2 - 1) over the last three periods and alarms
    above 2. (Hutwagner, L., Thompson, W., Seeman, G. M. and Treadwell, T. (2003), "The bioterrorism
    preparedness and response Early Aberration Reporting System (EARS)", *Journal of Urban Health* 80,
    i89-i96.) A baseline without variation has a deviation of 0: any count above its mean alarms.

    Parameters
    ----------
    counts : ndarray, shape (S, T)
        Calls per period (days or weeks), oldest first.
    method : {'C1', 'C2', 'C3'}
    baseline : int
        Periods, at least 2.
    deviations : float
        For C1 and C2.

    Raises
    ------
    AnlanError
        If the method is unknown or the history is shorter than the baseline needs.
    """
    y = checked(counts, "counts")
    if method not in METHODS:
        raise AnlanError(f"method {method!r}", "it is C1, C2 or C3", "name one of these", code="method")
    lag = 0 if method == "C1" else 2
    if y.shape[1] < baseline + lag + 1 or baseline < 2:
        raise AnlanError(
            f"{y.shape[1]} periods",
            f"{method} needs {max(baseline, 2) + lag + 1} (a baseline of {baseline} and the one to test)",
            "load a longer history or shorten the baseline",
            code="history_short",
        )
    mean, deviation = _baseline(y, baseline, lag)
    with np.errstate(invalid="ignore", divide="ignore"):
        z = (y - mean) / deviation
    z = np.where((deviation == 0) & (y > mean), np.inf, np.where((deviation == 0) & (y <= mean), 0.0, z))
    if method != "C3":
        return Ears(z, mean + deviations * deviation, z > deviations)
    excess = np.maximum(z - 1.0, 0.0)
    earlier = np.full_like(z, np.nan)
    earlier[:, 2:] = excess[:, 1:-1] + excess[:, :-2]
    statistic = excess + earlier
    return Ears(statistic, mean + (3.0 - earlier) * deviation, statistic > 2.0)


def _baseline(y: NDArray[np.float64], n: int, lag: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation (n - 1) of the n periods that end ``lag`` before each period."""
    windows = np.lib.stride_tricks.sliding_window_view(y, n, axis=1)
    mean, deviation = np.full_like(y, np.nan), np.full_like(y, np.nan)
    first = n + lag
    mean[:, first:] = windows.mean(axis=2)[:, : y.shape[1] - first]
    deviation[:, first:] = windows.std(axis=2, ddof=1)[:, : y.shape[1] - first]
    return mean, deviation


def recent(
    counts: NDArray[np.floating] | NDArray[np.integer],
    *,
    at: int = -1,
    span: int = 1,
    exposure: Floats | None = None,
    baseline: int = 26,
    lag: int = 2,
    group: NDArray[np.integer] | None = None,
    mid_p: bool = False,
) -> Detection:
    """Test one week (or the last few together) of many series against the weeks just before, with p-values.

    C2's comparison made exact: the baseline is up to ``baseline`` weeks ending ``lag`` weeks before the
    first tested one, its rate has Jeffreys' prior, its dispersion is drawn towards its group's, and the p-value
    is that of the negative binomial predictive distribution. There is no season in it: a seasonal rise
    counts as a rise, which callers must say.

    Parameters
    ----------
    counts : ndarray, shape (S, T)
    at, span, exposure, group, mid_p
        As for `farrington`.
    baseline, lag : int
        Weeks; at least three baseline weeks must have been counted.

    Raises
    ------
    AnlanError
        If the history is too short or a count negative.
    """
    y = checked(counts, "weekly counts")
    n_time = y.shape[1]
    at = at % n_time
    size = np.ones(n_time) if exposure is None else np.asarray(exposure, float)
    tested = tested_weeks(at, span, size)
    until = max(0, at - span + 1 - lag)
    use = np.arange(max(0, until - baseline), until)
    use = use[size[use] > 0]
    if len(use) < 3 or not size[at] > 0:
        raise AnlanError(
            f"{at} weeks of history",
            f"a comparison needs at least {lag + 3} weeks before the tested {span}",
            "load a longer history",
            code="history_short",
        )
    weeks = float(size[use].sum())
    rate = (y[:, use].sum(axis=1) + 0.5) / weeks
    mean = rate[:, None] * size[use]
    dispersion = ((y[:, use] - mean) ** 2 / mean).sum(axis=1) / (len(use) - 1)
    dispersion = pooled_dispersion(dispersion, rate, np.full(len(y), len(use), float), group)
    ahead = float(size[tested].sum())
    expected = rate * ahead
    variance = dispersion * (expected + rate / weeks * ahead**2)
    observed = y[:, tested].sum(axis=1)
    return Detection(
        observed=observed,
        expected=expected,
        variance=variance,
        p=upper_tail(observed, expected, variance, mid=mid_p),
        dispersion=dispersion,
        trend=np.zeros(len(y), bool),
        reference_weeks=len(use),
        years=0,
    )
