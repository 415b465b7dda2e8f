"""A survey's results as the values that the report shows, in both languages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray
from scipy.stats import gamma

from anlan.campaign import survey_drawings as drawings
from anlan.campaign.naming import area_name, category_name, days, place_name, point_names
from anlan.campaign.report.maps import Base
from anlan.campaign.survey_rows import (
    AccuracyRow,
    CategoryRow,
    ClusterRow,
    ProminentRow,
    RisingRow,
    StreetRow,
    SurveyFindings,
    TargetRow,
)
from anlan.campaign.surveyed import FADING, LASTING, PARTS, PASSING, RISING, HotPlaces, Standing, Survey
from anlan.city.city import City
from anlan.core.text import LANGUAGES, Text
from anlan.evaluation import rate_ratio
from anlan.hotspots import Cells, Streets
from anlan.hotspots.accuracy import Accuracy
from anlan.hotspots.emerging import CLASSES, NAMES_ZH
from anlan.model import Positions

YEAR_WEEKS = 365.25 / 7

SHOWN = 12
"""Rows of a table in the report; the CSV files have all."""

SOURCES = {
    "discovered": Text("巡逻发现", "discovered by officers"),
    "device": Text("技防设备", "signalled by devices"),
    "unknown": Text("来源不明", "of unknown source"),
    "no_time": Text("没有时间", "without a time"),
    "outside_window": Text("时段之外", "outside the period"),
    "reported": Text("群众报警", "reported by the public"),
}


def tell(city: City, found: Survey, base: Base) -> SurveyFindings:
    """Everything of a survey that the report shows."""
    n_year = len(found.recent)
    prominent_text, prominent = _prominent(city, found)
    aim = found.aim
    clusters, rising = _clusters(city, found), _rising(city, found)
    first = (_first_answer(prominent_text, prominent), _cluster_answer(clusters))
    answer = [t for t in first if t is not None]
    if found.concentration is not None:
        answer.append(_concentrated(found, short=True))
    targets_text = None if aim is None else _targets_text(found)
    if targets_text is not None:
        answer.append(targets_text)
    volume = np.bincount(found.recent.category_code, minlength=len(found.recent.categories)).astype(float)
    return SurveyFindings(
        n_calls=len(found.calls),
        window=days(found.window, city.tz),
        year=days(found.year, city.tz),
        n_year=n_year,
        cell_m=int(found.options.cell_m),
        per="week" if per_weeks(found) == 1.0 else "year",
        prominent_text=prominent_text,
        prominent=prominent,
        clusters_text=_clusters_text(city, found),
        clusters=clusters,
        demand_map=drawings.demand_map(base, found, SHOWN) if found.surface is not None else None,
        hot_map=drawings.cell_map(base, found.cells) if found.cells is not None else None,
        hot_text=None if found.cells is None else _hot_text(found, found.cells),
        rising_text=_rising_text(found, len(rising)),
        rising=rising,
        street_map=drawings.street_map(base, found.streets) if found.streets is not None else None,
        street_text=None if found.streets is None else _hot_text(found, found.streets),
        streets=_streets(city, found),
        concentration_text=None if found.concentration is None else _concentrated(found),
        concentration_chart=None
        if found.concentration is None
        else drawings.concentration_chart(found.concentration),
        week_chart=None if found.hours is None else drawings.week_chart(found.hours),
        hour_range=("", "")
        if found.hours is None
        else (f"{found.hours.min():.1f}", f"{found.hours.max():.1f}"),
        categories=[
            CategoryRow(category_name(city, name), float(count / found.weeks), float(count / n_year))
            for name, count in sorted(
                zip(found.recent.categories, volume, strict=True), key=lambda pair: (-pair[1], pair[0])
            )
            if count > 0
        ],
        targets_text=targets_text,
        accuracy=_accuracy(found),
        targets=_targets(city, found),
        reporting_text=None if aim is None else _reporting(found),
        missing=[(PARTS[m.part], m.reason) for m in found.missing],
        caveats=_caveats(found),
        answer=answer,
    )


def q_text(q: float) -> str:
    """An adjusted p-value as it is printed."""
    return "< 0.001" if q < 0.001 else f"{q:.3f}" if q < 0.1 else f"{q:.2f}"


def many(n: int, noun: str) -> str:
    """A number and its English noun."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def sentence(city: City, standing: Standing, row: int) -> Text:
    """A row of the prominence table in words, with the categories' and areas' own names."""
    found = standing.found
    said = {}
    for language in LANGUAGES:
        names = found.category.copy()
        name = category_name(city, str(found.category[row])).of(language)
        names[row] = _common(name)
        code = str(found.place[row])
        where = area_name(city, code).of(language) if code else None
        said[language] = replace(found, category=names).sentence(row, language, place_name=where)
    return Text(chinese(said["zh"]), said["en"])


def _common(name: str) -> str:
    """A category's English name within a sentence: a common noun; an abbreviation stays as it is."""
    return name[:1].lower() + name[1:] if name[1:2].islower() else name


def chinese(text: str) -> str:
    """A Chinese sentence with the punctuation that belongs to it."""
    text = text.translate(str.maketrans(",();", "，（）；"))
    # A colon after a Chinese word is Chinese too (one in a time is not); no space before 的 after one.
    return re.sub(f"(?<={_HAN}) (?=的)", "", re.sub(f"(?<={_HAN}):", "：", text))


_HAN = "[\u4e00-\u9fff]"


def pattern_name(code: int) -> Text:
    """A class of `anlan.hotspots.emerging.CLASSES` in words; a dash where there is none."""
    if code <= 0:
        return Text("–", "–")
    return Text(f"{NAMES_ZH[code]}热点", f"{CLASSES[code]} hot spot")


def interval(count: float, weeks: float, per_weeks: float = 1.0) -> str:
    """95 % credible interval of calls in so many weeks (gamma posterior with Jeffreys' prior)."""
    low, high = gamma.ppf([0.025, 0.975], count + 0.5) / weeks * per_weeks
    return f"{low:.1f}–{high:.1f}"


def per_weeks(found: Survey) -> float:
    """Weeks that the tables of places count by: one, or a year where no place has a call a week."""
    busiest = [part.weekly.max(initial=0.0) for part in (found.cells, found.streets) if part is not None]
    return YEAR_WEEKS if busiest and max(busiest) < 1.0 else 1.0


def _prominent(city: City, found: Survey) -> tuple[Text | None, list[ProminentRow]]:
    standing = found.standing
    if standing is None:
        return None, []
    p = standing.found
    rows = np.flatnonzero(p.prominent)
    whole = Text("全市", "whole city")
    out = [
        ProminentRow(
            category_name(city, str(p.category[k])),
            area_name(city, str(p.place[k])) if p.place[k] else whole,
            Text(f"最近 {p.weeks[k]} 周", f"last {many(int(p.weeks[k]), 'week')}"),
            f"{p.observed[k]:,.0f}",
            f"{p.expected[k]:,.1f}",
            f"{p.low[k]:,.0f}–{p.high[k]:,.0f}",
            f"+{p.excess[k]:,.1f}",
            q_text(float(p.q[k])),
            drawings.spark(standing.history[k], int(p.weeks[k])),
            sentence(city, standing, k),
        )
        for k in rows[:SHOWN].tolist()
    ]
    ground = (
        Text(f"前 {p.years} 年同期", f"the same season of {many(p.years, 'earlier year')}")
        if p.method == "season"
        else Text("此前各周", "the weeks before")
    )
    told = {
        "n": len(rows),
        "family": Text(f"{p.family:,}", many(p.family, "pair")),
        "ground": ground,
        "level": f"{p.level:.0%}",
        "shown": min(len(rows), SHOWN),
        "week": (p.week + timedelta(days=6)).isoformat(),
    }
    if not len(rows):
        return Text(
            "截至 {week}，与{ground}相比，在 {family} 个“类别 × 辖区”组合中没有一个突出（错误发现率 {level}）。",
            "To {week} nothing stands out against {ground} among {family} of category and area "
            "(false-discovery rate {level}).",
        ).format(**told), out
    return Text(
        "截至 {week}，与{ground}相比，{family} 个“类别 × 辖区”组合中有 {n} 个突出；"
        "按错误发现率 {level} 控制，其中出于偶然的大约不超过这个比例。",
        "To {week}, {n} of {family} of category and area stand out against {ground}. At a false-discovery "
        "rate of {level}, no more than about that share of them is chance.",
    ).format(**told), out  # fmt: skip


def _first_answer(text: Text | None, rows: Sequence[ProminentRow]) -> Text | None:
    return rows[0].sentence if rows else text


def _cluster_answer(clusters: Sequence[ClusterRow]) -> Text | None:
    if not clusters:
        return None
    first = clusters[0]
    return Text(
        "时空扫描发现 {n} 处仍在持续的聚集；最明确的一处：{place}周边 {radius} 米内，自 {since} 起"
        "{category} {observed} 起，按平时的分布预计 {expected} 起。",
        "Scans in space and time find {n} that still last; the surest: within {radius} m of {place}, {observed} "
        "calls of {category} since {since}, where {expected} were to be expected.",
    ).format(
        n=Text(f"{len(clusters)}", many(len(clusters), "cluster")),
        place=first.place,
        radius=first.radius_m,
        since=first.since,
        category=Text(first.category.zh, _common(first.category.en)),
        observed=first.observed,
        expected=first.expected,
    )


def _clusters_text(city: City, found: Survey) -> Text | None:
    clusters = found.clusters
    if clusters is None:
        return None
    begin, end = days(clusters.window, city.tz)
    told = {
        "begin": begin,
        "end": end,
        "tried": Text(
            f"{clusters.tried}",
            f"the {clusters.tried} largest categories" if clusters.tried > 1 else "the largest category",
        ),
        "n": Text(f"{len(clusters.found)}", many(len(clusters.found), "place")),
    }
    if not clusters.found:
        return Text(
            "{begin} 至 {end}，对警情最多的 {tried} 个类别分别扫描，没有发现仍在持续的时空聚集。",
            "{begin} to {end}: scans of {tried} find no cluster in space and time that still lasts.",
        ).format(**told)
    return Text(
        "{begin} 至 {end}，对警情最多的 {tried} 个类别分别扫描：以下 {n} 处警情在时间和空间上过于集中，且持续至今。",
        "{begin} to {end}, scans of {tried}: here ({n}) calls stand closer together in "
        "space and time than chance explains, and still do.",
    ).format(**told)


def _clusters(city: City, found: Survey) -> list[ClusterRow]:
    clusters = found.clusters
    if clusters is None:
        return []
    centres = np.array([one.cluster.centre for one in clusters.found], np.int64)
    names = point_names(city, clusters.x[centres], clusters.y[centres])
    return [
        ClusterRow(
            category_name(city, one.category),
            name,
            f"{max(one.cluster.radius, found.options.scan_cell_m / 2):,.0f}",
            days((one.cluster.from_s, one.cluster.to_s), city.tz)[0],
            one.cluster.observed,
            f"{one.cluster.expected:.1f}",
            q_text(one.q),
        )
        for one, name in zip(clusters.found, names, strict=True)
    ][:SHOWN]


def _hot_text(found: Survey, hot: HotPlaces) -> Text:
    streets = isinstance(hot.places, Streets)
    weeks = f"{found.weeks:.0f}"
    told = {
        "weeks": weeks,
        "hot": f"{int(hot.gi.hot().sum()):,}",
        "n": f"{hot.studied:,}",
        "what": Text("路段", "street segments") if streets else Text("有街道的网格", "cells with streets"),
    }
    text = Text(
        "近 {weeks} 周，{n} 个{what}中有 {hot} 个是热点（Gi*：连同近邻明显高于全市，错误发现率 5%）。",
        "Over the last {weeks} weeks {hot} of {n} {what} are hot: with their neighbours they stand clearly above "
        "the city's mean (Gi*, false-discovery rate 5 %). ",
    )
    if not hot.step_days:
        return Text(
            text.zh + "历史太短，看不出趋势。", text.en + "The history is too short to show trends."
        ).format(**told)
    told |= {
        "days": hot.step_days,
        "steps": len(hot.steps),
        "rising": f"{int(np.isin(hot.pattern, RISING).sum()):,}",
        "lasting": f"{int(np.isin(hot.pattern, LASTING).sum()):,}",
        "passing": f"{int(np.isin(hot.pattern, PASSING).sum()):,}",
        "fading": f"{int(np.isin(hot.pattern, FADING).sum()):,}",
    }
    return Text(
        text.zh + "按每 {days} 天一步、共 {steps} 步：正在变热 {rising} 个，一直热 {lasting} 个，"
        "时热时不热 {passing} 个，正在降温或已过去 {fading} 个。",
        text.en + "In {steps} steps of {days} days, {rising} are becoming hot, {lasting} have been hot "
        "throughout, {passing} come and go, and {fading} are cooling or have cooled.",
    ).format(**told)  # fmt: skip


def _rising(city: City, found: Survey) -> list[RisingRow]:
    """The groups that rose by more than chance explains, the surest first."""
    hot = found.cells
    if hot is None or not hot.rising:
        return []
    assert isinstance(hot.places, Cells)
    weeks, before = hot.step_days / 7.0, (len(hot.steps) - 1) * hot.step_days / 7.0
    rows = []
    for patch in hot.rising:
        ratio = rate_ratio(patch.usual * before, patch.recent * weeks, exposure=(before, weeks))
        if ratio.interval[0] > 1.0:
            rows.append((patch, ratio))
    rows = rows[:SHOWN]
    if not rows:
        return []
    middles = []
    for patch, _ in rows:
        x, y = hot.places.centre(patch.cells)
        near = int(np.argmin(np.hypot(x - x.mean(), y - y.mean())))
        middles.append((x[near], y[near]))
    at = np.array(middles)
    names = point_names(city, at[:, 0], at[:, 1])
    return [
        RisingRow(
            name,
            f"{patch.recent * per_weeks(found):.1f}",
            f"{patch.usual * per_weeks(found):.1f}",
            f"{ratio.ratio:.1f} [{ratio.interval[0]:.1f}, {ratio.interval[1]:.1f}]"
            if np.isfinite(ratio.interval[1])
            else "–",
            len(patch.cells),
        )
        for (patch, ratio), name in zip(rows, names, strict=True)
    ]


def _rising_text(found: Survey, shown: int) -> Text | None:
    hot = found.cells
    if hot is None or not hot.rising:
        return None
    told = {"n": Text(f"{len(hot.rising)} ", many(len(hot.rising), "group")), "shown": shown}
    if not shown:
        return Text(
            "正在变热的网格连成 {n}片，最近一步的增加都没有超出偶然。",
            "The cells that are becoming hot form {n}; none of them rose by more than chance lately.",
        ).format(**told)
    return Text(
        "正在变热的网格连成 {n}片；最近一步的增加超出偶然的有以下 {shown} 片。",
        "The cells that are becoming hot form {n}; {shown} rose by more than chance lately.",
    ).format(**told)


def _streets(city: City, found: Survey) -> list[StreetRow]:
    hot = found.streets
    if hot is None:
        return []
    rows = np.flatnonzero(hot.gi.hot())
    rows = rows[np.argsort(-hot.weekly[rows], kind="stable")][:SHOWN]
    length = hot.places.measure[rows]
    positions = Positions(rows.astype(np.int32), length / 2)
    x, y = city.locate(positions)
    names = [place_name(city, positions, k, str(a)) for k, a in enumerate(_areas_of(city, x, y))]
    return [
        StreetRow(
            name,
            f"{length[k]:.0f}",
            f"{hot.weekly[row] * per_weeks(found):.1f}",
            interval(float(hot.weekly[row] * found.weeks), found.weeks, per_weeks(found)),
            pattern_name(int(hot.pattern[row])),
        )
        for k, (row, name) in enumerate(zip(rows.tolist(), names, strict=True))
    ]


def _areas_of(city: City, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.object_]:
    from anlan.city.areas import assign

    lon, lat = city.unproject(x, y)
    return assign(city.areas, lon, lat, None)


def _concentrated(found: Survey, short: bool = False) -> Text:
    assert found.concentration is not None
    c = found.concentration.found
    told = {
        "q": f"{c.places_share[0]:.1%}",
        "h": f"{c.places_share[1]:.1%}",
        "qc": f"{c.by_chance[0]:.1%}",
        "hc": f"{c.by_chance[1]:.1%}",
        "g": f"{c.generalised_gini:.2f}",
        "lo": f"{c.gini_interval[0]:.2f}",
        "hi": f"{c.gini_interval[1]:.2f}",
        "weeks": f"{found.weeks:.0f}",
        "n": f"{c.places:,}",
    }
    head = Text(
        "近 {weeks} 周，一半警情集中在 {h} 的路段上（若随机发生则为 {hc}）。",
        "Over the last {weeks} weeks half of all calls fell on {h} of street segments (by chance it would be {hc}).",
    )
    if short:
        return head.format(**told)
    return Text(
        head.zh + "四分之一的警情在 {q} 的路段上（随机为 {qc}）。路段共 {n} 个。"
        "广义基尼系数 {g}（区间 {lo}–{hi}；0 为完全均匀，1 为集中于一处）。",
        head.en
        + " A quarter fell on {q} ({qc} by chance). There are {n} segments. Generalised Gini {g} (interval "
        "{lo}–{hi}; 0 is perfectly even, 1 is all in one place).",
    ).format(**told)


_WAYS = {
    "chosen": Text("本报告的选点", "The targets above"),
    "count": Text("只按最近一年的次数选", "By last year's count alone"),
    "random": Text("随机选", "At random"),
}


def _targets_text(found: Survey) -> Text:
    assert found.aim is not None
    chosen = found.aim.chosen
    share = f"{chosen.measure.sum() / chosen.total:.1%}"
    if not chosen.proof:
        return Text(f"{len(chosen)} 个重点网格占 {share}。", f"{len(chosen)} target cells take {share}.")
    c, naive = chosen.proof["chosen"], chosen.proof["count"]
    chance = c.pai_interval[0] <= 1.0 <= c.pai_interval[1]
    worth = (
        Text("与随机选点无法分辨", "which cannot be told from chance")
        if chance
        else Text("是随机选点的 {pai} 倍", "{pai} times what chance gives").format(pai=f"{c.pai:.1f}")
    )
    told = {
        "n": f"{len(chosen):,}",
        "share": share,
        "weeks": c.weeks,
        "hit": f"{c.hit_rate:.1%}",
        "lo": f"{c.hit_rate_interval[0]:.1%}",
        "hi": f"{c.hit_rate_interval[1]:.1%}",
    }
    apart = c.hit_rate_interval[0] > naive.hit_rate
    against = (
        Text("明显好于只按去年次数选点。", "That is clearly better than choosing by last year's count.")
        if apart
        else Text("只按去年次数选点几乎一样好。", "Choosing by last year's count alone does about as well.")
    )
    return Text(
        "{n} 个重点网格占有警情地面的 {share}；按此方法在留出的 {weeks} 周中命中 {hit} 的警情（区间 {lo}–{hi}），"
        "{worth}。{against}",
        "{n} target cells take {share} of the ground that has calls; on {weeks} held-out weeks such targets "
        "held {hit} of the calls (interval {lo}–{hi}), {worth}. {against}",
    ).format(**told, worth=worth, against=against)


def _accuracy(found: Survey) -> list[AccuracyRow]:
    if found.aim is None:
        return []

    def with_interval(value: float, bounds: tuple[float, float], form: str) -> str:
        return f"{value:{form}} [{bounds[0]:{form}}, {bounds[1]:{form}}]"

    def row(name: str, a: Accuracy) -> AccuracyRow:
        return AccuracyRow(
            _WAYS[name],
            with_interval(a.hit_rate, a.hit_rate_interval, ".1%"),
            with_interval(a.pai, a.pai_interval, ".1f"),
            with_interval(a.pei, a.pei_interval, ".2f"),
        )

    return [row(name, found.aim.chosen.proof[name]) for name in _WAYS if name in found.aim.chosen.proof]


def _targets(city: City, found: Survey) -> list[TargetRow]:
    aim = found.aim
    if aim is None:
        return []
    index = aim.chosen.index[:SHOWN]
    x, y = aim.cells.centre(index)
    pattern = np.zeros(len(index), np.int8)
    if found.cells is not None:
        at = found.cells.places.index(x, y)  # type: ignore[union-attr]
        pattern = np.where(at >= 0, found.cells.pattern[at], 0)
    return [
        TargetRow(
            name,
            f"{aim.weekly[k] * per_weeks(found):.1f}",
            interval(float(aim.weekly[k] * found.weeks), found.weeks, per_weeks(found)),
            pattern_name(int(pattern[k])),
            f"{aim.chosen.kept[k]:.0%}",
        )
        for k, name in enumerate(point_names(city, x, y))
    ]


def _reporting(found: Survey) -> Text:
    assert found.aim is not None
    band, chosen = found.aim.band, found.aim.chosen
    sure = int((chosen.kept >= 0.9).sum())
    held = f"{band.share[0]:.1%}–{band.share[1]:.1%}"
    return Text(
        f"各处报警意愿可能不同，谁也不知道差多少。若任意两处最多相差 {band.factor:g} 倍："
        f"{len(chosen)} 个重点网格中有 {sure} 个在至少九成的情形下仍会入选，它们合计占实际发生的 {held}。",
        f"Places differ in how much of what happens is reported, and nobody knows by how much. If any two "
        f"differ by up to {band.factor:g} times, {sure} of the {len(chosen)} target cells would still be chosen "
        f"in at least nine of ten cases, and together they hold {held} of what happens.",
    )


def _caveats(found: Survey) -> list[Text]:
    out = []
    if found.left_out:
        told = sorted(found.left_out.items(), key=lambda pair: -pair[1])
        zh = "，".join(f"{SOURCES.get(k, Text(k, k)).zh} {n:,} 起" for k, n in told)
        en = ", ".join(f"{n:,} {SOURCES.get(k, Text(k, k)).en}" for k, n in told)
        out.append(
            Text(
                f"只用群众报警；未计入：{zh}。巡逻发现的警情取决于在哪里巡逻，用它来选点会越选越偏。",
                f"Only calls reported by the public are used. Left out: {en}. What patrols discover "
                "depends on where they patrol, and choosing places by it would feed on itself.",
            )
        )
    if found.standing is not None:
        out += [Text(chinese(zh), en) for zh, en in found.standing.found.caveats]
    if found.cells is not None and found.cells.rising:
        out.append(
            Text(
                "“正在变热”的地点是从许多地点中挑出来的，其中一部分会自行回落：先看一看，再下结论。",
                "Places that are becoming hot were picked from many; some of them will fall back by themselves. "
                "Look before concluding.",
            )
        )
    return out
