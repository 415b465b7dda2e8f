"""Nearest line segment: a uniform grid over segments, searched ring by ring around each point."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True, nogil=True)
def _reaches(ax: float, ay: float, bx: float, by: float, cx: float, cy: float, radius: float) -> bool:
    """Whether segment a–b comes within ``radius`` of c."""
    dx, dy = bx - ax, by - ay
    square = dx * dx + dy * dy
    t = 0.0 if square == 0.0 else min(1.0, max(0.0, ((cx - ax) * dx + (cy - ay) * dy) / square))
    ex, ey = ax + t * dx - cx, ay + t * dy - cy
    return ex * ex + ey * ey <= radius * radius


@njit(cache=True, nogil=True)
def grid(
    ax: NDArray[np.float64],
    ay: NDArray[np.float64],
    bx: NDArray[np.float64],
    by: NDArray[np.float64],
    west: float,
    south: float,
    cell: float,
    nx: int,
    ny: int,
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """List the segments that touch each cell.

    A segment is listed in every cell of its bounding box whose circumscribed circle it enters, so a long
    diagonal does not fill its whole box.

    Parameters
    ----------
    ax, ay, bx, by : ndarray of float64, shape (n,)
        Ends of the segments, metres.
    west, south, cell : float
        Corner and width of the cells, metres.
    nx, ny : int
        Cells across and up; every segment lies inside.

    Returns
    -------
    start : ndarray of int64, shape (nx * ny + 1,)
        Cell ``(i, j)`` is row ``j * nx + i``.
    items : ndarray of int32
        Segments of cell c: ``items[start[c]:start[c + 1]]``, ascending.
    """
    start = np.zeros(nx * ny + 1, np.int64)
    items = np.empty(0, np.int32)
    radius = cell * 0.7072
    for fill in range(2):
        for s in range(ax.shape[0]):
            i0 = int((min(ax[s], bx[s]) - west) / cell)
            i1 = int((max(ax[s], bx[s]) - west) / cell)
            j0 = int((min(ay[s], by[s]) - south) / cell)
            j1 = int((max(ay[s], by[s]) - south) / cell)
            for j in range(j0, j1 + 1):
                cy = south + (j + 0.5) * cell
                for i in range(i0, i1 + 1):
                    if _reaches(ax[s], ay[s], bx[s], by[s], west + (i + 0.5) * cell, cy, radius):
                        c = j * nx + i
                        if fill:
                            items[start[c]] = s
                            start[c] += 1
                        else:
                            start[c + 1] += 1
        if fill:
            # Filling moved each cell's start to its end: shift back.
            start[1:] = start[:-1].copy()
            start[0] = 0
        else:
            for c in range(nx * ny):
                start[c + 1] += start[c]
            items = np.empty(start[-1], np.int32)
    return start, items


@njit(cache=True, nogil=True)
def nearest(
    px: NDArray[np.float64],
    py: NDArray[np.float64],
    ax: NDArray[np.float64],
    ay: NDArray[np.float64],
    bx: NDArray[np.float64],
    by: NDArray[np.float64],
    start: NDArray[np.int64],
    items: NDArray[np.int32],
    west: float,
    south: float,
    cell: float,
    nx: int,
    ny: int,
    limit: float,
    segment: NDArray[np.int32],
    along: NDArray[np.float64],
    distance: NDArray[np.float64],
) -> None:
    """Find the nearest segment of each point, by perpendicular projection.

    Rings of cells around the point's cell are searched until the best distance is shorter than the way to
    the next ring. Of equally near segments the lowest number is taken.

    Parameters
    ----------
    px, py : ndarray of float64, shape (m,)
        Points; one that is not finite has no segment.
    ax … ny
        As `grid` was called and what it gave.
    limit : float
        Segments farther than this are not found; may be infinite.
    segment, along, distance : ndarray, shape (m,)
        Filled in: number of the segment or -1, share of the way from a to b, metres (NaN where none).
    """
    for p in range(px.shape[0]):
        segment[p] = -1
        along[p] = np.nan
        distance[p] = np.nan
        x, y = px[p], py[p]
        fx, fy = (x - west) / cell, (y - south) / cell
        if not (abs(fx) < 1e9 and abs(fy) < 1e9):
            continue
        i, j = int(np.floor(fx)), int(np.floor(fy))
        # Way from the point to the nearest side of its own cell: what a further ring is away at least.
        side = min(min(fx - i, i + 1 - fx), min(fy - j, j + 1 - fy)) * cell
        best, best_square, best_along = -1, limit * limit, 0.0
        ring = max(0, max(max(-i, i - nx + 1), max(-j, j - ny + 1)))
        last = max(max(i, nx - 1 - i), max(j, ny - 1 - j))
        while ring <= last:
            away = (ring - 1) * cell + side
            if ring > 0 and away * away > best_square:
                break
            for jj in range(max(j - ring, 0), min(j + ring, ny - 1) + 1):
                full = jj == j - ring or jj == j + ring
                step = 1 if full or ring == 0 else 2 * ring
                for ii in range(i - ring, i + ring + 1, step):
                    if ii < 0 or ii >= nx:
                        continue
                    c = jj * nx + ii
                    for k in range(start[c], start[c + 1]):
                        s = items[k]
                        dx, dy = bx[s] - ax[s], by[s] - ay[s]
                        square = dx * dx + dy * dy
                        t = 0.0
                        if square > 0.0:
                            t = min(1.0, max(0.0, ((x - ax[s]) * dx + (y - ay[s]) * dy) / square))
                        ex, ey = ax[s] + t * dx - x, ay[s] + t * dy - y
                        d = ex * ex + ey * ey
                        if d < best_square or (d == best_square and (best < 0 or s < best)):
                            best, best_square, best_along = s, d, t
            ring += 1
        if best >= 0:
            segment[p] = best
            along[p] = best_along
            distance[p] = np.sqrt(best_square)
