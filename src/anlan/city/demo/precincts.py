"""The demo city's jurisdictions: hexagonal precincts made by rule.

Real boundaries of Wuhan's districts have no stated origin, so the demo uses none. The land is cut into small
hexagons; hexagons are put together into precincts by the nearest precinct centre along the streets, so that
rivers and lakes separate precincts as they separate beats; and precincts into sectors, which stand at the
county level.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_matrix, csr_array
from scipy.sparse.csgraph import connected_components, dijkstra
from scipy.spatial import KDTree

from anlan.city.demo.ground import GROUND_SEED, Ground, ground
from anlan.city.demo.kinds import KINDS
from anlan.city.demo.roads import CRS
from anlan.city.projection import Projection
from anlan.core.columns import Floats
from anlan.core.seed import stream
from anlan.model.area import Areas

CITY_CODE = "420100"
"""GB/T 2260 code of the city; the codes below it are the demo's own and recognisably not official."""

N_PRECINCTS, N_SECTORS = 48, 8
SIDE_M = 600.0
MARGIN_M = 1200.0
"""Hexagons this near to a street belong to the city, and so do those that they enclose."""

ROUNDS = 8
BALANCE = 0.75
"""Precinct centres are weighted with demand to this power: between equal areas (0) and equal demand (1)."""

FAST_DETOUR = 3.0
"""How much longer a metre of motorway, trunk road or ramp counts when quarters are told apart."""

_STEPS = ((1, 0), (0, 1), (-1, 1), (-1, 0), (0, -1), (1, -1))
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Precincts:
    """Which precinct each hexagon belongs to.

    Attributes
    ----------
    origin : tuple of float
        Centre of hexagon (0, 0) in the city's metres.
    table : ndarray of int16, shape (n_q, n_r)
        Precinct of the hexagon in column q and row r (axial coordinates); -1 outside the city.
    sector : ndarray of int64, shape (n_precincts,)
    """

    origin: tuple[float, float]
    table: NDArray[np.int16]
    sector: Ints

    def of(self, x: Floats, y: Floats) -> NDArray[np.int16]:
        """Precinct (0 … n-1) of each point in metres; -1 outside the city."""
        q, r = _hexagon(x - self.origin[0], y - self.origin[1])
        inside = (q >= 0) & (r >= 0) & (q < self.table.shape[0]) & (r < self.table.shape[1])
        out = np.full(len(q), -1, np.int16)
        out[inside] = self.table[q[inside], r[inside]]
        return out

    @property
    def codes(self) -> tuple[str, ...]:
        """Code of each precinct."""
        return tuple(f"{CITY_CODE}-S{s + 1}-H{p + 1:02d}" for p, s in enumerate(self.sector.tolist()))

    @property
    def sector_codes(self) -> tuple[str, ...]:
        """Code of each sector."""
        return tuple(f"{CITY_CODE}-S{s + 1}" for s in range(int(self.sector.max()) + 1))

    def areas(self) -> Areas:
        """The tree: one city, its sectors (county level), their precincts."""
        shapes = self._shapes()
        sectors = [shapely.union_all(shapes[self.sector == s]) for s in range(len(self.sector_codes))]
        projection = Projection(CRS)
        geometry = np.concatenate([[shapely.union_all(shapes)], sectors, shapes]).astype(object)
        degrees = shapely.transform(
            geometry, lambda xy: np.column_stack(projection.inverse(xy[:, 0], xy[:, 1]))
        )
        s, p = len(sectors), len(shapes)
        return Areas.make(
            code=[CITY_CODE, *self.sector_codes, *self.codes],
            parent=["", *[CITY_CODE] * s, *[self.sector_codes[i] for i in self.sector.tolist()]],
            level=["city"] + ["county"] * s + ["precinct"] * p,
            name_zh=["武汉（演示）"]
            + [f"第{i + 1}片区" for i in range(s)]
            + [f"六边形辖区H{i + 1:02d}" for i in range(p)],
            name_en=["Wuhan (demo)"]
            + [f"Sector S{i + 1}" for i in range(s)]
            + [f"Hexagonal precinct H{i + 1:02d}" for i in range(p)],
            geometry=degrees,
        )

    def _shapes(self) -> NDArray[np.object_]:
        q, r = np.nonzero(self.table >= 0)
        x, y = _middle(q, r)
        hexagons = _outlines(x + self.origin[0], y + self.origin[1])
        of = self.table[q, r]
        return np.array([shapely.union_all(hexagons[of == p]) for p in range(len(self.sector))], dtype=object)


@lru_cache(maxsize=1)
def precincts() -> Precincts:
    """The demo city's precincts, the same for every seed."""
    return make_precincts(ground())


def make_precincts(land: Ground, n: int = N_PRECINCTS, n_sectors: int = N_SECTORS) -> Precincts:
    """Cut a network's land into precincts; see the module."""
    roads = land.roads
    demand = sum((k.share * land.share(k) for k in KINDS), np.zeros(len(roads)))
    node_demand = np.bincount(roads.edges.u, demand / 2, minlength=roads.n_nodes)
    node_demand += np.bincount(roads.edges.v, demand / 2, minlength=roads.n_nodes)

    origin, inside = _land(land)
    q, r = _hexagon(roads.node_x - origin[0], roads.node_y - origin[1])
    cell = np.full(inside.shape, -1, np.int64)
    cell[inside] = np.arange(inside.sum())
    node_cell = cell[q, r]
    cell_demand = np.bincount(node_cell, node_demand, minlength=inside.sum())
    # A node's share of its hexagon's softened demand.
    soft = cell_demand**BALANCE
    weight = node_demand * (soft / np.maximum(cell_demand, 1e-300))[node_cell]

    owner = _network_cells(land, weight, n)
    votes = np.zeros((inside.sum(), n))
    np.add.at(votes, (node_cell, owner), node_demand + 1e-12)
    of_cell = np.where(votes.sum(axis=1) > 0, votes.argmax(axis=1), -1)
    of_cell = _whole(of_cell, cell, inside, n)

    x, y = _middle(*np.nonzero(inside))
    centre = np.column_stack([_mean(x, of_cell, cell_demand, n), _mean(y, of_cell, cell_demand, n)])
    load = np.bincount(of_cell, cell_demand, minlength=n)
    sector = _sectors(centre, load, n_sectors)
    rank = np.empty(n, np.int64)
    rank[np.lexsort((-centre[:, 1], sector))] = np.arange(n)
    table = np.full(inside.shape, -1, np.int16)
    table[inside] = rank[of_cell]
    ordered = np.empty(n, np.int64)
    ordered[rank] = sector
    return Precincts(origin, table, ordered)


def _land(land: Ground) -> tuple[tuple[float, float], NDArray[np.bool_]]:
    """The hexagons of the city, as a mask over axial coordinates, and the centre of hexagon (0, 0)."""
    roads = land.roads
    steps = np.maximum(1, np.ceil(roads.edges.length_m / (SIDE_M / 2))).astype(int)
    owner = np.repeat(np.arange(len(roads)), steps)
    part = (np.arange(len(owner)) - np.repeat(np.cumsum(steps) - steps, steps) + 0.5) / steps[owner]
    x = np.concatenate([roads.node_x, roads.x[::2][owner] + part * (roads.x[1::2] - roads.x[::2])[owner]])
    y = np.concatenate([roads.node_y, roads.y[::2][owner] + part * (roads.y[1::2] - roads.y[::2])[owner]])
    pad = int(np.ceil(MARGIN_M / SIDE_M)) + 2
    q, r = _hexagon(x - x.min(), y - y.min())
    step_q, step_r = pad - int(q.min()), pad - int(r.min())
    back_x, back_y = _middle(np.array([-step_q]), np.array([-step_r]))
    origin = (float(x.min() + back_x[0]), float(y.min() + back_y[0]))
    mask = np.zeros((int(q.max()) + step_q + pad + 1, int(r.max()) + step_r + pad + 1), bool)
    mask[q + step_q, r + step_r] = True
    for _ in range(round(MARGIN_M / (SIDE_M * np.sqrt(3)))):
        mask = _grown(mask)
    outside = np.zeros_like(mask)
    outside[0], outside[-1], outside[:, 0], outside[:, -1] = True, True, True, True
    while True:
        wider = _grown(outside) & ~mask
        if (wider == outside).all():
            return origin, ~outside
        outside = wider


def _network_cells(land: Ground, weight: Floats, n: int) -> Ints:
    """The nearest of n centres along the streets, for each node: Lloyd's algorithm on the network."""
    roads = land.roads
    u, v = roads.edges.u, roads.edges.v
    # Motorways and ramps pass over quarters that they do not belong to.
    fast = land.group == "fast"
    length = np.maximum(roads.edges.length_m, 0.01) * np.where(fast, FAST_DETOUR, 1.0)
    ordinary = np.unique(np.concatenate([u[~fast], v[~fast]]))
    graph = coo_matrix((length, (u, v)), (roads.n_nodes, roads.n_nodes)).tocsr()
    place = np.column_stack([roads.node_x, roads.node_y])
    tree = KDTree(place[ordinary])
    rng = stream(GROUND_SEED, "precincts")
    centre = place[rng.choice(roads.n_nodes, n, replace=False, p=weight / weight.sum())]
    owner = np.zeros(roads.n_nodes, np.int64)
    for _ in range(ROUNDS):
        at = np.unique(ordinary[tree.query(centre)[1]])
        source = dijkstra(graph, directed=False, indices=at, min_only=True, return_predecessors=True)[2]
        owner = np.searchsorted(at, source)
        centre = np.column_stack([_mean(place[:, i], owner, weight, len(at)) for i in (0, 1)])
        while len(centre) < n:  # two centres fell on one node: start one again in the heaviest precinct
            heavy = np.bincount(owner, weight).argmax()
            again = rng.choice(np.flatnonzero(owner == heavy))
            centre = np.vstack([centre, place[again]])
    return owner


def _whole(of_cell: Ints, cell: Ints, inside: NDArray[np.bool_], n: int) -> Ints:
    """Precincts in one piece each: stray hexagons and empty ones join a neighbour, nearest first."""
    neighbours = _neighbours(cell, inside)
    row, column = neighbours.nonzero()
    joined = of_cell[row] == of_cell[column]
    one = np.ones(joined.sum(), np.int8)
    same = coo_matrix((one, (row[joined], column[joined])), neighbours.shape)
    piece = connected_components(same, directed=False)[1]
    size = np.bincount(piece)
    for p in range(n):
        own = np.unique(piece[of_cell == p])
        stray = np.isin(piece, np.delete(own, size[own].argmax())) & (of_cell == p)
        of_cell = np.where(stray, -1, of_cell)
    while (of_cell < 0).any():
        after = of_cell.copy()
        for c in np.flatnonzero(of_cell < 0).tolist():
            around = of_cell[neighbours.indices[neighbours.indptr[c] : neighbours.indptr[c + 1]]]
            if (around >= 0).any():
                after[c] = np.bincount(around[around >= 0]).argmax()
        of_cell = after
    return of_cell


def _neighbours(cell: Ints, inside: NDArray[np.bool_]) -> csr_array:
    q, r = np.nonzero(inside)
    rows, columns = [], []
    for dq, dr in _STEPS:
        other = cell[q + dq, r + dr]
        rows.append(np.flatnonzero(other >= 0))
        columns.append(other[other >= 0])
    i, j = np.concatenate(rows), np.concatenate(columns)
    return csr_array((np.ones(len(i), np.int8), (i, j)), shape=(len(q), len(q)))


def _sectors(centre: Floats, load: NDArray[Any], n: int) -> Ints:
    """Precincts grouped round n demand-weighted means, numbered from north to south."""
    mean = centre[[int(load.argmax())]]
    while len(mean) < n:  # the farthest next, weighted with its demand
        away = np.min(np.hypot(*(centre[:, None] - mean[None]).transpose(2, 0, 1)), axis=1)
        mean = np.vstack([mean, centre[(away * np.sqrt(load)).argmax()]])
    group = np.zeros(len(centre), np.int64)
    for _ in range(30):
        group = np.hypot(*(centre[:, None] - mean[None]).transpose(2, 0, 1)).argmin(axis=1)
        mean = np.column_stack([_mean(centre[:, i], group, load, n) for i in (0, 1)])
    rank = np.empty(n, np.int64)
    rank[np.argsort(-mean[:, 1])] = np.arange(n)
    return rank[group]


def _mean(value: Floats, group: Ints, weight: NDArray[Any], n: int) -> Floats:
    weight = weight + 1e-12
    return np.bincount(group, value * weight, minlength=n) / np.bincount(group, weight, minlength=n)


def _grown(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The mask and the hexagons that touch it."""
    out = mask.copy()
    padded = np.pad(mask, 1)
    for dq, dr in _STEPS:
        out |= padded[1 + dq : padded.shape[0] - 1 + dq, 1 + dr : padded.shape[1] - 1 + dr]
    return out


def _hexagon(x: Floats, y: Floats) -> tuple[Ints, Ints]:
    """Axial coordinates of the pointy-topped hexagon around each point (cube rounding)."""
    q = (np.sqrt(3) / 3 * x - y / 3) / SIDE_M
    r = (2 / 3 * y) / SIDE_M
    s = -q - r
    rq, rr, rs = np.rint(q), np.rint(r), np.rint(s)
    dq, dr, ds = abs(rq - q), abs(rr - r), abs(rs - s)
    fix_q = (dq > dr) & (dq > ds)
    fix_r = ~fix_q & (dr > ds)
    return np.where(fix_q, -rr - rs, rq).astype(np.int64), np.where(fix_r, -rq - rs, rr).astype(np.int64)


def _middle(q: Ints, r: Ints) -> tuple[Floats, Floats]:
    x, y = SIDE_M * np.sqrt(3) * (q + r / 2), SIDE_M * 1.5 * r
    return np.asarray(x, np.float64), np.asarray(y, np.float64)


def _outlines(x: Floats, y: Floats) -> NDArray[np.object_]:
    """Hexagons; corners are rounded to a millimetre so that neighbours share them exactly."""
    angle = np.deg2rad(np.arange(6) * 60.0 + 30.0)
    corner = np.stack(
        [x[:, None] + SIDE_M * np.cos(angle), y[:, None] + SIDE_M * np.sin(angle)], axis=-1
    ).round(3)
    return np.asarray(shapely.polygons(corner), dtype=object)
