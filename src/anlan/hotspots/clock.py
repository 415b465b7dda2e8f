"""Whether the hours of calls look like local time."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np

from anlan.core.time import hour_of_week
from anlan.model import Calls

_SPAN_H = 4
_LEAST_CALLS = 200
# People sleep: over all categories the four quietest hours of a city begin between 01 and 06.
_QUIET_FROM, _QUIET_TO = 0, 7
_CLEAR = 0.75


def clock_caveat(calls: Calls, tz: ZoneInfo) -> tuple[str, str] | None:
    """A sentence in Chinese and English if the day of the calls seems shifted, else None.

    Local times that carry the mark of another zone (a ``Z`` added by an export, say) shift the whole day.
    Looks for the four quietest hours of the day, for at least 200 calls and a clear trough.

    Parameters
    ----------
    calls : Calls
        Those reported by the public, where there are any.
    tz : ZoneInfo
    """
    reported = calls.source == "reported"
    received = calls.received[reported] if reported.any() else calls.received
    slot = hour_of_week(received, tz)
    by_hour = np.bincount(slot[slot >= 0] % 24, minlength=24).astype(float)
    if by_hour.sum() < _LEAST_CALLS:
        return None
    spans = np.array([by_hour[(np.arange(_SPAN_H) + h) % 24].sum() for h in range(24)])
    quiet = int(spans.argmin())
    if spans[quiet] > _CLEAR * by_hour.sum() * _SPAN_H / 24 or _QUIET_FROM <= quiet <= _QUIET_TO:
        return None
    end = (quiet + _SPAN_H) % 24
    return (
        f"一天中警情最少的时段是 {quiet:02d}–{end:02d} 时,不在夜间:时间可能记在另一个时区;"
        f"请核对时区({tz.key})。",
        f"The quietest hours are {quiet:02d}–{end:02d}, which is not at night: the times may be recorded in "
        f"another time zone; check the zone ({tz.key}) and how the source marks it.",
    )
