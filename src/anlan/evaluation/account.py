"""One account of a campaign: every comparison that its design allows, side by side, each with its reason."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from anlan.core.errors import AnlanError
from anlan.core.text import Text
from anlan.core.time import WEEK_S
from anlan.evaluation.did import staggered
from anlan.evaluation.its import interrupted
from anlan.evaluation.rates import rate_ratio
from anlan.evaluation.regression_to_mean import regression_to_mean
from anlan.evaluation.synthetic import synthetic
from anlan.evaluation.trend import year_on_year
from anlan.evaluation.wdd import dispersion, placebo, wdd
from anlan.model.call import Calls
from anlan.model.campaign import Campaign

YEAR_WEEKS = 52
"""Weeks by which the same season of an earlier year lies back."""


@dataclass(frozen=True)
class Finding:
    """One comparison.

    Attributes
    ----------
    method : str
        ``before_after``, ``wdd``, ``interrupted``, ``staggered``, ``synthetic``, ``regression_to_mean``,
        ``year_on_year``.
    name, why : Text
        What it is, and why the design allows it or not.
    applies : bool
    estimate : float
        In `unit`; NaN where it does not apply.
    interval : tuple of float
        95 %.
    p_value : float
    unit : {"calls", "ratio"}
        Calls fewer (negative) or more over the whole campaign; or a rate ratio (1 is no change).
    caveats : tuple of Text
    """

    method: str
    name: Text
    why: Text
    applies: bool
    estimate: float = float("nan")
    interval: tuple[float, float] = (float("nan"), float("nan"))
    p_value: float = float("nan")
    unit: str = "calls"
    caveats: tuple[Text, ...] = ()


@dataclass(frozen=True, eq=False)
class Account:
    """What a campaign changed, as far as its design can tell.

    Attributes
    ----------
    campaign : Campaign
    areas : tuple of str
        All areas that were counted.
    weekly : ndarray of float64, shape (n_area, n_week)
        Calls by area and whole week, the campaign's first week starting at column `change`.
    change, weeks : int
        First campaign week, and how many weeks it has.
    findings : tuple of Finding
    verdict : Text
        One sentence, from the strongest comparison that applies.
    """

    campaign: Campaign
    areas: tuple[str, ...]
    weekly: NDArray[np.float64]
    change: int
    weeks: int
    findings: tuple[Finding, ...]
    verdict: Text


def evaluate(
    campaign: Campaign,
    calls: Calls,
    *,
    tz: ZoneInfo,
    source: str = "reported",
    near: Sequence[str] = (),
    seed: int = 0,
) -> Account:
    """Account for a campaign from calls before and during it.

    Parameters
    ----------
    campaign : Campaign
    calls : Calls
        With their areas. Only those of one ``source`` are counted: what officers discover grows with
        their number, so it can never show a fall.
    tz : ZoneInfo
        Of the campaign's dates, for the account's texts.
    source : str
    near : sequence of str
        Areas next to the treated ones, which are never controls unless named as such.
    seed : int
        Of the placebo draws.

    Returns
    -------
    Account

    Raises
    ------
    AnlanError
        If the calls have no areas or times, or none lies before the campaign.
    """
    use = (calls.source == source) & np.isfinite(calls.received) & (calls.area != "")
    if campaign.categories:
        use &= np.isin(calls.category.astype(str), campaign.categories)
    if not use.any():
        raise AnlanError(
            "calls to evaluate",
            f"none is of source {source!r} with a time and an area"
            + (f" in {', '.join(campaign.categories)}" if campaign.categories else ""),
            "assign areas and sources when loading the calls, or choose other categories",
        )
    at, area = calls.received[use], calls.area[use]
    areas = tuple(sorted(set(area.tolist()) | set(campaign.treated)))
    weeks = int((campaign.end - campaign.begin) // WEEK_S)
    change = int((campaign.begin - at.min()) // WEEK_S)
    if weeks < 1 or change < 4:
        raise AnlanError(
            f"{change} weeks before and {weeks} during",
            "an account needs at least four whole weeks before the campaign and one of it",
            "load a longer history or correct the dates",
        )
    first = campaign.begin - change * WEEK_S
    week = np.floor((at - first) / WEEK_S).astype(np.int64)
    inside = (week >= 0) & (week < change + weeks)
    row = {code: k for k, code in enumerate(areas)}
    table = np.zeros((len(areas), change + weeks))
    rows = np.fromiter((row[a] for a in area.tolist()), np.int64, count=len(area))
    np.add.at(table, (rows[inside], week[inside]), 1.0)

    def pick(codes: Sequence[str]) -> NDArray[np.int64]:
        return np.array([row[c] for c in codes if c in row], dtype=np.int64)

    treated = pick(campaign.treated)
    others = set(campaign.treated) | set(campaign.displacement) | set(near)
    controls = dict(campaign.controls) or {"all other areas": tuple(a for a in areas if a not in others)}
    known_controls = {name: pick(codes) for name, codes in controls.items()}
    untouched = np.unique(np.concatenate([np.zeros(0, np.int64), *known_controls.values()]))
    view = _View(campaign, areas, table, change, weeks, treated, untouched, known_controls, pick, seed)
    findings = (
        _before_after(view),
        *_wdd(view),
        _interrupted(view),
        _staggered(view),
        _synthetic(view),
        _regression(view),
        _year_on_year(view),
    )
    return Account(campaign, areas, table, change, weeks, findings, _verdict(findings))


@dataclass(frozen=True, eq=False)
class _View:
    campaign: Campaign
    areas: tuple[str, ...]
    table: NDArray[np.float64]
    change: int
    weeks: int
    treated: NDArray[np.int64]
    untouched: NDArray[np.int64]
    controls: dict[str, NDArray[np.int64]]
    pick: Callable[[Sequence[str]], NDArray[np.int64]]
    seed: int

    @property
    def before(self) -> slice:
        """As many weeks before as the campaign has, or as there are."""
        return slice(max(0, self.change - self.weeks), self.change)

    @property
    def same_season(self) -> slice | None:
        """The same weeks a year earlier, where the history reaches so far back."""
        begin = self.change - YEAR_WEEKS
        return slice(begin, begin + self.weeks) if begin >= 0 and self.weeks <= YEAR_WEEKS else None

    def reference(self) -> tuple[slice, Text]:
        """The weeks to compare with, and what they are called."""
        if self.same_season is not None:
            return self.same_season, Text("去年同期", "the same weeks a year earlier")
        return self.before, Text("紧邻的前几周", "the weeks just before")

    def both(self, rows: NDArray[np.int64]) -> tuple[float, float]:
        """Counts (reference, campaign) of some areas."""
        window, _ = self.reference()
        return float(self.table[rows, window].sum()), float(self.table[rows, self.change :].sum())

    def lengths(self) -> tuple[float, float]:
        """Weeks in the reference and in the campaign."""
        window, _ = self.reference()
        return float(window.stop - window.start), float(self.weeks)


def _not(method: str, name: Text, zh: str, en: str) -> Finding:
    return Finding(method, name, Text(zh, en), applies=False)


def _before_after(v: _View) -> Finding:
    _, called = v.reference()
    result = rate_ratio(*v.both(v.treated), exposure=v.lengths())
    return Finding(
        "before_after",
        Text("前后对比（无对照）", "Before and after, no control"),
        Text("与{w}相比；任何两段时间都可比。", "Compared with {w}; always possible.").format(w=called),
        applies=True,
        estimate=result.ratio,
        interval=result.interval,
        p_value=result.p_value,
        unit="ratio",
        caveats=(
            Text(
                "没有对照：季节、天气和全市的变化都算在内。",
                "No control: season, weather and what changed everywhere are all in it.",
            ),
        ),
    )


def _wdd(v: _View) -> list[Finding]:
    out = []
    window, called = v.reference()
    displaced, displaced_control = v.pick(v.campaign.displacement), v.pick(v.campaign.displacement_control)
    for name, rows in v.controls.items():
        title = Text(f"加权位移差，对照：{name}", f"Weighted displacement difference, control: {name}")
        if not len(rows):
            out.append(_not("wdd", title, "该对照组没有警情。", "This control set has no calls."))
            continue
        with_displacement = len(displaced) > 0 and len(displaced_control) > 0
        before_weeks = v.table[rows][:, : v.change]
        phi = dispersion(before_weeks) if v.change >= 4 else 1.0
        # Per treated area: sets of different size share a trend per area, not in total.
        sizes = [len(rows) / len(v.treated), 1.0]
        if with_displacement:
            sizes += [len(displaced_control) / len(v.treated), len(displaced) / len(v.treated)]
        scale = v.lengths()[0] / v.weeks
        result = wdd(
            v.both(rows),
            v.both(v.treated),
            v.both(displaced_control) if with_displacement else None,
            v.both(displaced) if with_displacement else None,
            time_weights=(scale, 1.0),
            area_weights=sizes,
            dispersion=phi,
        )
        interval, p = result.interval, result.p_value
        caveats = [
            Text(
                f"每周计数的方差约为均值的 {phi:.1f} 倍，区间已相应放宽。",
                f"Weekly counts vary {phi:.1f} times as much as Poisson ones; the interval allows for it.",
            )
        ]
        untouched = np.setdiff1d(np.arange(len(v.areas)), np.concatenate([v.treated, displaced]))
        if len(untouched) >= max(10, len(v.treated) + len(rows)):
            series = np.concatenate([v.table[:, window], v.table[:, v.change :]], axis=1)
            judged = placebo(
                series,
                v.treated.tolist(),
                rows.tolist(),
                window.stop - window.start,
                area_weights=(sizes[0], 1.0),
                seed=v.seed,
            )
            p = max(p, judged.p_value)
            covered = f"{judged.plain_coverage:.0%}"
            caveats.append(
                Text(
                    f"安慰剂检验 p = {judged.p_value:.3f}；普通区间在安慰剂中覆盖 {covered}。",
                    f"Placebo test p = {judged.p_value:.3f}; plain intervals held in {covered} of placebos.",
                )
            )
            low, high = judged.difference.interval
            if with_displacement:
                # The placebos have no surroundings of their own: what they widen the plain difference by, they
                # widen this one by too.
                alone = wdd(
                    v.both(rows),
                    v.both(v.treated),
                    time_weights=(scale, 1.0),
                    area_weights=sizes[:2],
                    dispersion=phi,
                )
                wider = max(1.0, (high - low) / (alone.interval[1] - alone.interval[0]))
                low, high = (result.estimate + wider * (end - result.estimate) for end in result.interval)
            interval = (min(interval[0], low), max(interval[1], high))
        out.append(
            Finding(
                "wdd",
                title,
                Text("有对照区域；与{w}相比{d}。", "There are control areas; compared with {w}{d}.").format(
                    w=called,
                    d=Text("，并计入周边转移", ", displacement counted")
                    if with_displacement
                    else Text("", ""),
                ),
                applies=True,
                estimate=result.estimate,
                interval=interval,
                p_value=p,
                caveats=tuple(caveats),
            )
        )
    return out


def _interrupted(v: _View) -> Finding:
    name = Text("中断时间序列", "Interrupted time series")
    if v.change < 26 or v.weeks < 4:
        return _not(
            "interrupted",
            name,
            f"之前只有 {v.change} 周、期间 {v.weeks} 周，至少需要 26 周和 4 周。",
            f"Only {v.change} weeks before and {v.weeks} of it; at least 26 and 4 are needed.",
        )
    result = interrupted(v.table[v.treated].sum(axis=0), v.change)
    caveats = []
    if v.change < YEAR_WEEKS:
        caveats.append(
            Text("不足一年，季节未能分离。", "Less than a year before: the season is not separated.")
        )
    low, high = result.prevented_interval
    return Finding(
        "interrupted",
        name,
        Text(
            "之前的历史足够长，可以外推趋势与季节。",
            "The history is long enough to carry trend and season on.",
        ),
        applies=True,
        estimate=-result.prevented,
        interval=(-high, -low),
        p_value=result.prevented_p,
        caveats=tuple(caveats),
    )


def _staggered(v: _View) -> Finding:
    name = Text("分批启动的双重差分", "Difference-in-differences with staggered starts")
    if not v.campaign.starts:
        return _not(
            "staggered", name, "各区域同时启动。", "All areas started together, so nothing is staggered."
        )
    if len(v.untouched) < 2:
        return _not("staggered", name, "没有未触及的区域可比。", "No untouched areas to compare with.")
    first = v.campaign.begin - v.change * WEEK_S
    start = np.full(len(v.areas), np.inf)
    for code in v.campaign.treated:
        begin = v.campaign.starts.get(code, v.campaign.begin)
        start[v.areas.index(code)] = np.ceil((begin - first) / WEEK_S)
    # Months of four weeks: enough calls in each for a mean, and few enough group-time cells to read.
    length = 4
    lead = v.change % length
    blocks = (v.table.shape[1] - lead) // length
    table = v.table[:, lead : lead + blocks * length].reshape(len(v.areas), blocks, length).sum(axis=2)
    rows = np.concatenate([v.treated, v.untouched])
    try:
        result = staggered(table[rows], np.ceil((start[rows] - lead) / length), seed=v.seed)
    except AnlanError as error:
        return _not("staggered", name, f"不适用：{error}", f"Not possible: {error}")
    total = result.overall
    cells = sum((blocks - max(0, int(np.ceil((start[k] - lead) / length)))) for k in v.treated)
    return Finding(
        "staggered",
        name,
        Text(
            "各区域先后启动，未启动的可作对照。",
            "Areas started one after another; those not yet started compare.",
        ),
        applies=True,
        estimate=total.estimate * cells,
        interval=(total.interval[0] * cells, total.interval[1] * cells),
        p_value=total.p_value,
        caveats=(
            Text(
                f"启动前平行趋势检验 p = {result.parallel_p:.2f}。",
                f"Test of parallel trends before the starts: p = {result.parallel_p:.2f}.",
            ),
        ),
    )


def _synthetic(v: _View) -> Finding:
    name = Text("合成控制", "Synthetic control")
    if len(v.untouched) < 5 or v.change < 20:
        return _not(
            "synthetic",
            name,
            f"只有 {len(v.untouched)} 个未触及区域、之前 {v.change} 周，至少需要 5 个和 20 周。",
            f"Only {len(v.untouched)} untouched areas and {v.change} weeks before; 5 and 20 are needed.",
        )
    result = synthetic(v.table[v.treated].mean(axis=0), v.table[v.untouched], v.change)
    caveats = [
        Text(
            f"拟合误差为均值的 {result.fit_error:.0%}；没有区间，只有安慰剂 p 值。",
            f"Fit error before: {result.fit_error:.0%} of the mean. A placebo p-value, but no interval.",
        )
    ]
    if result.warning:
        which = v.areas[int(v.untouched[int(result.weights.argmax())])]
        caveats.append(
            Text(
                f"注意：{which} 一处占权重 {result.largest_share:.0%}，超过五分之一。",
                f"Warning: {which} carries {result.largest_share:.0%} of the weight, more than a fifth.",
            )
        )
    return Finding(
        "synthetic",
        name,
        Text("有足够的未触及区域可供组合。", "There are enough untouched areas to mix."),
        applies=True,
        estimate=result.effect * len(v.treated),
        p_value=result.p_value,
        caveats=tuple(caveats),
    )


def _regression(v: _View) -> Finding:
    name = Text("趋均值回归校正", "Correction for regression to the mean")
    if not v.campaign.chosen_for_count:
        return _not(
            "regression_to_mean",
            name,
            "区域不是因为警情多而被选中的。",
            "The areas were not chosen because they had many calls.",
        )
    rows = np.concatenate([v.treated, v.untouched])
    if len(rows) < 10:
        return _not("regression_to_mean", name, "可比区域不足十个。", "Fewer than ten areas to compare.")
    window, called = v.reference()
    mask = np.isin(rows, v.treated)
    result = regression_to_mean(
        v.table[rows][:, window].sum(axis=1),
        v.table[rows, v.change :].sum(axis=1),
        mask,
        exposure=v.lengths(),
    )
    return Finding(
        "regression_to_mean",
        name,
        Text(
            "区域因警情多而被选中，下降的一部分本来就会发生（与{w}相比）。",
            "The areas were chosen because they were bad; part of a fall would have come anyway "
            "(compared with {w}).",
        ).format(w=called),
        applies=True,
        estimate=result.corrected,
        interval=result.interval,
        p_value=float("nan"),
        caveats=(
            Text(
                f"未校正的变化为 {result.naive:+.0f}，其中 {result.regression:+.0f} 属于趋均值回归。",
                f"The uncorrected change is {result.naive:+.0f}, of which {result.regression:+.0f} is "
                "regression to the mean.",
            ),
        ),
    )


def _year_on_year(v: _View) -> Finding:
    name = Text("逐年同期比较", "The same weeks, year on year")
    years = []
    end = v.table.shape[1]
    while end - v.weeks >= 0 and v.weeks <= YEAR_WEEKS:
        years.append(v.table[v.treated, end - v.weeks : end].sum(axis=0))
        end -= YEAR_WEEKS
    if len(years) < 3:
        return _not(
            "year_on_year",
            name,
            f"只有 {len(years)} 年同期数据，判断“持续下降”至少需要三年。",
            f"Only {len(years)} years of the same weeks; a claim of continuous decline needs three.",
        )
    try:
        result = year_on_year(np.stack(years[::-1]))
    except AnlanError as error:
        return _not("year_on_year", name, f"不适用：{error}", f"Not possible: {error}")
    steps = "、".join(f"{r:.2f}" for r in result.ratios)
    return Finding(
        "year_on_year",
        name,
        Text(f"有 {len(years)} 年的同期数据。", f"There are {len(years)} years of the same weeks."),
        applies=True,
        estimate=result.cumulative_ratio,
        interval=result.cumulative_interval,
        p_value=result.cumulative_p,
        unit="ratio",
        caveats=(
            Text(
                f"逐年比值 {steps}；“年年下降”的 p = {result.continuous_p:.3f}。",
                f'Year-on-year ratios {steps.replace("、", ", ")}; p of "it fell every year" = '
                f"{result.continuous_p:.3f}.",
            ),
        ),
    )


_STRONGEST = ("staggered", "wdd", "interrupted", "before_after")


def _verdict(findings: Sequence[Finding]) -> Text:
    """The strongest design that applies speaks; with several control sets, the least certain of them."""
    for method in _STRONGEST:
        usable = [f for f in findings if f.method == method and f.applies]
        if not usable:
            continue
        f = max(usable, key=lambda one: one.p_value)
        none = 1.0 if f.unit == "ratio" else 0.0
        figure = f"{f.estimate:.2f}" if f.unit == "ratio" else f"{f.estimate:+.0f}"
        bounds = (
            f"{f.interval[0]:.2f}–{f.interval[1]:.2f}"
            if f.unit == "ratio"
            else f"{f.interval[0]:+.0f} … {f.interval[1]:+.0f}"
        )
        clear = (f.interval[1] < none or f.interval[0] > none) and f.p_value < 0.05
        if clear and f.estimate < none:
            words = Text("警情确有下降", "calls really fell")
        elif clear:
            words = Text("警情确有上升", "calls really rose")
        else:
            words = Text("不能断定有变化", "no change can be claimed")
        return Text(
            "{n}：{w}（{f}，95% 区间 {b}，p = {p}）。", "{n}: {w} ({f}, 95 % interval {b}, p = {p})."
        ).format(n=f.name, w=words, f=figure, b=bounds, p=f"{f.p_value:.3f}")
    return Text("设计不允许任何比较。", "The design allows no comparison.")
