"""Calls drawn from past ones: a Poisson process by category and place with a weekly rhythm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from anlan.core.errors import AnlanError
from anlan.core.seed import stream
from anlan.core.time import DAY_S, HOUR_S, WEEK_S, hour_of_week
from anlan.hotspots.profiles import hour_profiles, slot_counts
from anlan.model.call import SOURCES, Calls

REPORTED = ("reported",)


@dataclass(frozen=True, eq=False)
class CallModel:
    r"""A nonhomogeneous Poisson process of calls.

    Category c is called for at cell p in hour-of-week slot s at the rate
    :math:`\lambda_c\, w_{cp}\, h_{cs}`: a volume a week, a share of the cell, and a weekly rhythm that is shrunk
    to the common one where a category is rare (`anlan.hotspots.profiles.hour_profiles`). A cell's share is its
    share of the category's past calls, and a place within it is the place of one of them; both are had at once
    by taking the place of any past call of the category. Rates are constant within an hour, so drawing a
    Poisson number for each hour and spreading it evenly is exact.

    Attributes
    ----------
    categories : tuple of str
    volume : ndarray of float64, shape (n_category,)
        Calls a week.
    profile : ndarray of float64, shape (n_category, 168)
        Share of a week's calls in each slot.
    past : Calls
        The calls it was learnt from, whose places and priorities are drawn; sorted by category.
    start : ndarray of int64, shape (n_category + 1,)
        Where each category begins in ``past``.
    tz : ZoneInfo
    sources : tuple of str
        Who had noticed the calls that it was learnt from: ``reported`` alone, or all (the total workload).
    daily_dispersion : float
        Variance over mean of the calls of a day, against the model's own expectation of that day; 1 in a
        Poisson process. More says that days differ by more than the model knows.
    """

    categories: tuple[str, ...]
    volume: NDArray[np.float64]
    profile: NDArray[np.float64]
    past: Calls
    start: NDArray[np.int64]
    tz: ZoneInfo
    sources: tuple[str, ...]
    daily_dispersion: float

    @classmethod
    def learn(
        cls,
        calls: Calls,
        tz: ZoneInfo,
        window: tuple[float, float] | None = None,
        sources: Sequence[str] = SOURCES,
    ) -> CallModel:
        """Learn from past calls.

        Parameters
        ----------
        calls : Calls
            Those without a time or a place on the network are left out.
        window : (float, float), optional
            Learn from calls received in ``[from, to)``; by default from the first call to the last.
        sources : sequence of str
            All by default: a simulated crew works on every call. `REPORTED` alone is what the public asks for.

        Raises
        ------
        AnlanError
            If nothing is left to learn from, or it spans less than a week.
        """
        use = (
            np.isfinite(calls.received) & (calls.edge >= 0) & np.isin(calls.source.astype(str), list(sources))
        )
        if window is not None:
            use &= (calls.received >= window[0]) & (calls.received < window[1])
        past = calls.take(use)
        if not len(past):
            raise AnlanError(
                f"{len(calls)} calls",
                "none has a time and a place on the network in the weeks to learn from",
                "choose other weeks or sources",
                code="no_calls",
            )
        window = window or (float(past.received.min()), float(past.received.max()) + 1.0)
        weeks = (window[1] - window[0]) / WEEK_S
        if weeks < 1.0:
            raise AnlanError(
                f"calls over {weeks * 7:.1f} days",
                "a weekly rhythm is learnt from at least a week",
                "load more calls",
                code="short_history",
            )
        past = past.take(np.argsort(past.category_code, kind="stable"))
        n = len(past.categories)
        counts = np.bincount(past.category_code, minlength=n)
        profile = hour_profiles(slot_counts(past.category_code, n, past.received, tz), window, tz).share
        model = cls(
            categories=past.categories,
            volume=counts / weeks,
            profile=np.asarray(profile),
            past=past,
            start=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            tz=tz,
            sources=tuple(sources),
            daily_dispersion=float("nan"),
        )
        return _with_dispersion(model, window)

    def expected(self, begin: float, end: float) -> NDArray[np.float64]:
        """Expected calls by category and hour of ``[begin, end)``, shape (n_category, n_hour)."""
        hours, length = _hours(begin, end)
        slot = np.maximum(hour_of_week(hours, self.tz), 0)
        return np.asarray(self.volume[:, None] * self.profile[:, slot] * length, np.float64)

    def sample(self, begin: float, end: float, seed: int, replication: int = 0, factor: float = 1.0) -> Calls:
        """Draw calls received in ``[begin, end)``.

        They depend on the model, the seed and the replication only: every plan and policy meets the same ones
        (common random numbers).

        Parameters
        ----------
        begin, end : float
            Unix seconds.
        factor : float
            Calls per call of the past: 1.2 is a fifth more.
        """
        random = stream(seed, "synthetic calls", replication)
        hours, length = _hours(begin, end)
        number = random.poisson(self.expected(begin, end) * factor)
        code, hour = np.nonzero(number)
        repeat = number[code, hour]
        code, hour = np.repeat(code, repeat), np.repeat(hour, repeat)
        received = hours[hour] + random.random(len(hour)) * length[hour] * HOUR_S
        count = np.diff(self.start)
        row = self.start[code] + (random.random(len(code)) * count[code]).astype(np.int64)
        order = np.argsort(received, kind="stable")
        received, row = received[order], row[order]
        past = self.past
        n = len(row)
        ids = np.empty(n, object)
        ids[:] = [f"s{replication}-{k}" for k in range(n)]
        return Calls.make(
            n,
            id=ids,
            category=past.category[row],
            priority=past.priority[row],
            source=past.source[row],
            received=received,
            x=past.x[row],
            y=past.y[row],
            lon=past.lon[row],
            lat=past.lat[row],
            edge=past.edge[row],
            offset_m=past.offset_m[row],
            area=past.area[row],
        )


def last_weeks(calls: Calls, tz: ZoneInfo, weeks: int) -> tuple[float, float]:
    """The last whole local weeks that the calls span: Unix seconds ``[from, to)`` at local midnights.

    Raises
    ------
    AnlanError
        If the calls span less.
    """
    received = calls.received[np.isfinite(calls.received)]
    if not len(received) or received.max() - received.min() < weeks * WEEK_S - DAY_S:
        span = (received.max() - received.min()) / WEEK_S if len(received) else 0.0
        raise AnlanError(
            f"calls over {span:.1f} weeks",
            f"{weeks} weeks are to be simulated",
            "load a longer history or ask for fewer weeks",
            code="short_history",
        )
    last = received.max(keepdims=True)
    # Seconds since local midnight, from the hour of the week.
    hour = int(hour_of_week(last, tz)[0]) % 24
    midnight = float(last[0] - hour * HOUR_S - last[0] % HOUR_S)
    # Zones that are half an hour off the hour keep their half hour.
    if int(hour_of_week(np.array([midnight]), tz)[0]) % 24:
        midnight += 1800.0
    # A last day that is nearly whole counts as whole.
    end = midnight + DAY_S if last[0] - midnight > 0.9 * DAY_S else midnight
    return end - weeks * WEEK_S, end


def _hours(begin: float, end: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Beginnings of the half hours of a window, and how much of each lies within it, in hours."""
    edges = np.arange(np.floor(begin / 1800.0) * 1800.0, end, 1800.0)
    first = np.maximum(edges, begin)
    length = (np.minimum(edges + 1800.0, end) - first) / HOUR_S
    return first, length


def _with_dispersion(model: CallModel, window: tuple[float, float]) -> CallModel:
    days = int((window[1] - window[0]) // DAY_S)
    if days < 7:
        return model
    end = window[0] + days * DAY_S
    hours, _ = _hours(window[0], end)
    by_hour = model.expected(window[0], end).sum(axis=0)
    expected = np.bincount(((hours - window[0]) // DAY_S).astype(np.int64), by_hour, minlength=days)
    day = ((model.past.received - window[0]) // DAY_S).astype(np.int64)
    seen = np.bincount(day[(day >= 0) & (day < days)], minlength=days)
    return replace(model, daily_dispersion=float(((seen - expected) ** 2 / expected).mean()))
