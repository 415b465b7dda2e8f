"""Where journeys start and finish: nodes or snapped positions, reduced to at most two nodes each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from anlan.core.columns import Floats
from anlan.core.errors import AnlanError
from anlan.kernels.routing.customise import INF
from anlan.model.position import Positions

Ints32 = NDArray[np.int32]
Place = int | np.integer[Any] | NDArray[Any] | Sequence[int] | Positions
"""What a user may name as origin or destination: a node index, several, or snapped positions."""


@dataclass(frozen=True, eq=False)
class EdgeTicks:
    """Time to drive each street edge in both directions, in ticks; `INF` where it may not be driven.

    Attributes
    ----------
    u, v : ndarray of int32, shape (n_edges,)
    forward, backward : ndarray of int32, shape (n_edges,)
    length_m : ndarray of float64, shape (n_edges,)
    """

    u: Ints32
    v: Ints32
    forward: Ints32
    backward: Ints32
    length_m: Floats

    CLOSED: ClassVar[np.int32] = INF


@dataclass(frozen=True, eq=False)
class Ends:
    """One side of a set of journeys.

    Attributes
    ----------
    node : ndarray of int32, shape (n, 2)
        Through which junctions a journey leaves (or arrives), along the edge's direction first; -1 where
        there is none.
    ticks : ndarray of int32, shape (n, 2)
        Time between the place and that junction.
    edge : ndarray of int32, shape (n,)
        The street edge a place lies inside of; -1 for a place at a junction.
    share : ndarray of float64, shape (n,)
        How far along that edge, 0 to 1.
    """

    node: Ints32
    ticks: Ints32
    edge: Ints32
    share: Floats

    def __len__(self) -> int:
        return len(self.node)

    def __getitem__(self, rows: slice | NDArray[Any]) -> Ends:
        return Ends(self.node[rows], self.ticks[rows], self.edge[rows], self.share[rows])


def ends(place: Place, n_nodes: int, edges: EdgeTicks | None, *, leaving: bool, what: str) -> Ends:
    """Reduce places to junctions.

    A position strictly inside an edge leaves (arrives) only in the directions in which the edge may be
    driven; a position at either end of an edge is that junction. A position on no edge (-1) or on one
    that cannot be driven has no junction: nothing reaches it and it reaches nothing.

    Raises
    ------
    AnlanError
        If a node or an edge does not exist, or an offset lies outside its edge.
    """
    if isinstance(place, Positions):
        if edges is None:
            raise AnlanError(
                f"{what} as snapped positions",
                "this travel object was made from arcs and has no streets",
                "give node indexes",
                code="positions_without_roads",
            )
        return _of_positions(place, edges, leaving, what)
    return _of_nodes(place, n_nodes, what)


def _of_nodes(place: Any, n_nodes: int, what: str) -> Ends:
    nodes = np.atleast_1d(np.asarray(place))
    if nodes.size == 0:
        nodes = nodes.astype(np.int32)
    if nodes.ndim != 1 or nodes.dtype.kind not in "iu":
        raise AnlanError(
            f"{what} of type {nodes.dtype} and {nodes.ndim} dimensions",
            "places are node indexes (a whole number or a one-dimensional array of them) or Positions",
            "give one of these",
            code="place_type",
        )
    bad = (nodes < 0) | (nodes >= n_nodes)
    if bad.any():
        raise AnlanError(
            f"{what}: node {nodes[bad][0]}",
            f"the network's nodes are 0 … {n_nodes - 1}",
            "give indexes in this range",
            code="node_range",
        )
    n = len(nodes)
    node = np.full((n, 2), -1, np.int32)
    node[:, 0] = nodes
    return Ends(node, np.zeros((n, 2), np.int32), np.full(n, -1, np.int32), np.zeros(n))


def _of_positions(place: Positions, edges: EdgeTicks, leaving: bool, what: str) -> Ends:
    edge, offset = place.edge, place.offset_m
    n, n_edges = len(place), len(edges.u)
    if n and (edge.min() < -1 or edge.max() >= n_edges):
        row = int(np.flatnonzero((edge < -1) | (edge >= n_edges))[0])
        raise AnlanError(
            f"{what}, row {row}: edge {edge[row]}",
            f"the network's edges are 0 … {n_edges - 1}, and -1 is off the network",
            "snap the places to this city's roads",
            code="edge_range",
        )
    on = edge >= 0
    e = np.where(on, edge, 0)
    length = edges.length_m[e] if n_edges else np.zeros(n)
    # A metre of grace: offsets are often rounded or measured on a slightly different geometry.
    bad = on & ~((offset >= -1.0) & (offset <= length + 1.0))
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise AnlanError(
            f"{what}, row {row}: {offset[row]} m along edge {edge[row]}",
            f"that edge is {length[row]:.1f} m long",
            "snap the places to this city's roads",
            code="offset_range",
        )
    if not n_edges:
        nothing = np.full((n, 2), -1, np.int32)
        return Ends(nothing, np.zeros((n, 2), np.int32), np.full(n, -1, np.int32), np.zeros(n))
    share = np.divide(np.clip(offset, 0.0, length), length, out=np.zeros(n), where=on & (length > 0))
    share[~on] = 0.0
    # Leaving: ahead to v, or back to u. Arriving: along from u, or back from v.
    ahead, back = (edges.v[e], edges.u[e]) if leaving else (edges.u[e], edges.v[e])
    ahead_share, back_share = (1.0 - share, share) if leaving else (share, 1.0 - share)
    node = np.stack([ahead, back], axis=1).astype(np.int32)
    ticks = np.stack(
        [part(edges.forward[e], ahead_share), part(edges.backward[e], back_share)], axis=1
    ).astype(np.int32)
    node[ticks >= INF] = -1
    start, finish = on & (share <= 0.0), on & (share >= 1.0)
    for at_end, junction in ((start, edges.u[e]), (finish, edges.v[e])):
        node[at_end] = np.stack([junction[at_end], np.full(at_end.sum(), -1)], axis=1)
        ticks[at_end] = 0
    node[~on] = -1
    ticks[node < 0] = 0
    inside = on & ~start & ~finish
    return Ends(node, ticks, np.where(inside, edge, -1).astype(np.int32), np.where(inside, share, 0.0))


def part(ticks: Ints32, share: Floats) -> Ints32:
    """A share of an edge's ticks, rounded half up; `INF` stays."""
    out = np.floor(ticks * share + 0.5)
    return np.where(ticks >= INF, INF, out).astype(np.int32)


def direct(
    leave: Ends, arrive: Ends, edges: EdgeTicks | None
) -> tuple[NDArray[np.int64], NDArray[np.int64], Ints32]:
    """Journeys that never leave their edge.

    Returns
    -------
    row, column : ndarray of int64
        Pairs that lie inside the same edge with the destination ahead in a drivable direction.
    ticks : ndarray of int32
    """
    empty = np.empty(0, np.int64)
    if edges is None or not len(leave) or not len(arrive):
        return empty, empty, empty.astype(np.int32)
    order = np.argsort(arrive.edge, kind="stable")
    keys = arrive.edge[order]
    lo = np.searchsorted(keys, leave.edge, "left")
    hi = np.searchsorted(keys, leave.edge, "right")
    count = np.where(leave.edge >= 0, hi - lo, 0)
    row = np.repeat(np.arange(len(leave)), count)
    first = np.repeat(np.cumsum(count) - count, count)
    column = order[np.repeat(lo, count) + np.arange(len(row)) - first]
    ticks = _along(edges, leave.edge[row], arrive.share[column] - leave.share[row])
    keep = ticks < INF
    return row[keep], column[keep].astype(np.int64), ticks[keep]


def direct_lines(leave: Ends, arrive: Ends, edges: EdgeTicks | None) -> tuple[NDArray[np.int64], Ints32]:
    """`direct` for places line by line: the lines that lie inside one edge, and their ticks."""
    line = np.flatnonzero((leave.edge >= 0) & (leave.edge == arrive.edge))
    if edges is None or not len(line):
        return np.empty(0, np.int64), np.empty(0, np.int32)
    ticks = _along(edges, leave.edge[line], arrive.share[line] - leave.share[line])
    return line[ticks < INF], ticks[ticks < INF]


def _along(edges: EdgeTicks, edge: Ints32, ahead: Floats) -> Ints32:
    """Ticks over a share of an edge, forward where it is above zero; 0 where it is zero."""
    ticks = part(np.where(ahead >= 0, edges.forward[edge], edges.backward[edge]), np.abs(ahead))
    ticks[ahead == 0] = 0
    return ticks
