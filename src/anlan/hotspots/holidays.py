"""Holidays as data, the moving ones included: which days of which weeks are not ordinary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

Holidays = Mapping[str, Sequence[date]]
"""Name of a holiday → all its days, in every year of the history."""

# Month and day of the Spring Festival, the Dragon Boat Festival, the Mid-Autumn Festival and Qingming, by
# the calendar GB/T 33661-2017: computed from the new moons and solar terms of Meeus, J. (1998),
# "Astronomical Algorithms", at 120° E. A test computes the Spring Festivals again.
_MOVING = {
    2010: "0214 0616 0922 0405",
    2011: "0203 0606 0912 0405",
    2012: "0123 0623 0930 0404",
    2013: "0210 0612 0919 0404",
    2014: "0131 0602 0908 0405",
    2015: "0219 0620 0927 0405",
    2016: "0208 0609 0915 0404",
    2017: "0128 0530 1004 0404",
    2018: "0216 0618 0924 0405",
    2019: "0205 0607 0913 0405",
    2020: "0125 0625 1001 0404",
    2021: "0212 0614 0921 0404",
    2022: "0201 0603 0910 0405",
    2023: "0122 0622 0929 0405",
    2024: "0210 0610 0917 0404",
    2025: "0129 0531 1006 0404",
    2026: "0217 0619 0925 0405",
    2027: "0206 0609 0915 0405",
    2028: "0126 0528 1003 0404",
    2029: "0213 0616 0922 0404",
    2030: "0203 0605 0912 0405",
    2031: "0123 0624 1001 0405",
    2032: "0211 0612 0919 0404",
    2033: "0131 0601 0908 0404",
    2034: "0219 0620 0927 0405",
    2035: "0208 0610 0916 0405",
}


def _moving(year: int) -> list[date]:
    return [date(year, int(md[:2]), int(md[2:])) for md in _MOVING[year].split()]


def spring_festivals() -> dict[int, date]:
    """The first day of the lunisolar year, by year, 2010-2035."""
    return {year: _moving(year)[0] for year in _MOVING}


def china() -> dict[str, list[date]]:
    """The public holidays of mainland China, 2010-2035: their customary days, not each year's decree.

    ``spring_festival`` (New Year's Eve and the seven days after it), ``national_day`` (1-7 October), and
    ``short_holiday``: New Year's Day, Qingming, Labour Day (1-3 May), Dragon Boat and Mid-Autumn with the
    day after each. Where the Mid-Autumn Festival falls into the National Day week it is not counted twice.
    """
    out: dict[str, list[date]] = {"spring_festival": [], "national_day": [], "short_holiday": []}
    for year in _MOVING:
        spring, boat, moon, clear = _moving(year)
        out["spring_festival"] += [spring + timedelta(days=d) for d in range(-1, 7)]
        national = [date(year, 10, d) for d in range(1, 8)]
        out["national_day"] += national
        short = [date(year, 1, 1), date(year, 5, 1), date(year, 5, 2), date(year, 5, 3)]
        short += [first + timedelta(days=d) for first in (clear, boat, moon) for d in (0, 1)]
        out["short_holiday"] += [d for d in short if d not in national]
    return out


def holiday_shares(
    holidays: Holidays, first_monday: date, n_weeks: int
) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """The share of each week's days that belong to each holiday.

    Returns
    -------
    names : tuple of str
    share : ndarray of float64, shape (n_weeks, n_holiday)
        Sevenths, for weeks that begin on ``first_monday`` and every seventh day after it.
    """
    names = tuple(holidays)
    share = np.zeros((n_weeks, len(names)))
    for column, name in enumerate(names):
        for day in set(holidays[name]):
            week = (day - first_monday).days // 7
            if 0 <= week < n_weeks:
                share[week, column] += 1 / 7
    return names, share
