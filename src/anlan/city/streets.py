"""Streets as a source gave them, in degrees, before the city's metres are chosen."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import shapely
from numpy.typing import NDArray

from anlan.city.hilbert import hilbert
from anlan.city.projection import Projection
from anlan.city.roads import Edges, Roads
from anlan.core.columns import Floats


@dataclass(frozen=True)
class Reading:
    """What became of a source's rows: nothing is dropped without being counted here.

    Attributes
    ----------
    source : str
        The file.
    rows : int
        Rows (or ways) read.
    kept : int
        Of those, how many the layer holds, whole or in pieces.
    counts : mapping of str to int
        Everything left out or changed, by reason.
    dropped : tuple of (str, str)
        Id and reason of each row left out that a user would expect in the layer.
    """

    source: str = ""
    rows: int = 0
    kept: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    dropped: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, eq=False)
class Streets:
    """Street edges with their shapes in WGS-84 degrees.

    Attributes
    ----------
    edges : Edges
        ``u`` and ``v`` number the junctions; ``length_m`` is NaN where the source states none.
    start : ndarray of int64, shape (n_edges + 1,)
        Vertices ``start[e]:start[e + 1]`` are edge e's shape, from u to v.
    lon, lat : ndarray of float64
    reading : Reading
    """

    edges: Edges
    start: NDArray[np.int64]
    lon: Floats
    lat: Floats
    reading: Reading = field(default_factory=Reading)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north in degrees."""
        return float(self.lon.min()), float(self.lat.min()), float(self.lon.max()), float(self.lat.max())

    def centre(self) -> tuple[float, float]:
        """Median vertex: the place whose UTM zone suits the data."""
        return float(np.median(self.lon)), float(np.median(self.lat))

    def ordered(self) -> Streets:
        """The same streets, numbered along a Hilbert curve: near edges and junctions get near numbers.

        Files compress better and every later walk over the network finds its neighbours in the cache.
        """
        n = len(self.edges)
        first, last = self.start[:-1], self.start[1:] - 1
        middle = hilbert((self.lon[first] + self.lon[last]) / 2, (self.lat[first] + self.lat[last]) / 2)
        order = np.argsort(middle, kind="stable")
        n_nodes = int(max(self.edges.u.max(), self.edges.v.max())) + 1 if n else 0
        node_lon, node_lat = np.zeros(n_nodes), np.zeros(n_nodes)
        node_lon[self.edges.v], node_lat[self.edges.v] = self.lon[last], self.lat[last]
        node_lon[self.edges.u], node_lat[self.edges.u] = self.lon[first], self.lat[first]
        number = np.empty(n_nodes, np.int32)
        number[np.argsort(hilbert(node_lon, node_lat), kind="stable")] = np.arange(n_nodes, dtype=np.int32)
        edges = self.edges.replaced(u=number[self.edges.u], v=number[self.edges.v]).take(order)
        counts = np.diff(self.start)[order]
        start = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        rows = np.arange(start[-1]) - np.repeat(start[:-1] - self.start[:-1][order], counts)
        return Streets(edges, start, self.lon[rows], self.lat[rows], self.reading)

    def roads(self, projection: Projection) -> Roads:
        """The network in metres; an edge without a stated length gets that of its shape."""
        x, y = projection.forward(self.lon, self.lat)
        edges = self.edges
        stated = edges.length_m
        if np.isnan(stated).any():
            edges = edges.replaced(
                length_m=np.where(np.isnan(stated), shape_lengths(self.start, x, y), stated)
            )
        return roads_of(edges, self.start, x, y)


def merge_directions(streets: Streets) -> Streets:
    """Join each pair of one-way edges with opposite shapes and equal speed into one two-way edge."""
    edges, counts = streets.edges, np.diff(streets.start)
    first, last = streets.start[:-1], streets.start[1:] - 1
    before, after = (first + last) // 2, (first + last + 1) // 2
    one_way = edges.forward & ~edges.backward
    speed = np.where(np.isnan(edges.speed_kmh), -1.0, edges.speed_kmh)
    columns = (edges.u, edges.v, counts, speed, streets.lon[before], streets.lat[before])
    ahead = list(zip(*(c.tolist() for c in (*columns, streets.lon[after], streets.lat[after])), strict=True))
    waiting: dict[tuple[float, ...], list[int]] = {}
    keep, both = np.ones(len(edges), bool), edges.backward.copy()
    for e in np.flatnonzero(one_way).tolist():
        u, v, n, s, x0, y0, x1, y1 = ahead[e]
        twins = waiting.get((v, u, n, s, x1, y1, x0, y0))
        if twins:
            keep[e] = False
            both[twins.pop()] = True
        else:
            waiting.setdefault(ahead[e], []).append(e)
    rows = np.repeat(keep, counts)
    start = np.concatenate([[0], np.cumsum(counts[keep])]).astype(np.int64)
    joined = {"opposite one-way rows joined into two-way streets": int((~keep).sum())}
    reading = replace(streets.reading, counts={**streets.reading.counts, **joined})
    return Streets(
        edges.replaced(backward=both).take(keep), start, streets.lon[rows], streets.lat[rows], reading
    )


def shape_lengths(start: NDArray[np.int64], x: Floats, y: Floats) -> Floats:
    """Drawn length of each shape."""
    if len(start) < 2:
        return np.empty(0)
    step = np.zeros(len(x))
    np.hypot(np.diff(x), np.diff(y), out=step[1:])
    step[start[:-1]] = 0.0
    return np.add.reduceat(step, start[:-1])


def roads_of(edges: Edges, start: NDArray[np.int64], x: Floats, y: Floats) -> Roads:
    """Roads whose junctions lie at the ends of the shapes."""
    n_nodes = int(max(edges.u.max(), edges.v.max())) + 1 if len(edges) else 0
    node_x, node_y = np.full(n_nodes, np.nan), np.full(n_nodes, np.nan)
    node_x[edges.v], node_y[edges.v] = x[start[1:] - 1], y[start[1:] - 1]
    node_x[edges.u], node_y[edges.u] = x[start[:-1]], y[start[:-1]]
    return Roads(edges, start, x, y, node_x, node_y)


def linestrings(start: NDArray[np.int64], x: Floats, y: Floats) -> NDArray[np.object_]:
    """Shapes as shapely lines."""
    rows = np.repeat(np.arange(len(start) - 1), np.diff(start))
    return np.asarray(shapely.linestrings(np.column_stack([x, y]), indices=rows), dtype=object)


def vertices(lines: NDArray[np.object_]) -> tuple[NDArray[np.int64], Floats, Floats]:
    """Vertex index and coordinates of shapely lines; the inverse of `linestrings`."""
    coordinates, rows = shapely.get_coordinates(lines, return_index=True)
    counts = np.bincount(rows, minlength=len(lines))
    start = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return start, coordinates[:, 0].copy(), coordinates[:, 1].copy()
