"""When units are there: shifts, outages, meal breaks and work of their own, as the loop's duty events."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from anlan.core.seed import stream
from anlan.core.time import WEEK_S
from anlan.kernels import simulation_types as kinds
from anlan.kernels.simulation_types import DUTY
from anlan.model.hours import Hours
from anlan.policy import Duty

Array = NDArray[Any]
Spell = tuple[float, float, float]
"""On duty from, until, and when the shift ends (later than ``until`` where an outage cuts it short)."""

AVAILABLE = ("", "available")
BEYOND_S = WEEK_S + 86400.0
"""Shifts are laid out until so long after the last call: everybody's comes round within a week."""

FIRST = {kinds.OFF: 0, kinds.ON: 1, kinds.SLOT: 2, kinds.PLACE: 3, kinds.BREAK: 4, kinds.OWN_WORK: 5}
"""Order of duty events of one instant."""


class Roster:
    """Who is on duty when.

    Parameters
    ----------
    duty : Duty
    units : sequence of str
        Ids.
    shift, status : sequence of str
        As in `anlan.model.Units`.
    homes : ndarray of int64
    begin, end : float
        Unix seconds of the first and the last call.
    tz : ZoneInfo
    """

    def __init__(
        self,
        duty: Duty,
        units: Sequence[str],
        shift: Sequence[str],
        status: Sequence[str],
        homes: Array,
        begin: float,
        end: float,
        tz: ZoneInfo,
    ) -> None:
        self.duty, self.homes, self.begin, self.end, self.tz = duty, homes, begin, end, tz
        read: dict[str, list[tuple[float, float]]] = {}
        self.spells: list[list[Spell]] = []
        for unit, hours, state in zip(units, shift, status, strict=True):
            if hours not in read:
                read[hours] = spans(Hours.parse(hours), begin, end + BEYOND_S, tz)
            outages = [o for o in duty.out_of_service if o.unit == unit]
            mine = [] if state not in AVAILABLE else [(a, b, b) for a, b in read[hours]]
            for o in outages:
                mine = [cut for spell in mine for cut in _without(spell, o.since, o.until)]
            self.spells.append(mine)

    @property
    def on(self) -> NDArray[np.bool_]:
        """Which units are on duty at the beginning."""
        return np.array([self._at(u, self.begin) is not None for u in range(len(self.spells))], np.bool_)

    def events(
        self, seed: int, replication: int, *, slots: Array | None = None, place: bool = False
    ) -> Array:
        """Duty events in order of time, as DUTY records.

        Parameters
        ----------
        slots : ndarray of float64, optional
            When the posts are filled anew.
        place : bool
            Whether the units that are there at the beginning are given a place then.
        """
        rows: list[tuple[float, float, int, int]] = []
        for u, mine in enumerate(self.spells):
            for a, b, shift_end in mine:
                if a > self.begin:
                    rows.append((a, shift_end, u, kinds.ON))
                elif place:
                    rows.append((self.begin, 0.0, u, kinds.PLACE))
                if np.isfinite(b):
                    rows.append((b, 0.0, u, kinds.OFF))
        if slots is not None:
            rows += [(float(at), 0.0, 0, kinds.SLOT) for at in slots]
        rows += self._breaks()
        rows += self._own_work(seed, replication)
        rows.sort(key=lambda r: (r[0], FIRST[r[3]], r[2]))
        return np.array(rows, DUTY) if rows else np.zeros(0, DUTY)

    def shift_end(self) -> Array:
        """When the shift ends of each unit that is on duty at the beginning; inf for the others."""
        now = (self._at(u, self.begin) for u in range(len(self.spells)))
        return np.array([np.inf if spell is None else spell[2] for spell in now])

    def _at(self, u: int, instant: float) -> Spell | None:
        return next((s for s in self.spells[u] if s[0] <= instant < s[1]), None)

    def _breaks(self) -> list[tuple[float, float, int, int]]:
        hours = self.duty.breaks.hours
        rows: list[tuple[float, float, int, int]] = []
        if hours is None:
            return rows
        for a, b in spans(hours, self.begin, self.end, self.tz):
            turn: dict[int, list[int]] = {}
            for u, home in enumerate(self.homes.tolist()):
                if self._at(u, a) is not None:
                    turn.setdefault(home, []).append(u)
            for mine in turn.values():
                rows += [(a + (b - a) * k / len(mine), b, u, kinds.BREAK) for k, u in enumerate(mine)]
        return [r for r in rows if r[0] >= self.begin and self._at(r[2], r[0]) is not None]

    def _own_work(self, seed: int, replication: int) -> list[tuple[float, float, int, int]]:
        own = self.duty.own_work
        rows: list[tuple[float, float, int, int]] = []
        if own.per_hour <= 0:
            return rows
        random = stream(seed, "own work", replication)
        for u, mine in enumerate(self.spells):
            for a, b, _ in mine:
                first, last = max(a, self.begin), min(b, self.end)
                if last <= first:
                    continue
                n = random.poisson(own.per_hour * (last - first) / 3600.0)
                at = np.sort(random.uniform(first, last, n)).tolist()
                long = (own.median_s * np.exp(own.sigma * random.standard_normal(n))).tolist()
                rows += [(t, s, u, kinds.OWN_WORK) for t, s in zip(at, long, strict=True)]
        return rows


def spans(hours: Hours, begin: float, end: float, tz: ZoneInfo) -> list[tuple[float, float]]:
    """Unix seconds of the spans of local weekly hours that meet an interval; one that never ends is (-inf, inf)."""
    if hours.always:
        return [(-np.inf, np.inf)]
    local = datetime.fromtimestamp(begin, tz).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    monday = local - timedelta(days=local.weekday() + 7)
    out: list[tuple[float, float]] = []
    while _unix(monday, tz) < end:
        for a, b in hours.spans:
            since, until = (_unix(monday + timedelta(minutes=m), tz) for m in (a, b))
            if out and out[-1][1] >= since:
                out[-1] = (out[-1][0], until)  # over the end of the week
            else:
                out.append((since, until))
        monday += timedelta(days=7)
    return [(a, b) for a, b in out if b > begin and a < end]


def _unix(local: datetime, tz: ZoneInfo) -> float:
    return local.replace(tzinfo=tz).timestamp()


def _without(spell: Spell, since: float, until: float) -> list[Spell]:
    a, b, shift_end = spell
    parts = [(a, min(b, since), shift_end), (max(a, until), b, shift_end)]
    return [p for p in parts if p[0] < p[1]]
