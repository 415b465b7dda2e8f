"""Where the demo's default effects are planted: by rule and seed, at no named place."""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from anlan.city.demo.ground import GROUND_SEED, Ground, ground
from anlan.city.demo.kinds import BY_KEY
from anlan.city.demo.model import DemoModel, Planted
from anlan.city.demo.precincts import Precincts, precincts
from anlan.core.columns import Floats
from anlan.core.seed import stream

HOT: tuple[tuple[str, str, tuple[str, ...], float], ...] = (
    ("夜市甲", "Night market A", ("noise", "affray", "drunk", "theft"), 300.0),
    ("广场", "Plaza", ("theft", "dispute", "noise", "affray"), 250.0),
    ("站前", "Station square", ("theft", "fraud", "help", "drunk"), 350.0),
    ("夜市乙", "Night market B", ("noise", "affray", "drunk"), 300.0),
)
EMERGING: tuple[str, str, tuple[str, ...], float] = (
    "新热点",
    "Emerging place",
    ("affray", "drunk", "noise", "theft"),
    400.0,
)
PROMINENT: tuple[str, str, tuple[str, ...]] = ("突出类别", "Prominent kind", ("fraud",))

LEAST_SHARE = {"hot": 5e-4, "emerging": 9e-4}
"""Share of all background calls that a place's kinds must have there before anything is planted: with the
default 300,000 calls a year at least 150 a year in a hot spot and 40 in eight weeks in the emerging place,
so that an effect of relative risk 2 is there to be found."""

APART_M = 2500.0
CANDIDATES = 3000


def default_planted(model: DemoModel) -> tuple[Planted, ...]:
    """The effects that the model plants unless it is told otherwise.

    A place is drawn among junctions where enough background calls of its kinds are to be expected, apart
    from places already drawn. Nothing ties it to what really stands there. The prominent kind's sector is
    drawn among those with at least the median number of its calls.
    """
    if model.relative_risk == 1.0:
        return ()
    rng = stream(model.seed, "planted")
    end, risk = model.end, model.relative_risk
    planted = []
    taken: list[tuple[float, float]] = []

    def draw(kinds: tuple[str, ...], radius_m: float, least: float) -> tuple[float, float]:
        place, here = _candidates(kinds, radius_m, model.unevenness)
        free = np.ones(len(place), bool)
        for x, y in taken:
            free &= np.hypot(place[:, 0] - x, place[:, 1] - y) >= APART_M
        enough = np.flatnonzero(free & (here >= least))
        row = int(rng.choice(enough)) if len(enough) else int(np.where(free, here, -1.0).argmax())
        taken.append((float(place[row, 0]), float(place[row, 1])))
        return taken[-1]

    def weeks_before(weeks: int) -> str:
        return (model.last_day - timedelta(weeks=weeks)).isoformat()

    if model.emerging_weeks:
        zh, en, kinds, radius_m = EMERGING
        x, y = draw(kinds, radius_m, LEAST_SHARE["emerging"])
        since = weeks_before(model.emerging_weeks)
        planted.append(Planted("emerging", zh, en, kinds, risk, since, end, x, y, radius_m))
    if model.prominent_weeks:
        zh, en, kinds = PROMINENT
        beats = precincts()
        load = sector_shares(ground(), beats, kinds, model.unevenness)
        sector = beats.sector_codes[int(rng.choice(np.flatnonzero(load >= np.median(load))))]
        since = weeks_before(model.prominent_weeks)
        planted.append(Planted("prominent", zh, en, kinds, risk, since, end, sector=sector))
    for zh, en, kinds, radius_m in HOT[: model.hot_spots]:
        x, y = draw(kinds, radius_m, LEAST_SHARE["hot"])
        first = model.first_day.isoformat()
        planted.append(Planted("hot", zh, en, kinds, risk, first, end, x, y, radius_m))
    return tuple(planted)


def sector_shares(land: Ground, beats: Precincts, kinds: tuple[str, ...], unevenness: float) -> NDArray[Any]:
    """Share of all background calls that some kinds have in each sector."""
    sector = beats.sector[beats.of(land.mid_x, land.mid_y)]
    return np.bincount(sector, _joint_share(land, kinds, unevenness), minlength=len(beats.sector_codes))


@lru_cache(maxsize=16)
def _candidates(kinds: tuple[str, ...], radius_m: float, unevenness: float) -> tuple[Floats, Floats]:
    """Junctions (n, 2), and the share of all background calls that the kinds have around each."""
    land = ground()
    roads = land.roads
    nodes = np.sort(stream(GROUND_SEED, "candidates").choice(roads.n_nodes, CANDIDATES, replace=False))
    place = np.column_stack([roads.node_x[nodes], roads.node_y[nodes]])
    share = _joint_share(land, kinds, unevenness)
    circles = KDTree(np.column_stack([land.mid_x, land.mid_y])).query_ball_point(place, radius_m)
    return place, np.array([share[rows].sum() for rows in circles])


def _joint_share(land: Ground, kinds: tuple[str, ...], unevenness: float) -> Floats:
    return sum(
        (BY_KEY[k].share * land.share(BY_KEY[k], unevenness) for k in kinds), np.zeros(len(land.roads))
    )
