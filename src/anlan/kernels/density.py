"""Kernel density on a grid: spreading points onto cells, and the exact sum of a compact kernel."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@njit(cache=True, nogil=True)
def spread(column: Floats, row: Floats, weight: Floats, n_row: int, n_column: int) -> Floats:
    """Spread points over the 3 × 3 cells around each, by the quadratic B-spline.

    The spread keeps a point's mass and mean and adds exactly a quarter cell² of variance per axis
    (Hockney and Eastwood 1988, *Computer Simulation Using Particles*, "triangular-shaped cloud").

    Parameters
    ----------
    column, row : ndarray of float64, shape (n,)
        Positions in cells, cell (r, c) centred on ``row = r, column = c``; NaN and points whose spread
        would leave the grid are skipped.
    weight : ndarray of float64, shape (n,)
    n_row, n_column : int

    Returns
    -------
    ndarray of float64, shape (n_row, n_column)
    """
    out = np.zeros((n_row, n_column))
    for i in range(len(column)):
        u, v = column[i], row[i]
        if not (u >= 0.5 and v >= 0.5 and u < n_column - 1.5 and v < n_row - 1.5):
            continue
        c, r = int(u + 0.5), int(v + 0.5)
        du, dv = u - c, v - r
        w = weight[i]
        a0, a1, a2 = 0.5 * (0.5 - du) ** 2, 0.75 - du * du, 0.5 * (0.5 + du) ** 2
        b0, b1, b2 = 0.5 * (0.5 - dv) ** 2 * w, (0.75 - dv * dv) * w, 0.5 * (0.5 + dv) ** 2 * w
        out[r - 1, c - 1] += b0 * a0
        out[r - 1, c] += b0 * a1
        out[r - 1, c + 1] += b0 * a2
        out[r, c - 1] += b1 * a0
        out[r, c] += b1 * a1
        out[r, c + 1] += b1 * a2
        out[r + 1, c - 1] += b2 * a0
        out[r + 1, c] += b2 * a1
        out[r + 1, c + 1] += b2 * a2
    return out


@njit(cache=True, nogil=True)
def quartic_sum(
    column: Floats, row: Floats, weight: Floats, reach: float, n_row: int, n_column: int
) -> Floats:
    """Exact sum over points of ``weight * (1 - d²/reach²)²`` at every cell centre within ``reach`` cells."""
    out = np.zeros((n_row, n_column))
    reach2 = reach * reach
    for i in range(len(column)):
        u, v, w = column[i], row[i], weight[i]
        if not (u > -reach and v > -reach and u < n_column - 1 + reach and v < n_row - 1 + reach):
            continue
        first, last = max(int(np.ceil(v - reach)), 0), min(int(np.floor(v + reach)), n_row - 1)
        for r in range(first, last + 1):
            left = reach2 - (r - v) ** 2
            half = np.sqrt(max(left, 0.0))
            begin, end = max(int(np.ceil(u - half)), 0), min(int(np.floor(u + half)), n_column - 1)
            for c in range(begin, end + 1):
                k = (left - (c - u) ** 2) / reach2
                out[r, c] += w * k * k
    return out
