"""Exact travel times between any two nodes in a fraction of a microsecond: labels along an elimination tree.

The network's chordal completion in nested-dissection order (`anlan.kernels.routing.topology`; customisable
contraction hierarchies, Dibbelt, Strasser and Wagner 2016) has an elimination tree in which every fastest way
rises to a common ancestor of its ends and falls again. Each node's label holds its least ticks to (or from)
every ancestor, by depth; a query is the minimum of two contiguous sums over the ancestors that both nodes share
(tree-decomposition labels, Ouyang et al. 2018, "When hierarchy meets 2-hop-labeling").

Everything here is in **rank space**: node r is the r-th in the elimination order. Ticks are int32, `INF` is
unreachable and twice it still fits.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

INF = np.int32((1 << 30) - 1)

I32 = NDArray[np.int32]
I64 = NDArray[np.int64]


@njit(cache=True, nogil=True)
def tree(parent: I32) -> tuple[I64, I32, I32, I32]:
    """The elimination tree's shape, for labels and lowest common ancestors.

    Returns
    -------
    offset : ndarray of int64, shape (n + 1,)
        Where each node's label begins; it has one entry per ancestor and one for itself.
    depth : ndarray of int32, shape (n,)
        Roots have depth 0.
    pre : ndarray of int32, shape (n,)
        Position in a depth-first walk.
    least : ndarray of int32, shape (levels, n)
        Range minima (a power of two wide) of the depth of the parent along that walk.
    """
    n = len(parent)
    depth = np.zeros(n, np.int32)
    size = np.ones(n, np.int32)
    offset = np.zeros(n + 1, np.int64)
    for v in range(n - 1, -1, -1):
        depth[v] = depth[parent[v]] + 1 if parent[v] >= 0 else 0
    for v in range(n):
        offset[v + 1] = offset[v] + depth[v] + 1
        if parent[v] >= 0:
            size[parent[v]] += size[v]
    pre = np.zeros(n, np.int32)
    taken = np.zeros(n + 1, np.int32)
    levels = 1
    while (1 << levels) <= n:
        levels += 1
    least = np.empty((levels, n), np.int32)
    for v in range(n - 1, -1, -1):
        p = parent[v] if parent[v] >= 0 else n
        begin = pre[p] + 1 if p < n else 0
        pre[v] = begin + taken[p]
        taken[p] += size[v]
        least[0, pre[v]] = depth[v] - 1
    for k in range(1, levels):
        half = 1 << (k - 1)
        for i in range(n - (1 << k) + 1):
            least[k, i] = min(least[k - 1, i], least[k - 1, i + half])
    return offset, depth, pre, least


@njit(cache=True, nogil=True)
def label(start: I64, upper: I32, weight: I32, offset: I64, depth: I32, out: I32) -> None:
    """Least ticks between each node and each of its ancestors, by depth, into ``out``.

    Parameters
    ----------
    start, upper : ndarray
        The completion: higher neighbours of each node.
    weight : ndarray of int32
        Ticks of its arcs, upwards for ways to the ancestors and downwards for ways from them.
    """
    n = len(depth)
    out[:] = INF
    for v in range(n - 1, -1, -1):
        at = offset[v]
        for a in range(start[v], start[v + 1]):
            w = upper[a]
            add = weight[a]
            if add >= INF:
                continue
            other = offset[w]
            for k in range(depth[w] + 1):
                out[at + k] = min(out[at + k], np.int32(out[other + k] + add))
        out[at + depth[v]] = 0


@njit(cache=True, nogil=True)
def sweep(start: I64, upper: I32, rise: I32, fall: I32, node: I32, ticks: I32, out: I32) -> None:
    """Least ticks between a place (up to a few nodes with ticks, -1 unused) and every node, into ``out``.

    ``rise`` holds the upward and ``fall`` the downward ticks for times from the place; exchange them for times
    to it.
    """
    n = len(out)
    out[:] = INF
    for k in range(len(node)):
        if node[k] >= 0:
            out[node[k]] = min(out[node[k]], ticks[k])
    for v in range(n):
        d = out[v]
        if d < INF:
            for a in range(start[v], start[v + 1]):
                out[upper[a]] = min(out[upper[a]], np.int32(d + rise[a]))
    for v in range(n - 1, -1, -1):
        d = out[v]
        for a in range(start[v], start[v + 1]):
            d = min(d, np.int32(out[upper[a]] + fall[a]))
        out[v] = min(d, INF)
