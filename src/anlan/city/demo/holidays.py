"""Public holidays of mainland China, 2018–2027, as far as the demo's model needs them.

Moving feasts are listed by their date in the civil calendar; the number of days is that of the statutory
holiday with its usual bridge days, an approximation that is documented as such.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

_SPRING_FESTIVAL = ("2018-02-16", "2019-02-05", "2020-01-25", "2021-02-12", "2022-02-01", "2023-01-22",
                    "2024-02-10", "2025-01-29", "2026-02-17", "2027-02-06")  # fmt: skip
_DRAGON_BOAT = ("2018-06-18", "2019-06-07", "2020-06-25", "2021-06-14", "2022-06-03", "2023-06-22",
                "2024-06-10", "2025-05-31", "2026-06-19", "2027-06-09")  # fmt: skip
_MID_AUTUMN = ("2018-09-24", "2019-09-13", "2020-10-01", "2021-09-21", "2022-09-10", "2023-09-29",
               "2024-09-17", "2025-10-06", "2026-09-25", "2027-09-15")  # fmt: skip

FIRST_YEAR, LAST_YEAR = 2018, 2027


def _days() -> frozenset[date]:
    spans = [(date.fromisoformat(d) - timedelta(1), 7) for d in _SPRING_FESTIVAL]
    spans += [(date.fromisoformat(d), 3) for d in (*_DRAGON_BOAT, *_MID_AUTUMN)]
    for year in range(FIRST_YEAR, LAST_YEAR + 1):
        # New Year, Qingming (4 or 5 April), Labour Day, National Day.
        spans += [(date(year, 1, 1), 3), (date(year, 4, 4), 3), (date(year, 5, 1), 5), (date(year, 10, 1), 7)]
    return frozenset(first + timedelta(k) for first, n in spans for k in range(n))


HOLIDAYS = _days()


def is_holiday(first: date, n_days: int) -> NDArray[np.bool_]:
    """Whether each of n consecutive days is a public holiday."""
    return np.array([first + timedelta(k) in HOLIDAYS for k in range(n_days)], bool)
