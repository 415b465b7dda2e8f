"""Customisation: the time of every arc of the completion, and of those the ones that searches need."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

I32 = NDArray[np.int32]
I64 = NDArray[np.int64]

INF = np.int32((1 << 30) - 1)
"""Unreachable, in ticks; twice this still fits int32, so a sum of two needs no check."""


@njit(cache=True, nogil=True)
def enter(slot: I32, ticks: I32, up: I32, down: I32) -> None:
    """Set the completion to the network's own arcs; of parallel ones the fastest.

    Parameters
    ----------
    slot : ndarray of int32
        See `anlan.kernels.routing.topology.slots`.
    ticks : ndarray of int32
        Time of each arc; `INF` is no arc.
    up, down : ndarray of int32, shape (n_completion,)
        Overwritten: time from the lower to the higher node, and back.
    """
    up[:] = INF
    down[:] = INF
    for a in range(len(slot)):
        s = slot[a]
        if s >= 0:
            up[s] = min(up[s], ticks[a])
        elif s < -1:
            down[-s - 2] = min(down[-s - 2], ticks[a])


@njit(cache=True, nogil=True)
def shorten(
    up_start: I64,
    up_head: I32,
    up: I32,
    down: I32,
    first: int,
    last: int,
    top: int,
    top_up: I32,
    top_down: I32,
) -> None:
    """Basic customisation of the ranks ``[first, last)``: paths over a lower node.

    For each node x and each pair y < z of its higher neighbours, y -> x -> z and z -> x -> y bound the arcs
    between y and z (lower triangles). Afterwards the completion holds the distances of all up-down paths.

    Parameters
    ----------
    first, last : int
        Nodes whose triangles are worked off, in ascending order.
    top : int
        Arcs that start at this rank or above are read and written in ``top_up`` and ``top_down``, which
        begin at ``up_start[top]``: with a copy for each half of `topology.split`, halves run side by side.
    """
    offset = up_start[top]
    for x in range(first, last):
        begin, end = up_start[x], up_start[x + 1]
        for i in range(begin, end):
            y = up_head[i]
            to_y, from_y = up[i], down[i]
            q = up_start[y]
            if y < top:
                for j in range(i + 1, end):
                    z = up_head[j]
                    while up_head[q] < z:
                        q += 1
                    up[q] = min(up[q], np.int32(from_y + up[j]))
                    down[q] = min(down[q], np.int32(down[j] + to_y))
            else:
                for j in range(i + 1, end):
                    z = up_head[j]
                    while up_head[q] < z:
                        q += 1
                    top_up[q - offset] = min(top_up[q - offset], np.int32(from_y + up[j]))
                    top_down[q - offset] = min(top_down[q - offset], np.int32(down[j] + to_y))


@njit(cache=True, nogil=True)
def perfect(
    up_start: I64, up_head: I32, up: I32, down: I32, keep_up: I32, keep_down: I32, first: int, last: int
) -> None:
    """Perfect customisation of the ranks ``[first, last)``, highest first: paths over a higher node.

    For each node x and each pair y < z of its higher neighbours, x -> y -> z, x -> z -> y and their reverses
    bound x's arcs (intermediate and upper triangles). Afterwards every arc holds the exact distance between
    its ends, and an arc that a higher way beats is never needed by a search.

    Parameters
    ----------
    keep_up, keep_down : ndarray of int32, shape (n_completion,)
        1 on entry; set to 0 for arcs that a higher way beats.
    """
    for x in range(last - 1, first - 1, -1):
        begin, end = up_start[x], up_start[x + 1]
        for i in range(begin, end):
            y = up_head[i]
            q = up_start[y]
            for j in range(i + 1, end):
                z = up_head[j]
                while up_head[q] < z:
                    q += 1
                yz, zy = up[q], down[q]
                t = up[i] + yz
                if t < up[j]:
                    up[j] = t
                    keep_up[j] = 0
                t = up[j] + zy
                if t < up[i]:
                    up[i] = t
                    keep_up[i] = 0
                t = zy + down[i]
                if t < down[j]:
                    down[j] = t
                    keep_down[j] = 0
                t = yz + down[j]
                if t < down[i]:
                    down[i] = t
                    keep_down[i] = 0


@njit(cache=True, nogil=True)
def pack(up_start: I64, up_head: I32, ticks: I32, keep: I32) -> tuple[I32, I32]:
    """The kept arcs of one direction, by row: row 0 is the highest rank.

    Returns
    -------
    start : ndarray of int32, shape (n + 1,)
    arc : ndarray of int32, shape (n_kept, 2)
        Higher node (its row, which is smaller) and ticks: row r has ``arc[start[r]:start[r + 1]]``.
    """
    n = len(up_start) - 1
    count = 0
    for a in range(len(up_head)):
        if keep[a] != 0 and ticks[a] < INF:
            count += 1
    start = np.zeros(n + 1, np.int32)
    arc = np.empty((count, 2), np.int32)
    k = 0
    for row in range(n):
        x = n - 1 - row
        for a in range(up_start[x], up_start[x + 1]):
            if keep[a] != 0 and ticks[a] < INF:
                arc[k, 0] = n - 1 - up_head[a]
                arc[k, 1] = ticks[a]
                k += 1
        start[row + 1] = k
    return start, arc
