"""Dates that people write, to windows of Unix seconds."""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from anlan.core.errors import AnlanError


def day(text: str, option: str) -> date:
    """A date as ``YYYY-MM-DD``.

    Raises
    ------
    AnlanError
        If it is not one.
    """
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise AnlanError(
            f"{option} {text}", "a date is written YYYY-MM-DD", "write it like 2022-06-25", code="date"
        ) from None


def window(begin: str | None, until: str | None, tz: ZoneInfo) -> tuple[float, float] | None:
    """The window from one local day to another, the last included; None where neither is given.

    Raises
    ------
    AnlanError
        If a date cannot be read or the last day lies before the first.
    """
    if begin is None and until is None:
        return None
    first = -math.inf if begin is None else midnight(day(begin, "--from"), tz)
    last = math.inf if until is None else midnight(day(until, "--until") + timedelta(days=1), tz)
    if not first < last:
        raise AnlanError(
            f"--from {begin} --until {until}",
            "the last day does not lie before the first",
            "swap or correct the two dates",
            code="date",
        )
    return first, last


def midnight(when: date, tz: ZoneInfo) -> float:
    """Unix seconds at which a local day begins."""
    return datetime(when.year, when.month, when.day, tzinfo=tz).timestamp()
