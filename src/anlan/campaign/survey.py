"""What stands out and where: the analyses of one city's calls, part by part."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from anlan.campaign.surveyed import (
    PARTS,
    RISING,
    Aim,
    Focus,
    HotPlaces,
    Missing,
    Patch,
    RecentCluster,
    RecentClusters,
    Standing,
    Survey,
    SurveyOptions,
)
from anlan.city.city import City
from anlan.core.columns import Floats
from anlan.core.errors import AnlanError, Cancelled
from anlan.core.job import Job
from anlan.core.seed import stream
from anlan.core.text import Text
from anlan.core.time import DAY_S, WEEK_S
from anlan.hotspots import (
    Cells,
    Circles,
    Cluster,
    Disk,
    Districts,
    Emerging,
    GiStar,
    Streets,
    adjusted,
    admit,
    concentration,
    emerging,
    gi_star,
    hour_profiles,
    kde,
    prominence,
    reporting_band,
    scan,
    street_weights,
    targets,
    time_steps,
    weekly_series,
)
from anlan.hotspots.holidays import china
from anlan.hotspots.profiles import slot_counts, whole_days
from anlan.model import Calls
from anlan.model.area import LEVELS

_CHINESE_ZONES = ("Asia/Shanghai", "Asia/Urumqi", "Asia/Chongqing", "Asia/Harbin", "PRC")


def survey(
    city: City,
    options: SurveyOptions | None = None,
    *,
    window: tuple[float, float] | None = None,
    categories: Sequence[str] = (),
    job: Job | None = None,
) -> Survey:
    """Analyse what the public reported.

    A part that the data do not allow is left out with its reason; a cancelled job keeps the parts that are
    finished.

    Parameters
    ----------
    city : City
    options : SurveyOptions, optional
    window : (float, float), optional
        Only calls received in ``[from, to)``, Unix seconds; by default all.
    categories : sequence of str
        Only these; by default all.
    job : Job, optional

    Raises
    ------
    AnlanError
        If a category is unknown or no reported call remains.
    """
    options, job = options or SurveyOptions(), job or Job()
    calls = of_categories(city.calls, categories)
    admitted = admit(calls, "reported", window=window)
    recorded = whole_days(admitted.calls.received, city.tz)
    weeks = min(options.year_weeks, max(int((recorded[1] - recorded[0] + 3600.0) // WEEK_S), 1))
    received = admitted.calls.received
    # Where a year holds few calls, places are learnt from several.
    while (
        (received >= recorded[1] - weeks * WEEK_S).sum() < options.least_calls
        and (weeks + options.year_weeks) * WEEK_S <= recorded[1] - recorded[0] + 3600.0
        and weeks < 5 * options.year_weeks
    ):
        weeks += options.year_weeks
    year = (max(recorded[1] - weeks * WEEK_S, recorded[0]), recorded[1])
    recent = admitted.calls.take((admitted.calls.received >= year[0]) & (admitted.calls.received < year[1]))
    out = Survey(
        recorded, year, admitted.calls, recent, admitted.left_out, tuple(categories), options
    )  # fmt: skip
    work: dict[str, Callable[[City, Survey, Job], dict[str, Any]]] = {
        "prominence": _standing,
        "density": _density,
        "places": _cells,
        "streets": _streets,
        "concentration": _concentration,
        "hours": _hours,
        "targets": _aim,
        "clusters": _clusters,
    }
    missing: list[Missing] = []
    for number, (part, todo) in enumerate(work.items()):
        try:
            job.check()
            job.update(number / len(work), note=PARTS[part].en)
            out = replace(out, **todo(city, out, job))
        except AnlanError as error:
            missing.append(Missing(part, _why(error)))
        except Cancelled:
            reason = Text("分析被中止，这一部分没有做。", "The analysis was stopped before this part.")
            missing += [Missing(name, reason) for name in list(work)[number:]]
            break
    job.update(1.0, note="")
    return replace(out, missing=tuple(missing))


def of_categories(calls: Calls, categories: Sequence[str]) -> Calls:
    """Only the calls of some categories.

    Raises
    ------
    AnlanError
        If a category does not occur.
    """
    if not categories:
        return calls
    known = calls.categories
    for name in categories:
        if name not in known:
            some = ", ".join(known[:12]) + (" …" if len(known) > 12 else "")
            raise AnlanError(
                f"category {name!r}", f"it does not occur; the calls have {some}", "name one of these",
                code="category",
            )  # fmt: skip
    rows = np.isin(calls.category_code, [known.index(name) for name in categories])
    return calls.take(rows)


def _why(error: AnlanError) -> Text:
    zh = {
        "history_short": "历史太短，不足以做这一分析。",
        "short_history": "历史太短，不足以做这一分析。",
        "no_variation": "各处数量相同，分不出高低。",
        "no_places": "警情没有可用的位置。",
        "one_point": "所有警情都在同一个点上，无法分辨地点。",
        "too_few": "警情太少。",
        "gap": "这一周几乎没有记录。",
        "budget": "预算内放不下任何地点。",
    }.get(error.code, "数据不足以做这一分析。")
    return Text(zh, f"{error}")


def _standing(city: City, so_far: Survey, job: Job) -> dict[str, Any]:
    calls, tz, window = so_far.calls, city.tz, so_far.window
    divisions = _divisions(city, calls, window[1])
    # The last whole week; one that has only begun says less and reads as if it said more.
    whole = datetime.fromtimestamp(window[1], tz=UTC).astimezone(tz).weekday() == 0
    found = prominence(
        calls,
        divisions,
        tz=tz,
        window=window,
        week=-1 if whole else -2,
        holidays=china() if tz.key in _CHINESE_ZONES else None,
        level=so_far.options.level,
        job=job,
    )
    series = weekly_series(admit(calls, window=window), divisions, window, tz)
    keys = zip(series.category.tolist(), series.division.tolist(), series.place.tolist(), strict=True)
    rows = {key: k for k, key in enumerate(keys)}
    told = zip(found.category.tolist(), found.division.tolist(), found.place.tolist(), strict=True)
    order = [rows[key] for key in told]
    last = (found.week - series.first_monday).days // 7 + 1
    history = series.count[order, max(last - 53, 0) : last]
    return {"standing": Standing(found, history)}


def _divisions(city: City, calls: Calls, at: float) -> list[Districts]:
    """The areas that calls carry, and the coarser levels around them."""
    finest = Districts.of(calls)
    areas = city.areas.at(at - 1.0)
    out = []
    for level in LEVELS:
        rows = areas.level == level
        if rows.sum() < 2 or set(areas.code[rows].tolist()) & set(finest.code.tolist()):
            continue
        out.append(Districts.at_level(areas, level))
    return [*out, finest] if len(finest) else out


def _one_point(calls: Calls) -> None:
    if len(calls) and np.ptp(calls.x) == 0 and np.ptp(calls.y) == 0:
        raise AnlanError(
            f"{len(calls)} calls",
            "all lie at one and the same point, so that no place can be told from another",
            "give each call its own coordinates",
            code="one_point",
        )


def _density(city: City, so_far: Survey, job: Job) -> dict[str, Any]:
    recent, options = so_far.recent, so_far.options
    _one_point(recent)
    return {
        "surface": kde(
            recent.x,
            recent.y,
            np.full(len(recent), 1.0 / so_far.weeks),
            bandwidth_m=options.bandwidth_m,
            cell_m=options.cell_m,
        )
    }


def _steps(city: City, so_far: Survey, places: Cells | Streets) -> tuple[NDArray[np.float64], int]:
    """Calls by step: four weeks each where the history allows it, else one."""
    years = max(round(so_far.weeks / 52.0), 1)
    for step_days in (28 * years, 28, 7):
        if (so_far.year[1] - so_far.year[0] + 3600.0) // DAY_S >= 4 * step_days:
            steps = time_steps(so_far.recent, places, tz=city.tz, step_days=step_days, window=so_far.year)
            return steps, step_days
    return np.zeros((0, len(places))), 0


def _cells(city: City, so_far: Survey, job: Job) -> dict[str, Any]:
    recent = so_far.recent
    _one_point(recent)
    cells = Cells.covering(recent.x, recent.y, so_far.options.cell_m)
    grid = (cells.n_row, cells.n_column)
    total = np.bincount(cells.of_calls(recent), minlength=len(cells)).astype(float)
    # The study area is where there are streets: cells without a call are part of what a hot one differs from.
    roads = city.roads
    at_street = cells.index(roads.x, roads.y)
    inside = total > 0
    inside[at_street[at_street >= 0]] = True
    studied = int(inside.sum())
    inside = inside.reshape(grid)
    near = Disk(2)
    gi = gi_star(total.reshape(grid), near, inside=inside)
    steps, days = _steps(city, so_far, cells)
    pattern = np.zeros(len(cells), np.int8)
    rising: list[Patch] = []
    if days:
        found: Emerging = emerging(steps.reshape(-1, *grid), near, inside=inside, job=job)
        pattern = found.pattern.ravel()
        rising = _rising(pattern.reshape(grid), steps, days)
    return {
        "cells": HotPlaces(
            cells,
            total / so_far.weeks,
            GiStar(gi.z.ravel(), gi.p.ravel()),
            pattern,
            steps,
            days,
            studied,
            rising,
        )
    }


def _rising(pattern: NDArray[np.int8], steps: NDArray[np.float64], days: int) -> list[Patch]:
    """Connected groups of cells that are becoming hot, by how far the last step exceeds the earlier ones."""
    label, n = ndimage.label(np.isin(pattern, RISING), structure=np.ones((3, 3)))
    out = []
    for k in range(1, n + 1):
        rows = np.flatnonzero(label.ravel() == k)
        by_step = steps[:, rows].sum(axis=1) * 7.0 / days
        out.append(Patch(rows, float(by_step[-1]), float(by_step[:-1].mean())))
    scale = days / 7.0
    return sorted(
        out,
        key=lambda p: (-(p.recent - p.usual) * scale / np.sqrt(p.usual * scale + 1.0), int(p.cells[0])),
    )


def _streets(city: City, so_far: Survey, job: Job) -> dict[str, Any]:
    recent, streets = so_far.recent, Streets(city.roads)
    _one_point(recent)
    rows = streets.of_calls(recent)
    total = np.bincount(rows[rows >= 0], minlength=len(streets)).astype(float)
    near = street_weights(city.roads)
    gi = gi_star(total, near)
    steps, days = _steps(city, so_far, streets)
    pattern = emerging(steps, near, job=job).pattern if days else np.zeros(len(streets), np.int8)
    return {"streets": HotPlaces(streets, total / so_far.weeks, gi, pattern, steps, days, len(streets))}


def _concentration(city: City, so_far: Survey, job: Job) -> dict[str, Any]:
    _one_point(so_far.recent)
    streets = Streets(city.roads)
    rows = streets.of_calls(so_far.recent)
    count = np.bincount(rows[rows >= 0], minlength=len(streets)).astype(float)
    seed = so_far.options.seed
    found = concentration(count, measure=streets.measure, draws=99, seed=seed)
    at = np.linspace(0.0, 0.3, 61)
    drawn = stream(seed, "concentration curve").multinomial(
        int(count.sum()), streets.measure / streets.measure.sum()
    )
    return {"concentration": Focus(found, at, _held(count, at), _held(drawn.astype(float), at))}


def _held(count: Floats, at: Floats) -> Floats:
    """Share of calls that the busiest places hold, by their share of all places."""
    running = np.concatenate([[0.0], np.cumsum(np.sort(count)[::-1])]) / count.sum()
    return np.interp(at * len(count), np.arange(len(running)), running)


def _hours(city: City, so_far: Survey, job: Job) -> dict[str, Any]:
    recent = so_far.recent
    count = slot_counts(np.zeros(len(recent), np.int64), 1, recent.received, city.tz)
    share = hour_profiles(count, so_far.year, city.tz).overall
    return {"hours": share * len(recent) / so_far.weeks}


def _aim(city: City, so_far: Survey, job: Job) -> dict[str, Any]:
    calls, options = so_far.calls, so_far.options
    _one_point(so_far.recent)
    cells = Cells.covering(calls.x, calls.y, options.cell_m)
    weeks = int((so_far.window[1] - so_far.window[0] + 3600.0) // WEEK_S)
    chosen = targets(
        calls,
        cells,
        tz=city.tz,
        budget_share=options.budget_share,
        held_out_weeks=min(options.held_out_weeks, max(weeks - 4, 1)),
        window=so_far.window,
        reporting=options.reporting,
        seed=options.seed,
    )
    count = np.bincount(cells.of_calls(so_far.recent), minlength=len(cells)).astype(float)
    band = reporting_band(count, cells.measure, chosen.budget, factor=options.reporting, seed=options.seed)
    return {"aim": Aim(chosen, cells, count[chosen.index] / so_far.weeks, band)}


def _clusters(city: City, so_far: Survey, job: Job) -> dict[str, Any]:
    options, end = so_far.options, so_far.window[1]
    _one_point(so_far.recent)
    slots = int(min(options.scan_weeks * 7, (end - so_far.year[0] + 3600.0) // DAY_S))
    if slots < 28:
        raise AnlanError(
            f"{slots} days of calls", "a scan for recent clusters needs at least 28", "load a longer history",
            code="history_short",
        )  # fmt: skip
    window = (end - slots * DAY_S, end)
    calls = so_far.calls.take(so_far.calls.received >= window[0])
    cells = Cells.covering(calls.x, calls.y, options.scan_cell_m, "hexagon")
    used, place = np.unique(cells.of_calls(calls), return_inverse=True)
    x, y = cells.centre(used)
    circles = Circles.around(x, y, max_radius_m=options.scan_radius_m)
    # A category at a time: what rises in one drowns in all of them together.
    volume = np.bincount(calls.category_code, minlength=len(calls.categories))
    order = [int(k) for k in np.argsort(-volume, kind="stable") if volume[k] >= options.scan_calls]
    found: list[tuple[str, Cluster]] = []
    tried = 0
    for code in order[: options.scan_categories]:
        job.check()
        rows = calls.category_code == code
        result = scan(
            place[rows],
            calls.received[rows],
            circles,
            when="prospective",
            window=window,
            max_slots=slots // 2,
            min_cases=5,
            replications=options.replications,
            stop_after=20,
            most=3,
            seed=options.seed,
        )
        tried += 1
        found += [(calls.categories[code], one) for one in result.clusters]
    if not tried:
        raise AnlanError(
            f"{len(calls)} calls in {slots} days", f"no category has {options.scan_calls} of them",
            "load a longer history", code="too_few",
        )  # fmt: skip
    # Of each scan the p-value allows for all its windows; the adjustment, for the number of scans.
    p = np.array([min(max(one.p_gumbel, 0.0), 1.0) for _, one in found])
    q = adjusted(p, family=max(tried, len(p))) if len(p) else p
    stands = sorted(np.flatnonzero(q <= options.level).tolist(), key=lambda k: (q[k], -found[k][1].llr))
    rows_told = [RecentCluster(found[k][0], found[k][1], float(q[k])) for k in stands]
    return {"clusters": RecentClusters(rows_told, tried, window, x, y)}
