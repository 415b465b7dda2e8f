"""Weekly opening hours and shifts, in the everyday part of OpenStreetMap's opening_hours syntax."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anlan.core.errors import AnlanError

_DAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
_DAY_MIN = 1440
_WEEK_MIN = 7 * _DAY_MIN
_SPAN = re.compile(r"(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})")


@dataclass(frozen=True, slots=True)
class Hours:
    """The minutes of the week in which something is open or on duty.

    Attributes
    ----------
    spans : tuple of (int, int)
        Half-open minute intervals ``[from, to)`` of the local week, Monday 00:00 is 0; sorted, disjoint,
        none crossing the end of the week.
    """

    spans: tuple[tuple[int, int], ...]

    @classmethod
    def parse(cls, text: str) -> Hours:
        """Read ``24/7``, ``08:00-18:00``, ``Mo-Fr 08:00-18:00; Sa 22:00-06:00`` or the empty text (always).

        A span that ends before it begins runs into the next day. A later rule for a day adds to an
        earlier one.

        Raises
        ------
        AnlanError
            If the text cannot be read.
        """
        if text.strip() in ("", "24/7"):
            return cls(((0, _WEEK_MIN),))
        minutes = np.zeros(_WEEK_MIN, bool)
        for rule in filter(None, (part.strip() for part in text.split(";"))):
            days, _, times = rule.rpartition(" ") if rule[0].isalpha() else ("", "", rule)
            for span in times.split(","):
                match = _SPAN.fullmatch(span.strip())
                if match is None:
                    raise _unreadable(text)
                h0, m0, h1, m1 = (int(g) for g in match.groups())
                begin, end = h0 * 60 + m0, h1 * 60 + m1
                if begin > _DAY_MIN or end > _DAY_MIN or m0 > 59 or m1 > 59:
                    raise _unreadable(text)
                end += _DAY_MIN if end <= begin else 0
                for day in _days(days, text):
                    at = np.arange(day * _DAY_MIN + begin, day * _DAY_MIN + end) % _WEEK_MIN
                    minutes[at] = True
        return cls.of_mask(minutes)

    @classmethod
    def of_mask(cls, minutes: NDArray[np.bool_]) -> Hours:
        """From a mask of the week's 10,080 minutes."""
        edges = np.flatnonzero(np.diff(np.concatenate([[False], minutes, [False]]).astype(np.int8)))
        return cls(tuple((int(a), int(b)) for a, b in edges.reshape(-1, 2)))

    def mask(self) -> NDArray[np.bool_]:
        """Open or not for each of the week's 10,080 minutes."""
        out = np.zeros(_WEEK_MIN, bool)
        for begin, end in self.spans:
            out[begin:end] = True
        return out

    def slots(self) -> NDArray[np.float64]:
        """Share of each of the 168 hours of the week that is open, shape (168,)."""
        return self.mask().reshape(168, 60).mean(axis=1)

    def is_open(self, minute_of_week: int) -> bool:
        """Whether it is open in a minute of the local week."""
        minute = minute_of_week % _WEEK_MIN
        return any(begin <= minute < end for begin, end in self.spans)

    @property
    def always(self) -> bool:
        """Whether it never closes."""
        return self.spans == ((0, _WEEK_MIN),)

    def __str__(self) -> str:
        if self.always:
            return "24/7"
        parts = []
        for begin, end in self.spans:
            while begin < end:
                day, stop = begin // _DAY_MIN, min(end, (begin // _DAY_MIN + 1) * _DAY_MIN)
                a, b = begin - day * _DAY_MIN, stop - day * _DAY_MIN
                parts.append(f"{_DAYS[day]} {a // 60:02d}:{a % 60:02d}-{b // 60:02d}:{b % 60:02d}")
                begin = stop
        return "; ".join(parts)


def _days(text: str, whole: str) -> list[int]:
    if not text:
        return list(range(7))
    days: list[int] = []
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        if first not in _DAYS or (last and last not in _DAYS):
            raise _unreadable(whole)
        begin = _DAYS.index(first)
        end = _DAYS.index(last) if last else begin
        days += [d % 7 for d in range(begin, end + 1 if end >= begin else end + 8)]
    return days


def _unreadable(text: str) -> AnlanError:
    return AnlanError(
        f"hours {text!r}",
        "opening hours are days and times",
        "write for example 24/7, 08:00-18:00 or Mo-Fr 08:00-18:00; Sa 22:00-06:00",
        code="hours",
    )
