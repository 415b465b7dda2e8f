"""What a survey is made of: its settings, its parts, and what each of them holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anlan.core.columns import Floats
from anlan.core.text import Text
from anlan.core.time import WEEK_S
from anlan.hotspots import (
    Cells,
    Cluster,
    Concentration,
    GiStar,
    Prominence,
    ReportingBand,
    Streets,
    Surface,
    Targets,
)
from anlan.hotspots.emerging import CLASSES
from anlan.model import Calls

RISING = tuple(CLASSES.index(name) for name in ("new", "consecutive", "intensifying"))
LASTING = (CLASSES.index("persistent"),)
PASSING = tuple(CLASSES.index(name) for name in ("sporadic", "oscillating"))
FADING = tuple(CLASSES.index(name) for name in ("diminishing", "historical"))

PARTS = {
    "prominence": Text("突出类别", "what stands out"),
    "density": Text("警情密度", "density of calls"),
    "places": Text("热点与新兴热点", "hot and emerging places"),
    "streets": Text("热点街道", "hot and emerging streets"),
    "concentration": Text("集中度", "concentration"),
    "hours": Text("一周各小时", "hours of the week"),
    "targets": Text("重点部位", "targets"),
    "clusters": Text("近期聚集", "recent clusters"),
}
"""The parts of a survey, in the order in which they are done."""


@dataclass(frozen=True)
class SurveyOptions:
    """Settings of a survey.

    Attributes
    ----------
    seed : int
        Of bootstraps, random choices and worlds.
    cell_m : float
        Side of the cells, metres.
    bandwidth_m : float
        Of the density surface.
    year_weeks : int
        Places, hours and concentration look at so many last weeks; where these hold fewer than
        ``least_calls``, at up to five times as many.
    least_calls : int
    budget_share : float
        Targets take this share of the cells in which any call fell.
    held_out_weeks : int
        Last weeks on which the targets are proved.
    level : float
        False-discovery rate of what is called prominent.
    scan_weeks, scan_cell_m, scan_radius_m, scan_categories, scan_calls, replications
        Of the scans for recent clusters: the categories with most calls, at least so many each.
    reporting : float
        Reporting may differ between places by up to this factor.
    """

    seed: int = 1
    cell_m: float = 250.0
    bandwidth_m: float = 400.0
    year_weeks: int = 52
    least_calls: int = 1000
    budget_share: float = 0.02
    held_out_weeks: int = 8
    level: float = 0.10
    scan_weeks: int = 26
    scan_cell_m: float = 500.0
    scan_radius_m: float = 2000.0
    scan_categories: int = 8
    scan_calls: int = 100
    replications: int = 99
    reporting: float = 1.5

    def as_dict(self) -> dict[str, Any]:
        """For provenance."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class Standing:
    """What is prominent in the last whole week, and the weeks before it.

    Attributes
    ----------
    found : Prominence
    history : ndarray of float64, shape (len(found), n_week)
        Calls of each series by week, the tested week last.
    """

    found: Prominence
    history: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Patch:
    """A connected group of cells that are becoming hot.

    Attributes
    ----------
    cells : ndarray of int64
    recent, usual : float
        Calls a week in the last step, and in the steps before it.
    """

    cells: NDArray[np.int64]
    recent: float
    usual: float


@dataclass(frozen=True, eq=False)
class HotPlaces:
    """Gi* of a division of the ground over the last year, and how it came about.

    Attributes
    ----------
    places : Cells or Streets
    weekly : ndarray of float64, shape (n_place,)
        Calls a week over the window.
    gi : GiStar
        Of the whole window; flat.
    pattern : ndarray of int8, shape (n_place,)
        Index into `anlan.hotspots.emerging.CLASSES`; 0 everywhere where the history is too short.
    steps : ndarray of float64, shape (T, n_place)
        Calls by step, oldest first; empty where the history is too short.
    step_days : int
        Length of a step; 0 where there are none.
    studied : int
        Places of the study area: all street segments, and of cells those with a street or a call.
    rising : sequence of Patch
        Connected groups of cells that are becoming hot, the largest rise first (cells only).
    """

    places: Cells | Streets
    weekly: Floats
    gi: GiStar
    pattern: NDArray[np.int8]
    steps: NDArray[np.float64]
    step_days: int
    studied: int
    rising: Sequence[Patch] = ()


@dataclass(frozen=True, eq=False)
class Focus:
    """Concentration of calls on street segments, and its curve.

    Attributes
    ----------
    found : Concentration
    places_share : ndarray of float64, shape (n,)
        The busiest segments, as a share of all.
    held, by_chance : ndarray of float64, shape (n,)
        Share of the calls that they hold, and would hold had the calls fallen by street length alone.
    """

    found: Concentration
    places_share: Floats
    held: Floats
    by_chance: Floats


@dataclass(frozen=True, eq=False)
class Aim:
    """Targets, and what unequal reporting could change.

    Attributes
    ----------
    chosen : Targets
    cells : Cells
    weekly : ndarray of float64
        Reported calls a week in each target over the last year.
    band : ReportingBand
    """

    chosen: Targets
    cells: Cells
    weekly: Floats
    band: ReportingBand


@dataclass(frozen=True)
class RecentCluster:
    """Calls of one category that stand closer together, lately, than places and times alone explain.

    ``q`` is the Gumbel p-value of the scan, adjusted for the number of scans.
    """

    category: str
    cluster: Cluster
    q: float


@dataclass(frozen=True, eq=False)
class RecentClusters:
    """Clusters that last until now, the surest first, of scans of one category each.

    Attributes
    ----------
    found : sequence of RecentCluster
        Those that stand at the false-discovery level.
    tried : int
        Categories that were scanned.
    window : (float, float)
    x, y : ndarray of float64
        Middles of the scan's places, projected metres.
    """

    found: Sequence[RecentCluster]
    tried: int
    window: tuple[float, float]
    x: Floats
    y: Floats


@dataclass(frozen=True)
class Missing:
    """A part that was not done, and why."""

    part: str
    reason: Text


@dataclass(frozen=True, eq=False)
class Survey:
    """What stands out and where.

    Attributes
    ----------
    window, year : (float, float)
        The recorded time and the last year of it, Unix seconds, ``[from, to)``, whole local days.
    calls : Calls
        The reported calls of the window, those with a time.
    recent : Calls
        Those of the year.
    left_out : mapping of str to int
        Calls that do not teach, by reason.
    categories : tuple of str
        What was asked for; empty means all.
    """

    window: tuple[float, float]
    year: tuple[float, float]
    calls: Calls
    recent: Calls
    left_out: Mapping[str, int]
    categories: tuple[str, ...]
    options: SurveyOptions
    standing: Standing | None = None
    surface: Surface | None = None
    cells: HotPlaces | None = None
    streets: HotPlaces | None = None
    concentration: Focus | None = None
    hours: NDArray[np.float64] | None = None
    aim: Aim | None = None
    clusters: RecentClusters | None = None
    missing: tuple[Missing, ...] = field(default=())

    @property
    def weeks(self) -> float:
        """Length of the year in weeks."""
        return (self.year[1] - self.year[0]) / WEEK_S
