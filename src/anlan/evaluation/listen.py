"""Indicators heard from events: how calls were answered and what it asked of the units.

The same listener hears a live night event by event and a simulated year in one piece; both give the same
figures (see `anlan.evaluation.tally`). Memory holds the calls that are open, the units, and the tallies of the
groups, whatever the number of calls.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from anlan.core.columns import Columns, Floats, Ints, Strings
from anlan.core.time import hour_of_week
from anlan.evaluation.tally import MICRO, Response, Tally, micro, micros, tally_of
from anlan.model.event import Event, Events

GROUPS = ("area", "hour", "category", "priority")
_STARTS_DRIVE = ("departed", "left_scene", "set_off")
_ENDS_DRIVE = ("arrived", "delivered", "at_post", "dispatched", "diverted", "off_duty")
_ENDS_WORK = ("diverted", "cleared")
_MEASURED = ("arrived", "delivered", "at_post")


@dataclass(frozen=True, eq=False)
class UnitWork(Columns):
    """What was asked of each unit.

    Attributes
    ----------
    id : ndarray of str
    calls, moves : ndarray of int64
        Calls cleared; times it set off for a post.
    work_s, driving_s : ndarray of float64
        From dispatch to clearing (or to being taken for another call); on the road.
    km : ndarray of float64
        Driven, as far as the events say how far; NaN where none does.
    """

    id: Strings
    calls: Ints
    moves: Ints
    work_s: Floats
    driving_s: Floats
    km: Floats

    DTYPES: ClassVar[Mapping[str, Any]] = {
        "id": object,
        "calls": np.int64,
        "moves": np.int64,
        "work_s": np.float64,
        "driving_s": np.float64,
        "km": np.float64,
    }


@dataclass(frozen=True)
class Indicators:
    """What a listener heard.

    Attributes
    ----------
    overall : Response
    by : mapping of str to mapping
        Figures by ``area``, ``hour`` (of the day), ``category`` and ``priority``.
    units : UnitWork
        In the order of their ids.
    hours : float
        From the first event to the last, times the number of streams (replications).
    open_calls : int
        Calls nobody has come to yet.
    """

    overall: Response
    by: Mapping[str, Mapping[Any, Response]]
    units: UnitWork
    hours: float
    open_calls: int

    @property
    def moves_per_unit_hour(self) -> float:
        """Moves to a post per unit and hour."""
        return float(self.units.moves.sum()) / (len(self.units) * self.hours)

    @property
    def busy_share(self) -> float:
        """Share of the units' time from dispatch to clearing."""
        return float(self.units.work_s.sum()) / (len(self.units) * self.hours * 3600.0)


@dataclass
class _Open:
    """A call that nobody has arrived at."""

    received: int
    keys: tuple[Any, ...] | None
    ready: int | None = None
    dispatched: dict[str, int] = field(default_factory=dict)
    departed: dict[str, int] = field(default_factory=dict)


@dataclass
class _Unit:
    calls: int = 0
    moves: int = 0
    work: int = 0
    driving: int = 0
    metres: float = 0.0
    measured: bool = False
    works_since: dict[str, int] = field(default_factory=dict)
    drives_since: dict[str, int] = field(default_factory=dict)


class Listener:
    """Hears events in order of time and keeps the indicators.

    Parameters
    ----------
    tz : ZoneInfo
        For hours of the day.
    rings_s : sequence of float
        The response standard.
    since : float
        Calls received before are not counted (warm-up); what units do is.
    """

    def __init__(self, tz: ZoneInfo, rings_s: Sequence[float], since: float = -np.inf) -> None:
        self._tz, self._since = tz, since
        self._rings = tuple(float(r) for r in rings_s)
        self._all = tally_of(self._rings)
        self._groups: dict[str, dict[Any, Tally]] = {g: {} for g in GROUPS}
        self._open: dict[tuple[str, str], _Open] = {}
        self._units: dict[str, _Unit] = {}
        self._first, self._last = np.inf, -np.inf
        self._streams: set[str] = set()
        self._hour = (-1, -1)

    def hear(self, event: Event) -> None:
        """One event."""
        at = micro(event.at)
        self._streams.add(event.stream)
        self._first, self._last = min(self._first, event.at), max(self._last, event.at)
        if event.unit:
            self._hear_unit(event, at)
        if event.procedure != "dispatch":
            return
        key = (event.stream, event.subject)
        if event.transition == "received":
            keys = None
            if event.at >= self._since:
                said = json.loads(event.payload) if event.payload else {}
                keys = (
                    event.area,
                    self._hour_of(event.at),
                    str(said.get("category", "")),
                    int(said.get("priority", 1)),
                )
                for tally in self._tallies(keys):
                    tally.calls += 1
            self._open[key] = _Open(at, keys)
            return
        call = self._open.get(key)
        if call is None:
            return
        if event.transition in ("queued", "dispatched") and call.ready is None:
            call.ready = at
        if event.transition == "dispatched":
            call.dispatched[event.unit] = at
        elif event.transition == "departed":
            call.departed[event.unit] = at
        elif event.transition == "diverted":
            call.dispatched.pop(event.unit, None)
            call.departed.pop(event.unit, None)
        elif event.transition == "arrived":
            del self._open[key]
            if call.keys is not None:
                sent = call.dispatched.get(event.unit, at)
                left = call.departed.get(event.unit, sent)
                spans = {
                    "response": at - call.received,
                    "after_dispatch": at - sent,
                    "turnout": left - sent,
                    "travel": at - left,
                    "queued": sent - (sent if call.ready is None else call.ready),
                }
                for tally in self._tallies(call.keys):
                    tally.add(spans)

    def hear_all(self, events: Events) -> None:
        """Many events at once; the whole life of each call is among them.

        Raises
        ------
        ValueError
            If calls are open from before: those must be heard to their end first.
        """
        if self._open:
            raise ValueError("events heard at once must hold the whole life of their calls")
        if not len(events):
            return
        self._first = min(self._first, float(events.at.min()))
        self._last = max(self._last, float(events.at.max()))
        at = micros(events.at)
        self._streams.update(set(events.stream.tolist()))
        self._all_units(events, at)
        self._all_calls(events, at)

    def indicators(self) -> Indicators:
        """The figures so far."""
        names = sorted(self._units)
        units = [self._units[n] for n in names]
        return Indicators(
            overall=self._all.response(),
            by={g: {k: t[k].response() for k in sorted(t)} for g, t in self._groups.items()},
            units=UnitWork.make(
                len(names),
                id=np.array([*names, ""], object)[:-1],
                calls=[u.calls for u in units],
                moves=[u.moves for u in units],
                work_s=[u.work / MICRO for u in units],
                driving_s=[u.driving / MICRO for u in units],
                km=[u.metres / 1000.0 if u.measured else np.nan for u in units],
            ),
            hours=len(self._streams) * (self._last - self._first) / 3600.0 if self._streams else 0.0,
            open_calls=self._all.calls - self._all.served,
        )

    def _tallies(self, keys: tuple[Any, ...]) -> list[Tally]:
        out = [self._all]
        for group, key in zip(GROUPS, keys, strict=True):
            found = self._groups[group].get(key)
            if found is None:
                found = self._groups[group][key] = tally_of(self._rings)
            out.append(found)
        return out

    def _hour_of(self, at: float) -> int:
        half = int(at // 1800.0)
        if half != self._hour[0]:
            self._hour = (half, datetime.fromtimestamp(half * 1800.0, self._tz).hour)
        return self._hour[1]

    def _hear_unit(self, event: Event, at: int) -> None:
        unit = self._units.setdefault(event.unit, _Unit())
        step = event.transition
        if step in _STARTS_DRIVE or step in _ENDS_DRIVE:
            unit.driving += at - unit.drives_since.pop(event.stream, at)
            if step in _STARTS_DRIVE:
                unit.drives_since[event.stream] = at
        if step == "dispatched" or step in _ENDS_WORK:
            unit.work += at - unit.works_since.pop(event.stream, at)
            if step == "dispatched":
                unit.works_since[event.stream] = at
        unit.calls += step == "cleared"
        unit.moves += step == "set_off"
        if step in _MEASURED:
            self._measure(unit, event.payload)

    def _measure(self, unit: _Unit, payload: str) -> None:
        if '"metres"' in payload:
            unit.metres += float(json.loads(payload)["metres"])
            unit.measured = True

    def _all_units(self, events: Events, at: NDArray[np.int64]) -> None:
        rows = np.flatnonzero(events.unit != "")
        name = events.unit[rows].astype(str)
        names, who = np.unique(name, return_inverse=True)
        step = events.transition[rows].astype(str)
        stream = np.unique(events.stream[rows].astype(str), return_inverse=True)[1]
        units = [self._units.setdefault(n, _Unit()) for n in names.tolist()]
        order = np.lexsort((np.arange(len(rows)), stream, who))
        for starts, ends, total in (
            (_STARTS_DRIVE, _ENDS_DRIVE, "driving"),
            (("dispatched",), _ENDS_WORK, "work"),
        ):
            kept = order[np.isin(step[order], [*starts, *ends])]
            on = np.isin(step[kept], starts)
            same = (who[kept][1:] == who[kept][:-1]) & (stream[kept][1:] == stream[kept][:-1])
            spell = (
                np.where(on[:-1] & same, np.diff(at[rows][kept]), 0) if len(kept) else np.zeros(0, np.int64)
            )
            owner = who[kept][:-1]
            # Sums of integers by unit, kept exact: bincount would add them as floats.
            summed = np.zeros(len(names), np.int64)
            np.add.at(summed, owner, spell)
            for unit, value in zip(units, summed.tolist(), strict=True):
                setattr(unit, total, getattr(unit, total) + value)
        for column, name_of in (("calls", "cleared"), ("moves", "set_off")):
            count = np.bincount(who[step == name_of], minlength=len(names))
            for unit, value in zip(units, count.tolist(), strict=True):
                setattr(unit, column, getattr(unit, column) + value)
        measured = np.isin(step, _MEASURED) & (events.payload[rows] != "")
        for row in np.flatnonzero(measured).tolist():
            self._measure(units[who[row]], events.payload[rows[row]])

    def _all_calls(self, events: Events, at: NDArray[np.int64]) -> None:
        mine = np.flatnonzero(events.procedure == "dispatch")
        step = events.transition[mine].astype(str)
        label = np.array(
            [f"{a}\0{b}" for a, b in zip(events.stream[mine], events.subject[mine], strict=True)]
        )
        calls, call = np.unique(label, return_inverse=True)
        n = len(calls)
        order = np.arange(len(mine))

        def first(wanted: NDArray[np.bool_]) -> NDArray[np.int64]:
            out = np.full(n, len(mine), np.int64)
            np.minimum.at(out, call[wanted], order[wanted])
            return out

        received = first(step == "received")
        arrived = first(step == "arrived")
        ready = first((step == "queued") | (step == "dispatched"))
        told = received < len(mine)
        counted = told & (np.append(events.at[mine], -np.inf)[received] >= self._since)
        came = np.flatnonzero(counted & (arrived < len(mine)))
        # Of the unit that arrived first: its last dispatch to the call before that, and when it left for it.
        who = np.unique(events.unit[mine].astype(str), return_inverse=True)[1]
        winner = np.full(n, -1, np.int64)
        winner[came] = who[arrived[came]]
        own = (who == winner[call]) & (order < np.append(arrived, 0)[call])
        instant = np.append(at[mine], 0)

        def last(wanted: NDArray[np.bool_]) -> NDArray[np.int64]:
            out = np.full(n, -1, np.int64)
            np.maximum.at(out, call[wanted & own], order[wanted & own])
            return out

        sent, left = last(step == "dispatched"), last(step == "departed")
        arrival = instant[arrived[came]]
        sent_at = np.where(sent[came] >= 0, instant[sent[came]], arrival)
        left_at = np.where(left[came] > sent[came], instant[left[came]], sent_at)
        ready_at = np.where(ready[came] < len(mine), instant[ready[came]], sent_at)
        spans = {
            "response": arrival - instant[received[came]],
            "after_dispatch": arrival - sent_at,
            "turnout": left_at - sent_at,
            "travel": arrival - left_at,
            "queued": sent_at - ready_at,
        }
        rows = np.flatnonzero(counted)
        of = mine[received[rows]]
        said = [json.loads(p) if p else {} for p in np.unique(events.payload[of].astype(str))]
        kind = np.unique(events.payload[of].astype(str), return_inverse=True)[1]
        keys = {
            "area": events.area[of].astype(str),
            "hour": np.maximum(hour_of_week(events.at[of], self._tz), 0) % 24,
            "category": np.array([str(s.get("category", "")) for s in said] or [""])[kind],
            "priority": np.array([int(s.get("priority", 1)) for s in said] or [1])[kind],
        }
        place = np.full(n, -1, np.int64)
        place[came] = np.arange(len(came))
        self._add(self._all, spans, place[rows])
        for group, values in keys.items():
            unique, which = np.unique(values, return_inverse=True)
            by = np.argsort(which, kind="stable")
            parts = np.split(rows[by], np.cumsum(np.bincount(which, minlength=len(unique)))[:-1])
            for key, part in zip(unique.tolist(), parts, strict=True):
                found = self._groups[group].setdefault(key, tally_of(self._rings))
                self._add(found, spans, place[part])

    @staticmethod
    def _add(tally: Tally, spans: Mapping[str, NDArray[np.int64]], place: NDArray[np.int64]) -> None:
        tally.calls += len(place)
        there = place[place >= 0]
        tally.add_many({name: values[there] for name, values in spans.items()})


def listen(events: Events, tz: ZoneInfo, rings_s: Sequence[float], since: float = -np.inf) -> Indicators:
    """Indicators of a finished log, such as a run's `Run.events`."""
    listener = Listener(tz, rings_s, since)
    listener.hear_all(events)
    return listener.indicators()
