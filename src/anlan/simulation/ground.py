"""The ground of a simulation: travel objects turned into the arrays that the event loop reads."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from anlan.city.ends import Ends, Place
from anlan.city.travel import Travel
from anlan.core.errors import AnlanError
from anlan.kernels import simulation_labels as labels
from anlan.kernels.routing import customise, hierarchy
from anlan.kernels.simulation_labels import INF
from anlan.kernels.simulation_paths import tree_table
from anlan.kernels.simulation_types import World

Array = NDArray[Any]


TREES_BYTES = 1 << 30
"""Memory beyond which ways are walked arc by arc instead of kept as trees."""


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

    def world(
        self,
        hubs: Spots,
        places: Spots,
        *,
        n_posts: int = 0,
        toward: Sequence[int] = (),
        away: Sequence[int] = (),
    ) -> World:
        """The arrays for a run with these hubs (posts, then destinations) and places of calls.

        Parameters
        ----------
        n_posts : int
            How many of the hubs are posts.
        toward, away : sequence of int
            Modes in which units on their way to posts, and from posts to calls, may be called off: for these
            the ways are kept as trees, unless they would take more than `TREES_BYTES`.
        """
        modes, n_hubs, n = len(self.travels), hubs.size, self.n_nodes
        table = np.empty((modes, 2, n, n_hubs), np.int32)
        wanted = [(m, 1) for m in toward] + [(m, 0) for m in away]
        if len(wanted) * n_posts * n * 16 > TREES_BYTES:
            wanted = []
        tree = np.full((modes, 2, n_hubs), -1, np.int32)
        trees = np.empty((len(wanted) * n_posts, 4, n), np.int32)
        for row, (m, direction) in enumerate(wanted):
            tree[m, direction, :n_posts] = row * n_posts + np.arange(n_posts)

        def fill(h: int) -> None:
            one = np.empty(n, np.int32)
            for m in range(modes):
                up, down = self.weights[m]
                node = np.ascontiguousarray(hubs.table[m, h, 0:2])
                for direction, (rise, fall) in enumerate(((up, down), (down, up))):
                    ticks = np.ascontiguousarray(hubs.table[m, h, 2 + 2 * direction : 4 + 2 * direction])
                    labels.sweep(self.up_start, self.upper, rise, fall, node, ticks, one)
                    table[m, direction, :, h] = one
                    row = tree[m, direction, h]
                    if row >= 0:
                        tree_table(self.nodes, self.arcs, m, one, direction == 0, trees[row])

        with ThreadPoolExecutor(hierarchy.THREADS) as pool:
            list(pool.map(fill, range(n_hubs)))
        spots = join([hubs, places])
        return World(
            nodes=self.nodes,
            arcs=self.arcs,
            modes=np.column_stack([self.tick_s, *self._ratios(spots)]),
            least=self.least,
            labels=self.labels,
            hubs=table,
            tree=tree,
            trees=trees,
            places=spots.table,
            edge=spots.edge,
            share=spots.share,
            along=self._along(),
        )

    def _ratios(self, spots: Spots) -> tuple[Array, Array]:
        """Least (at most 1) and greatest ratio of any way's time in one mode to its time in another."""
        modes = len(self.travels)
        least, most = np.ones((modes, modes)), np.ones((modes, modes))
        for m in range(modes):
            for k in range(modes):
                if m == k:
                    continue
                tick = self.tick_s[m] / self.tick_s[k]
                pairs = [(self.arcs[:, 1 + m], self.arcs[:, 1 + k])]
                pairs += [(spots.table[m, :, c], spots.table[k, :, c]) for c in range(2, 6)]
                both = [_ratio(own, other, tick) for own, other in pairs]
                least[m, k] = min(1.0, *(b[0] for b in both))
                most[m, k] = max(b[1] for b in both)
        return least, most

    def _along(self) -> Array:
        tables = [t.edge_ticks for t in self.travels]
        if any(e is None for e in tables):
            return np.zeros((len(tables), 2, 0), np.int32)
        return np.stack([np.stack([e.forward, e.backward]) for e in tables if e is not None])


def _ratio(own: Array, other: Array, tick: float) -> tuple[float, float]:
    """Least and greatest ratio of two sets of ticks; 0 and inf where one mode has ways that the other lacks."""
    here, there = own < INF, other < INF
    both = here & there
    # Half a tick of rounding on either side; nothing takes no time in both modes.
    a, b = own[both].astype(np.float64), other[both].astype(np.float64)
    some = (a > 0) | (b > 0)
    a, b = a[some], b[some]
    low = ((a - 0.5) * tick / (b + 0.5)).min(initial=np.inf)
    high = ((a + 0.5) * tick / np.maximum(b - 0.5, 1e-9)).max(initial=0.0)
    return (
        0.0 if (there & ~here).any() else max(float(low), 0.0),
        np.inf if (here & ~there).any() else float(high),
    )


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
    got = travel.leaving(place) if leaving else travel.arriving(place)
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
