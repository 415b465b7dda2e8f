"""A path through the network: its junctions, the time at each, and its shape for drawing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anlan.city.ends import Ends
from anlan.city.roads import Roads
from anlan.core.columns import Floats


@dataclass(frozen=True, eq=False)
class Path:
    """The fastest way from one place to another.

    Attributes
    ----------
    travel_s : float
        Seconds from start to finish; inf where there is no way (then everything else is empty).
    nodes : ndarray of int32, shape (n_nodes_on_path,)
        Junctions in order; empty where both places lie on one edge and no junction is passed.
    node_s : ndarray of float64, shape (n_nodes_on_path,)
        Seconds since departure at each of them.
    edges : ndarray of int64, shape (n_nodes_on_path - 1,)
        Street edge between each junction and the next: rows of the roads, or of the arcs as they were given.
    x, y : ndarray of float64, shape (n_vertices,)
        The shape, metres in the city's projected coordinates, from start to finish; empty where the network
        has no coordinates.
    vertex_s : ndarray of float64, shape (n_vertices,)
        Seconds since departure at each vertex: where a unit is at any time is one interpolation away.
    """

    travel_s: float
    nodes: NDArray[np.int32]
    node_s: Floats
    edges: NDArray[np.int64]
    x: Floats
    y: Floats
    vertex_s: Floats

    @property
    def reachable(self) -> bool:
        """Whether there is a way."""
        return bool(np.isfinite(self.travel_s))

    def at(self, seconds: float) -> tuple[float, float]:
        """Coordinates after so many seconds of travel; before and after, those of the ends."""
        return (
            float(np.interp(seconds, self.vertex_s, self.x)),
            float(np.interp(seconds, self.vertex_s, self.y)),
        )


def no_path() -> Path:
    """The path between places that no way connects."""
    return _plain(np.inf)


def along_edge(roads: Roads | None, leave: Ends, arrive: Ends, travel_s: float) -> Path:
    """The path between two places inside one edge."""
    if roads is None:
        return _plain(travel_s)
    x, y, share = _piece(roads, int(leave.edge[0]), float(leave.share[0]), float(arrive.share[0]))
    return _plain(travel_s, x, y, share * travel_s)


def draw(
    nodes: NDArray[np.int32],
    edges: NDArray[np.int64],
    node_s: Floats,
    travel_s: float,
    leave: Ends,
    arrive: Ends,
    roads: Roads | None,
    xy: Floats | None,
) -> Path:
    """Give a path its shape: along its edges where the roads are known, else straight between its nodes."""
    if roads is None:
        if xy is None:
            none = np.empty(0)
            return Path(travel_s, nodes, node_s, edges, none, none, none)
        return Path(travel_s, nodes, node_s, edges, xy[nodes, 0], xy[nodes, 1], node_s)
    # Each piece: edge, share at its start and end, seconds at its start and end.
    pieces: list[tuple[int, float, float, float, float]] = []
    if leave.edge[0] >= 0:
        e = int(leave.edge[0])
        ahead = _side(leave, nodes[0]) == 0
        pieces.append((e, float(leave.share[0]), 1.0 if ahead else 0.0, 0.0, float(node_s[0])))
    for i, e in enumerate(edges.tolist()):
        forward = roads.edges.u[e] == nodes[i] and roads.edges.v[e] == nodes[i + 1]
        begin, end = (0.0, 1.0) if forward else (1.0, 0.0)
        pieces.append((e, begin, end, float(node_s[i]), float(node_s[i + 1])))
    if arrive.edge[0] >= 0:
        e = int(arrive.edge[0])
        along = _side(arrive, nodes[-1]) == 0
        pieces.append((e, 0.0 if along else 1.0, float(arrive.share[0]), float(node_s[-1]), travel_s))
    if not pieces:
        here = int(nodes[0])
        return Path(travel_s, nodes, node_s, edges, roads.node_x[[here]], roads.node_y[[here]], np.zeros(1))
    xs, ys, at = [], [], []
    for number, (e, begin, end, start_s, end_s) in enumerate(pieces):
        x, y, share = _piece(roads, e, begin, end)
        skip = 0 if number == 0 else 1  # the joint is there already
        xs.append(x[skip:])
        ys.append(y[skip:])
        at.append((start_s + share * (end_s - start_s))[skip:])
    return Path(travel_s, nodes, node_s, edges, np.concatenate(xs), np.concatenate(ys), np.concatenate(at))


def _side(place: Ends, node: int) -> int:
    """By which of its two sides a place was left or entered; over a loop both are one junction."""
    ticks = np.where(place.node[0] == node, place.ticks[0], np.iinfo(np.int32).max)
    return int(np.argmin(ticks))


def _piece(roads: Roads, e: int, begin: float, end: float) -> tuple[Floats, Floats, Floats]:
    """An edge's shape between two shares of its length, and the share of the piece at each vertex."""
    span = slice(int(roads.start[e]), int(roads.start[e + 1]))
    x, y = roads.x[span], roads.y[span]
    length = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(x), np.diff(y)))])
    at = length / length[-1] if length[-1] > 0 else np.linspace(0.0, 1.0, len(x))
    low, high = min(begin, end), max(begin, end)
    inside = (at > low) & (at < high)
    cut = np.concatenate([[low], at[inside], [high]])
    px = np.concatenate([[np.interp(low, at, x)], x[inside], [np.interp(high, at, x)]])
    py = np.concatenate([[np.interp(low, at, y)], y[inside], [np.interp(high, at, y)]])
    share = (cut - low) / (high - low) if high > low else np.linspace(0.0, 1.0, len(cut))
    if begin > end:
        return px[::-1], py[::-1], 1.0 - share[::-1]
    return px, py, share


def _plain(
    travel_s: float, x: Floats | None = None, y: Floats | None = None, vertex_s: Floats | None = None
) -> Path:
    none = np.empty(0)
    return Path(
        travel_s,
        np.empty(0, np.int32),
        none,
        np.empty(0, np.int64),
        none if x is None else x,
        none if y is None else y,
        none if vertex_s is None else vertex_s,
    )
