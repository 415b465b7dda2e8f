"""Weekly series of calls by category and place, in local Monday weeks, with what each week could show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from anlan.core.columns import Floats, Strings
from anlan.core.errors import AnlanError
from anlan.hotspots.discipline import Admitted
from anlan.hotspots.places import Places
from anlan.hotspots.profiles import hour_profiles, slot_counts, slot_exposure_h

_GAP = 0.1
"""A week with less than this share of the median week's calls counts as not recorded."""


@dataclass(frozen=True, eq=False)
class Weekly:
    """Counts of calls by series and week.

    Attributes
    ----------
    category : ndarray of str, shape (S,)
        A category, or empty for all.
    place : ndarray of str, shape (S,)
        Id of a place, or empty for the whole area.
    place_index : ndarray of int64, shape (S,)
        Row of the division of the ground; -1 for the whole.
    division : ndarray of int64, shape (S,)
        Which of the divisions given; -1 for the whole.
    group : ndarray of int64, shape (S,)
        Number of the category.
    count : ndarray of float64, shape (S, T)
    first_monday : date
        Local; week t begins 7 t days later.
    exposure : ndarray of float64, shape (T,)
        Share of an ordinary week's calls that fall into the recorded part of the week; 0: not recorded.
    family : int
        How many pairs of category and place could have been series: pairs that never had a call are not
        listed, but were looked at.
    gaps : tuple of date
        Mondays of whole weeks inside the history in which hardly anything was recorded.
    """

    category: Strings
    place: Strings
    place_index: NDArray[np.int64]
    division: NDArray[np.int64]
    group: NDArray[np.int64]
    count: NDArray[np.float64]
    first_monday: date
    exposure: Floats
    family: int
    gaps: tuple[date, ...]

    def monday(self, week: int) -> date:
        """The Monday on which a week begins."""
        return self.first_monday + timedelta(days=7 * (week % self.count.shape[1]))


def weekly_series(
    admitted: Admitted,
    places: Places | Sequence[Places] | None,
    window: tuple[float, float],
    tz: ZoneInfo,
    *,
    totals: bool = True,
) -> Weekly:
    """Count calls by category × place × local week.

    Weeks run from Monday to Monday of the local calendar, clock changes included. The first and the last
    may be partial: their exposure is the share of an ordinary week's calls in the recorded hours, by the
    hour-of-week profile of all calls, so that half a week of nights is not taken for half a week.

    Parameters
    ----------
    admitted : Admitted
    places : Places, or several divisions of the ground, optional
        Such as counties and the precincts within them. None counts the whole area only.
    window : (float, float)
        The recorded time, Unix seconds, ``[from, to)``.
    tz : ZoneInfo
    totals : bool
        Add each category over the whole area as a series of its own.
    """
    calls = admitted.calls
    edges, first = _weeks(window, tz)
    n_weeks = len(edges) - 1
    categories = calls.categories
    n_category = len(categories)
    code = calls.category_code.astype(np.int64)
    week = np.searchsorted(edges, calls.received, side="right") - 1
    parts: list[tuple[Any, Any, Any, Any, Any]] = []
    family = 0
    divisions = _divisions(places)
    if totals or not divisions:
        family += n_category
        flat = np.bincount(code * n_weeks + week, admitted.weight, n_category * n_weeks)
        none = np.full(n_category, "", dtype=object)
        parts.append(
            (np.arange(n_category), np.full(n_category, -1), -1, none, flat.reshape(n_category, n_weeks))
        )
    for number, division in enumerate(divisions):
        where = division.of_calls(calls)
        placed = np.flatnonzero(where >= 0)
        # Only pairs that ever occurred: a pair without a call cannot be prominent.
        pair = code[placed] * len(division) + where[placed]
        pairs, row = np.unique(pair, return_inverse=True)
        family += n_category * len(np.unique(where[placed]))
        flat = np.bincount(row * n_weeks + week[placed], admitted.weight[placed], len(pairs) * n_weeks)
        at = pairs % max(len(division), 1)
        parts.append(
            (pairs // max(len(division), 1), at, number, division.ids(at), flat.reshape(len(pairs), n_weeks))
        )
    group = np.concatenate([p[0] for p in parts])
    index = np.concatenate([p[1] for p in parts])
    which = np.concatenate([np.full(len(p[0]), p[2]) for p in parts])
    place = np.concatenate([p[3] for p in parts])
    count = np.concatenate([p[4] for p in parts]).astype(np.float64)
    names = np.array(categories, dtype=object)
    exposure = _exposure(admitted, edges, window, tz)
    total = np.bincount(week, admitted.weight, n_weeks).astype(np.float64)
    gaps = _gaps(total, exposure)
    exposure[gaps] = 0.0
    mondays = tuple(first + timedelta(days=7 * int(t)) for t in gaps)
    return Weekly(names[group], place, index, which, group, count, first, exposure, family, mondays)


def _divisions(places: Places | Sequence[Places] | None) -> list[Places]:
    if places is None:
        return []
    return list(places) if isinstance(places, (list, tuple)) else [places]  # type: ignore[list-item]


def _weeks(window: tuple[float, float], tz: ZoneInfo) -> tuple[Floats, date]:
    begin = datetime.fromtimestamp(window[0], tz=UTC).astimezone(tz).date()
    first = begin - timedelta(days=begin.weekday())
    edges: list[float] = []
    day = first
    while not edges or edges[-1] < window[1]:
        edges.append(datetime(day.year, day.month, day.day, tzinfo=tz).timestamp())
        day += timedelta(days=7)
    return np.array(edges), first


def _exposure(admitted: Admitted, edges: Floats, window: tuple[float, float], tz: ZoneInfo) -> Floats:
    exposure = np.ones(len(edges) - 1)
    partial = [
        t for t in sorted({0, len(edges) - 2}) if edges[t] < window[0] - 1.0 or edges[t + 1] > window[1] + 1.0
    ]
    if not partial:
        return exposure
    calls = admitted.calls
    everything = np.zeros(len(calls), np.int64)
    seen = slot_counts(everything, 1, calls.received, tz, admitted.weight)
    profile = hour_profiles(seen, window, tz).overall
    for t in partial:
        recorded = max(edges[t], window[0]), min(edges[t + 1], window[1])
        hours = slot_exposure_h(recorded, tz)
        exposure[t] = min(float(profile @ np.minimum(hours, 1.0)), 1.0)
    return exposure


def _gaps(total: Floats, exposure: Floats) -> NDArray[np.int64]:
    whole = exposure > 0.99
    if whole.sum() < 5:
        return np.array([], np.int64)
    usual = float(np.median(total[whole]))
    if usual < 5:
        return np.array([], np.int64)  # so few calls that an empty week is nothing strange
    return np.flatnonzero(whole & (total < _GAP * usual))


def check_current(weekly: Weekly, at: int) -> None:
    """Refuse to test a week in which nothing was recorded.

    Raises
    ------
    AnlanError
        If the week is a gap.
    """
    if not weekly.exposure[at] > 0:
        raise AnlanError(
            f"the week of {weekly.monday(at).isoformat()}",
            "hardly any call was recorded in it",
            "load its calls or test another week",
            code="gap",
        )
