"""Hour-of-week profiles: the rhythm of a category, held steady where its calls are few."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from anlan.core.columns import Floats
from anlan.core.errors import AnlanError
from anlan.core.time import DAY_S, HOUR_S, SLOTS, WEEK_S, hour_of_week


@dataclass(frozen=True, eq=False)
class Profiles:
    """Weekly rhythms, all together and by category.

    Attributes
    ----------
    overall : ndarray of float64, shape (168,)
        Share of the week's calls in each hour-of-week slot; sums to 1.
    share : ndarray of float64, shape (n_category, 168)
        The same by category, shrunk to the overall; each row sums to 1.
    count : ndarray of float64, shape (n_category, 168)
        The calls that were seen (fractions where their time is only known between two).
    prior_calls : ndarray of float64, shape (n_category,)
        How many calls' worth of the overall rhythm each category was given; inf where a category's own
        rhythm differs from it by no more than chance.
    exposure_h : ndarray of float64, shape (168,)
        Hours that the window spent in each slot.
    """

    overall: Floats
    share: NDArray[np.float64]
    count: NDArray[np.float64]
    prior_calls: Floats
    exposure_h: Floats


def hour_profiles(
    count: NDArray[np.float64], window: tuple[float, float] | None = None, tz: ZoneInfo | None = None
) -> Profiles:
    """Weekly rhythms from counts by category and hour-of-week slot.

    Each category is a Dirichlet-multinomial draw around the overall rhythm; the overall is one around
    (day of week × hour of day). The concentration (`prior_calls`) is the method-of-moments one: with
    Pearson's X² of a category of n calls against its centre p, E[X²] = 167 (n + k) / (1 + k), so
    k = (n - φ) / (φ - 1) with φ = X² / 167 (Mosimann 1962, *Biometrika* 49, 65-82). A category with few
    calls, or with no rhythm of its own, takes the overall one; a large one keeps its own.

    Parameters
    ----------
    count : ndarray of float64, shape (n_category, 168)
    window : (float, float), optional
        The time over which the calls were counted, Unix seconds, ``[from, to)``. Slots that the window
        visits more often (a part of a week, the hours around a clock change) are weighed down for it.
    tz : ZoneInfo, optional
        Needed with ``window``.

    Returns
    -------
    Profiles
    """
    if count.ndim != 2 or count.shape[1] != SLOTS:
        raise ValueError(f"counts have shape {count.shape}; (n_category, {SLOTS}) is needed")
    exposure = np.full(SLOTS, 1.0)
    if window is not None:
        if tz is None:
            raise ValueError("a window needs its time zone")
        exposure = slot_exposure_h(window, tz)
    seen = exposure > 0
    even = np.where(seen, exposure, 0.0)
    even /= even.sum()
    total = count.sum(axis=0)
    day_hour = _day_by_hour(total, even)
    centre, _ = _shrink(total, day_hour)
    share = np.empty_like(count)
    prior = np.empty(len(count))
    for row, own in enumerate(count):
        share[row], prior[row] = _shrink(own, centre)
    # Up to here shares are of calls in the window as it was; now of a whole ordinary week.
    return Profiles(_per_hour(centre, exposure), _per_hour(share, exposure), count, prior, exposure)


def _day_by_hour(total: Floats, even: Floats) -> Floats:
    """Expected shares if the hour of day and the day of week acted independently; half a call a cell."""
    by_day = total.reshape(7, 24).sum(axis=1) + 0.5 * 7 * even.reshape(7, 24).sum(axis=1)
    by_hour = total.reshape(7, 24).sum(axis=0) + 0.5 * 24 * even.reshape(7, 24).sum(axis=0)
    base = even.reshape(7, 24)
    lift_day = np.divide(by_day / by_day.sum(), base.sum(axis=1), out=np.zeros(7), where=base.sum(axis=1) > 0)
    lift_hour = np.divide(
        by_hour / by_hour.sum(), base.sum(axis=0), out=np.zeros(24), where=base.sum(axis=0) > 0
    )
    grid = base * lift_day[:, None] * lift_hour[None, :]
    return grid.ravel() / grid.sum()


def _shrink(own: Floats, centre: Floats) -> tuple[Floats, float]:
    n = float(own.sum())
    live = centre > 0
    degrees = int(live.sum()) - 1
    if n <= 1 or degrees < 1:
        return centre.copy(), np.inf
    phi = float(((own[live] - n * centre[live]) ** 2 / (n * centre[live])).sum()) / degrees
    if phi <= 1.0:
        return centre.copy(), np.inf
    k = max((n - phi) / (phi - 1.0), 1.0)
    return (own + k * centre) / (n + k), k


def _per_hour(share: NDArray[np.float64], exposure: Floats) -> NDArray[np.float64]:
    rate = np.divide(share, exposure, out=np.zeros_like(share), where=exposure > 0)
    if (exposure == 0).any():
        # A window shorter than a week never saw some hours: they get the mean of those it saw.
        mean = rate[..., exposure > 0].mean(axis=-1, keepdims=True)
        rate = np.where(exposure > 0, rate, mean)
    return rate / rate.sum(axis=-1, keepdims=True)


def slot_exposure_h(window: tuple[float, float], tz: ZoneInfo) -> Floats:
    """Hours that a window ``[from, to)`` spends in each hour-of-week slot, shape (168,).

    Whole weeks are 1 each; clock changes take their hour out of one slot and put one into another. The
    first and last hour count in part. Error: below 1e-9 h where the zone's offset is a whole number of
    hours; half-hour zones are followed by half hours.
    """
    begin, end = window
    if not begin < end:
        raise AnlanError(
            f"window [{begin:.0f}, {end:.0f})",
            "a window ends after it begins",
            "swap or move its ends",
            code="window",
        )
    step = HOUR_S / 4  # every offset in use is a whole number of quarter hours
    at = np.arange(math.floor(begin / step), math.ceil(end / step)).astype(np.float64) * step
    length = np.minimum(at + step, end) - np.maximum(at, begin)
    return np.bincount(hour_of_week(at, tz), weights=length / HOUR_S, minlength=SLOTS).astype(np.float64)


def slot_counts(
    category: NDArray[np.integer],
    n_category: int,
    received: Floats,
    tz: ZoneInfo,
    weight: Floats | None = None,
) -> NDArray[np.float64]:
    """Calls by category and hour-of-week slot, shape (n_category, 168); a NaN time counts nowhere."""
    slot = hour_of_week(received, tz)
    known = slot >= 0
    flat = category[known].astype(np.int64) * SLOTS + slot[known]
    w = None if weight is None else weight[known]
    return np.bincount(flat, weights=w, minlength=n_category * SLOTS).reshape(n_category, SLOTS).astype(float)


def whole_days(received: Floats, tz: ZoneInfo) -> tuple[float, float]:
    """The window from the first call's local midnight to the midnight after the last, Unix seconds."""
    known = received[np.isfinite(received)]
    first = datetime.fromtimestamp(float(known.min()), tz=UTC).astimezone(tz)
    last = datetime.fromtimestamp(float(known.max()), tz=UTC).astimezone(tz)
    begin = datetime(first.year, first.month, first.day, tzinfo=tz)
    after = last.date() + timedelta(days=1)
    return begin.timestamp(), datetime(after.year, after.month, after.day, tzinfo=tz).timestamp()


def weeks_of(window: tuple[float, float]) -> float:
    """Length of a window in weeks."""
    return (window[1] - window[0]) / WEEK_S


def check_history(window: tuple[float, float], least_days: float, purpose: str) -> None:
    """Refuse a window that is too short for a purpose.

    Raises
    ------
    AnlanError
        If it is shorter than ``least_days`` (an hour of slack for clock changes).
    """
    days = (window[1] - window[0]) / DAY_S
    if days + 1 / 24 < least_days:
        raise AnlanError(
            f"{days:.3g} days of calls",
            f"{purpose} needs at least {least_days:g} days",
            "load a longer history or choose a longer window",
            code="history_short",
        )
