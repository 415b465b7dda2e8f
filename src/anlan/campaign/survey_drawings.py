"""The maps and charts of a survey."""

from __future__ import annotations

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from anlan.campaign.report import charts, curves
from anlan.campaign.report.maps import Base
from anlan.campaign.surveyed import FADING, LASTING, PASSING, RISING, Focus, HotPlaces, Survey
from anlan.core.text import Text
from anlan.hotspots import Cells, Streets

CLASSES = {"fading": FADING, "passing": PASSING, "lasting": LASTING, "rising": RISING}
"""CSS class of each group of classes, in the order in which they are drawn."""


def demand_map(base: Base, found: Survey, shown: int) -> Markup:
    """Streets with the density of calls and the first targets."""
    surface = found.surface
    assert surface is not None
    cells = surface.cells
    value = surface.value.ravel()
    rows = np.flatnonzero(value > 0)
    x, y = cells.centre(rows)
    half = cells.cell_m / 2
    body = base.density(x - half, y - half, cells.cell_m, value[rows])
    if found.aim is not None:
        grid = found.aim.cells
        x, y = grid.centre(found.aim.chosen.index[:shown])
        half = grid.cell_m / 2
        body += base.frames(x - half, y - half, grid.cell_m)
    return Markup(base.map(body, Text("警情密度与重点部位", "Density of calls and targets")))


def cell_map(base: Base, hot: HotPlaces) -> Markup:
    """Cells by how they came to be hot."""
    cells = hot.places
    assert isinstance(cells, Cells)
    half = cells.cell_m / 2
    body = ""
    for css, rows in _grouped(hot).items():
        x, y = cells.centre(rows)
        body += base.cells(x - half, y - half, cells.cell_m, css)
    return Markup(base.map(body, Text("热点网格的变化", "Hot cells and how they change")))


def street_map(base: Base, hot: HotPlaces) -> Markup:
    """Street segments by how they came to be hot."""
    streets = hot.places
    assert isinstance(streets, Streets)
    body = "".join(base.streets(streets.roads, rows, css) for css, rows in _grouped(hot).items())
    return Markup(base.map(body, Text("热点路段的变化", "Hot street segments and how they change")))


def _grouped(hot: HotPlaces) -> dict[str, NDArray[np.int64]]:
    if not hot.step_days:
        return {"lasting": np.flatnonzero(hot.gi.hot())}
    return {css: np.flatnonzero(np.isin(hot.pattern, codes)) for css, codes in CLASSES.items()}


def week_chart(weekly: NDArray[np.float64]) -> Markup:
    """Calls by hour of the week."""
    return Markup(charts.week_heat(weekly, Text("一周各小时警情数", "Calls by hour of the week")))


def spark(history: NDArray[np.float64], weeks: int) -> Markup:
    """A year of weekly counts, the tested weeks marked."""
    return Markup(curves.spark(history, weeks, Text("近一年每周数", "Weekly counts of the last year")))


def concentration_chart(focus: Focus) -> Markup:
    """Share of calls on the busiest street segments."""
    marks = list(zip(focus.found.places_share.tolist(), focus.found.shares, strict=True))
    return Markup(
        curves.concentration(
            focus.places_share, focus.held, focus.by_chance, marks, Text("集中度曲线", "Concentration curve")
        )
    )
