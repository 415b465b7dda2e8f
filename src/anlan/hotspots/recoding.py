"""Categories that changed their code: one stops where another begins."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from anlan.hotspots.weekly import Weekly

_NEAR_WEEKS = 2
_LEAST_WEEKS = 4
_LEAST_CALLS = 12


@dataclass(frozen=True)
class Recoding:
    """Two categories that look like one under an old and a new code.

    Attributes
    ----------
    old, new : str
    week : date
        The Monday of the week in which the new code began.
    old_per_week, new_per_week : float
        Mean calls a week before and after.
    """

    old: str
    new: str
    week: date
    old_per_week: float
    new_per_week: float

    def sentence(self, language: str = "en") -> str:
        """The suspicion and its remedy, in ``zh`` or ``en``."""
        if language == "zh":
            return (
                f"类别 {self.old}(每周约 {self.old_per_week:.1f} 起)在 {self.week.isoformat()} 前后停止,"
                f"{self.new}(每周约 {self.new_per_week:.1f} 起)同时开始:可能是改了代码;"
                "若是,请先合并为一类再分析。"
            )
        return (
            f"Category {self.old} ({self.old_per_week:.1f} calls a week) stopped around "
            f"{self.week.isoformat()} when {self.new} ({self.new_per_week:.1f}) began: probably the same "
            "thing under a new code; if so, give both one category and analyse again."
        )


def recodings(series: Weekly, until: int) -> tuple[Recoding, ...]:
    """Pairs of categories of which one ends within two weeks of the other's beginning, at similar volume.

    Looks at categories over the whole area with at least 12 calls in at least four weeks on their side; a
    category ends if its usual rate makes the silence since then less likely than one in a thousand, and
    begins likewise; volumes are similar within a factor of two.
    """
    whole = np.flatnonzero(series.place_index < 0)
    count = series.count[whole, : until + 1]
    exposure = series.exposure[: until + 1]
    n = count.shape[1]
    ended, begun = [], []
    for row, weeks in enumerate(count):
        live = np.flatnonzero(weeks > 0)
        if weeks.sum() < _LEAST_CALLS or len(live) < _LEAST_WEEKS:
            continue
        first, last = int(live[0]), int(live[-1])
        active = max(float(exposure[first : last + 1].sum()), 1e-9)
        rate = float(weeks.sum()) / active
        if float(exposure[last + 1 :].sum()) * rate > np.log(1000):
            ended.append((row, last + 1, rate))
        if float(exposure[:first].sum()) * rate > np.log(1000):
            begun.append((row, first, rate))
    out = []
    for row, stop, old_rate in ended:
        near = [
            (abs(start - stop), other, start, rate)
            for other, start, rate in begun
            if other != row and abs(start - stop) <= _NEAR_WEEKS and 0.5 <= rate / old_rate <= 2.0
        ]
        if near:
            _, other, start, rate = min(near)
            names = series.category[whole]
            week = series.monday(min(start, n - 1))
            out.append(Recoding(str(names[row]), str(names[other]), week, old_rate, rate))
    return tuple(out)
