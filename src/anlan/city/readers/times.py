"""Columns of dates and times, however they are written, as seconds."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from anlan.city.readers.cells import as_mask, clean, filled, is_text
from anlan.city.readers.time_shapes import Layout, clock_layout, date_layout
from anlan.core.columns import Bools, Floats
from anlan.core.time import DAY_S

ORDERS = ("ymd", "dmy", "mdy")
"""Orders of year, month and day in dates such as 04/07/22."""

_EXCEL_EPOCH_D = -25569  # 30 December 1899, so that serial 61 is 1 March 1900
_UNIX = {"unix_s": 1.0, "unix_ms": 1e-3, "unix_us": 1e-6}
EARLIEST_S = -2208988800.0  # 1900
LATEST_S = 4102444800.0  # 2100


@dataclass(frozen=True, eq=False)
class TimesRead:
    """A column's times.

    Attributes
    ----------
    seconds : ndarray of float64, shape (n,)
        Since 1970-01-01 00:00: on the wall clock, or UTC where `instant`; NaN where there is none.
    instant : ndarray of bool
        Where the text states its offset from UTC or counts Unix seconds.
    dated_only : ndarray of bool
        Where no time of day is stated.
    unreadable : ndarray of bool
        Where something stands that is no time.
    formats : mapping of str to int
        Rows by how they are written.
    named_zones : tuple of str
        Zone abbreviations such as CST that were passed over.
    """

    seconds: Floats
    instant: Bools
    dated_only: Bools
    unreadable: Bools
    formats: dict[str, int] = field(default_factory=dict)
    named_zones: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Shaped:
    """A text column grouped by shape, its bytes at hand."""

    data: NDArray[np.uint8]
    offsets: NDArray[np.int64]
    shapes: list[str]
    which: NDArray[np.int32]
    there: Bools

    @classmethod
    def of(cls, column: Any) -> Shaped:
        """Group a column; numbers are taken as they would be written."""
        if not is_text(column) and pa.types.is_floating(column.type):
            whole = pc.equal(pc.floor(column), column)
            if pc.all(whole, min_count=0).as_py() is not False:
                column = column.cast(pa.int64(), safe=False)
        text = clean(column)
        if isinstance(text, pa.ChunkedArray):
            text = pa.concat_arrays(text.chunks)
        if text.offset:  # a slice shares its parent's buffers
            text = pa.concat_arrays([text, text.slice(0, 0)])
        text = text.cast(pa.large_string())
        n = len(text)
        if not n:
            none = np.empty(0, np.uint8)
            return cls(none, np.zeros(1, np.int64), [], np.empty(0, np.int32), np.empty(0, bool))
        buffers = text.buffers()
        offsets = np.frombuffer(buffers[1], np.int64)[: n + 1]
        data = np.frombuffer(buffers[2], np.uint8) if buffers[2] is not None else np.empty(0, np.uint8)
        blank = data.copy()
        blank[(blank >= 48) & (blank <= 57)] = 48
        shaped = pa.LargeStringArray.from_buffers(n, buffers[1], pa.py_buffer(blank)).dictionary_encode()
        which = np.asarray(shaped.indices.to_numpy(zero_copy_only=False), np.int32)
        return cls(data, offsets, shaped.dictionary.to_pylist(), which, filled(text))

    def rows_by_shape(self) -> list[tuple[str, NDArray[np.int64]]]:
        """Each shape and its rows."""
        order = np.argsort(self.which, kind="stable")
        bounds = np.searchsorted(self.which[order], np.arange(len(self.shapes) + 1))
        return [(shape, order[bounds[k] : bounds[k + 1]]) for k, shape in enumerate(self.shapes)]

    def number(self, rows: NDArray[np.int64], span: tuple[int, int]) -> Floats:
        """The number whose digits stand at these bytes of each row."""
        begin, (first, last) = self.offsets[rows], span
        if len(rows) > 1 and len(rows) == len(self.which) and self._stride:
            block = self.data[: len(rows) * self._stride].reshape(len(rows), self._stride)
            digits = [block[:, place] for place in range(first, last)]
        else:
            digits = [self.data[begin + place] for place in range(first, last)]
        # Nine digits fit 32 bits; longer numbers go on in 64.
        out: NDArray[Any] = np.zeros(len(rows), np.int32 if last - first <= 9 else np.int64)
        for digit in digits:
            out = out * 10 + digit - 48
        return out.astype(np.float64)

    @cached_property
    def _stride(self) -> int:
        """Bytes from one text to the next where all are equally long; else 0."""
        lengths = np.diff(self.offsets)
        even = len(lengths) and self.offsets[0] == 0 and bool((lengths == lengths[0]).all())
        return int(lengths[0]) if even else 0


def open_orders(columns: list[Shaped]) -> tuple[list[str], list[str]]:
    """Which orders of day, month and year suit dates like 04/07/2022, in all time columns together.

    Returns
    -------
    orders : list of str
        The orders of `ORDERS` under which most of these dates exist (all of them, unless a few are
        misprints); empty where there is no such date.
    examples : list of str
        Some of the dates, for a sentence.
    """
    valid: Counter[str] = Counter()
    total = 0
    examples: list[str] = []
    short_year = False
    for shaped in columns:
        for shape, rows in shaped.rows_by_shape():
            layout = date_layout(shape)
            if layout is None or "a" not in layout.digits:
                continue
            parts = {k: shaped.number(rows, layout.digits[k]) for k in "abc"}
            short_year = short_year or layout.digits["c"][1] - layout.digits["c"][0] == 2
            # Where day and month are equal, both orders say the same.
            telling = parts["a"] != parts["b"] if not short_year else np.ones(len(rows), bool)
            total += int(telling.sum())
            for order in ORDERS if layout.digits["c"][1] - layout.digits["c"][0] == 2 else ORDERS[1:]:
                year, month, day = _ordered(parts, order)
                valid[order] += int((telling & _exists(year, month, day)).sum())
            if len(examples) < 3:
                row = rows[0]
                examples.append(bytes(shaped.data[shaped.offsets[row] : shaped.offsets[row + 1]]).decode())
    if not total:
        return (["dmy"] if examples else []), examples
    most = max(valid.values())
    return [order for order in ORDERS if valid[order] == most and most > 0], examples


def read_times(shaped: Shaped, order: str | None = None) -> TimesRead:
    """Read a grouped column as dates with or without a time of day.

    Parameters
    ----------
    shaped : Shaped
    order : str, optional
        One of `ORDERS`, for dates that do not show theirs.
    """
    n = len(shaped.there)
    out = TimesRead(np.full(n, np.nan), np.zeros(n, bool), np.zeros(n, bool), shaped.there.copy())
    formats: Counter[str] = Counter()
    zones: set[str] = set()
    for shape, rows in shaped.rows_by_shape():
        layout = date_layout(shape) if shape else None
        if layout is None:
            continue
        seconds = _number(shaped, rows, layout) if layout.number else _date(shaped, rows, layout, order)
        good = np.isfinite(seconds) & (seconds >= EARLIEST_S) & (seconds <= LATEST_S)
        hit = rows[good]
        out.seconds[hit] = seconds[good]
        out.instant[hit] = layout.sign != 0 or layout.number in _UNIX
        out.dated_only[hit] = not layout.has_clock
        out.unreadable[hit] = False
        formats[format_name(layout, shape, order)] += len(hit)
        if layout.named_zone:
            zones.add(layout.named_zone)
    return TimesRead(
        out.seconds,
        out.instant,
        out.dated_only,
        out.unreadable,
        {name: count for name, count in formats.most_common() if count},
        tuple(sorted(zones)),
    )


def read_clock(shaped: Shaped) -> tuple[Floats, Bools]:
    """Read a grouped column as times of day: seconds since midnight, and where it is none."""
    seconds, unreadable = np.full(len(shaped.there), np.nan), shaped.there.copy()
    for shape, rows in shaped.rows_by_shape():
        layout = clock_layout(shape) if shape else None
        if layout is None:
            continue
        value = _share(shaped, rows, layout) * DAY_S if layout.number else _clock(shaped, rows, layout)
        good = np.isfinite(value)
        seconds[rows[good]] = value[good]
        unreadable[rows[good]] = False
    return seconds, unreadable


def is_clock_column(values: list[str]) -> bool:
    """Whether a column's first filled cells are times of day rather than dates."""
    shaped = Shaped.of(pa.array(values, type=pa.string()))
    dates, clocks = 0, 0
    for shape, rows in shaped.rows_by_shape():
        if shape and date_layout(shape) is not None:
            dates += len(rows)
        elif shape and clock_layout(shape) is not None:
            clocks += len(rows)
    return clocks > dates


def format_name(layout: Layout, shape: str, order: str | None) -> str:
    """How a shape is called in the summary: ``YYYY-MM-DD hh:mm:ss``, ``Excel serial number``."""
    if layout.number:
        return {
            "excel": "Excel serial number",
            "unix_s": "Unix seconds",
            "unix_ms": "Unix milliseconds",
            "unix_us": "Unix microseconds",
            "day": "share of a day",
        }[layout.number]
    letters = {"H": "h", "M": "m", "S": "s", "f": "f", "zh": "z", "zm": "z", "y": "Y", "m": "M", "d": "D"}
    if order and "a" in layout.digits:
        letters |= {place: letters[part] for place, part in zip("abc", order, strict=True)}
    raw = bytearray(shape.encode())
    for name, (begin, end) in layout.digits.items():
        raw[begin:end] = letters.get(name, "?").encode() * (end - begin)
    return raw.decode()


def _number(shaped: Shaped, rows: NDArray[np.int64], layout: Layout) -> Floats:
    value = shaped.number(rows, layout.digits["n"]) + _share(shaped, rows, layout)
    if layout.number == "excel":
        # A serial number resolves a day to about a tenth of a millisecond.
        return np.round((value + _EXCEL_EPOCH_D) * DAY_S, 3)
    return value * _UNIX[layout.number]


def _share(shaped: Shaped, rows: NDArray[np.int64], layout: Layout) -> Floats:
    if "f" not in layout.digits:
        return np.zeros(len(rows))
    begin, end = layout.digits["f"]
    return shaped.number(rows, (begin, end)) / 10.0 ** (end - begin)


def _date(shaped: Shaped, rows: NDArray[np.int64], layout: Layout, order: str | None) -> Floats:
    part = {name: shaped.number(rows, span) for name, span in layout.digits.items()}
    part |= {name: np.full(len(rows), float(value)) for name, value in layout.fixed.items()}
    if "a" in part:
        if order is None:
            return np.full(len(rows), np.nan)
        year, month, day = _ordered(part, order)
    else:
        year, month, day = _century(part["y"]), part["m"], part["d"]
    seconds = _days(year, month, day) * DAY_S
    if "H" in part:
        seconds = seconds + _clock(shaped, rows, layout)
    if layout.sign:
        zero = np.zeros(len(rows))
        seconds = seconds - layout.sign * (part.get("zh", zero) * 3600.0 + part.get("zm", zero) * 60.0)
    return np.asarray(seconds, np.float64)


def _days(year: Floats, month: Floats, day: Floats) -> Floats:
    """Days since 1970-01-01; NaN where there is no such day. Computed once for each day that occurs."""
    dates, which = np.unique((year * 10000 + month * 100 + day).astype(np.int64), return_inverse=True)
    y, m, d = dates // 10000, dates // 100 % 100, dates % 100
    exists = _exists(y, m, d)
    months = np.where(exists, (y - 1970) * 12 + m - 1, 0).astype("datetime64[M]")
    days = months.astype("datetime64[D]").astype(np.int64) + d - 1
    return np.where(exists, days, np.nan)[which]


def _clock(shaped: Shaped, rows: NDArray[np.int64], layout: Layout) -> Floats:
    zero = np.zeros(len(rows))
    hour = shaped.number(rows, layout.digits["H"])
    minute = shaped.number(rows, layout.digits["M"]) if "M" in layout.digits else zero
    minute = minute + layout.fixed.get("M", 0)
    second = shaped.number(rows, layout.digits["S"]) if "S" in layout.digits else zero
    share = _share(shaped, rows, layout)
    if layout.half == "pm":
        hour = np.where(hour < 12, hour + 12, hour)
    elif layout.half == "am":
        hour = np.where(hour == 12, 0, hour)
    elif layout.half == "noon":
        hour = np.where(hour < 3, hour + 12, hour)
    elif layout.half == "night":
        hour = np.where((hour >= 6) & (hour < 12), hour + 12, hour)
    total = hour * 3600.0 + minute * 60.0 + second + share
    # 24:00 is the midnight that ends the day; a leap second is counted into the next minute.
    good = ((hour < 24) | (total == DAY_S)) & (minute < 60) & (second < 61)
    return np.where(good, total, np.nan)


def _ordered(part: dict[str, Floats], order: str) -> tuple[Floats, Floats, Floats]:
    by_letter = {letter: part[place] for letter, place in zip(order, "abc", strict=True)}
    return _century(by_letter["y"]), by_letter["m"], by_letter["d"]


def _century(year: Floats) -> Floats:
    """Two-digit years as POSIX reads them: 69–99 are 1969–1999, 00–68 are 2000–2068."""
    return np.where(year >= 100, year, np.where(year >= 69, year + 1900, year + 2000))


def _exists(year: NDArray[Any], month: NDArray[Any], day: NDArray[Any]) -> Bools:
    within = (year >= 1900) & (year <= 2100) & (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)
    safe_year, safe_month = np.where(within, year, 2000), np.where(within, month, 1)
    leap = (safe_year % 4 == 0) & ((safe_year % 100 != 0) | (safe_year % 400 == 0))
    length = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])[safe_month.astype(int) - 1]
    length = length + (leap & (safe_month == 2))
    return within & (day <= length)


def typed_times(column: Any) -> TimesRead | None:
    """A column that the file stores as dates or timestamps; None for text and numbers."""
    kind = column.type
    if pa.types.is_date(kind):
        stamps, dated = column.cast(pa.timestamp("ms")), True
    elif pa.types.is_timestamp(kind):
        stamps, dated = column, False
    else:
        return None
    micros = stamps.cast(pa.timestamp("us", stamps.type.tz), safe=False).cast(pa.int64())
    there = as_mask(column.is_valid())
    seconds = np.asarray(pc.fill_null(micros, 0).to_numpy(zero_copy_only=False), np.float64) / 1e6
    seconds[~there] = np.nan
    strange = there & ~((seconds >= EARLIEST_S) & (seconds <= LATEST_S))
    seconds[strange] = np.nan
    zoned = pa.types.is_timestamp(kind) and kind.tz is not None
    n = len(column)
    return TimesRead(
        seconds, np.full(n, zoned), np.full(n, dated), strange, {f"stored as {kind}": int(there.sum())}
    )
