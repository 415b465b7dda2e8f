"""Searches on one network with one set of travel times, in ticks and junctions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from anlan.city.ends import Ends, Ints32
from anlan.kernels.routing import hierarchy, potential, reach, sweep
from anlan.kernels.routing.customise import INF
from anlan.kernels.routing.hierarchy import THREADS, Hierarchy, Topology

Seconds = NDArray[np.float32]
Found = tuple[NDArray[np.int64], Ints32, Seconds]
"""What each source finds: ``start``, the places ``found[start[k]:start[k + 1]]``, and the seconds to them."""

SWEPT_PER_SEARCHED = 16
"""A sweep passes about so many nodes in the time in which a search settles one (`./run bench travel`)."""


class Graph(NamedTuple):
    """The network's own arcs by row of the hierarchy, of parallel ones the fastest.

    Attributes
    ----------
    start : ndarray of int32, shape (n + 1,)
    arc : ndarray of int32, shape (n_arcs, 2)
        Row of the head, and ticks.
    origin : ndarray of int64, shape (n_arcs,)
        Which of the given arcs it is.
    """

    start: Ints32
    arc: Ints32
    origin: NDArray[np.int64]


class _Scratch(NamedTuple):
    distance: Ints32
    settled: Ints32
    seen: Ints32


class Router:
    """Arcs with ticks, and the hierarchy that answers questions about them.

    Parameters
    ----------
    n_nodes : int
    tail, head, ticks : ndarray of int32, shape (n_arcs,)
        `INF` ticks are no arc.
    tick_s : float
    shape : callable, optional
        Gives the topology and the slots of the arcs in it, where they are shared between several sets of
        ticks; built from the arcs otherwise.
    """

    def __init__(
        self,
        n_nodes: int,
        tail: Ints32,
        head: Ints32,
        ticks: Ints32,
        tick_s: float,
        shape: Callable[[], tuple[Topology, Ints32]] | None = None,
    ) -> None:
        self.n_nodes, self.tick_s = n_nodes, tick_s
        self.tail, self.head, self.ticks = tail, head, ticks
        self._shape = shape
        self._free: list[_Scratch] = []

    @cached_property
    def _topology(self) -> tuple[Topology, Ints32]:
        if self._shape is not None:
            return self._shape()
        shape = hierarchy.build(self.n_nodes, self.tail, self.head)
        return shape, hierarchy.slots(shape, self.tail, self.head)

    @property
    def topology(self) -> Topology:
        """What holds for every set of travel times on this network."""
        return self._topology[0]

    @cached_property
    def hierarchy(self) -> Hierarchy:
        """What searches run on."""
        shape, slot = self._topology
        return hierarchy.customised(shape, slot, self.ticks)

    @cached_property
    def row(self) -> Ints32:
        """Row of each node in the hierarchy."""
        return np.int32(self.n_nodes - 1) - self.topology.rank

    @cached_property
    def least(self) -> NDArray[np.int64]:
        """The fastest arc between each ordered pair of nodes, by tail and head."""
        pair = self.tail.astype(np.int64) * self.n_nodes + self.head
        order = np.argsort(pair, kind="stable")
        pair = pair[order]
        if (pair[1:] == pair[:-1]).any():
            order = np.lexsort((self.ticks, self.head, self.tail))
            pair = self.tail[order].astype(np.int64) * self.n_nodes + self.head[order]
        first = np.ones(len(pair), bool)
        first[1:] = pair[1:] != pair[:-1]
        order = order[first]
        return order[self.ticks[order] < INF]

    @cached_property
    def graph(self) -> Graph:
        """The arcs as local searches and paths read them."""
        tail = self.row[self.tail[self.least]]
        origin = self.least[np.argsort(tail, kind="stable")]
        start = np.concatenate([[0], np.cumsum(np.bincount(tail, minlength=self.n_nodes))])
        arc = np.stack([self.row[self.head[origin]], self.ticks[origin]], axis=1)
        return Graph(start.astype(np.int32), np.ascontiguousarray(arc, np.int32), origin)

    # -- many -----------------------------------------------------------------------------------------

    def matrix(self, leave: Ends, arrive: Ends) -> Seconds:
        """Seconds from each place to each other, shape (n_leave, n_arrive)."""
        out = np.empty((len(leave), len(arrive)), np.float32)
        if len(leave) <= len(arrive):
            self._sweep(self.hierarchy, leave, arrive, out, across=True)
        else:
            self._sweep(self.hierarchy.reversed(), arrive, leave, out, across=False)
        return out

    def cost(self, leave: Ends, arrive: Ends) -> Seconds:
        """The transpose of `matrix`, shape (n_arrive, n_leave)."""
        out = np.empty((len(arrive), len(leave)), np.float32)
        if len(leave) <= len(arrive):
            self._sweep(self.hierarchy, leave, arrive, out, across=False)
        else:
            self._sweep(self.hierarchy.reversed(), arrive, leave, out, across=True)
        return out

    def everywhere(self, ends: Ends, *, leaving: bool) -> Seconds:
        """Seconds from (or to) each place to (from) every node, shape (n, n_nodes)."""
        out = np.empty((len(ends), self.n_nodes), np.float32)
        self._sweep(self.hierarchy if leaving else self.hierarchy.reversed(), ends, None, out, across=True)
        return out

    def _sweep(
        self, h: Hierarchy, sources: Ends, targets: Ends | None, out: Seconds, *, across: bool
    ) -> None:
        def seconds(at: int, table: Ints32, row: Ints32, ticks: Ints32) -> None:
            sweep.seconds(table, row, ticks, self.tick_s, out, across, at)

        self._batches(h, sources, targets, seconds)

    def _batches(
        self,
        h: Hierarchy,
        sources: Ends,
        targets: Ends | None,
        take: Callable[[int, Ints32, Ints32, Ints32], None],
    ) -> None:
        """Sweep for a few sources at a time and hand each table over.

        ``take(at, table, row, ticks)`` gets the number of the table's first source, the table, and each
        target's rows in it and ticks from there.
        """
        n = self.n_nodes
        source_row = self.rows(sources)
        if targets is None:
            target_row = np.stack([self.row, np.full(n, -1, np.int32)], axis=1)
            target_ticks = np.zeros((n, 2), np.int32)
        else:
            target_row, target_ticks = self.rows(targets), targets.ticks
        if len(source_row) == 0 or len(target_row) == 0:
            return
        if 4 * len(target_row) > 3 * n:
            local, start, arc = np.arange(n, dtype=np.int32), h.down_start, h.down_arc
        else:
            local, start, arc = sweep.restrict(h.down_start, h.down_arc, target_row.ravel())
            target_row = np.where(target_row >= 0, local[target_row], np.int32(-1))
        lanes = sweep.LANES
        batches = [(at, min(at + lanes, len(source_row))) for at in range(0, len(source_row), lanes)]

        def work(mine: list[tuple[int, int]]) -> None:
            distance = np.full(n, INF, np.int32)
            wide = np.empty((len(start) - 1) * min(lanes, len(source_row)), np.int32)
            for at, end in mine:
                table = wide[: (len(start) - 1) * (end - at)].reshape(-1, end - at)
                sweep.batch(
                    h.parent, h.up_start, h.up_arc, source_row[at:end], sources.ticks[at:end],
                    local, start, arc, table, distance,
                )  # fmt: skip
                take(at, table, target_row, target_ticks)

        side_by_side(work, batches)

    # -- within a limit -------------------------------------------------------------------------------

    def within(
        self, leave: Ends, limit: int, arrive: Ends | None, beside: tuple[Ints32, Ints32]
    ) -> sparse.csr_array:
        """Seconds to the places that are reached within a limit, shape (n_arrive, n_leave), stored where so.

        A search from each site costs by what it reaches, a sweep by the size of the network: a few sites
        are searched first, and tell which is cheaper for the rest.

        Parameters
        ----------
        beside : (start, entries)
            For each leaving place the arriving ones on its own street, see `reach.reach`.
        """
        n_demand = self.n_nodes if arrive is None else len(arrive)
        wide = False
        if len(leave) >= 16 and n_demand > 0:
            probe = np.linspace(0, len(leave) - 1, 4).astype(np.int64)
            nobody = (np.zeros(len(probe) + 1, np.int32), np.empty((0, 2), np.int32))
            reached = self._searched(leave[probe], limit, None, nobody)[0][-1] / len(probe)
            wide = reached * SWEPT_PER_SEARCHED > self.n_nodes
        start, found, seconds = (self._swept if wide else self._searched)(leave, limit, arrive, beside)
        return sparse.csc_array((seconds, found, start), shape=(n_demand, len(leave))).tocsr()

    def _swept(self, leave: Ends, limit: int, arrive: Ends | None, beside: tuple[Ints32, Ints32]) -> Found:
        parts: dict[int, Found] = {}

        def collect(at: int, table: Ints32, row: Ints32, ticks: Ints32) -> None:
            first = beside[0][at : at + table.shape[1] + 1]
            entries = beside[1][first[0] : first[-1]]
            parts[at] = sweep.collect(table, row, ticks, limit, first - first[0], entries, self.tick_s)

        self._batches(self.hierarchy, leave, arrive, collect)
        return _joined([parts[at] for at in sorted(parts)])

    def _searched(self, leave: Ends, limit: int, arrive: Ends | None, beside: tuple[Ints32, Ints32]) -> Found:
        graph = self.graph
        if arrive is None:
            n_demand = self.n_nodes
            entry_start = np.arange(n_demand + 1, dtype=np.int32)
            nodes = np.empty(n_demand, np.int32)
            nodes[self.row] = np.arange(n_demand, dtype=np.int32)
            entries = np.stack([nodes, np.zeros(n_demand, np.int32)], axis=1)
        else:
            n_demand = len(arrive)
            entry_start, entries = _by_row(self.rows(arrive), arrive.ticks, self.n_nodes)
        leave_row = self.rows(leave)
        width, buckets = _buckets(graph.arc[:, 1], leave.ticks)
        chunk = max(1, -(-len(leave) // THREADS))
        chunks = [(at, min(at + chunk, len(leave))) for at in range(0, len(leave), chunk)]
        parts: dict[int, Found] = {}

        def work(mine: list[tuple[int, int]]) -> None:
            for at, end in mine:
                first = beside[0][at : end + 1]
                parts[at] = reach.reach(
                    graph.start, graph.arc, leave_row[at:end], leave.ticks[at:end], limit, width, buckets,
                    entry_start, entries, n_demand, first - first[0], beside[1][first[0] : first[-1]],
                    self.tick_s,
                )  # fmt: skip

        side_by_side(work, chunks)
        return _joined([parts[at] for at, _ in chunks])

    # -- trees ----------------------------------------------------------------------------------------

    def trees(self, arrive: Ends) -> Iterator[tuple[Ints32, Ints32]]:
        """For each place, by node: ticks to it, and the next node on the way (-1 at its end, or no way)."""
        h, graph, n = self.hierarchy.reversed(), self.graph, self.n_nodes
        rows = self.rows(arrive)
        distance = np.full(n, INF, np.int32)
        local = np.arange(n, dtype=np.int32)
        table = np.empty((n, 1), np.int32)
        for i in range(len(arrive)):
            sweep.batch(
                h.parent, h.up_start, h.up_arc, rows[i : i + 1], arrive.ticks[i : i + 1],
                local, h.down_start, h.down_arc, table, distance,
            )  # fmt: skip
            ticks = table.ravel()
            after = potential.hops(graph.start, graph.arc, ticks, rows[i], arrive.ticks[i])[self.row]
            node = np.where(after >= 0, self.topology.node[n - 1 - np.maximum(after, 0)], -1)
            yield ticks[self.row], node.astype(np.int32)

    # -- one ------------------------------------------------------------------------------------------

    def toward(self, leave: Ends, arrive: Ends) -> Ints32:
        """Ticks from each of some places to one, shape (n_leave,)."""
        rows = self.rows(arrive)
        with self._scratch() as s:
            return potential.toward(
                *self.hierarchy,
                rows[0],
                arrive.ticks[0],
                self.rows(leave),
                leave.ticks,
                s.distance,
                s.settled,
            )

    def pairs(self, leave: Ends, arrive: Ends) -> Ints32:
        """Ticks from each place to the one in the same line, shape (n,)."""
        with self._scratch() as s:
            return potential.pairs(
                *self.hierarchy, self.rows(leave), leave.ticks, self.rows(arrive), arrive.ticks,
                s.distance, s.settled,
            )  # fmt: skip

    def walk(self, leave: Ends, arrive: Ends) -> tuple[NDArray[np.int64], Ints32, NDArray[np.int64]]:
        """Nodes, ticks left at each, and given arcs between them, of a fastest path; empty where none."""
        graph, start, end = self.graph, self.rows(leave), self.rows(arrive)
        with self._scratch() as s:
            row, left, via = potential.walk(
                *self.hierarchy, graph.start, graph.arc, start[0], leave.ticks[0], end[0], arrive.ticks[0],
                s.distance, s.settled, s.seen,
            )  # fmt: skip
        return self.topology.node[self.n_nodes - 1 - row], left, graph.origin[via]

    def spend(
        self, leave: Ends, arrive: Ends, kind: NDArray[np.int64], amount: NDArray[np.float64], kinds: int
    ) -> tuple[NDArray[np.float64], Ints32]:
        """What the fastest paths between places line by line spend on each kind of given arc.

        Parameters
        ----------
        kind, amount : ndarray, shape (n_arcs,)
            Kind (0 … kinds - 1) of each given arc, and what passing it adds.

        Returns
        -------
        spent : ndarray of float64, shape (n, kinds + 1)
            The last column counts arcs.
        side : ndarray of int32, shape (n, 2)
            By which side of its ends a path leaves and arrives; -1 where there is none.
        """
        graph, start, end = self.graph, self.rows(leave), self.rows(arrive)
        graph_kind, graph_amount = kind[graph.origin].astype(np.int32), amount[graph.origin]
        spent = np.zeros((len(leave), kinds + 1))
        side = np.full((len(leave), 2), -1, np.int32)
        chunk = max(1, -(-len(leave) // THREADS))

        def work(mine: list[tuple[int, int]]) -> None:
            for at, to in mine:
                with self._scratch() as s:
                    side[at:to] = potential.spend(
                        *self.hierarchy, graph.start, graph.arc, graph_kind, graph_amount,
                        start[at:to], leave.ticks[at:to], end[at:to], arrive.ticks[at:to],
                        s.distance, s.settled, s.seen, spent[at:to],
                    )  # fmt: skip

        side_by_side(work, [(at, min(at + chunk, len(leave))) for at in range(0, len(leave), chunk)])
        return spent, side

    # -- inside ---------------------------------------------------------------------------------------

    def rows(self, ends: Ends) -> Ints32:
        """Rows of the junctions of some places, shape (n, 2); -1 is none."""
        if self.n_nodes == 0:
            return ends.node
        return np.where(ends.node >= 0, self.row[ends.node], np.int32(-1))

    @contextmanager
    def _scratch(self) -> Iterator[_Scratch]:
        # Lists pop and append in one step, so that threads never share one.
        try:
            mine = self._free.pop()
        except IndexError:
            n = self.n_nodes
            mine = _Scratch(np.full(n, INF, np.int32), np.zeros(n, np.int32), np.zeros(n, np.int32))
        yield mine
        self._free.append(mine)


def side_by_side(work: Callable[[list[tuple[int, int]]], None], batches: list[tuple[int, int]]) -> None:
    """Do batches in as many threads as there are processors; kernels release the interpreter's lock."""
    threads = min(THREADS, len(batches))
    if threads <= 1:
        work(batches)
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, [batches[i::threads] for i in range(threads)]))


def _joined(parts: list[Found]) -> Found:
    counts = np.concatenate([np.empty(0, np.int64), *(np.diff(p[0]) for p in parts)])
    found = np.concatenate([np.empty(0, np.int32), *(p[1] for p in parts)])
    seconds = np.concatenate([np.empty(0, np.float32), *(p[2] for p in parts)])
    return np.concatenate([[0], np.cumsum(counts)]), found, seconds


def _by_row(row: Ints32, ticks: Ints32, n: int) -> tuple[Ints32, Ints32]:
    """For each row the places that are entered there."""
    place = np.repeat(np.arange(len(row), dtype=np.int32), 2)
    flat = row.ravel()
    known = flat >= 0
    order = np.argsort(flat[known], kind="stable")
    start = np.concatenate([[0], np.cumsum(np.bincount(flat[known], minlength=n))])
    entries = np.stack([place[known][order], ticks.ravel()[known][order]], axis=1)
    return start.astype(np.int32), np.ascontiguousarray(entries, np.int32)


def _buckets(arc_ticks: Ints32, start_ticks: Ints32) -> tuple[int, int]:
    """Width (as a power of two) and number of buckets: an eighth of the median arc, spanning the longest."""
    if len(arc_ticks) == 0:
        return 0, 2
    longest = int(max(arc_ticks.max(), start_ticks.max(initial=0)))
    width = max(0, int(np.log2(max(float(np.median(arc_ticks)) / 8.0, 1.0))))
    while (longest >> width) + 2 > 1 << 16:
        width += 1
    return width, 1 << int(np.ceil(np.log2((longest >> width) + 2)))
