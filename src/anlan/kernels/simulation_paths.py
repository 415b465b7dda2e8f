"""Where on a fastest way a unit is, in logarithmic time: heavy paths of the tree to (or from) a hub.

All fastest ways to a hub form a tree. It is cut into heavy paths (Sleator and Tarjan 1983), each of which lies
contiguously in memory with the ticks of its nodes; on the way to the root a node crosses few of them, and inside
one the position at a time is a binary search (a weighted level-ancestor query).

A table of a tree has four rows of one entry per node: ``SLOT`` of each node in the paths; then, by slot, the
``NODE`` there, its ``TICKS`` from the root, and a ``LINK``: the slot where its path begins, or, at the beginning of
a path, -2 less the slot of the node that the path hangs from (-1 at a root).
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from anlan.kernels.simulation_labels import INF

SLOT, NODE, TICKS, LINK = 0, 1, 2, 3

I32 = NDArray[np.int32]


@njit(cache=True, nogil=True)
def tree_table(nodes: I32, arcs: I32, mode: int, ticks: I32, outward: bool, out: I32) -> None:
    """Fill the table of one tree.

    Parameters
    ----------
    nodes, arcs : ndarray of int32
        As in `World`; the column 1 + mode of ``arcs`` has the ticks.
    ticks : ndarray of int32, shape (n,)
        From each node to the hub, or from the hub to each node (``outward``).
    out : ndarray of int32, shape (4, n)
    """
    n = len(ticks)
    parent = np.full(n, -1, np.int32)
    for u in range(n):
        for a in range(nodes[u, 0], nodes[u + 1, 0]):
            v = arcs[a, 0]
            low, high = (u, v) if outward else (v, u)
            if ticks[high] < INF and parent[high] < 0 and ticks[low] + arcs[a, 1 + mode] == ticks[high]:
                parent[high] = low
    children = np.zeros(n, np.int32)
    for v in range(n):
        if parent[v] >= 0:
            children[parent[v]] += 1
    size = np.ones(n, np.int32)
    heavy = np.full(n, -1, np.int32)
    stack = np.empty(n, np.int32)
    top = 0
    for v in range(n):
        if children[v] == 0:
            stack[top] = v
            top += 1
    while top > 0:
        top -= 1
        v = stack[top]
        p = parent[v]
        if p >= 0:
            size[p] += size[v]
            if heavy[p] < 0 or size[v] > size[heavy[p]]:
                heavy[p] = v
            children[p] -= 1
            if children[p] == 0:
                stack[top] = p
                top += 1
    slot = 0
    for v in range(n):
        if parent[v] < 0 or heavy[parent[v]] != v:
            begin = slot
            x = v
            while x >= 0:
                out[SLOT, x] = slot
                out[NODE, slot] = x
                out[TICKS, slot] = ticks[x]
                out[LINK, slot] = begin
                slot += 1
                x = heavy[x]
    for v in range(n):
        if parent[v] < 0:
            out[LINK, out[SLOT, v]] = -1
        elif heavy[parent[v]] != v:
            out[LINK, out[SLOT, v]] = -2 - out[SLOT, parent[v]]


@njit(cache=True, nogil=True)
def first_within(tree: I32, node: int, limit: float) -> int:
    """Slot of the first node on the way from ``node`` to the root with at most ``limit`` ticks; -1 none.

    On the way **to** a hub: the next node of a unit that has ``limit`` ticks left.
    """
    x = tree[SLOT, node]
    while True:
        begin = x if tree[LINK, x] < 0 else tree[LINK, x]
        if tree[TICKS, begin] <= limit:
            break
        if tree[LINK, begin] == -1:
            return -1
        x = -2 - tree[LINK, begin]
    low, high = begin, x  # ticks rise from the beginning of a path
    while low < high:
        middle = (low + high + 1) >> 1
        if tree[TICKS, middle] <= limit:
            low = middle
        else:
            high = middle - 1
    return np.int64(low)


@njit(cache=True, nogil=True)
def last_from(tree: I32, node: int, limit: float) -> int:
    """Slot of the node nearest the root on the way from ``node`` with at least ``limit`` ticks; -1 none.

    On the way **from** a hub to ``node``: the next node of a unit that left ``limit`` ticks ago.
    """
    x = tree[SLOT, node]
    if tree[TICKS, x] < limit:
        return -1
    while True:
        begin = x if tree[LINK, x] < 0 else tree[LINK, x]
        link = tree[LINK, begin]
        if link == -1 or tree[TICKS, -2 - link] < limit:
            break
        x = -2 - link
    low, high = begin, x
    while low < high:
        middle = (low + high) >> 1
        if tree[TICKS, middle] >= limit:
            high = middle
        else:
            low = middle + 1
    return np.int64(low)
