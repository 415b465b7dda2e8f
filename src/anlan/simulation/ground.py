"""The ground of a simulation: travel objects turned into the arrays that the event loop reads."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pymetis
from numpy.typing import NDArray
from scipy import sparse

from anlan.city.ends import Ends, Place
from anlan.city.travel import Travel
from anlan.core.errors import AnlanError
from anlan.kernels import simulation_labels as labels
from anlan.kernels.simulation_labels import INF
from anlan.kernels.simulation_world import World

Array = NDArray[Any]


class Spots(NamedTuple):
    """Places as the loop sees them, in all modes; see `World`."""

    node: Array
    out: Array
    into: Array
    edge: Array
    share: Array

    def __len__(self) -> int:
        return len(self.edge)

    def take(self, rows: Array) -> Spots:
        """Some of them."""
        return Spots(
            self.node[rows], self.out[:, rows], self.into[:, rows], self.edge[rows], self.share[rows]
        )


def join(parts: Sequence[Spots]) -> Spots:
    """Places one after the other."""
    return Spots(
        np.concatenate([p.node for p in parts]),
        np.concatenate([p.out for p in parts], axis=1),
        np.concatenate([p.into for p in parts], axis=1),
        np.concatenate([p.edge for p in parts]),
        np.concatenate([p.share for p in parts]),
    )


class Ground:
    """Exact travel times between any two places in several modes of one network.

    Parameters
    ----------
    travels : sequence of Travel
        One per mode, all of the same nodes.
    """

    def __init__(self, travels: Sequence[Travel]) -> None:
        self.travels = tuple(travels)
        n = self.travels[0].n_nodes
        if any(t.n_nodes != n for t in self.travels):
            raise AnlanError(
                "travel modes of " + ", ".join(str(t.n_nodes) for t in self.travels) + " nodes",
                "all modes travel the same network",
                "make them from the same nodes",
                code="modes_differ",
            )
        self.n_nodes = n
        self.tick_s = np.array([t.tick_s for t in self.travels])
        graphs = [_ticks(t) for t in self.travels]
        pattern = sum((abs(sparse.csr_array((np.ones(g.nnz), g.indices, g.indptr), g.shape)) for g in graphs))
        self.rank = _order(pattern)
        tail, head = pattern.nonzero()
        tail, head = self.rank[tail].astype(np.int32), self.rank[head].astype(np.int32)
        order = np.lexsort((head, tail))
        tail, head = tail[order], head[order]
        self.start = np.concatenate([[0], np.cumsum(np.bincount(tail, minlength=n))]).astype(np.int32)
        self.head = np.ascontiguousarray(head)
        code = tail.astype(np.int64) * n + head
        self.ticks = np.full((len(graphs), len(head)), INF, np.int32)
        for m, g in enumerate(graphs):
            t, h = np.repeat(np.arange(n), np.diff(g.indptr)), g.indices
            at = np.searchsorted(code, self.rank[t].astype(np.int64) * n + self.rank[h])
            self.ticks[m, at] = g.data
        self.up_start, self.upper, parent = labels.eliminate(self.start, self.head)
        self.offset, self.depth, self.pre, self.least = labels.tree(parent)
        shape = (len(graphs), int(self.offset[-1]))
        self.forward, self.backward = np.empty(shape, np.int32), np.empty(shape, np.int32)
        self.weights = []
        for m in range(len(graphs)):
            up, down = labels.customise(self.start, self.head, self.ticks[m], self.up_start, self.upper)
            self.weights.append((up, down))
            self.forward[m] = labels.label(self.up_start, self.upper, up, self.offset, self.depth)
            self.backward[m] = labels.label(self.up_start, self.upper, down, self.offset, self.depth)

    def spots(self, place: Place, off_road_s: Array | None = None, leave_s: Array | None = None) -> Spots:
        """Places in every mode.

        Parameters
        ----------
        place : node indexes or Positions
        off_road_s : ndarray of float64, shape (n,) or (n_modes, n), optional
            Seconds between the road and the place, on the way in.
        leave_s : ndarray, optional
            The same on the way out; by default as on the way in.
        """
        outs, ins = [], []
        for m, travel in enumerate(self.travels):
            leave = _ends(travel, place, leaving=True)
            arrive = _ends(travel, place, leaving=False)
            outs.append(leave)
            ins.append(arrive)
            _add(leave, off_road_s if leave_s is None else leave_s, m, travel.tick_s)
            _add(arrive, off_road_s, m, travel.tick_s)
        n = len(outs[0])
        # The two ways in and out of a position are by the same two nodes, perhaps in the other order.
        node = np.full((n, 2), -1, np.int32)
        for side in [*outs, *ins]:
            for k in range(2):
                _file(node, side.node[:, k])
        out, into = (_ticks_by_node(node, side) for side in (outs, ins))
        ranked = np.where(node >= 0, self.rank[np.maximum(node, 0)], -1).astype(np.int32)
        return Spots(ranked, out, into, outs[0].edge.copy(), outs[0].share.copy())

    def world(self, hubs: Spots, places: Spots) -> World:
        """The arrays for a run with these hubs (posts, then destinations) and places of calls."""
        modes, n_hubs = len(self.travels), len(hubs)
        leaving = np.empty((modes, self.n_nodes, n_hubs), np.int32)
        reaching = np.empty_like(leaving)
        one = np.empty(self.n_nodes, np.int32)
        for m, (up, down) in enumerate(self.weights):
            for h in range(n_hubs):
                labels.sweep(self.up_start, self.upper, up, down, hubs.node[h], hubs.out[m, h], one)
                leaving[m, :, h] = one
                labels.sweep(self.up_start, self.upper, down, up, hubs.node[h], hubs.into[m, h], one)
                reaching[m, :, h] = one
        spots = join([hubs, places])
        return World(
            self.start, self.head, self.ticks, self.tick_s, self._slowest(spots), self.offset, self.depth,
            self.pre, self.least, self.forward, self.backward, leaving, reaching, spots.node, spots.out,
            spots.into, spots.edge, spots.share, self._along(),
        )  # fmt: skip

    def _slowest(self, spots: Spots) -> Array:
        modes = len(self.travels)
        out = np.ones((modes, modes))
        for m in range(modes):
            for k in range(modes):
                pairs = [(self.ticks[m], self.ticks[k]), (spots.into[m], spots.into[k])]
                for own, other in pairs:
                    both = (own < INF) & (other < INF) & (other > 0)
                    if both.any():
                        # One tick either way is rounding, not speed.
                        ratio = np.maximum(own[both] - 1, 0) * self.tick_s[m] / (other[both] * self.tick_s[k])
                        out[m, k] = min(out[m, k], ratio[other[both] > 50].min(initial=1.0))
                    if ((own < INF) & (other >= INF)).any():
                        out[m, k] = 0.0
        np.fill_diagonal(out, 1.0)
        return out

    def _along(self) -> Array:
        tables = [t._edges for t in self.travels]
        if any(e is None for e in tables):
            return np.zeros((len(tables), 2, 0), np.int32)
        return np.stack([np.stack([e.forward, e.backward]) for e in tables if e is not None])


def _order(pattern: sparse.csr_array) -> NDArray[np.int64]:
    """Rank of each node in a nested-dissection order."""
    n = pattern.shape[0]
    both = (pattern + pattern.T).tolil()
    both.setdiag(0)
    both = both.tocsr()
    both.eliminate_zeros()
    if both.nnz == 0:
        return np.arange(n)
    graph = pymetis.CSRAdjacency(adj_starts=both.indptr, adjacent=both.indices)
    perm = np.asarray(pymetis.nested_dissection(graph)[0])
    rank = np.empty(n, np.int64)
    rank[perm] = np.arange(n)
    return rank


def _ticks(travel: Travel) -> sparse.csr_array:
    graph = travel.graph_csr()
    # At least one tick: a unit walks its way arc by arc, and arcs of no time could lead it in a circle.
    data = np.maximum(np.floor(graph.data / travel.tick_s + 0.5), 1.0).astype(np.int32)
    return sparse.csr_array((data, graph.indices, graph.indptr), shape=graph.shape)


def _ends(travel: Travel, place: Place, *, leaving: bool) -> Ends:
    got = travel._ends(place, leaving=leaving, what="places")
    return Ends(got.node.copy(), got.ticks.copy(), got.edge, got.share)


def _add(side: Ends, seconds: Array | None, m: int, tick_s: float) -> None:
    if seconds is None:
        return
    s = np.asarray(seconds, np.float64)
    ticks = np.floor((s if s.ndim == 1 else s[m]) / tick_s + 0.5).astype(np.int32)
    side.ticks[:] += ticks[:, None]


def _file(node: Array, other: Array) -> None:
    new = (other >= 0) & (other != node[:, 0]) & (other != node[:, 1])
    first = new & (node[:, 0] < 0)
    node[first, 0] = other[first]
    second = new & ~first
    node[second, 1] = other[second]


def _ticks_by_node(node: Array, sides: Sequence[Ends]) -> Array:
    out = np.full((len(sides), *node.shape), INF, np.int32)
    for m, side in enumerate(sides):
        for k in range(2):
            for j in range(2):
                same = (node[:, k] >= 0) & (node[:, k] == side.node[:, j])
                out[m, same, k] = np.minimum(out[m, same, k], side.ticks[same, j])
    return out


_recent: OrderedDict[tuple[int, ...], Ground] = OrderedDict()


def ground_of(travels: Sequence[Travel]) -> Ground:
    """The ground of these travel objects, kept for the next run on the same ones."""
    key = tuple(id(t) for t in travels)
    found = _recent.get(key)
    if found is None:
        found = Ground(travels)
        _recent[key] = found
        while len(_recent) > 2:
            _recent.popitem(last=False)
    else:
        _recent.move_to_end(key)
    return found
