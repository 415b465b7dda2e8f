"""Where stations and posts could be in a city: what stands there, busy places, junctions, spread out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from anlan.core.errors import AnlanError
from anlan.model import Demand, Positions, Sites

if TYPE_CHECKING:
    from anlan.city.city import City

SPACING_M = 300.0
"""Candidates stand at least so far apart: a minute's walk, a few seconds' drive."""


def candidate_sites(
    city: City,
    demand: Demand | None = None,
    stations: Sites | None = None,
    *,
    layer: Sites | None = None,
    limit: int = 1000,
    spacing_m: float = SPACING_M,
) -> Sites:
    """Where stations could be.

    Present stations come first, each of them. Then come, where a ``layer`` of candidates is given, those on
    the network, all of them. Otherwise the busiest places of demand and after them the junctions of the
    connected core, any nearer than ``spacing_m`` to one already taken left out, so that candidates cover the
    city and do not crowd into its centre.

    Parameters
    ----------
    city : City
    demand : Demand, optional
    stations : Sites, optional
        Those off the network are left out.
    layer : Sites, optional
        The user's own candidates, put on the network where they are not.
    limit : int
        At most so many in all, the stations among them; a layer is never cut.
    spacing_m : float

    Returns
    -------
    Sites
        Generated ones are of kind ``post`` and called ``post-001``, ``post-002``….

    Raises
    ------
    AnlanError
        If there is no candidate at all, or an id of the layer occurs twice.
    """
    first = Sites.empty() if stations is None else stations.take(stations.edge >= 0)
    if layer is not None:
        placed = city.placed(layer)
        new = placed.take((placed.edge >= 0) & ~np.isin(placed.id.astype(str), first.id.astype(str)))
        names, count = np.unique(new.id.astype(str), return_counts=True)
        if np.any(count > 1):
            raise AnlanError(
                f"candidate {names[count > 1][0]}",
                "an id stands for one candidate",
                "rename one of them",
                code="candidate_twice",
            )
        out = Sites.concat([first, new])
    else:
        out = Sites.concat([first, _generated(city, demand, max(limit - len(first), 0), spacing_m)])
    if not len(out):
        raise AnlanError(
            f"{city.name()} without a candidate site",
            "sites are chosen among candidates on the street network",
            "add stations, demand or a layer of candidates, or raise their limit",
            code="candidates_missing",
        )
    return out


def _generated(city: City, demand: Demand | None, room: int, spacing_m: float) -> Sites:
    xs, ys, edges, offsets = [], [], [], []
    if demand is not None and len(demand):
        # Equal weights are ordered by place, so that the order of rows does not matter to the choice.
        order = np.lexsort((demand.place.astype(str), -demand.weight()))
        order = order[demand.positions.edge[order] >= 0]
        xs.append(demand.x[order])
        ys.append(demand.y[order])
        edges.append(demand.positions.edge[order])
        offsets.append(demand.positions.offset_m[order])
    junction, offset = _junctions(city)
    xs.append(city.roads.node_x[junction[0]])
    ys.append(city.roads.node_y[junction[0]])
    edges.append(junction[1])
    offsets.append(offset)
    x, y = np.concatenate(xs), np.concatenate(ys)
    rows = thinned(x, y, spacing_m, room)
    positions = Positions(np.concatenate(edges)[rows], np.concatenate(offsets)[rows])
    x, y = city.locate(positions)
    lon, lat = city.unproject(x, y)
    n = len(rows)
    return Sites.make(
        n,
        id=[f"post-{k + 1:03d}" for k in range(n)],
        kind=["post"] * n,
        lon=lon,
        lat=lat,
        x=x,
        y=y,
        edge=positions.edge,
        offset_m=positions.offset_m,
    )


def _junctions(city: City) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Junctions of the core that more than two edges meet in, with an edge at each: (node, edge), offset."""
    e = city.roads.edges
    inside = np.flatnonzero(city.network.core_edges)
    node = np.concatenate([e.u[inside], e.v[inside]]).astype(np.int64)
    edge = np.concatenate([inside, inside])
    offset = np.concatenate([np.zeros(len(inside)), e.length_m[inside]])
    used, first, meets = np.unique(node, return_index=True, return_counts=True)
    crossing = meets > 2 if np.any(meets > 2) else np.ones(len(used), bool)
    # Scattered by a fixed mixing of their numbers: neighbours in the file are neighbours on the ground.
    order = np.argsort((used[crossing].astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(20))
    pick = first[crossing][order]
    return np.stack([used[crossing][order], edge[pick]]), offset[pick]


def thinned(x: NDArray[np.float64], y: NDArray[np.float64], spacing_m: float, most: int) -> NDArray[np.int64]:
    """Rows of points in their order, each at least ``spacing_m`` from those before it that were taken.

    Parameters
    ----------
    x, y : ndarray of float64, shape (n,)
        Metres.
    spacing_m : float
        0 takes every point.
    most : int
        At most so many.
    """
    if not spacing_m > 0:
        return np.arange(min(len(x), most))
    taken: list[int] = []
    grid: dict[tuple[int, int], list[int]] = {}
    column, line = np.floor(x / spacing_m).astype(int).tolist(), np.floor(y / spacing_m).astype(int).tolist()
    xs, ys, limit = x.tolist(), y.tolist(), spacing_m * spacing_m
    for row, (c, r) in enumerate(zip(column, line, strict=True)):
        if len(taken) >= most:
            break
        near = (k for i in (-1, 0, 1) for j in (-1, 0, 1) for k in grid.get((c + i, r + j), ()))
        if any((xs[k] - xs[row]) ** 2 + (ys[k] - ys[row]) ** 2 < limit for k in near):
            continue
        taken.append(row)
        grid.setdefault((c, r), []).append(row)
    return np.array(taken, np.int64)
