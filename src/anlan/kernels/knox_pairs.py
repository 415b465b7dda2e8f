"""Pairs of points close in space, and how close they are in time under many permutations."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
Small = NDArray[np.int32]


@njit(cache=True, nogil=True)
def close_in_time(t: Floats, edges: Floats) -> Counts:
    """All pairs of sorted times by interval ``[edges[k], edges[k + 1])`` of their difference."""
    n, bins = len(t), len(edges) - 1
    below = np.zeros(bins + 1, np.int64)
    for k in range(bins + 1):
        j = 0
        for i in range(n):
            # Pairs (j, i) with t[i] - t[j] < edge: those from j on.
            while j < i and t[i] - t[j] >= edges[k]:
                j += 1
            below[k] += i - j
    return below[1:] - below[:-1]


@njit(cache=True, nogil=True)
def near_pairs(
    x: Floats,
    y: Floats,
    cell: Counts,
    columns: int,
    start: Counts,
    squares: Floats,
    begin: int,
    room: int,
    one: Small,
    other: Small,
    band: Small,
) -> tuple[int, int]:
    """Collect the pairs of points whose distance lies in a band, a stretch of points at a time.

    Points are sorted by cell of a grid whose side is the largest distance (``start`` by cell; a margin of
    one cell all around), and each pair is met once: with later points of the own cell and of the four
    cells to the right and above.

    Parameters
    ----------
    squares : ndarray of float64, shape (n_band + 1,)
        Squared edges.
    begin, room : int
        First point, and pairs that fit; the outputs have room for one point's pairs beyond it.

    Returns
    -------
    end, pairs : the point to go on with, and how many pairs were written.
    """
    n, bands = len(x), len(squares) - 1
    found = 0
    i = begin
    while i < n:
        # The candidates of this point may not overflow the outputs.
        more = start[cell[i] + 2] - i - 1
        more += start[cell[i] + columns + 2] - start[cell[i] + columns - 1]
        if found + more > room and found > 0:
            break
        for step in range(2):
            if step == 0:
                a, b = i + 1, start[cell[i] + 2]
            else:
                a, b = start[cell[i] + columns - 1], start[cell[i] + columns + 2]
            for j in range(a, b):
                square = (x[i] - x[j]) ** 2 + (y[i] - y[j]) ** 2
                if square >= squares[bands] or square < squares[0]:
                    continue
                k = 0
                while square >= squares[k + 1]:
                    k += 1
                one[found], other[found], band[found] = i, j, k
                found += 1
        i += 1
    return i, found


@njit(cache=True, nogil=True)
def tally(one: Small, other: Small, band: Small, pairs: int, t: Floats, edges: Floats, out: Counts) -> None:
    """Add pairs to a table by band of distance and interval of time ``[edges[k], edges[k + 1])``."""
    intervals = len(edges) - 1
    first, last = edges[0], edges[intervals]
    for p in range(pairs):
        apart = abs(t[one[p]] - t[other[p]])
        if apart >= last or apart < first:
            continue
        k = 0
        while apart >= edges[k + 1]:
            k += 1
        out[band[p], k] += 1
