"""The chordal completion of the network in elimination order, and its elimination tree."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

I32 = NDArray[np.int32]
I64 = NDArray[np.int64]


@njit(cache=True, nogil=True)
def elimination_tree(start: I32, neighbour: I32, order: I64) -> I32:
    """The elimination tree of an order, before the completion is known (Liu 1986).

    Parameters
    ----------
    start, neighbour : ndarray of int32
        Undirected simple graph, CSR.
    order : ndarray of int64, shape (n,)
        Nodes, lowest first.

    Returns
    -------
    ndarray of int32, shape (n,)
        Parent of each position of the order; -1 for a root.
    """
    n = len(order)
    place = np.empty(n, np.int32)
    for i in range(n):
        place[order[i]] = i
    parent = np.full(n, -1, np.int32)
    ancestor = np.full(n, -1, np.int32)
    for i in range(n):
        node = order[i]
        for a in range(start[node], start[node + 1]):
            x = place[neighbour[a]]
            while x != -1 and x < i:
                above = ancestor[x]
                ancestor[x] = i
                if above == -1:
                    parent[x] = i
                x = above if above != i else -1
    return parent


@njit(cache=True, nogil=True)
def postorder(parent: I32) -> I32:
    """Positions in postorder, each node's heaviest subtree last, shape (n,).

    Any order in which children precede their parent gives the same completion. In this one every subtree
    is contiguous, and the light subtrees of the heavy path come first, which `split` uses.
    """
    n = len(parent)
    size = np.ones(n, np.int32)
    heavy = np.full(n, -1, np.int32)
    for x in range(n):
        p = parent[x]
        if p >= 0:
            size[p] += size[x]
            if heavy[p] < 0 or size[x] > size[heavy[p]]:
                heavy[p] = x
    largest = -1
    for x in range(n):
        if parent[x] < 0 and (largest < 0 or size[x] > size[largest]):
            largest = x
    # Place each node at the end of its subtree's range; ranges are handed out from the top.
    end = np.zeros(n, np.int32)
    free = np.zeros(n, np.int32)
    out = np.empty(n, np.int32)
    top = n - size[largest] if n else 0
    for x in range(n - 1, -1, -1):
        p = parent[x]
        if x == largest:
            end[x] = n
        elif p < 0:
            end[x] = top
            top -= size[x]
        elif heavy[p] == x:
            end[x] = end[p] - 1
        else:
            end[x] = free[p]
            free[p] -= size[x]
        out[end[x] - 1] = x
        free[x] = end[x] - 1 - (size[heavy[x]] if heavy[x] >= 0 else 0)
    return out


@njit(cache=True, nogil=True)
def complete(start: I32, neighbour: I32, order: I64) -> tuple[I64, I32, I32]:
    """Fill in: eliminating a node joins its higher neighbours to each other.

    Parameters
    ----------
    start, neighbour : ndarray of int32
        Undirected simple graph, CSR.
    order : ndarray of int64, shape (n,)
        Nodes, lowest rank first.

    Returns
    -------
    up_start : ndarray of int64, shape (n + 1,)
    up_head : ndarray of int32
        Higher neighbours of rank r, ascending: ``up_head[up_start[r]:up_start[r + 1]]``. All of them are
        ancestors of r, and any two of them are joined.
    parent : ndarray of int32, shape (n,)
        The lowest of them; -1 for a root.
    """
    n = len(order)
    rank = np.empty(n, np.int32)
    for i in range(n):
        rank[order[i]] = i
    up_start = np.zeros(n + 1, np.int64)
    up_head = np.empty(3 * len(neighbour) // 2 + 16, np.int32)
    parent = np.full(n, -1, np.int32)
    first_child = np.full(n, -1, np.int32)
    next_child = np.full(n, -1, np.int32)
    seen = np.full(n, -1, np.int32)
    found = np.empty(n, np.int32)
    for x in range(n):
        k = 0
        seen[x] = x
        node = order[x]
        for a in range(start[node], start[node + 1]):
            y = rank[neighbour[a]]
            if y > x and seen[y] != x:
                seen[y] = x
                found[k] = y
                k += 1
        c = first_child[x]
        while c >= 0:
            for a in range(up_start[c] + 1, up_start[c + 1]):
                y = up_head[a]
                if seen[y] != x:
                    seen[y] = x
                    found[k] = y
                    k += 1
            c = next_child[c]
        begin = up_start[x]
        if begin + k > len(up_head):
            grown = np.empty(2 * len(up_head) + k, np.int32)
            for a in range(begin):
                grown[a] = up_head[a]
            up_head = grown
        # Insertion: the lists are runs that are sorted already, and np.sort takes five seconds to compile.
        for i in range(1, k):
            y = found[i]
            j = i
            while j > 0 and found[j - 1] > y:
                found[j] = found[j - 1]
                j -= 1
            found[j] = y
        for i in range(k):
            up_head[begin + i] = found[i]
        up_start[x + 1] = begin + k
        if k:
            p = found[0]
            parent[x] = p
            next_child[x] = first_child[p]
            first_child[p] = x
    return up_start, up_head[: up_start[n]], parent


@njit(cache=True, nogil=True)
def slots(up_start: I64, up_head: I32, tail: I32, head: I32) -> I32:
    """Where each arc's time enters the completion.

    Parameters
    ----------
    tail, head : ndarray of int32, shape (n_arcs,)
        Arcs in ranks.

    Returns
    -------
    ndarray of int32, shape (n_arcs,)
        s: upward arc, entry s of the completion; -s - 2: downward arc, entry s; -1: a loop.
    """
    out = np.empty(len(tail), np.int32)
    for a in range(len(tail)):
        t, h = tail[a], head[a]
        if t == h:
            out[a] = -1
            continue
        low, high = (t, h) if t < h else (h, t)
        left, right = up_start[low], up_start[low + 1]
        while left < right:
            middle = (left + right) >> 1
            if up_head[middle] < high:
                left = middle + 1
            else:
                right = middle
        out[a] = left if t < h else -left - 2
    return out


@njit(cache=True, nogil=True)
def split(parent: I32) -> tuple[int, int]:
    """Cut the ranks in two independent halves and a top.

    Parameters
    ----------
    parent : ndarray of int32, shape (n,)
        Elimination tree whose ranks are in `postorder`.

    Returns
    -------
    middle, top : int
        No subtree crosses ``middle`` or ``top``: what is done to ranks below ``middle`` concerns none from
        there to ``top``, and the reverse; both concern the ranks from ``top`` on.
    """
    n = len(parent)
    size = np.ones(n, np.int64)
    for x in range(n):
        if parent[x] >= 0:
            size[parent[x]] += size[x]
    # Down the heavy path, whose next node is always the one before, until its subtree is small enough.
    top = n
    while top > 0 and size[top - 1] > 0.6 * n:
        top -= 1
    middle = 0
    for x in range(top):
        apart = parent[x] < 0 or parent[x] >= top
        if apart and abs(2 * (x + 1) - top) < abs(2 * middle - top):
            middle = x + 1
    return middle, top
