"""Local wall-clock times as instants, with the hours that daylight saving skips and repeats."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np

from anlan.core.columns import Bools, Floats
from anlan.core.time import DAY_S, utc_offset_s


def to_instants(local_s: Floats, tz: ZoneInfo) -> tuple[Floats, Bools, Bools]:
    """Unix seconds of wall-clock times.

    Parameters
    ----------
    local_s : ndarray of float64, shape (n,)
        Seconds since 1970-01-01 00:00 on the wall clock; NaN where unknown.
    tz : ZoneInfo

    Returns
    -------
    unix_s : ndarray of float64, shape (n,)
    skipped : ndarray of bool
        Times that the clock never showed, because it was put forward; they are read as if it had not been
        (PEP 495, fold 0: 02:30 becomes 03:30).
    repeated : ndarray of bool
        Times that the clock showed twice; the first is taken.
    """
    unix = np.full(local_s.shape, np.nan)
    skipped, repeated = np.zeros(local_s.shape, bool), np.zeros(local_s.shape, bool)
    known = np.flatnonzero(np.isfinite(local_s))
    if not len(known):
        return unix, skipped, repeated
    local = local_s[known]
    days, which = np.unique(np.floor(local / DAY_S), return_inverse=True)
    # No zone is more than 26 hours from another, so a change that touches a local day lies between these.
    before = utc_offset_s((days - 1.5) * DAY_S, tz)
    after = utc_offset_s((days + 2.5) * DAY_S, tz)
    unix[known] = local - before[which]
    near = known[(before != after)[which]]
    if len(near):
        wall = local_s[near]
        first, second = before[which][(before != after)[which]], after[which][(before != after)[which]]
        early, late = wall - first, wall - second
        early_holds = utc_offset_s(early, tz) == first
        late_holds = utc_offset_s(late, tz) == second
        unix[near] = np.where(late_holds & ~early_holds, late, early)
        skipped[near] = ~early_holds & ~late_holds
        repeated[near] = early_holds & late_holds
    return unix, skipped, repeated
