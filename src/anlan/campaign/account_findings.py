"""An account as the values that its report shows, in both languages."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from markupsafe import Markup
from numpy.typing import NDArray

from anlan import __version__
from anlan.campaign import sentences
from anlan.campaign.account import Accounted, AccountOptions
from anlan.campaign.findings import Note, Page
from anlan.campaign.naming import category_name, days
from anlan.campaign.report import curves
from anlan.campaign.report.maps import Base
from anlan.city.city import City
from anlan.core.text import Text
from anlan.core.time import DAY_S, WEEK_S, to_datetime
from anlan.evaluation import Finding

ROLES = {
    "treated": Text("行动区", "treated"),
    "displacement": Text("可能转移到的区域", "where crime may have moved"),
    "displacement_control": Text("转移区的对照", "control of the displacement areas"),
    "control": Text("对照区", "control"),
    "near": Text("相邻，不参与比较", "next to it, not compared"),
    "other": Text("未用", "not used"),
}
_SHOWN_WEEKS = 104


@dataclass(frozen=True)
class ComparisonRow:
    """One comparison, written out."""

    name: Text
    estimate: str
    interval: str
    p: str
    verdict: str
    why: Text
    caveats: Sequence[Text]
    chosen: bool
    unit: str = "calls"

    @property
    def told(self) -> str:
        """The estimate with its unit and interval."""
        what = f"ratio {self.estimate}" if self.unit == "ratio" else f"{self.estimate} {self.unit}"
        return what if self.interval == "–" else f"{what} (95 % interval {self.interval})"


@dataclass(frozen=True)
class SetRow:
    """One control set."""

    name: str
    rule: Text
    n: int
    largest: Text
    warning: Text | None


@dataclass(frozen=True)
class ZoneRow:
    """One area with what was counted in it."""

    name: Text
    role: Text
    before: str
    during: str
    change: str


@dataclass(frozen=True)
class AccountFindings(Page):
    """Everything the account's report shows."""

    headline: Text
    verdict: Text
    chosen_text: Text
    warnings: Sequence[Text]
    counted: tuple[str, str]
    campaign: tuple[str, str]
    n_treated: int
    weeks: int
    weeks_before: int
    zone_map: Markup
    roles: Sequence[tuple[str, Text]]
    weekly_chart: Markup
    forest_chart: Markup | None
    comparisons: Sequence[ComparisonRow]
    not_applied: Sequence[tuple[Text, Text]]
    sets: Sequence[SetRow]
    trend_text: Text | None
    zones: Sequence[ZoneRow]
    reference: Text


def tell(city: City, found: Accounted, options: AccountOptions) -> AccountFindings:
    """Everything the account's report shows."""
    account, zones = found.account, found.zones
    base = Base.of(city.roads, zones.calls.x, zones.calls.y)
    applied = [f for f in account.findings if f.applies]
    reference, reference_name = _reference(found)
    return AccountFindings(
        title=Text(f"{city.name('zh')}：行动效果评估", f"{city.name('en')}: what the campaign changed"),
        state=city.settings.state,
        period=days(found.window, city.tz),
        n_calls=int(account.weekly.sum()),
        symbol=Markup(base.symbol()),
        method=_method(city, found, options),
        caveats=_caveats(city, options),
        attribution=sentences.attribution(city),
        version=__version__,
        headline=headline(found),
        verdict=account.verdict,
        chosen_text=_why_chosen(found),
        warnings=_warnings(found),
        counted=days(found.window, city.tz),
        campaign=(options.begin, options.until),
        n_treated=len(account.campaign.treated),
        weeks=account.weeks,
        weeks_before=account.change,
        zone_map=_zone_map(base, found),
        roles=_roles(found),
        weekly_chart=_weekly_chart(city, found),
        forest_chart=_forest(found, applied),
        comparisons=[_comparison(found, f) for f in applied],
        not_applied=[(f.name, f.why) for f in account.findings if not f.applies],
        sets=[_set(found, k) for k in range(len(found.sets))],
        trend_text=_trend_text(found),
        zones=_zone_rows(found, reference),
        reference=reference_name,
    )


def _reference(found: Accounted) -> tuple[slice, Text]:
    """The weeks that the campaign's are set beside in the table of areas, as the comparisons do."""
    account = found.account
    begin = account.change - 52
    if begin >= 0 and account.weeks <= 52:
        return slice(begin, begin + account.weeks), Text("去年同期", "The same weeks a year earlier")
    return slice(max(0, account.change - account.weeks), account.change), Text(
        "之前同样多的周", "As many weeks before"
    )


def figure(value: float, unit: str) -> str:
    """An estimate: calls with their sign, ratios with two digits."""
    if not math.isfinite(value):
        return "–"
    return f"{value:.2f}" if unit == "ratio" else f"{value:+,.0f}".replace("-", "−")


def _p(value: float) -> str:
    if not math.isfinite(value):
        return "–"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _verdict(f: Finding) -> str:
    none = 1.0 if f.unit == "ratio" else 0.0
    low, high = f.interval
    if not (math.isfinite(low) and math.isfinite(high)):
        # A placebo test without an interval: its p-value says whether, the estimate which way.
        clear = math.isfinite(f.p_value) and f.p_value < 0.05
        return ("fell" if f.estimate < none else "rose") if clear else "unclear"
    if f.method != "year_on_year" and math.isfinite(f.p_value) and f.p_value >= 0.05:
        return "unclear"  # the year-on-year p-value is one-sided, of no decline
    return "fell" if high < none else "rose" if low > none else "unclear"


def _comparison(found: Accounted, f: Finding) -> ComparisonRow:
    low, high = (figure(v, f.unit) for v in f.interval)
    return ComparisonRow(
        f.name,
        figure(f.estimate, f.unit),
        "–" if low == high == "–" else f"{low} … {high}",
        _p(f.p_value),
        _verdict(f),
        f.why,
        [_named(found, c) for c in f.caveats],
        f is found.chosen,
        f.unit,
    )


def headline(found: Accounted) -> Text:
    """The answer in plain words."""
    f, account = found.chosen, found.account
    if f is None:
        return account.verdict
    rows = [account.areas.index(c) for c in account.campaign.treated]
    seen = float(account.weekly[rows, account.change :].sum())
    way = _verdict(f)
    none = 1.0 if f.unit == "ratio" else 0.0
    if way == "unclear" and (f.interval[1] < none or f.interval[0] > none):
        way = "unsupported"
    expected = (
        seen - f.estimate if f.unit == "calls" else seen / f.estimate if f.estimate > 0 else float("nan")
    )
    low, high = sorted(
        (seen - v if f.unit == "calls" else seen / v) if v or f.unit == "calls" else float("inf")
        for v in f.interval
    )
    told = {
        "weeks": account.weeks,
        "seen": f"{seen:,.0f}",
        "expected": f"{max(expected, 0.0):,.0f}",
        "low": f"{max(low, 0.0):,.0f}",
        "high": f"{high:,.0f}",
        "word": {
            "fell": Text("确有下降", "really fewer"),
            "rose": Text("确有上升", "really more"),
            "unclear": Text(
                "与本来会有的数量无法分辨", "which cannot be told from what would have come anyway"
            ),
            "unsupported": Text(
                "区间虽不含实际数，但在没有行动的地方也常有这么大的差别（安慰剂检验），不能断定有变化",
                "the interval leaves that out, but differences as large are common where nothing was done (placebo "
                "test), so no change can be claimed",
            ),
        }[way],
    }
    return Text(
        "行动的 {weeks} 周里，行动区接到 {seen} 起报警；按所用的比较，没有这次行动时预计 {expected} 起"
        "（95% 区间 {low}–{high}）：{word}。",
        "In the {weeks} weeks of the campaign the treated areas had {seen} calls; by the comparison used, {expected} "
        "were to be expected without it (95 % interval {low}–{high}): {word}.",
    ).format(**told)


def _why_chosen(found: Accounted) -> Text:
    f = found.chosen
    if f is None:
        return Text("设计不允许任何比较。", "The design allows no comparison.")
    several = sum(one.method == f.method and one.applies for one in found.account.findings) > 1
    more = (
        Text(
            "有几组对照时，取其中最没有把握的一组。",
            " Of several control sets the least certain one speaks.",
        )
        if several
        else Text("", "")
    )
    return Text(
        "采用“{name}”：{why}在本次设计允许的方法中，它的依据最强。{more}其余方法并列在下。",
        "“{name}” speaks for the account: {why} It is the strongest of the methods that the design allows.{more} The "
        "others stand beside it below.",
    ).format(name=f.name, why=f.why, more=more)


def _warnings(found: Accounted) -> list[Text]:
    out = [
        Text(
            "对照 {s}：{area} 一处占行动前警情的 {share}，超过五分之一；结论可能取决于它。",
            "Control {s}: {area} alone has {share} of the calls before, more than a fifth; the result may hang "
            "on it.",
        ).format(s=s.name, area=found.zones.named(s.largest), share=f"{s.largest_share:.0%}")
        for s in found.sets
        if s.warning
    ]
    account = found.account
    for f in account.findings:
        for c in f.caveats:
            if c.en.startswith("Warning:"):
                said = _named(found, c)
                out.append(Text(said.zh.removeprefix("注意："), said.en.removeprefix("Warning: ")))
    told = [f for f in account.findings if f.method == "wdd" and f.applies]
    ways = {_verdict(f) for f in told}
    if len(told) > 1 and len(ways) > 1:
        out.append(
            Text(
                "几组对照的结论不一致：不要只引用其中一组。",
                "The control sets do not agree: do not quote one of them alone.",
            )
        )
    if account.change < 52:
        out.append(
            Text(
                f"行动前只有 {account.change} 周：季节变化无法排除。",
                f"There are only {account.change} weeks before the campaign: the season cannot be ruled out.",
            )
        )
    return out


def _named(found: Accounted, text: Text) -> Text:
    """A text in which areas have their names instead of their codes."""
    zh, en = text.zh, text.en
    for code in sorted(found.account.areas, key=len, reverse=True):
        if code in en:
            name = found.zones.named(code)
            zh, en = zh.replace(code, name.zh), en.replace(code, name.en)
    return Text(zh, en)


def _set(found: Accounted, k: int) -> SetRow:
    s = found.sets[k]
    warning = Text("超过五分之一", "more than a fifth") if s.warning else None
    largest = found.zones.named(s.largest) if s.largest else Text("–", "–")
    share = f" {s.largest_share:.0%}" if s.largest else ""
    return SetRow(
        s.name, s.rule, len(s.areas), Text(f"{largest.zh}{share}", f"{largest.en}{share}"), warning
    )  # fmt: skip


def _trend_text(found: Accounted) -> Text | None:
    t = found.trend
    if t is None:
        return None
    years = found.account.weekly.shape[1] / 52.1775
    claim = next((f for f in found.account.findings if f.method == "year_on_year"), None)
    low, high = t.interval
    told = {
        "years": f"{years:.1f}",
        "change": _percent(t.yearly_ratio),
        "low": _percent(low),
        "high": _percent(high),
        "p": _p(t.p_value),
    }
    head = Text(
        "行动区 {years} 年来的走势：每年 {change}（95% 区间 {low} 至 {high}，p = {p}）。",
        "Over {years} years calls in the treated areas changed by {change} a year (95 % interval {low} to {high}, "
        "p = {p}). ",
    ).format(**told)
    if years < 2:
        head = Text(
            head.zh + "不足两年，季节未能分离。",
            head.en + "That is less than two years: the season is not separated. ",
        )
    if claim is None or not claim.applies:
        why = Text("", "") if claim is None else claim.why
        return Text(
            f"{head.zh}不能判断是否“持续下降”：{why.zh}",
            f"{head.en}Whether a decline was continuous cannot be judged: {why.en}",
        )
    return Text(head.zh + claim.caveats[0].zh, head.en + claim.caveats[0].en)


def _percent(ratio: float) -> str:
    return f"{100 * (ratio - 1):+.1f}%".replace("-", "−")


def _zone_rows(found: Accounted, reference: slice) -> list[ZoneRow]:
    account = found.account
    order = {role: k for k, role in enumerate(ROLES)}
    before = (
        account.weekly[:, reference].sum(axis=1) * account.weeks / max(reference.stop - reference.start, 1)
    )
    during = account.weekly[:, account.change :].sum(axis=1)
    rows = sorted(
        range(len(account.areas)),
        key=lambda k: (order[found.role(account.areas[k])], -before[k], account.areas[k]),
    )
    out = []
    for k in rows:
        change = f"{100 * (during[k] / before[k] - 1):+.0f}%".replace("-", "−") if before[k] else "–"
        role = ROLES[found.role(account.areas[k])]
        out.append(
            ZoneRow(
                found.zones.named(account.areas[k]), role, f"{before[k]:,.0f}", f"{during[k]:,.0f}", change
            )
        )
    return out


def _zone_map(base: Base, found: Accounted) -> Markup:
    body = ""
    for role in reversed(ROLES):
        for code in sorted(found.zones.shapes):
            if found.role(code) == role:
                name = found.zones.named(code)
                body += base.shapes(_rings(found.zones.shapes[code]), role, f"{name} · {ROLES[role]}")
    return Markup(base.map(body, Text("行动区与对照区", "Treated and control areas")))


def _rings(shape: Any) -> list[NDArray[np.float64]]:
    shape = shapely.simplify(shape, 10.0)
    parts = shapely.get_parts(shape)
    rings = [r for part in parts for r in (part.exterior, *part.interiors)]
    return [shapely.get_coordinates(r) for r in rings]


def _roles(found: Accounted) -> list[tuple[str, Text]]:
    there = {found.role(code) for code in found.zones.shapes}
    return [(role, name) for role, name in ROLES.items() if role in there]


def _weekly_chart(city: City, found: Accounted) -> Markup:
    """Weekly calls in the treated and the first set of control areas, 100 being their mean before."""
    account = found.account
    first = max(account.change - _SHOWN_WEEKS, 0)

    def index(codes: Sequence[str]) -> NDArray[np.float64]:
        rows = [account.areas.index(c) for c in codes if c in account.areas]
        series = account.weekly[rows].sum(axis=0)[first:]
        return np.asarray(
            100.0 * series / max(series[: account.change - first].mean(), 1e-9), dtype=np.float64
        )

    series = [(Text("行动区", "treated"), index(account.campaign.treated), "proposed")]
    if found.sets:
        name = found.sets[0].name
        series.append((Text(f"对照 {name}", f"control {name}"), index(found.sets[0].areas), "present"))
    n = account.weekly.shape[1] - first
    every = max(n // 8, 1)
    begin = found.window[0] + first * WEEK_S
    labels = [
        (k, to_datetime(begin + k * WEEK_S + DAY_S / 2, city.tz).strftime("%Y-%m"))
        for k in range(0, n, every)
    ]
    return Markup(
        curves.weekly_lines(
            series,
            account.change - first,
            labels,
            Text("每周警情（行动前平均 = 100）", "calls a week (mean before = 100)"),
            Text("行动前后每周警情", "Weekly calls before and during the campaign"),
        )
    )


def _forest(found: Accounted, applied: Sequence[Finding]) -> Markup | None:
    rows = [f for f in applied if f.unit == "calls"]
    if not rows:
        return None
    return Markup(
        curves.forest(
            [(f.name, f.estimate, f.interval, "proposed" if f is found.chosen else "present") for f in rows],
            0.0,
            Text("整个行动期间的警情变化（起）", "change in calls over the whole campaign"),
            Text("各种比较", "The comparisons"),
        )
    )


def _method(city: City, found: Accounted, options: AccountOptions) -> list[Note]:
    campaign = found.account.campaign
    out = [
        Note(
            Text("统计范围", "What is counted"),
            Text(
                "群众报警，按整周计数" + ("：" + "、".join(category_name(city, c).zh for c in campaign.categories)
                                    if campaign.categories else "，全部类别") + "。",
                "Calls reported by the public in whole weeks"
                + (": " + ", ".join(category_name(city, c).en for c in campaign.categories)
                   if campaign.categories else ", all categories") + ".",
            ),
        ),
        Note(
            Text("加权位移差", "Weighted displacement difference"),
            Text(
                "Wheeler 与 Ratcliffe（2018），按过度离散放宽，并以安慰剂校准（MacKinnon 与 Webb 2020）。",
                "Wheeler & Ratcliffe (2018), widened for over-dispersion and calibrated by placebos (MacKinnon & "
                "Webb 2020).",
            ),
        ),
        Note(
            Text("其他方法", "Other methods"),
            Text(
                "中断时间序列（Bernal 等 2017）；分批双重差分（Callaway 与 Sant'Anna 2021）；"
                "合成控制（Abadie 等 2010）；趋均值回归校正（Hauer 1997）；逐年比较的交–并检验（Berger 1982）。",
                "Interrupted time series (Bernal et al. 2017); staggered differences (Callaway & Sant'Anna 2021); "
                "synthetic control (Abadie et al. 2010); regression to the mean (Hauer 1997); intersection–union "
                "test of yearly falls (Berger 1982).",
            ),
        ),
        Note(Text("随机种子", "Seed"), str(options.seed)),
    ]  # fmt: skip
    return out + sentences.origins(city)


def _caveats(city: City, options: AccountOptions) -> list[Text]:
    out = [
        *sentences.sampled(city),
        Text(
            "只计群众报警：行动期间民警主动发现的会随警力增加而增加，不能说明治安变化。",
            "Only what the public reported is counted: what officers discover grows with their number "
            "and shows no change in safety.",
        ),
        Text(
            "报警意愿若因行动而改变，这里看不出来。",
            "If the campaign changed how willing people are to report, this cannot show it.",
        ),
        Text(
            "对照组在看结果之前按规则选定；请不要换到“好看”的一组再报。",
            "Control sets were chosen by rule before the outcome was looked at; do not shop for a nicer one.",
        ),
    ]
    if not options.chosen_for_count:
        out.append(
            Text(
                "如果行动区是因为警情多才选的，其中一部分下降本来就会发生（趋均值回归）："
                "请加 --chosen-for-count 再算一次。",
                "If the areas were chosen because they had many calls, part of a fall would have come anyway "
                "(regression to the mean): run it again with --chosen-for-count.",
            )
        )
    return out
