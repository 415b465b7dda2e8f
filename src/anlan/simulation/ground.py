"""The ground of a simulation: travel objects turned into the arrays that the event loop reads."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from anlan.city.ends import Ends, Place
from anlan.city.travel import Travel
from anlan.core.errors import AnlanError
from anlan.kernels import simulation_labels as labels
from anlan.kernels.routing import customise, hierarchy
from anlan.kernels.simulation_labels import INF
from anlan.kernels.simulation_types import World

Array = NDArray[Any]


class Spots(NamedTuple):
    """Places as the loop sees them: see `World` for the columns of ``table``."""

    table: Array
    edge: Array
    share: Array

    @property
    def size(self) -> int:
        """How many there are."""
        return len(self.edge)


def join(parts: Sequence[Spots]) -> Spots:
    """Places one after the other."""
    return Spots(
        np.concatenate([p.table for p in parts], axis=1),
        np.concatenate([p.edge for p in parts]),
        np.concatenate([p.share for p in parts]),
    )


class Ground:
    """Exact travel times between any two places in several modes of one network.

    Parameters
    ----------
    travels : sequence of Travel
        One per mode, all of the same nodes.

    Raises
    ------
    AnlanError
        If the modes are not of the same nodes.
    """

    def __init__(self, travels: Sequence[Travel]) -> None:
        self.travels = tuple(travels)
        routers = [t.router for t in self.travels]
        n = self.n_nodes = routers[0].n_nodes
        if any(r.n_nodes != n for r in routers):
            raise AnlanError(
                "travel modes of " + ", ".join(str(r.n_nodes) for r in routers) + " nodes",
                "all modes travel the same network",
                "make them from the same nodes",
                code="modes_differ",
            )
        first = routers[0]
        same = all(np.array_equal(r.tail, first.tail) and np.array_equal(r.head, first.head) for r in routers)
        if same:
            tail, head, shape = first.tail, first.head, first.topology
        else:
            tail = np.concatenate([r.tail for r in routers])
            head = np.concatenate([r.head for r in routers])
            shape = hierarchy.build(n, tail, head)
        self.rank = shape.rank
        self.tick_s = np.array([t.tick_s for t in self.travels])
        # At least one tick: a unit walks its way arc by arc, and arcs of no time could lead it in a circle.
        ticks = [np.where(r.ticks < INF, np.maximum(r.ticks, 1), INF).astype(np.int32) for r in routers]
        if not same:
            ticks = _side_by_side(ticks)
        modes = len(ticks)
        self.arc_start, self.arcs = _arcs(n, self.rank[tail], self.rank[head], ticks)
        offset, depth, pre, self.least = labels.tree(shape.parent)
        self.up_start, self.upper = shape.up_start, shape.up_head
        self.labels = np.empty((modes, 2, int(offset[-1])), np.int32)
        self.weights = np.empty((modes, 2, len(self.upper)), np.int32)
        slot = hierarchy.slots(shape, tail, head)
        none = np.empty(0, np.int32)
        for m in range(modes):
            up, down = self.weights[m]
            customise.enter(slot, ticks[m], up, down)
            customise.shorten(self.up_start, self.upper, up, down, 0, n, n, none, none)
            for direction in range(2):
                labels.label(
                    self.up_start,
                    self.upper,
                    self.weights[m, direction],
                    offset,
                    depth,
                    self.labels[m, direction],
                )
        self.nodes = np.zeros((n + 1, 4), np.int32)
        self.nodes[:, 0], self.nodes[:, 1] = self.arc_start, offset
        self.nodes[:n, 2], self.nodes[:n, 3] = depth, pre

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
        sides: list[tuple[Ends, Ends]] = []
        for m, travel in enumerate(self.travels):
            leave, arrive = (_ends(travel, place, leaving=leaving) for leaving in (True, False))
            _add(leave, off_road_s if leave_s is None else leave_s, m, travel.tick_s)
            _add(arrive, off_road_s, m, travel.tick_s)
            sides.append((leave, arrive))
        first = sides[0][0]
        # A position is left and reached by the same two nodes, perhaps in the other order.
        node = np.full((len(first), 2), -1, np.int32)
        for side in (s for pair in sides for s in pair):
            for k in range(2):
                _file(node, side.node[:, k])
        table = np.empty((len(sides), len(first), 6), np.int32)
        table[:, :, 0:2] = np.where(node >= 0, self.rank[np.maximum(node, 0)], -1)
        for m, (leave, arrive) in enumerate(sides):
            table[m, :, 2:4] = _by_node(node, leave)
            table[m, :, 4:6] = _by_node(node, arrive)
        return Spots(table, first.edge.astype(np.int32), first.share.copy())

    def world(self, hubs: Spots, places: Spots) -> World:
        """The arrays for a run with these hubs (posts, then destinations) and places of calls."""
        modes, n_hubs = len(self.travels), hubs.size
        table = np.empty((modes, 2, self.n_nodes, n_hubs), np.int32)
        one = np.empty(self.n_nodes, np.int32)
        for m in range(modes):
            up, down = self.weights[m]
            for h in range(n_hubs):
                node = np.ascontiguousarray(hubs.table[m, h, 0:2])
                for direction, (rise, fall) in enumerate(((up, down), (down, up))):
                    ticks = np.ascontiguousarray(hubs.table[m, h, 2 + 2 * direction : 4 + 2 * direction])
                    labels.sweep(self.up_start, self.upper, rise, fall, node, ticks, one)
                    table[m, direction, :, h] = one
        spots = join([hubs, places])
        return World(
            nodes=self.nodes,
            arcs=self.arcs,
            modes=np.column_stack([self.tick_s, self._slowest(spots)]),
            least=self.least,
            labels=self.labels,
            hubs=table,
            places=spots.table,
            edge=spots.edge,
            share=spots.share,
            along=self._along(),
        )

    def _slowest(self, spots: Spots) -> Array:
        modes = len(self.travels)
        out = np.ones((modes, modes))
        for m in range(modes):
            for k in range(modes):
                if m == k:
                    continue
                arcs = self.arcs[:, 1 + m], self.arcs[:, 1 + k]
                for own, other in (arcs, (spots.table[m, :, 4:6], spots.table[k, :, 4:6])):
                    out[m, k] = min(out[m, k], _ratio(own, other, self.tick_s[m] / self.tick_s[k]))
        return out

    def _along(self) -> Array:
        tables = [t._edges for t in self.travels]
        if any(e is None for e in tables):
            return np.zeros((len(tables), 2, 0), np.int32)
        return np.stack([np.stack([e.forward, e.backward]) for e in tables if e is not None])


def _ratio(own: Array, other: Array, tick: float) -> float:
    """The least ratio of two sets of ticks, at most 1; 0 where the other mode has ways that this one lacks."""
    there = other < INF
    if (there & (own >= INF)).any() or not there.any():
        return 0.0 if there.any() else 1.0
    # Half a tick of rounding on either side; short arcs would otherwise decide by it.
    ratio = (own[there] + 0.5) * tick / np.maximum(other[there] - 0.5, 0.5)
    return float(min(1.0, ratio.min()))


def _side_by_side(ticks: list[Array]) -> list[Array]:
    """Each mode's ticks on the arcs of all of them; its own part, and `INF` elsewhere."""
    starts = np.concatenate([[0], np.cumsum([len(t) for t in ticks])])
    out = []
    for m, own in enumerate(ticks):
        whole = np.full(starts[-1], INF, np.int32)
        whole[starts[m] : starts[m + 1]] = own
        out.append(whole)
    return out


def _arcs(n: int, tail: Array, head: Array, ticks: list[Array]) -> tuple[Array, Array]:
    """Arcs in CSR form with the least ticks of each mode: heads and ticks in one table."""
    pair = tail.astype(np.int64) * n + head
    pair[tail == head] = -1
    unique, inverse = np.unique(pair, return_inverse=True)
    table = np.full((len(unique), 1 + len(ticks)), INF, np.int32)
    table[:, 0] = unique % n
    for m, t in enumerate(ticks):
        np.minimum.at(table[:, 1 + m], inverse, t)
    loops = int(len(unique) > 0 and unique[0] < 0)
    table, unique = table[loops:], unique[loops:]
    start = np.concatenate([[0], np.cumsum(np.bincount(unique // n, minlength=n))])
    return start.astype(np.int32), np.ascontiguousarray(table)


def _ends(travel: Travel, place: Place, *, leaving: bool) -> Ends:
    got = travel._ends(place, leaving=leaving, what="places")
    return Ends(got.node.copy(), got.ticks.copy(), got.edge, got.share)


def _add(side: Ends, seconds: Array | None, m: int, tick_s: float) -> None:
    if seconds is not None:
        s = np.asarray(seconds, np.float64)
        side.ticks[:] += np.floor((s if s.ndim == 1 else s[m]) / tick_s + 0.5).astype(np.int32)[:, None]


def _file(node: Array, other: Array) -> None:
    new = (other >= 0) & (other != node[:, 0]) & (other != node[:, 1])
    first = new & (node[:, 0] < 0)
    node[first, 0] = other[first]
    second = new & ~first
    node[second, 1] = other[second]


def _by_node(node: Array, side: Ends) -> Array:
    out = np.full(node.shape, INF, np.int32)
    for k in range(2):
        for j in range(2):
            same = (node[:, k] >= 0) & (node[:, k] == side.node[:, j])
            out[same, k] = np.minimum(out[same, k], side.ticks[same, j])
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
