"""Aoristic analysis: when something happened that is only known to lie between two times."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from anlan.core.columns import Floats
from anlan.core.errors import AnlanError
from anlan.core.time import HOUR_S, SLOTS, hour_of_week
from anlan.model import Calls


@dataclass(frozen=True, eq=False)
class Aoristic:
    """Shares of calls by hour-of-week slot.

    Attributes
    ----------
    count : ndarray of float64, shape (n_category, 168)
        Calls; one whose interval spans several hours is divided between them by the time in each.
    known : int
        Calls whose hour is certain (no interval, or one within an hour).
    spread : int
        Calls that were divided.
    skipped : int
        Calls left out: their interval is longer than ``longest_h``, ends before it begins, or there is no
        time at all.
    """

    count: NDArray[np.float64]
    known: int
    spread: int
    skipped: int


def aoristic(calls: Calls, tz: ZoneInfo, *, longest_h: float = 7 * 24.0) -> Aoristic:
    """Calls by category and hour of the week, with intervals spread evenly over the time they cover.

    A call with ``start`` and ``end`` counts in every hour-of-week slot in proportion to the time that
    ``[start, end)`` spends there; others count in the slot of ``start`` or ``received``. (Ratcliffe, J.
    H. and McCullagh, M. J. (1998), *Environment and Planning A* 30, 751-764; Ratcliffe, J. H. (2000),
    "Aoristic analysis", *IJGIS* 14, 669-679.) Exact to the second; clock changes are followed.

    Parameters
    ----------
    calls : Calls
    tz : ZoneInfo
    longest_h : float
        Intervals longer than this say nothing about the hour and are left out.

    Returns
    -------
    Aoristic
        Rows in the order of ``calls.categories``.
    """
    begin = np.where(np.isfinite(calls.start), calls.start, calls.received)
    end = np.where(np.isfinite(calls.end) & np.isfinite(calls.start), calls.end, begin)
    length_h = (end - begin) / HOUR_S
    with np.errstate(invalid="ignore"):
        use = np.isfinite(begin) & (length_h >= 0) & (length_h <= longest_h)
    if len(calls) and not use.any():
        raise AnlanError(
            f"{len(calls)} calls",
            f"none has a time, or an interval of at most {longest_h:g} hours",
            "give start and end, or received",
            code="no_time",
        )
    code, n_category = calls.category_code[use].astype(np.int64), len(calls.categories)
    begin, end = begin[use], end[use]
    # Every offset from UTC is a whole number of quarter hours: a clock hour never changes within one.
    step = HOUR_S / 4
    first = np.floor(begin / step).astype(np.int64)
    last = np.maximum(np.ceil(end / step).astype(np.int64), first + 1)
    pieces = last - first
    call = np.repeat(np.arange(len(begin)), pieces)
    quarter = np.arange(len(call)) - np.repeat(np.cumsum(pieces) - pieces, pieces) + first[call]
    at = quarter.astype(np.float64) * step
    inside = np.minimum(at + step, end[call]) - np.maximum(at, begin[call])
    whole = end - begin
    share = np.where(whole[call] > 0, inside / np.where(whole > 0, whole, 1.0)[call], 1.0)
    slot = hour_of_week(at, tz).astype(np.int64)
    flat = np.bincount(code[call] * SLOTS + slot, weights=share, minlength=n_category * SLOTS)
    hours = np.floor(begin / HOUR_S) != np.ceil(end / HOUR_S) - 1
    spread = int((hours & (whole > 0)).sum())
    return Aoristic(
        flat.reshape(n_category, SLOTS).astype(np.float64),
        len(begin) - spread,
        spread,
        int((~use).sum()),
    )


def interval_weights(begin_s: Floats, end_s: Floats, edges_s: Floats) -> NDArray[np.float64]:
    """Share of each interval that falls between consecutive edges, shape (n, len(edges) - 1).

    For any division of time (days, shifts, months), half-open ``[edge, next)``. An interval of length 0
    belongs to the one piece it lies in. Rows sum to 1 where the edges cover the interval.
    """
    low = np.maximum(begin_s[:, None], edges_s[None, :-1])
    high = np.minimum(end_s[:, None], edges_s[None, 1:])
    length = (end_s - begin_s)[:, None]
    at_once = (begin_s[:, None] >= edges_s[None, :-1]) & (begin_s[:, None] < edges_s[None, 1:])
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.clip(high - low, 0.0, None) / length
    return np.where(length > 0, share, at_once.astype(float))
