"""Time: Unix seconds in columns, aware datetimes at the faces, hours of the week in profiles."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from numpy.typing import NDArray

from anlan.core.errors import AnlanError

HOUR_S = 3600.0
DAY_S = 86400.0
WEEK_S = 7 * DAY_S
SLOTS = 168
"""Hour-of-week slots: 0 is Monday 00:00–01:00 local time, 167 is Sunday 23:00–24:00."""


class Clock(Protocol):
    """Where the present comes from; passed in, never read from the machine by the work itself."""

    def __call__(self) -> float:
        """Unix seconds (UTC)."""
        ...


def zone(name: str) -> ZoneInfo:
    """The time zone of an IANA name such as ``Asia/Shanghai``.

    Raises
    ------
    AnlanError
        If there is no such zone.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError, KeyError):
        raise AnlanError(
            f"time zone {name!r}",
            "a time zone is an IANA name",
            "use one such as Asia/Shanghai or America/Los_Angeles",
            code="time_zone",
        ) from None


def to_unix(when: datetime) -> float:
    """Unix seconds of an aware datetime; a naive one is refused, because it would be guessed."""
    if when.tzinfo is None:
        raise AnlanError(
            f"time {when.isoformat()}",
            "a time needs its time zone",
            "give an offset or a zone",
            code="time_zone",
        )
    return when.timestamp()


def to_datetime(unix_s: float, tz: ZoneInfo) -> datetime:
    """The aware datetime of Unix seconds in a zone."""
    return datetime.fromtimestamp(unix_s, tz=UTC).astimezone(tz)


def utc_offset_s(unix_s: NDArray[np.float64], tz: ZoneInfo) -> NDArray[np.float64]:
    """Seconds that local time is ahead of UTC at each instant; NaN where the instant is NaN.

    Looks the offset up once an hour of the covered span, which is exact because every zone's modern
    changes fall on whole hours of UTC (or on the half hour: then the half hour is looked up).
    """
    out = np.full(unix_s.shape, np.nan)
    known = np.isfinite(unix_s)
    if not known.any():
        return out
    half_hours = np.floor(unix_s[known] / 1800.0).astype(np.int64)
    unique, inverse = np.unique(half_hours, return_inverse=True)
    offsets = np.array([_offset(int(h) * 1800, tz) for h in unique])
    out[known] = offsets[inverse]
    return out


def _offset(unix_s: int, tz: ZoneInfo) -> float:
    delta = datetime.fromtimestamp(unix_s, tz=tz).utcoffset()
    return 0.0 if delta is None else delta.total_seconds()


def hour_of_week(unix_s: NDArray[np.float64], tz: ZoneInfo) -> NDArray[np.int16]:
    """The hour-of-week slot (0–167, Monday 00:00 local is 0) of each instant; -1 where it is NaN."""
    local = unix_s + utc_offset_s(unix_s, tz)
    # 1 January 1970 was a Thursday: shift so that Monday 00:00 is a multiple of a week.
    with np.errstate(invalid="ignore"):
        slot = np.floor((local + 3 * DAY_S) % WEEK_S / HOUR_S)
    return np.where(np.isfinite(slot), slot, -1).astype(np.int16)
