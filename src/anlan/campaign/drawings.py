"""The report's maps and charts from results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from anlan.campaign.layout import Proposal
from anlan.campaign.report import charts
from anlan.campaign.report.maps import Base
from anlan.core.text import Text
from anlan.core.time import hour_of_week
from anlan.model import Calls, Plan

_NOW, _THEN = Text("现状", "present"), Text("建议", "proposed")


def hour_of_day(calls: Calls, tz: ZoneInfo) -> NDArray[np.int64]:
    """Local hour of each call."""
    return hour_of_week(calls.received, tz).astype(np.int64) % 24


def site_map(base: Base, present: Plan, proposal: Proposal) -> Markup:
    """Streets with the present stations and the proposed posts."""
    then, now = proposal.plan.sites, present.sites
    body = base.dots(then.x, then.y, [str(i) for i in then.id])
    body += base.squares(now.x, now.y, [str(a or b) for a, b in zip(now.name_zh, now.id, strict=True)])
    return Markup(base.map(body, Text("现有驻点与建议备勤点", "Present stations and proposed posts")))


def curve(response_s: Mapping[str, NDArray[np.float64]], rings_s: Sequence[float]) -> Markup:
    """Share reached within t minutes."""
    series = [
        (_NOW, response_s["present"], "present"),
        (_THEN, response_s["proposed"], "proposed"),
    ]
    return Markup(charts.response_curve(series, rings_s, Text("到场时间分布", "Distribution of response")))


def hours(lines: NDArray[np.float64]) -> Markup:
    """Mean response by hour: ``lines`` is (2 layouts, value/low/high, 24), minutes."""
    series = [
        (name, lines[k, 0], lines[k, 1], lines[k, 2], css)
        for k, (name, css) in enumerate(((_NOW, "present"), (_THEN, "proposed")))
    ]
    return Markup(
        charts.by_hour(series, Text("分钟", "minutes"), Text("各小时平均到场时间", "Mean response by hour"))
    )


def areas(points: Sequence[tuple[Text, float, float]]) -> Markup:
    """Mean response by area, before and after."""
    title = Text("各辖区平均到场分钟数", "Mean response by area, minutes")
    return Markup(charts.dumbbells(points, "", (_NOW, _THEN), title))
