"""The hierarchy of a network: built once from its shape, customised for each set of travel times."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from anlan.kernels.routing import customise, order, topology

I32 = NDArray[np.int32]
I64 = NDArray[np.int64]

THREADS = max(1, os.cpu_count() or 1)
"""How many batches of sources run side by side; kernels release the interpreter's lock."""

_SIDE_BY_SIDE = 20_000
"""Nodes from which halving the customisation is worth two threads."""


class Topology(NamedTuple):
    """What holds for every set of travel times.

    Attributes
    ----------
    node : ndarray of int64, shape (n,)
        Node of each rank.
    rank : ndarray of int32, shape (n,)
        Rank of each node.
    up_start, up_head, parent : ndarray
        The chordal completion in ranks, see `topology.complete`.
    middle, top : int
        See `topology.split`.
    """

    node: I64
    rank: I32
    up_start: I64
    up_head: I32
    parent: I32
    middle: int
    top: int

    @property
    def n_nodes(self) -> int:
        """Number of nodes."""
        return len(self.node)


class Hierarchy(NamedTuple):
    """What searches run on, in rows: row 0 is the highest rank.

    Attributes
    ----------
    parent : ndarray of int32, shape (n,)
        Row above in the elimination tree; -1 for a root.
    up_start, up_arc, down_start, down_arc : ndarray of int32
        Packed arcs from and to higher nodes, see `customise.pack`.
    """

    parent: I32
    up_start: I32
    up_arc: I32
    down_start: I32
    down_arc: I32

    def reversed(self) -> Hierarchy:
        """The hierarchy of the network with every arc turned round."""
        return Hierarchy(self.parent, self.down_start, self.down_arc, self.up_start, self.up_arc)


def build(n_nodes: int, tail: NDArray[Any], head: NDArray[Any]) -> Topology:
    """Order the nodes and complete the graph."""
    graph = order.neighbours(n_nodes, tail, head)
    start, neighbour = graph.indptr.astype(np.int32), graph.indices.astype(np.int32)
    nodes = order.nested_dissection(graph)
    nodes = nodes[topology.postorder(topology.elimination_tree(start, neighbour, nodes))]
    up_start, up_head, parent = topology.complete(start, neighbour, nodes)
    up_head = up_head.copy()  # without the room to grow
    middle, top = topology.split(parent)
    rank = np.empty(n_nodes, np.int32)
    rank[nodes] = np.arange(n_nodes, dtype=np.int32)
    return Topology(nodes, rank, up_start, up_head, parent, int(middle), int(top))


def slots(shape: Topology, tail: NDArray[Any], head: NDArray[Any]) -> I32:
    """Where each arc enters the completion, see `topology.slots`."""
    return topology.slots(shape.up_start, shape.up_head, shape.rank[tail], shape.rank[head])


def customised(shape: Topology, slot: I32, ticks: I32) -> Hierarchy:
    """The hierarchy for one set of arc times.

    Parameters
    ----------
    slot : ndarray of int32, shape (n_arcs,)
        See `slots`.
    ticks : ndarray of int32, shape (n_arcs,)
        `INF` closes an arc.
    """
    n, (start, head) = shape.n_nodes, (shape.up_start, shape.up_head)
    up, down = np.empty(len(head), np.int32), np.empty(len(head), np.int32)
    keep_up, keep_down = np.ones(len(head), np.int32), np.ones(len(head), np.int32)
    customise.enter(slot, ticks, up, down)
    middle, top = shape.middle, shape.top
    with ThreadPoolExecutor(2 if n >= _SIDE_BY_SIDE else 1) as pool:
        first = start[top]
        copies = [(up[first:].copy(), down[first:].copy()) for _ in range(2)]
        ranges = ((0, middle), (middle, top))
        parts = [
            pool.submit(customise.shorten, start, head, up, down, a, b, top, *copy)
            for (a, b), copy in zip(ranges, copies, strict=True)
        ]
        for part in parts:
            part.result()
        for k, direction in enumerate((up, down)):
            np.minimum(copies[0][k], copies[1][k], out=direction[first:])
        customise.shorten(start, head, up, down, top, n, n, up[:0], down[:0])
        customise.perfect(start, head, up, down, keep_up, keep_down, top, n)
        parts = [
            pool.submit(customise.perfect, start, head, up, down, keep_up, keep_down, a, b) for a, b in ranges
        ]
        for part in parts:
            part.result()
        packed = [
            pool.submit(customise.pack, start, head, up, keep_up),
            pool.submit(customise.pack, start, head, down, keep_down),
        ]
        (up_start, up_arc), (down_start, down_arc) = (p.result() for p in packed)
    parent = np.where(shape.parent < 0, -1, n - 1 - shape.parent)[::-1].astype(np.int32)
    return Hierarchy(parent, up_start, up_arc, down_start, down_arc)
