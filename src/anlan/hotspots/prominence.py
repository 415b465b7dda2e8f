"""Prominence: which category stands out, where, against the same season of earlier years."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from anlan.core.columns import Bools, Floats, Strings
from anlan.core.errors import AnlanError
from anlan.core.job import Job
from anlan.hotspots.clock import clock_caveat
from anlan.hotspots.discipline import admit
from anlan.hotspots.ears import recent
from anlan.hotspots.farrington import Detection, farrington, same_season
from anlan.hotspots.fdr import adjusted, simes
from anlan.hotspots.holidays import Holidays, holiday_shares
from anlan.hotspots.places import Places
from anlan.hotspots.profiles import check_history, whole_days
from anlan.hotspots.recoding import Recoding, recodings
from anlan.hotspots.tails import prediction_interval, upper_tail
from anlan.hotspots.weekly import Weekly, check_current, weekly_series
from anlan.model import Calls

_WINDOW = 3
_LONGEST = 12
"""Weeks; a longer span than a season is a matter for trend tests."""


@dataclass(frozen=True, eq=False)
class Prominence:
    """Category × place series up to one week, the most prominent first.

    Attributes
    ----------
    category : ndarray of str, shape (n,)
    place : ndarray of str, shape (n,)
        Id of a place; empty for the whole area.
    place_index : ndarray of int64, shape (n,)
        Row of the division of the ground; -1 for the whole area.
    division : ndarray of int64, shape (n,)
        Which of the divisions given; -1 for the whole area.
    weeks : ndarray of int64, shape (n,)
        Over how many weeks, the last of which is ``week``, the row stands out most (the shortest span
        where it does not stand out): what follows is of these.
    observed, expected : ndarray of float64, shape (n,)
        Calls of the weeks, and those to be expected in their recorded part.
    low, high : ndarray of float64, shape (n,)
        95 % prediction interval of as many ordinary weeks.
    excess : ndarray of float64, shape (n,)
        observed - expected.
    p, q : ndarray of float64, shape (n,)
        Chance of standing out so far over any of the spans looked at, if nothing is the matter, and the
        same adjusted for the whole family.
    reporting_rise : ndarray of float64, shape (n,)
        By what factor people would have to have become more willing to report, there and lately, for the row
        not to stand out; NaN where it does not. (How much is reported differs between places, and that
        cancels against a place's own past; only a change of it can look like a rise.)
    new : ndarray of bool, shape (n,)
        The category was never reported there before.
    week : date
        The Monday of the tested week.
    method : str
        ``season`` (flexible Farrington) or ``recent`` (the weeks just before, for short histories).
    years : int
        Earlier years that were used.
    exposure : float
        Share of an ordinary week's calls in the part of the week that was recorded.
    family : int
        How many pairs of category and place were looked at.
    level : float
        The false-discovery rate at which findings are called prominent.
    caveats : tuple of (str, str)
        What a reader must know, in Chinese and English.
    recodings : tuple of Recoding
        Categories that look like one category under an old and a new code.
    """

    category: Strings
    place: Strings
    place_index: NDArray[np.int64]
    division: NDArray[np.int64]
    weeks: NDArray[np.int64]
    observed: Floats
    expected: Floats
    low: Floats
    high: Floats
    excess: Floats
    p: Floats
    q: Floats
    reporting_rise: Floats
    new: Bools
    week: date
    method: str
    years: int
    exposure: float
    family: int
    level: float
    caveats: tuple[tuple[str, str], ...]
    recodings: tuple[Recoding, ...]

    def __len__(self) -> int:
        return len(self.category)

    @property
    def prominent(self) -> Bools:
        """Which rows stand at the false-discovery level, shape (n,)."""
        found: Bools = self.q <= self.level
        return found

    def sentence(self, row: int, language: str = "en", *, place_name: str | None = None) -> str:
        """A row as a sentence in ``zh`` or ``en``."""
        observed, expected = self.observed[row], self.expected[row]
        low, high, q = self.low[row], self.high[row], max(self.q[row], 1e-4)
        category, place = self.category[row], place_name or self.place[row]
        sign = "<" if self.q[row] < 1e-4 else "="
        more = observed - expected
        weeks, last = int(self.weeks[row]), self.week + timedelta(days=6)
        if language == "zh":
            where = f"{place} 的" if place else "全区"
            where += " " if category[:1].isascii() else ""
            ground = "往年同期" if self.method == "season" else "近几周"
            fresh = ",此前此处从未有过" if self.new[row] else ""
            when = (
                f"{self.week.isoformat()} 起一周" if weeks == 1 else f"截至 {last.isoformat()} 的 {weeks} 周"
            )
            return (
                f"{when},{where}{category} {observed:g} 起,"
                f"{ground}预计 {expected:.1f} 起"
                f"(95% 区间 {low:g}–{high:g}),{'多' if more >= 0 else '少'} {abs(more):.1f} 起"
                f"(q {sign} {q:.2g}){fresh}。"
            )
        where = f" in {place}" if place else ""
        ground = "the same season of earlier years" if self.method == "season" else "the weeks before"
        fresh = "; it was never reported there before" if self.new[row] else ""
        noun = "call" if observed == 1 else "calls"
        when = f"week of {self.week.isoformat()}" if weeks == 1 else f"{weeks} weeks to {last.isoformat()}"
        return (
            f"The {when} brought {observed:g} {noun} of {category}{where}; "
            f"by {ground} {expected:.1f} were to be expected (95 % interval {low:g}–{high:g}): "
            f"{abs(more):.1f} {'more' if more >= 0 else 'fewer'} (q {sign} {q:.2g}){fresh}."
        )


def prominence(
    calls: Calls,
    places: Places | Sequence[Places] | None = None,
    *,
    tz: ZoneInfo,
    window: tuple[float, float] | None = None,
    week: int = -1,
    weeks: int | Sequence[int] = (1, 4),
    source: str | tuple[str, ...] = "reported",
    dose: Floats | None = None,
    holidays: Holidays | None = None,
    years: int = 5,
    method: str = "auto",
    level: float = 0.10,
    correction: str = "bh",
    mid_p: bool = False,
    job: Job | None = None,
) -> Prominence:
    """What stands out in the last week, or the last few, against the same season of earlier years.

    Every category over the whole area, and in every place of every division, is one series; `farrington`
    tests it over each of the spans of ``weeks``, because a rise that lasts shows in their sum long before
    it shows in any of them. The p-values of a series' spans become one by Simes' rule (`simes`), and the
    false-discovery rate is controlled over the whole family, pairs without a call included. Coarse and
    fine divisions together cost little, and a rise that a whole county shares is too thin in each of its
    precincts. Where the history does not hold the same season of an earlier year, `recent` compares with
    the weeks just before, and a caveat says that a seasonal rise then counts as a rise.

    Parameters
    ----------
    calls : Calls
    places : Places, or several divisions of the ground, optional
        `Districts`, `Cells` or `Streets`, or a list such as ``[Districts.at_level(areas, "county"),
        Districts.of(calls)]``; without it only the whole area is looked at.
    tz : ZoneInfo
    window : (float, float), optional
        The recorded time, Unix seconds, ``[from, to)``; by default the whole local days that calls span.
    week : int
        Which local Monday week of the window to test; the last by default, even if it has only begun.
    weeks : int or sequence of int
        Spans to test, each ending with ``week``; those that the history does not allow are passed over.
    source, dose
        Who noticed it; see `admit`.
    holidays : mapping of str to days, optional
        Such as `anlan.hotspots.holidays.china()`; weeks with holidays get effects of their own.
    years : int
        Use at most so many earlier years.
    method : {'auto', 'season', 'recent'}
    level : float
        False-discovery rate.
    correction : {'bh', 'by', 'holm'}
        See `adjusted`.
    mid_p : bool
        See `upper_tail`.
    job : Job, optional

    Returns
    -------
    Prominence
        All series with a call in the week, by q and then by excess.

    Raises
    ------
    AnlanError
        If nothing may teach, the history is shorter than six weeks, the week was not recorded, or a span
        is not a whole number of weeks from 1 to 12.
    """
    admitted = admit(calls, source, window=window, dose=dose)
    window = window or whole_days(admitted.calls.received, tz)
    check_history(window, 42, "a comparison with earlier weeks")
    if job is not None:
        job.check()
    spans = _spans(weeks)
    series = weekly_series(admitted, places, window, tz)
    n_weeks = series.count.shape[1]
    at = week % n_weeks
    check_current(series, at)
    seasonal = method == "season" or (
        method == "auto" and len(same_season(series.first_monday, at, years, _WINDOW)) > 0
    )
    tests: dict[int, Detection] = {}
    for span in spans:
        if job is not None:
            job.check()
        try:
            tests[span] = _detect(series, at, span, seasonal, holidays, years, mid_p)
        except AnlanError as error:
            if span == spans[0] or error.code != "history_short":
                raise
    each = np.stack([d.p for d in tests.values()])
    p = simes(each)
    q = adjusted(p, correction, family=series.family)
    # What stands out is told over the span that shows it best, the rest over the shortest.
    best, own = np.where(q <= level, each.argmin(axis=0), 0), np.arange(each.shape[1])

    def of(name: str) -> Floats:
        stacked: Floats = np.stack([getattr(d, name) for d in tests.values()])[best, own]
        return stacked

    observed, expected, variance = of("observed"), of("expected"), of("variance")
    rows = np.flatnonzero(observed > 0)
    excess = observed - expected
    rows = rows[np.lexsort((-excess[rows], q[rows]))]
    low, high = prediction_interval(expected[rows], variance[rows])
    stands = q <= level
    rise = np.full(len(q), np.nan)
    rise[stands] = _reporting_rise(
        observed[stands], expected[stands], variance[stands], float(p[stands].max(initial=0.0)) / len(tests)
    )
    running = np.cumsum(series.count, axis=1)
    before = running[own, at] - observed
    detection = tests[spans[0]]
    found = recodings(series, at)
    return Prominence(
        category=series.category[rows],
        place=series.place[rows],
        place_index=series.place_index[rows],
        division=series.division[rows],
        weeks=np.array(list(tests))[best[rows]],
        observed=observed[rows],
        expected=expected[rows],
        low=low,
        high=high,
        excess=excess[rows],
        p=p[rows],
        q=q[rows],
        reporting_rise=rise[rows],
        new=before[rows] <= 1e-9,
        week=series.monday(at),
        method="season" if seasonal else "recent",
        years=detection.years,
        exposure=float(series.exposure[at]),
        family=series.family,
        level=level,
        caveats=(
            *_caveats(series, at, detection, seasonal, found, holidays),
            *([clock] if (clock := clock_caveat(admitted.calls, tz)) else []),
        ),
        recodings=found,
    )


def _reporting_rise(observed: Floats, expected: Floats, variance: Floats, least: float) -> Floats:
    """The factor on what is expected at which p reaches ``least``, at least 1, shape (n,)."""
    low, high = np.ones(len(observed)), np.maximum(observed / np.maximum(expected, 1e-12), 1.0)
    for _ in range(40):
        middle = np.sqrt(low * high)
        clear = upper_tail(observed, middle * expected, middle * variance) <= least
        low, high = np.where(clear, middle, low), np.where(clear, high, middle)
    return low


def _spans(weeks: int | Sequence[int]) -> list[int]:
    asked = list(np.atleast_1d(np.asarray(weeks)).tolist())
    spans = sorted({int(w) for w in asked})
    if not spans or [w for w in asked if w != int(w)] or not 1 <= spans[0] <= spans[-1] <= _LONGEST:
        raise AnlanError(
            f"weeks = {weeks}",
            f"spans are whole numbers of weeks from 1 to {_LONGEST}",
            "give some, such as (1, 4)",
            code="weeks",
        )
    return spans


def _detect(
    series: Weekly, at: int, span: int, seasonal: bool, holidays: Holidays | None, years: int, mid_p: bool
) -> Detection:
    if not seasonal:
        return recent(
            series.count, at=at, span=span, exposure=series.exposure, group=series.group, mid_p=mid_p
        )
    share = None
    if holidays is not None:
        _, share = holiday_shares(holidays, series.first_monday, series.count.shape[1])
    return farrington(
        series.count,
        series.first_monday,
        at=at,
        span=span,
        exposure=series.exposure,
        holidays=share,
        years=years,
        half_window=_WINDOW,
        group=series.group,
        mid_p=mid_p,
    )


def _caveats(
    series: Weekly,
    at: int,
    detection: Detection,
    seasonal: bool,
    found: tuple[Recoding, ...],
    holidays: Holidays | None,
) -> tuple[tuple[str, str], ...]:
    out: list[tuple[str, str]] = []
    if not seasonal:
        out.append(
            (
                f"历史不足一年,只与此前 {detection.reference_weeks} 周比较:季节性上升也会被当作上升。",
                "The history holds no earlier year, so the week is compared with the "
                f"{detection.reference_weeks} weeks before it: a seasonal rise counts as a rise.",
            )
        )
    elif detection.years < 3:
        out.append(
            (
                f"只有 {detection.years} 个往年可比,未估计趋势:长期上升会表现为突出。",
                f"Only {detection.years} earlier year(s) can be compared and no trend is estimated: a long "
                "rise shows as prominence.",
            )
        )
    exposure = float(series.exposure[at])
    if exposure < 0.995:
        out.append(
            (
                f"本周只记录了一部分,约占通常一周警情的 {exposure:.0%}。",
                f"The week is only partly recorded: about {exposure:.0%} of an ordinary week's calls.",
            )
        )
    if series.gaps:
        days = ", ".join(d.isoformat() for d in series.gaps[:5]) + (" …" if len(series.gaps) > 5 else "")
        out.append(
            (
                f"以下各周几乎没有记录,已排除:{days}。",
                f"Hardly anything was recorded in the weeks of {days}: they are left out.",
            )
        )
    if holidays is not None:
        names, share = holiday_shares(holidays, series.first_monday, series.count.shape[1])
        for name, column in zip(names, share.T, strict=True):
            if column[at] > 0 and np.count_nonzero(column[: max(at - 26, 0)]) < 2:
                out.append(
                    (
                        f"本周含 {name},但历史中不足两个可比的假日周。",
                        f"The week holds {name}, of which the history has fewer than two weeks to compare.",
                    )
                )
    out.extend((r.sentence("zh"), r.sentence("en")) for r in found)
    return tuple(out)
