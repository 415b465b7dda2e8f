"""The demo city's sites: stations by a stated rule, safe houses and equipment points by chance."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anlan.city.demo.ground import GROUND_SEED, Ground, ground
from anlan.city.demo.kinds import BY_KEY, KINDS
from anlan.city.demo.precincts import Precincts, precincts
from anlan.city.demo.roads import CRS
from anlan.city.projection import Projection
from anlan.core.columns import Floats
from anlan.core.seed import stream
from anlan.model.site import Sites

N_UNITS = 96
LEAST_UNITS = 1
"""Patrol units in the city, and the fewest a station has; the rest goes by demand (largest remainder)."""

N_SAFE_HOUSES, N_EQUIPMENT = 160, 120
Ints = NDArray[np.int64]


@lru_cache(maxsize=1)
def station_nodes() -> Ints:
    """Junction of each precinct's station, shape (n_precincts,).

    One station in each precinct: the junction on a main road (primary or secondary; where the precinct has
    none, on any street) nearest to the precinct's demand-weighted centre.
    """
    land, beats = ground(), precincts()
    roads, demand = land.roads, _demand(land)
    of = beats.of(land.mid_x, land.mid_y)
    node_of = beats.of(roads.node_x, roads.node_y)
    main, street = np.zeros(roads.n_nodes, bool), np.zeros(roads.n_nodes, bool)
    for nodes, groups in ((main, ("main",)), (street, ("main", "street", "homes", "mall"))):
        rows = np.isin(land.group, groups)
        nodes[roads.edges.u[rows]] = nodes[roads.edges.v[rows]] = True
    out = []
    for p in range(len(beats.codes)):
        x = np.average(land.mid_x[of == p], weights=demand[of == p])
        y = np.average(land.mid_y[of == p], weights=demand[of == p])
        mine = next(c for m in (main, street, ~main) if len(c := np.flatnonzero(m & (node_of == p))))
        out.append(mine[np.hypot(roads.node_x[mine] - x, roads.node_y[mine] - y).argmin()])
    return np.array(out, np.int64)


def station_units() -> Ints:
    """Patrol units of each station, shape (n_precincts,)."""
    land, beats = ground(), precincts()
    load = np.bincount(beats.of(land.mid_x, land.mid_y), _demand(land), minlength=len(beats.codes))
    return apportion(load, N_UNITS, LEAST_UNITS)


def apportion(load: NDArray[Any], total: int, least: int) -> Ints:
    """Whole units by load with a floor: the floor first, the rest by largest remainder."""
    quota = np.maximum(load / load.sum() * total - least, 0.0)
    rest = total - least * len(load)
    quota *= rest / quota.sum()
    units = np.floor(quota).astype(np.int64)
    units[np.argsort(units - quota, kind="stable")[: rest - units.sum()]] += 1
    return units + least


def sites() -> Sites:
    """All sites of the demo city, on the network."""
    land, beats = ground(), precincts()
    nodes = station_nodes()
    n = len(nodes)
    edge, offset = _at_nodes(land, nodes)
    numbers = range(1, n + 1)
    stations = Sites.make(
        id=[f"ST{i:02d}" for i in numbers],
        kind=["station"] * n,
        name_zh=[f"H{i:02d}派出所（演示）" for i in numbers],
        name_en=[f"Station H{i:02d} (demo)" for i in numbers],
        lon=np.zeros(n),
        lat=np.zeros(n),
        x=land.roads.node_x[nodes],
        y=land.roads.node_y[nodes],
        edge=edge,
        offset_m=offset,
        capacity=station_units(),
    )
    rng = stream(GROUND_SEED, "sites")
    houses = _scattered(
        land, beats, rng, "theft", N_SAFE_HOUSES, "SH", "safe_house", "安全屋（演示）", "Safe house"
    )
    open_late = np.where(rng.random(N_SAFE_HOUSES) < 0.4, "24/7", "08:00-22:00").astype(object)
    points = _scattered(
        land,
        beats,
        rng,
        "domestic",
        N_EQUIPMENT,
        "EQ",
        "equipment",
        "装备点（演示）",
        "Equipment point",
    )
    everything = Sites.concat([stations, houses.replaced(hours=open_late), points])
    lon, lat = Projection(CRS).inverse(everything.x, everything.y)
    return everything.replaced(lon=lon.round(7), lat=lat.round(7))


def _scattered(
    land: Ground,
    beats: Precincts,
    rng: np.random.Generator,
    like: str,
    n: int,
    letters: str,
    kind: str,
    zh: str,
    en: str,
) -> Sites:
    """Sites drawn as the calls of a kind are, named by precinct."""
    edge = np.sort(rng.choice(len(land.roads), n, replace=False, p=land.share(BY_KEY[like])))
    x, y = land.mid_x[edge], land.mid_y[edge]
    precinct = beats.of(x, y)
    order = np.argsort(precinct, kind="stable")
    edge, x, y, precinct = edge[order], x[order], y[order], precinct[order]
    place = [f"H{p + 1:02d}-{i}" for p, i in zip(precinct.tolist(), _running(precinct), strict=True)]
    return Sites.make(
        id=[f"{letters}{i:03d}" for i in range(1, n + 1)],
        kind=[kind] * n,
        name_zh=[f"{p}{zh}" for p in place],
        name_en=[f"{en} {p} (demo)" for p in place],
        lon=np.zeros(n),
        lat=np.zeros(n),
        x=x,
        y=y,
        edge=edge,
        offset_m=land.roads.edges.length_m[edge] / 2,
    )


def _running(group: NDArray[np.int16]) -> list[int]:
    seen: dict[int, int] = {}
    out = []
    for g in group.tolist():
        seen[g] = seen.get(g, 0) + 1
        out.append(seen[g])
    return out


def _demand(land: Ground) -> Floats:
    return sum((k.share * land.share(k) for k in KINDS), np.zeros(len(land.roads)))


def _at_nodes(land: Ground, nodes: Ints) -> tuple[Ints, Floats]:
    """A drivable edge at each junction, and the offset of that end."""
    edges = land.roads.edges
    edge, offset = [], []
    for node in nodes.tolist():
        row = int(np.flatnonzero((edges.u == node) | (edges.v == node))[0])
        edge.append(row)
        offset.append(0.0 if edges.u[row] == node else float(edges.length_m[row]))
    return np.array(edge, np.int64), np.array(offset)
