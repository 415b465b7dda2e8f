"""Travel times on a road network: matrices, reach, nearest units, paths."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from anlan.city.ends import EdgeTicks, Ends, Ints32, Place, direct, direct_lines, ends
from anlan.city.path import Path, along_edge, draw, no_path
from anlan.city.roads import Roads
from anlan.city.router import Router, Seconds
from anlan.city.ticks import to_seconds, to_ticks
from anlan.core.columns import Floats
from anlan.core.errors import AnlanError
from anlan.kernels.routing.customise import INF
from anlan.kernels.routing.hierarchy import Topology


class Travel:
    """Travel times between places of one network at one time of the week in one mode.

    Make one with `from_arcs`, `anlan.city.network.Network.travel` or `anlan.city.City.travel`. Times are held
    as whole ticks (int32) inside, see `tick_s`, and given as float32 seconds; inf where there is no way.

    Places are node indexes (one or an array) or snapped `anlan.model.Positions`. A position inside an edge is
    left and entered only in the directions in which the edge may be driven, so that the way back on a one-way
    street is the way round the block; a position at an end of an edge is that junction. A position on no edge
    (-1), or on one outside the network's connected core, reaches nothing and is reached by nothing.

    Attributes
    ----------
    n_nodes : int
    tick_s : float
        Seconds per tick: 0.1 ms, or the next power of ten in which the longest path fits int32. An arc's
        time is rounded half up to whole ticks, so a path of k arcs is off by at most k/2 ticks.
    router : Router
        The searches in ticks and junctions, for those who need arrays.
    edge_ticks : EdgeTicks or None
        Ticks along each street edge; None where the network was given as arcs.
    arc_edges : ndarray of int64, shape (n_arcs,)
        Street edge of each arc of the router (the arc itself where it was given as arcs).
    """

    def __init__(
        self,
        n_nodes: int,
        tail: Ints32,
        head: Ints32,
        ticks: Ints32,
        tick_s: float,
        *,
        xy: Floats | None = None,
        edges: EdgeTicks | None = None,
        arc_edge: NDArray[np.int64] | None = None,
        roads: Roads | None = None,
        shape: Callable[[], tuple[Topology, Ints32]] | None = None,
    ) -> None:
        self.n_nodes = n_nodes
        self.tick_s = tick_s
        self.router = Router(n_nodes, tail, head, ticks, tick_s, shape)
        self._xy = xy
        self.edge_ticks = edges
        self.arc_edges = np.arange(len(tail)) if arc_edge is None else arc_edge
        self._roads = roads

    @classmethod
    def from_arcs(
        cls,
        n_nodes: int,
        tail: ArrayLike,
        head: ArrayLike,
        seconds: ArrayLike,
        xy: ArrayLike | None = None,
    ) -> Travel:
        """A network given as directed arcs; nothing is cut.

        Parameters
        ----------
        n_nodes : int
        tail, head : array_like of int, shape (n_arcs,)
            Arc a goes from ``tail[a]`` to ``head[a]``; of parallel arcs the fastest counts.
        seconds : array_like of float, shape (n_arcs,)
            Zero or more; a zero stays zero; inf is no arc.
        xy : array_like of float, shape (n_nodes, 2), optional
            Coordinates of the nodes in metres, for drawing paths.

        Raises
        ------
        AnlanError
            If lengths differ, a node does not exist, or a time is negative or not a number.
        """
        given_tail, given_head = np.asarray(tail), np.asarray(head)
        time_s = np.asarray(seconds, np.float64)
        _check_arcs(n_nodes, given_tail, given_head, time_s)
        xy_m = None if xy is None else np.asarray(xy, np.float64)
        if xy_m is not None and xy_m.shape != (n_nodes, 2):
            raise AnlanError(
                f"xy of shape {xy_m.shape}",
                f"each of the {n_nodes} nodes has an x and a y",
                f"give an array of shape ({n_nodes}, 2)",
                code="xy_shape",
            )
        t, h = given_tail.astype(np.int32), given_head.astype(np.int32)
        ticks, tick_s = to_ticks(n_nodes, t, h, time_s)
        return cls(n_nodes, t, h, ticks, tick_s, xy=xy_m)

    def prepare(self) -> Travel:
        """Build and customise now what the first question would; gives itself."""
        _ = self.router.hierarchy
        return self

    def graph_csr(self) -> sparse.csr_array:
        """The arcs as a SciPy CSR matrix of float64 seconds; arcs of zero seconds are stored explicitly."""
        r, kept = self.router, self.router.least
        start = np.concatenate([[0], np.cumsum(np.bincount(r.tail[kept], minlength=self.n_nodes))])
        data = to_seconds(r.ticks[kept], self.tick_s)
        shape = (self.n_nodes, self.n_nodes)
        return sparse.csr_array((data, r.head[kept], start.astype(np.int32)), shape=shape)

    def leaving(self, place: Place, what: str = "places") -> Ends:
        """The junctions by which journeys from some places leave, and when; see `Ends`."""
        return self._ends(place, leaving=True, what=what)

    def arriving(self, place: Place, what: str = "places") -> Ends:
        """The junctions by which journeys to some places arrive, and how long before."""
        return self._ends(place, leaving=False, what=what)

    # -- many -----------------------------------------------------------------------------------------

    def matrix(self, origins: Place, destinations: Place) -> Seconds:
        """Seconds from each origin to each destination.

        Parameters
        ----------
        origins, destinations : int, array of int or Positions

        Returns
        -------
        ndarray of float32, shape (n_origins, n_destinations)
            inf where unreachable.
        """
        leave, arrive = self.leaving(origins, "origins"), self.arriving(destinations, "destinations")
        out = self.router.matrix(leave, arrive)
        row, column, ticks = direct(leave, arrive, self.edge_ticks)
        np.minimum.at(out, (row, column), to_seconds(ticks, self.tick_s).astype(np.float32))
        return out

    def cost(self, demand: Place, sites: Place) -> Seconds:
        """Seconds **from each site to each place of demand**, the form that `anlan.siting` takes.

        Returns
        -------
        ndarray of float32, shape (n_demand, n_sites)
        """
        leave, arrive = self.leaving(sites, "sites"), self.arriving(demand, "demand")
        out = self.router.cost(leave, arrive)
        row, column, ticks = direct(leave, arrive, self.edge_ticks)
        np.minimum.at(out, (column, row), to_seconds(ticks, self.tick_s).astype(np.float32))
        return out

    def from_all(self, origins: Place) -> Seconds:
        """Seconds from each origin to every node, shape (n_origins, n_nodes)."""
        return self.router.everywhere(self.leaving(origins, "origins"), leaving=True)

    def to_all(self, destinations: Place) -> Seconds:
        """Seconds from every node to each destination, shape (n_destinations, n_nodes)."""
        return self.router.everywhere(self.arriving(destinations, "destinations"), leaving=False)

    def pairs(self, origins: Place, destinations: Place) -> Seconds:
        """Seconds from each origin to the destination in the same line, shape (n,)."""
        leave, arrive = self.leaving(origins, "origins"), self.arriving(destinations, "destinations")
        if len(leave) != len(arrive):
            raise AnlanError(
                f"{len(leave)} origins and {len(arrive)} destinations",
                "pairs are taken line by line",
                "give as many of one as of the other",
                code="pairs",
            )
        ticks = self.router.pairs(leave, arrive)
        line, beside = direct_lines(leave, arrive, self.edge_ticks)
        ticks[line] = np.minimum(ticks[line], beside)
        return self._seconds(ticks)

    def within(self, sites: Place, reach_s: float, demand: Place | None = None) -> sparse.csr_array:
        """Which demand each site reaches in time.

        Parameters
        ----------
        sites : int, array of int or Positions
        reach_s : float
            Seconds; a place exactly on the limit is reached.
        demand : int, array of int or Positions, optional
            Every node where not given.

        Returns
        -------
        scipy.sparse.csr_array of float32, shape (n_demand, n_sites)
            Seconds **from site to demand**, stored (explicit zeros too) where at most ``reach_s``.
        """
        if not reach_s >= 0:
            raise AnlanError(
                f"reach_s = {reach_s}", "a reach is zero seconds or more", "give seconds", code="reach"
            )
        leave = self.leaving(sites, "sites")
        arrive = None if demand is None else self.arriving(demand, "demand")
        limit = int(min(np.floor(reach_s / self.tick_s + 0.5), INF - 1))
        row, column, ticks = direct(leave, _nowhere() if arrive is None else arrive, self.edge_ticks)
        order = np.lexsort((column, row))
        start = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=len(leave)))]).astype(np.int32)
        beside = np.ascontiguousarray(np.stack([column, ticks], axis=1)[order], np.int32)
        return self.router.within(leave, limit, arrive, (start, beside))

    def trees_to(self, destinations: Place) -> Iterator[tuple[Seconds, Ints32]]:
        """For each destination in turn, by node: seconds to it, and the next node on the way.

        The next node is -1 at the junction where the destination is entered, and where there is no way. One
        tree is made at a time, so that memory does not grow with their number.
        """
        for ticks, after in self.router.trees(self.arriving(destinations, "destinations")):
            yield self._seconds(ticks), after

    # -- one ------------------------------------------------------------------------------------------

    def nearest(self, place: Place, units: Place, k: int = 1) -> tuple[NDArray[np.int64], Seconds]:
        """The k units that reach a place soonest.

        Returns
        -------
        index : ndarray of int64, shape (≤ k,)
            Rows of ``units``, nearest first, ties by row; fewer than k where fewer can reach the place.
        seconds : ndarray of float32
            From the unit to the place.
        """
        if k < 1:
            raise AnlanError(f"k = {k}", "at least one unit is asked for", "give 1 or more", code="k_range")
        arrive = _single(self.arriving(place, "place"), "nearest")
        leave = self.leaving(units, "units")
        ticks = self.router.toward(leave, arrive)
        row, _, beside = direct(leave, arrive, self.edge_ticks)
        np.minimum.at(ticks, row, beside)
        if k < len(ticks):
            # Everything up to the k-th best, so that ties are broken by row and not by partition.
            close = np.flatnonzero(ticks <= np.partition(ticks, k - 1)[k - 1])
        else:
            close = np.arange(len(ticks))
        order = close[np.argsort(ticks[close], kind="stable")][:k]
        order = order[ticks[order] < INF]
        return order, self._seconds(ticks[order])

    def path(self, a: Place, b: Place) -> Path:
        """The fastest way from a to b; `Path.reachable` is false where there is none."""
        leave, arrive = _single(self.leaving(a, "a"), "path"), _single(self.arriving(b, "b"), "path")
        nodes, left, arcs = self.router.walk(leave, arrive)
        total = int(INF)
        if len(nodes):
            total = int((leave.ticks[0] + left[0])[leave.node[0] == nodes[0]].min())
        *_, beside = direct(leave, arrive, self.edge_ticks)
        if len(beside) and beside[0] <= total:
            return along_edge(self._roads, leave, arrive, float(to_seconds(beside, self.tick_s)[0]))
        if not len(nodes):
            return no_path()
        at_s = to_seconds(total - left, self.tick_s)
        travel_s = float(to_seconds(np.array(total), self.tick_s))
        return draw(
            nodes.astype(np.int32), self.arc_edges[arcs], at_s, travel_s, leave, arrive, self._roads, self._xy
        )

    # -- inside ---------------------------------------------------------------------------------------

    @property
    def _edges(self) -> EdgeTicks | None:
        return self.edge_ticks

    def _ends(self, place: Place, *, leaving: bool, what: str) -> Ends:
        return ends(place, self.n_nodes, self.edge_ticks, leaving=leaving, what=what)

    def _seconds(self, ticks: NDArray[Any]) -> Seconds:
        return to_seconds(ticks, self.tick_s).astype(np.float32)


def _single(side: Ends, question: str) -> Ends:
    if len(side) != 1:
        raise AnlanError(
            f"{len(side)} places", f"{question} is asked for one place", "call it for each", code="one_place"
        )
    return side


def _nowhere() -> Ends:
    return Ends(np.empty((0, 2), np.int32), np.empty((0, 2), np.int32), np.empty(0, np.int32), np.empty(0))


def _check_arcs(n_nodes: int, tail: NDArray[Any], head: NDArray[Any], time_s: Floats) -> None:
    if not (tail.ndim == head.ndim == time_s.ndim == 1 and len(tail) == len(head) == len(time_s)):
        raise AnlanError(
            f"{tail.shape} tails, {head.shape} heads, {time_s.shape} seconds",
            "each arc has one of each",
            "give three one-dimensional arrays of the same length",
            code="arc_lengths",
        )
    for name, nodes in (("tail", tail), ("head", head)):
        if nodes.size and nodes.dtype.kind not in "iu":
            raise AnlanError(
                f"{name} of type {nodes.dtype}", "nodes are whole numbers", "give integers", code="node_type"
            )
        bad = (nodes < 0) | (nodes >= n_nodes)
        if bad.any():
            row = int(np.flatnonzero(bad)[0])
            raise AnlanError(
                f"{name}[{row}] = {nodes[row]}",
                f"the network's nodes are 0 … {n_nodes - 1}",
                "give indexes in this range or a larger n_nodes",
                code="node_range",
            )
    bad = ~(time_s >= 0)
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise AnlanError(
            f"seconds[{row}] = {time_s[row]}",
            "an arc takes zero seconds or more",
            "correct it, or leave the arc out",
            code="arc_seconds",
        )
