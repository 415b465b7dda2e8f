"""When the rows of a call table happened: every time column, one day-month order, one time zone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from anlan.city.finding import Finding
from anlan.city.readers.localise import to_instants
from anlan.city.readers.mapping import TIMES, CallMapping
from anlan.city.readers.numbers import parse_numbers
from anlan.city.readers.times import (
    Shaped,
    TimesRead,
    is_clock_column,
    open_orders,
    read_clock,
    read_times,
    typed_times,
)
from anlan.core.columns import Bools, Floats
from anlan.core.errors import AnlanError
from anlan.core.time import DAY_S, HOUR_S

_SEQUENCE = ("received", "dispatched", "en_route", "arrived", "cleared")
ABSURD_S = DAY_S
"""A step later than this after the call was received is a slip of the pen."""


@dataclass(frozen=True, eq=False)
class Moments:
    """The times of each row.

    Attributes
    ----------
    seconds : mapping of str to ndarray of float64, shape (n,)
        Field of `TIMES` → Unix seconds, NaN where unknown; only the fields that the table has.
    unreadable : ndarray of bool, shape (n,)
        Where ``received`` holds something that is no time.
    formats : mapping of str to mapping of str to int
        Field → way of writing → rows.
    date_order : str
        dmy, mdy or ymd where some column needed it.
    dated_only : ndarray of bool, shape (n,)
        Where ``received`` states a date but no time of day.
    set_aside : mapping of str to mapping of str to int
        Field → why its times were set to missing → rows.
    notes : tuple of Finding
    """

    seconds: dict[str, Floats]
    unreadable: Bools
    formats: dict[str, dict[str, int]]
    date_order: str
    dated_only: Bools
    set_aside: dict[str, dict[str, int]] = field(default_factory=dict)
    notes: tuple[Finding, ...] = ()


def read_moments(columns: dict[str, Any], mapping: CallMapping, tz: ZoneInfo | None, what: str) -> Moments:
    """Read all time columns of a table.

    Raises
    ------
    AnlanError
        If the order of day and month cannot be told, or local times come without a time zone.
    """
    fields = [name for name in TIMES if name in mapping.columns]
    needed = {column for name in fields for column in mapping.columns[name]}
    shaped = {name: Shaped.of(columns[name]) for name in needed if typed_times(columns[name]) is None}
    order = _order(shaped, mapping.date_order, what)
    reader = _Reader(columns, shaped, order, tz, what)
    seconds: dict[str, Floats] = {}
    n = len(next(iter(columns.values())))
    unreadable = np.zeros(n, bool)
    for name in fields:
        seconds[name], bad = reader.read(name, mapping.columns[name])
        if name == "received":
            unreadable = bad
    _after_seconds(columns, mapping, seconds, reader.set_aside)
    _set_impossible_aside(seconds, reader.set_aside)
    dated_only = reader.dated_only if reader.dated_only is not None else np.zeros(n, bool)
    return Moments(
        seconds, unreadable, reader.formats, order or "", dated_only, reader.set_aside, tuple(reader.notes())
    )


class _Reader:
    """Reads the time columns of one table and counts what it meets."""

    def __init__(
        self,
        columns: dict[str, Any],
        shaped: dict[str, Shaped],
        order: str | None,
        tz: ZoneInfo | None,
        what: str,
    ) -> None:
        self.columns, self.shaped, self.order, self.tz, self.what = columns, shaped, order, tz, what
        self.formats: dict[str, dict[str, int]] = {}
        self.set_aside: dict[str, dict[str, int]] = {}
        self.skipped = self.repeated = 0
        self.dated_only: Bools | None = None
        self.zones: set[str] = set()
        self.received_local: Floats | None = None

    def read(self, name: str, columns: tuple[str, ...]) -> tuple[Floats, Bools]:
        """Unix seconds of a field, and where it is unreadable."""
        if len(columns) == 2:
            times = self._date_and_clock(*columns)
        elif self.received_local is not None and self._is_clock(columns[0]):
            times = self._clock_after_received(columns[0])
        else:
            times = self._times(columns[0])
        self.formats[name] = times.formats
        self.zones.update(times.named_zones)
        count(self.set_aside, name, "unreadable", times.unreadable)
        local = np.where(times.instant, np.nan, times.seconds)
        unix = np.where(times.instant, times.seconds, np.nan)
        if np.isfinite(local).any():
            if self.tz is None:
                raise AnlanError(
                    f"{self.what}, column {columns[0]!r}",
                    "its times are local and state no offset, so their time zone must be known",
                    "pass tz, for example tz='Asia/Shanghai'",
                    code="time_zone",
                )
            instants, skipped, repeated = to_instants(local, self.tz)
            self.skipped += int(skipped.sum())
            self.repeated += int(repeated.sum())
            unix = np.where(np.isfinite(instants), instants, unix)
        if name == "received":
            self.dated_only = times.dated_only & np.isfinite(unix)
            self.received_local = local
        return unix, times.unreadable

    def _times(self, column: str) -> TimesRead:
        stored = typed_times(self.columns[column])
        return stored if stored is not None else read_times(self.shaped[column], self.order)

    def _is_clock(self, column: str) -> bool:
        if column not in self.shaped:
            return False
        texts = self.columns[column].slice(0, 2000).cast("string").to_pylist()
        return is_clock_column([text for text in texts if text and text.strip()])

    def _date_and_clock(self, date: str, clock: str) -> TimesRead:
        days = self._times(date)
        since_midnight, bad = read_clock(self.shaped[clock])
        if date == clock:
            return days
        day = np.floor(days.seconds / DAY_S) * DAY_S
        alone = np.isnan(since_midnight) & ~bad
        seconds = np.where(alone, day, day + since_midnight)
        formats = {f"{name} + clock": rows for name, rows in days.formats.items()}
        # A date that states an offset is a date all the same; the clock beside it is local.
        local = np.zeros(len(seconds), bool)
        return TimesRead(seconds, local, alone, days.unreadable | bad, formats)

    def _clock_after_received(self, column: str) -> TimesRead:
        """Times of day without a date: the first such moment after the call, an hour's slip allowed for."""
        since_midnight, bad = read_clock(self.shaped[column])
        assert self.received_local is not None
        received = self.received_local
        seconds = np.floor(received / DAY_S) * DAY_S + since_midnight
        seconds = np.where(seconds < received - HOUR_S, seconds + DAY_S, seconds)
        none = np.zeros(len(seconds), bool)
        return TimesRead(seconds, none, none, bad, {"clock": int(np.isfinite(seconds).sum())})

    def notes(self) -> list[Finding]:
        out: list[Finding] = []
        if self.skipped:
            out.append(
                Finding(
                    "warning",
                    "times_skipped",
                    "Local times that never existed, because the clock was put forward then:"
                    f" {self.skipped}; they were read as if it had not been.",
                    f"有 {self.skipped} 个当地时间因拨快时钟（夏令时）而不存在，已按未拨快处理。",
                    self.skipped,
                )
            )
        if self.repeated:
            out.append(
                Finding(
                    "note",
                    "times_repeated",
                    "Local times that occurred twice, because the clock was put back then:"
                    f" {self.repeated}; the first was taken.",
                    f"有 {self.repeated} 个当地时间因拨慢时钟（夏令时）出现两次，已取前一次。",
                    self.repeated,
                )
            )
        n = 0 if self.dated_only is None else int(self.dated_only.sum())
        if n:
            out.append(
                Finding(
                    "warning",
                    "dates_without_clock",
                    f"Calls with a date but no time of day: {n}; they stand at 00:00 with the whole day as"
                    " their interval, so do not read their hour.",
                    f"有 {n} 条警情只有日期没有时刻，记为当日 00:00 并以整日为区间，其小时不可用。",
                    n,
                )
            )
        if self.zones:
            names = ", ".join(sorted(self.zones))
            out.append(
                Finding(
                    "note",
                    "zone_names_passed_over",
                    f"The zone abbreviation {names} names no zone for certain; the times were read as local.",
                    f"时区缩写 {names} 含义不唯一，时间按当地时间读取。",
                )
            )
        return out


def count(counts: dict[str, dict[str, int]], name: str, reason: str, rows: Bools) -> None:
    """Add the number of rows to a count, if there are any."""
    n = int(rows.sum())
    if n:
        of = counts.setdefault(name, {})
        of[reason] = of.get(reason, 0) + n


def _order(shaped: dict[str, Shaped], given: str, what: str) -> str | None:
    if given:
        if given not in ("ymd", "dmy", "mdy"):
            raise AnlanError(
                f"date_order {given!r}", "it is dmy, mdy or ymd", "use one of these", code="date_order"
            )
        return given
    orders, examples = open_orders(list(shaped.values()))
    if len(orders) > 1:
        raise AnlanError(
            f"{what}, dates such as {', '.join(examples)}",
            f"nothing tells whether they are {' or '.join(orders)} (d day, m month, y year)",
            f"pass --date-order {orders[0]} or {orders[1]} (date_order={orders[0]!r} from Python)",
            code="date_order",
        )
    return orders[0] if orders else None


def _after_seconds(
    columns: dict[str, Any],
    mapping: CallMapping,
    seconds: dict[str, Floats],
    set_aside: dict[str, dict[str, int]],
) -> None:
    """Arrival from a column of seconds after the call."""
    if "arrived_after_s" not in mapping.columns or "received" not in seconds:
        return
    after, bad = parse_numbers(columns[mapping.columns["arrived_after_s"][0]])
    count(set_aside, "arrived", "unreadable", bad)
    arrived = seconds["received"] + after
    own = seconds.get("arrived")
    seconds["arrived"] = arrived if own is None else np.where(np.isfinite(own), own, arrived)


def _set_impossible_aside(seconds: dict[str, Floats], set_aside: dict[str, dict[str, int]]) -> None:
    """Set to missing what cannot be: a step before the one it follows, or more than a day after the call."""
    received = seconds.get("received")
    if received is not None:
        latest = received.copy()
        for name in _SEQUENCE[1:]:
            if name not in seconds:
                continue
            at = seconds[name]
            with np.errstate(invalid="ignore"):
                before_call = at < received
                late = at - received > ABSURD_S
                before_step = ~before_call & (at < latest)
            count(set_aside, name, "before_received", before_call)
            count(set_aside, name, "over_a_day_later", late)
            count(set_aside, name, "before_the_step_before", before_step)
            seconds[name] = np.where(before_call | late | before_step, np.nan, at)
            latest = np.fmax(latest, seconds[name])
    if "start" in seconds and "end" in seconds:
        with np.errstate(invalid="ignore"):
            turned = seconds["end"] < seconds["start"]
        count(set_aside, "start", "end_before_start", turned)
        seconds["start"] = np.where(turned, np.nan, seconds["start"])
        seconds["end"] = np.where(turned, np.nan, seconds["end"])
