"""Exact travel times between any two nodes in a fraction of a microsecond: labels along an elimination tree.

A nested-dissection order turns the network into a chordal graph (customisable contraction hierarchy, Dibbelt,
Strasser and Wagner 2016). Each node's label holds its least ticks to and from every ancestor in the
elimination tree, in order of depth; a query is the minimum of two contiguous sums over the ancestors that both
nodes share (tree-decomposition labels as in Ouyang et al. 2018, "When hierarchy meets 2-hop-labeling").

Everything here is in **rank space**: node r is the r-th in the elimination order. Ticks are int32, `INF` is
unreachable and twice it still fits.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

INF = np.int32((1 << 30) - 1)

I32 = NDArray[np.int32]
I64 = NDArray[np.int64]


@njit(cache=True, nogil=True)
def _ascending(values: I32, begin: int, end: int) -> None:
    """Insertion sort: the sets are small and mostly merged from sorted ones."""
    for i in range(begin + 1, end):
        x = values[i]
        j = i - 1
        while j >= begin and values[j] > x:
            values[j + 1] = values[j]
            j -= 1
        values[j + 1] = x


@njit(cache=True, nogil=True)
def eliminate(indptr: I32, head: I32) -> tuple[I64, I32, I32]:
    """Fill the graph in so that every node's upper neighbours are its ancestors.

    Parameters
    ----------
    indptr, head : ndarray of int32
        Arcs in CSR form; the direction does not matter, both are taken as neighbours.

    Returns
    -------
    start : ndarray of int64, shape (n + 1,)
    upper : ndarray of int32
        ``upper[start[v]:start[v + 1]]`` are the higher neighbours of v, ascending.
    parent : ndarray of int32, shape (n,)
        The lowest of them; -1 for a root.
    """
    n = len(indptr) - 1
    degree = np.zeros(n + 1, np.int64)
    for u in range(n):
        for a in range(indptr[u], indptr[u + 1]):
            degree[min(u, head[a])] += 1
    base = np.zeros(n + 1, np.int64)
    for u in range(n):
        base[u + 1] = base[u] + degree[u]
    raw = np.empty(base[n], np.int32)
    fill = base[:-1].copy()
    for u in range(n):
        for a in range(indptr[u], indptr[u + 1]):
            v = head[a]
            low, high = (u, v) if u < v else (v, u)
            raw[fill[low]] = high
            fill[low] += 1
    start = np.zeros(n + 1, np.int64)
    upper = np.empty(4 * n + 16, np.int32)
    parent = np.full(n, -1, np.int32)
    first_child = np.full(n, -1, np.int32)
    next_child = np.full(n, -1, np.int32)
    seen = np.full(n, -1, np.int32)
    for v in range(n):
        top = start[v]
        seen[v] = v
        size = base[v + 1] - base[v]
        c = first_child[v]
        while c >= 0:
            size += start[c + 1] - start[c]
            c = next_child[c]
        if top + size > len(upper):
            grown = np.empty(2 * len(upper) + size, np.int32)
            grown[:top] = upper[:top]
            upper = grown
        for a in range(base[v], base[v + 1]):
            w = raw[a]
            if seen[w] != v:
                seen[w] = v
                upper[top] = w
                top += 1
        c = first_child[v]
        while c >= 0:
            for a in range(start[c], start[c + 1]):
                w = upper[a]
                if seen[w] != v:
                    seen[w] = v
                    upper[top] = w
                    top += 1
            c = next_child[c]
        start[v + 1] = top
        _ascending(upper, start[v], top)
        if top > start[v]:
            p = upper[start[v]]
            parent[v] = p
            next_child[v] = first_child[p]
            first_child[p] = v
    return start, upper[: start[n]].copy(), parent


@njit(cache=True, nogil=True)
def customise(indptr: I32, head: I32, ticks: I32, start: I64, upper: I32) -> tuple[I32, I32]:
    """Weights of the filled-in arcs: upwards (v to its upper neighbour) and downwards, in ticks."""
    n = len(indptr) - 1
    up = np.full(len(upper), INF, np.int32)
    down = np.full(len(upper), INF, np.int32)
    for u in range(n):
        for a in range(indptr[u], indptr[u + 1]):
            v = head[a]
            if v == u:
                continue
            low, high = (u, v) if u < v else (v, u)
            k = start[low] + np.searchsorted(upper[start[low] : start[low + 1]], high)
            if low == u:
                up[k] = min(up[k], ticks[a])
            else:
                down[k] = min(down[k], ticks[a])
    for v in range(n):
        for i in range(start[v], start[v + 1]):
            a = upper[i]
            k = start[a]
            for j in range(i + 1, start[v + 1]):
                while upper[k] != upper[j]:
                    k += 1
                up[k] = min(up[k], np.int32(down[i] + up[j]))
                down[k] = min(down[k], np.int32(down[j] + up[i]))
    return up, down


@njit(cache=True, nogil=True)
def tree(parent: I32) -> tuple[I64, I32, I32, NDArray[Any]]:
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
def label(start: I64, upper: I32, weight: I32, offset: I64, depth: I32) -> I32:
    """Least ticks between each node and each of its ancestors, by depth; weight is `up` or `down`."""
    n = len(depth)
    out = np.full(offset[n], INF, np.int32)
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
    return out


@njit(cache=True, nogil=True)
def sweep(start: I64, upper: I32, rise: I32, fall: I32, node: I32, ticks: I32, out: I32) -> None:
    """Least ticks between a place (up to a few nodes with ticks, -1 unused) and every node, into ``out``.

    ``rise`` is `up` and ``fall`` is `down` for times from the place; exchange them for times to it.
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
                w = upper[a]
                out[w] = min(out[w], np.int32(d + rise[a]))
    for v in range(n - 1, -1, -1):
        d = out[v]
        for a in range(start[v], start[v + 1]):
            d = min(d, np.int32(out[upper[a]] + fall[a]))
        out[v] = min(d, INF)


@njit(cache=True, nogil=True)
def common(depth: I32, pre: I32, least: I32, u: int, v: int) -> int:
    """Depth of the lowest common ancestor; -1 where the nodes are in different trees."""
    if u == v:
        return int(depth[u])
    i, j = int(pre[u]), int(pre[v])
    if i > j:
        i, j = j, i
    width = j - i
    k = 0
    while (2 << k) <= width:
        k += 1
    return int(min(least[k, i + 1], least[k, j + 1 - (1 << k)]))


@njit(cache=True, nogil=True)
def between(offset: I64, forward: I32, backward: I32, u: int, v: int, shared: int) -> int:
    """Least ticks from u to v, given the depth of their lowest common ancestor."""
    i = offset[u]
    j = offset[v]
    best = INF
    for k in range(shared + 1):
        best = min(best, np.int32(forward[i + k] + backward[j + k]))
    return best
