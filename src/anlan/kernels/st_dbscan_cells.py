"""Density clusters in space and time by cells so small that all points in one are neighbours."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


@njit(cache=True, nogil=True)
def neighbours(column: Ints, row: Ints, layer: Ints) -> tuple[Ints, Ints]:
    """Later cells within two columns, two rows and one layer of each cell, as CSR.

    Cells are sorted by column, row and layer. For each of the 13 shifts of column and row one pointer
    walks along with the cell, so that no search is needed.
    """
    n = len(column)
    pointer = np.zeros(13, np.int64)
    start = np.zeros(n + 1, np.int64)
    out = np.empty(0, np.int64)
    # Twice: count, then fill.
    for turn in range(2):
        pointer[:] = 0
        at = 0
        for i in range(n):
            if turn == 0:
                start[i] = at
            for s in range(13):
                # (0, 0), (0, 1), (0, 2), (1, -2) … (2, 2)
                dc = 0 if s < 3 else 1 + (s - 3) // 5
                dr = s if s < 3 else (s - 3) % 5 - 2
                c, r = column[i] + dc, row[i] + dr
                low, high = layer[i] - 1, layer[i] + 1
                if s == 0:
                    low = layer[i] + 1
                j = pointer[s]
                while j < n and (
                    column[j] < c or (column[j] == c and (row[j] < r or (row[j] == r and layer[j] < low)))
                ):
                    j += 1
                pointer[s] = j
                while j < n and column[j] == c and row[j] == r and layer[j] <= high:
                    if turn == 1:
                        out[at] = j
                    at += 1
                    j += 1
        if turn == 0:
            start[n] = at
            out = np.empty(at, np.int64)
    return start, out


@njit(cache=True, nogil=True, inline="always")
def _near(x: Floats, y: Floats, t: Floats, i: int, j: int, square: float, eps_s: float) -> bool:
    return abs(t[i] - t[j]) <= eps_s and (x[i] - x[j]) ** 2 + (y[i] - y[j]) ** 2 <= square


@njit(cache=True, nogil=True)
def cores(
    x: Floats,
    y: Floats,
    t: Floats,
    weight: Ints,
    first: Ints,
    start: Ints,
    near: Ints,
    square: float,
    eps_s: float,
    least: int,
) -> Flags:
    """Which points have at least ``least`` neighbours, themselves included.

    Points of cell ``k`` are ``[first[k], first[k + 1])``, sorted by time; each stands for ``weight`` calls.
    """
    n, cells = len(x), len(first) - 1
    count = np.zeros(n, np.int64)
    full = np.zeros(cells, np.bool_)
    for k in range(cells):
        total = 0
        for i in range(first[k], first[k + 1]):
            total += weight[i]
        full[k] = total >= least
        for i in range(first[k], first[k + 1]):
            count[i] += total
    for k in range(cells):
        for e in range(start[k], start[k + 1]):
            other = near[e]
            if full[k] and full[other]:
                continue
            low = first[other]
            for i in range(first[k], first[k + 1]):
                while low < first[other + 1] and t[low] < t[i] - eps_s:
                    low += 1
                for j in range(low, first[other + 1]):
                    if t[j] > t[i] + eps_s or (full[other] and count[i] >= least):
                        break
                    # Both are settled where both have enough already.
                    if (count[i] < least or count[j] < least) and _near(x, y, t, i, j, square, eps_s):
                        count[i] += weight[j]
                        count[j] += weight[i]
    return count >= least


@njit(cache=True, nogil=True)
def _root(parent: Ints, k: int) -> int:
    while parent[k] != k:
        parent[k] = parent[parent[k]]
        k = parent[k]
    return k


@njit(cache=True, nogil=True)
def components(
    x: Floats,
    y: Floats,
    t: Floats,
    core: Flags,
    rank: Ints,
    first: Ints,
    start: Ints,
    near: Ints,
    square: float,
    eps_s: float,
) -> Ints:
    """Cluster of each point: its smallest core's ``rank``, -1 for noise.

    All cores of a cell are in one cluster; two cells are joined once one near pair of cores is found. A
    point that is not a core goes to the cluster, among those of cores near it, with the smallest rank.
    """
    n, cells = len(x), len(first) - 1
    parent = np.arange(cells)
    none = np.int64(2**62)
    for k in range(cells):
        for e in range(start[k], start[k + 1]):
            other = near[e]
            a, b = _root(parent, k), _root(parent, other)
            if a == b:
                continue
            joined = False
            low = first[other]
            for i in range(first[k], first[k + 1]):
                while low < first[other + 1] and t[low] < t[i] - eps_s:
                    low += 1
                if not core[i]:
                    continue
                for j in range(low, first[other + 1]):
                    if t[j] > t[i] + eps_s:
                        break
                    if core[j] and _near(x, y, t, i, j, square, eps_s):
                        joined = True
                        break
                if joined:
                    parent[max(a, b)] = min(a, b)
                    break
    name = np.full(cells, none)
    for k in range(cells):
        a = _root(parent, k)
        for i in range(first[k], first[k + 1]):
            if core[i]:
                name[a] = min(name[a], rank[i])
    label = np.full(n, none)
    cored, open_ = np.zeros(cells, np.bool_), np.zeros(cells, np.bool_)
    for k in range(cells):
        own = name[_root(parent, k)]
        for i in range(first[k], first[k + 1]):
            cored[k] |= core[i]
            open_[k] |= not core[i]
        for i in range(first[k], first[k + 1]):
            if cored[k]:
                label[i] = own
    for k in range(cells):
        own = name[_root(parent, k)]
        for e in range(start[k], start[k + 1]):
            other = near[e]
            if not ((cored[k] and open_[other]) or (cored[other] and open_[k])):
                continue
            others = name[_root(parent, other)]
            low = first[other]
            for i in range(first[k], first[k + 1]):
                while low < first[other + 1] and t[low] < t[i] - eps_s:
                    low += 1
                for j in range(low, first[other + 1]):
                    if t[j] > t[i] + eps_s or (not core[i] and label[i] <= others):
                        break
                    if core[i] == core[j] or not _near(x, y, t, i, j, square, eps_s):
                        continue
                    if core[i]:
                        label[j] = min(label[j], own)
                    else:
                        label[i] = min(label[i], others)
    for i in range(n):
        if label[i] == none:
            label[i] = -1
    return label
