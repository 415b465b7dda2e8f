"""Travel times on a road network: matrices, reach, nearest units, paths."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from scipy.sparse.csgraph import dijkstra

from anlan.city.ends import INF, EdgeTicks, Ends, Ints32, Place, direct, ends
from anlan.city.path import Path, no_path
from anlan.city.roads import Roads
from anlan.core.columns import Floats
from anlan.core.errors import AnlanError

Seconds = NDArray[np.float32]


class Travel:
    """Travel times between places of one network at one time of the week in one mode.

    Make one with `from_arcs`, `anlan.city.Network.travel` or `anlan.city.City.travel`. Times are held as
    whole ticks (int32) inside, see `tick_s`, and given as float32 seconds; inf where there is no way.

    Attributes
    ----------
    n_nodes : int
    tick_s : float
        Seconds per tick: 0.1 ms, or the next power of ten in which the longest path fits int32. An arc's
        time is rounded half up to whole ticks, so a path of k arcs is off by at most k/2 ticks.
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
        roads: Roads | None = None,
    ) -> None:
        self.n_nodes = n_nodes
        self.tick_s = tick_s
        self._xy = xy
        self._edges = edges
        self._roads = roads
        self._csr = _least_csr(n_nodes, tail, head, ticks)

    @classmethod
    def from_arcs(
        cls,
        n_nodes: int,
        tail: ArrayLike,
        head: ArrayLike,
        seconds: ArrayLike,
        xy: ArrayLike | None = None,
    ) -> Travel:
        """A network given as directed arcs.

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
        tail, head = np.asarray(tail), np.asarray(head)
        time_s = np.asarray(seconds, np.float64)
        _check_arcs(n_nodes, tail, head, time_s)
        xy_m = None if xy is None else np.asarray(xy, np.float64)
        if xy_m is not None and xy_m.shape != (n_nodes, 2):
            raise AnlanError(
                f"xy of shape {xy_m.shape}",
                f"each of the {n_nodes} nodes has an x and a y",
                f"give an array of shape ({n_nodes}, 2)",
                code="xy_shape",
            )
        tail, head = tail.astype(np.int32), head.astype(np.int32)
        ticks, tick_s = to_ticks(n_nodes, tail, head, time_s)
        return cls(n_nodes, tail, head, ticks, tick_s, xy=xy_m)

    def graph_csr(self) -> sparse.csr_array:
        """The arcs as a SciPy CSR matrix of float64 seconds; arcs of zero seconds are stored explicitly."""
        g = self._csr
        return sparse.csr_array((g.data * self.tick_s, g.indices, g.indptr), shape=g.shape)

    # -- many to many ---------------------------------------------------------------------------------

    def matrix(self, origins: Place, destinations: Place) -> Seconds:
        """Seconds from each origin to each destination.

        Parameters
        ----------
        origins, destinations : int, array of int or Positions
            Node indexes or snapped positions.

        Returns
        -------
        ndarray of float32, shape (n_origins, n_destinations)
            inf where unreachable.
        """
        leave = self._ends(origins, leaving=True, what="origins")
        arrive = self._ends(destinations, leaving=False, what="destinations")
        return self._seconds(self._between(leave, arrive))

    def cost(self, demand: Place, sites: Place) -> Seconds:
        """Seconds **from each site to each place of demand**, the form that `anlan.siting` takes.

        Returns
        -------
        ndarray of float32, shape (n_demand, n_sites)
        """
        return np.ascontiguousarray(self.matrix(sites, demand).T)

    def from_all(self, origins: Place) -> Seconds:
        """Seconds from each origin to every node, shape (n_origins, n_nodes)."""
        leave = self._ends(origins, leaving=True, what="origins")
        return self._seconds(self._sweep(self._csr, leave))

    def to_all(self, destinations: Place) -> Seconds:
        """Seconds from every node to each destination, shape (n_destinations, n_nodes)."""
        arrive = self._ends(destinations, leaving=False, what="destinations")
        return self._seconds(self._sweep(self._reverse(), arrive))

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
            Seconds from site to demand, stored (explicit zeros too) where at most ``reach_s``.
        """
        if not reach_s >= 0:
            raise AnlanError(
                f"reach_s = {reach_s}", "a reach is zero seconds or more", "give seconds", code="reach"
            )
        places: Place = np.arange(self.n_nodes) if demand is None else demand
        leave = self._ends(sites, leaving=True, what="sites")
        arrive = self._ends(places, leaving=False, what="demand")
        ticks = self._between(leave, arrive).T
        limit = min(np.floor(reach_s / self.tick_s + 0.5), INF - 1)
        row, column = np.nonzero(ticks <= limit)
        seconds = self._seconds(ticks[row, column])
        indptr = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=ticks.shape[0]))])
        return sparse.csr_array(
            (seconds, column.astype(np.int32), indptr.astype(np.int32)), shape=ticks.shape
        )

    # -- one to one -----------------------------------------------------------------------------------

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
        seconds = self.matrix(units, place)
        if seconds.shape[1] != 1:
            raise AnlanError(
                f"{seconds.shape[1]} places",
                "nearest is asked for one place",
                "call it for each",
                code="one_place",
            )
        order = np.argsort(seconds[:, 0], kind="stable")[:k]
        order = order[np.isfinite(seconds[order, 0])]
        return order, seconds[order, 0]

    def path(self, a: Place, b: Place) -> Path:
        """The fastest way from a to b; `Path.reachable` is false where there is none."""
        leave = self._ends(a, leaving=True, what="a")
        arrive = self._ends(b, leaving=False, what="b")
        if len(leave) != 1 or len(arrive) != 1:
            raise AnlanError(
                "several places", "a path joins one to one", "call it for each pair", code="one_place"
            )
        total = float(self._between(leave, arrive)[0, 0])
        if total >= INF:
            return no_path()
        back = self._sweep(self._reverse(), arrive)[0]
        seeds = [
            (int(t + back[n]), int(n), int(t))
            for n, t in zip(leave.node[0], leave.ticks[0], strict=True)
            if n >= 0
        ]
        best = min(seeds, default=(int(INF), -1, 0))
        if best[0] > total:  # along the one edge
            xs = np.empty(0)
            return Path(total * self.tick_s, np.empty(0, np.int32), xs, xs, xs, xs)
        g, node, at = self._csr, best[1], best[2]
        nodes, ticks, seen = [node], [at], {node}
        ends_at = {int(n): int(t) for n, t in zip(arrive.node[0], arrive.ticks[0], strict=True) if n >= 0}
        while not (node in ends_at and back[node] == ends_at[node]):
            span = slice(g.indptr[node], g.indptr[node + 1])
            tight = [
                (int(h), int(w))
                for h, w in zip(g.indices[span], g.data[span], strict=True)
                if int(h) not in seen and w + back[h] == back[node]
            ]
            node, w = max(tight, key=lambda arc: arc[1])
            at += w
            seen.add(node)
            nodes.append(node)
            ticks.append(at)
        node_s = np.array(ticks) * self.tick_s
        path_nodes = np.array(nodes, np.int32)
        x, y = (np.empty(0), np.empty(0)) if self._xy is None else self._xy[path_nodes].T
        return Path(total * self.tick_s, path_nodes, node_s, x, y, node_s if len(x) else np.empty(0))

    # -- inside ---------------------------------------------------------------------------------------

    def _ends(self, place: Place, *, leaving: bool, what: str) -> Ends:
        return ends(place, self.n_nodes, self._edges, leaving=leaving, what=what)

    def _seconds(self, ticks: NDArray[Any]) -> Seconds:
        out = (ticks * self.tick_s).astype(np.float32)
        out[ticks >= INF] = np.inf
        return out

    def _reverse(self) -> sparse.csr_array:
        return self._csr.T.tocsr()

    def _sweep(self, graph: sparse.csr_array, seeds: Ends) -> Ints32:
        out = np.full((len(seeds), self.n_nodes), INF, np.int32)
        for row in range(len(seeds)):
            for node, ticks in zip(seeds.node[row], seeds.ticks[row], strict=True):
                if node >= 0:
                    far = dijkstra(graph, indices=int(node)) + ticks
                    out[row] = np.minimum(out[row], np.where(far >= INF, INF, far).astype(np.int32))
        return out

    def _between(self, leave: Ends, arrive: Ends) -> Ints32:
        far = self._sweep(self._csr, leave)
        out = np.full((len(leave), len(arrive)), INF, np.int32)
        for side in range(2):
            node, ticks = arrive.node[:, side], arrive.ticks[:, side]
            out = np.where(node >= 0, np.minimum(out, far[:, node] + ticks), out)
        row, column, ticks = direct(leave, arrive, self._edges)
        np.minimum.at(out, (row, column), ticks)
        return out


def to_ticks(n_nodes: int, tail: Ints32, head: Ints32, time_s: Floats) -> tuple[Ints32, float]:
    """Arc seconds as whole ticks, and the length of a tick."""
    tick_s = 1e-3
    ticks = np.full(len(time_s), INF, np.int32)
    finite = np.isfinite(time_s)
    ticks[finite] = np.floor(time_s[finite] / tick_s + 0.5)
    return ticks, tick_s


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


def _least_csr(n_nodes: int, tail: Ints32, head: Ints32, ticks: Ints32) -> sparse.csr_array:
    """CSR of the fastest arc between each ordered pair; explicit zeros kept."""
    order = np.lexsort((ticks, head, tail))
    order = order[ticks[order] < INF]
    t, h, w = tail[order], head[order], ticks[order]
    first = np.ones(len(t), bool)
    first[1:] = (t[1:] != t[:-1]) | (h[1:] != h[:-1])
    t, h, w = t[first], h[first], w[first]
    indptr = np.concatenate([[0], np.cumsum(np.bincount(t, minlength=n_nodes))]).astype(np.int64)
    return sparse.csr_array((w, h, indptr), shape=(n_nodes, n_nodes))
