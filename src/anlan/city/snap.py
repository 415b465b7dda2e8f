"""Snapping: the nearest street edge of a point, and how far along it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anlan.city.roads import Roads
from anlan.core.columns import Bools, Floats
from anlan.model.position import Positions

MAX_DISTANCE_M = 1000.0
"""A point farther than this from every street is off the network, unless the caller says otherwise."""

_SEGMENTS_PER_CELL = 2.0
_MAX_CELLS = 4_000_000
_CHUNK = 65_536


class Snapper:
    """A spatial index over some edges of a street network.

    Parameters
    ----------
    roads : Roads
    edges : ndarray of bool, shape (n_edges,), optional
        The edges that count; by default the drivable ones.
    """

    def __init__(self, roads: Roads, edges: Bools | None = None) -> None:
        self._length_m = roads.edges.length_m
        chosen = roads.drivable if edges is None else np.asarray(edges, bool)
        counts = np.diff(roads.start) - 1
        owner = np.repeat(np.arange(len(roads), dtype=np.int32), counts)
        first = np.arange(len(owner)) + np.repeat(np.arange(len(roads)), counts)
        first = first[chosen[owner]]
        owner = owner[chosen[owner]]
        self._owner = owner
        self._ax, self._ay = roads.x[first], roads.y[first]
        self._bx, self._by = roads.x[first + 1], roads.y[first + 1]
        length = np.hypot(self._bx - self._ax, self._by - self._ay)
        # Offsets run in the edge's stated length, which may differ from its drawn one.
        end = np.cumsum(length)
        before = np.concatenate([[0.0], end])[:-1]
        opens = np.r_[True, owner[1:] != owner[:-1]] if len(owner) else np.empty(0, bool)
        base = before[opens][np.cumsum(opens) - 1]
        drawn = np.bincount(owner, length, minlength=len(roads))
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.where(drawn > 0, self._length_m / drawn, 0.0)[owner]
        self._before_m, self._step_m = (before - base) * ratio, length * ratio
        self._grid()

    def _grid(self) -> None:
        if not len(self._owner):
            return
        west, east = min(self._ax.min(), self._bx.min()), max(self._ax.max(), self._bx.max())
        south, north = min(self._ay.min(), self._by.min()), max(self._ay.max(), self._by.max())
        cells = min(len(self._owner) / _SEGMENTS_PER_CELL + 1, _MAX_CELLS)
        width, height = max(east - west, 1.0), max(north - south, 1.0)
        cell = max(np.sqrt(width * height / cells), max(width, height) / _MAX_CELLS * 2, 1.0)
        self._west, self._south, self._cell = float(west), float(south), float(cell)
        self._nx, self._ny = int(width / cell) + 1, int(height / cell) + 1
        from anlan.kernels import snap as kernel  # here: opening a city should not wait for numba

        self._start, self._items = kernel.grid(
            self._ax, self._ay, self._bx, self._by, self._west, self._south, self._cell, self._nx, self._ny
        )

    def snap(
        self, x: ArrayLike, y: ArrayLike, max_distance_m: float = MAX_DISTANCE_M
    ) -> tuple[Positions, Floats]:
        """The nearest position of each point.

        Parameters
        ----------
        x, y : array_like of float64, shape (n,)
            Metres in the city's projected coordinate system; NaN where unknown.
        max_distance_m : float
            A point farther from every edge gets edge -1; may be infinite.

        Returns
        -------
        positions : Positions
            Of equally near edges, the lowest number is taken.
        distance_m : ndarray of float64, shape (n,)
            From the point to its position; NaN where there is none.
        """
        px = np.ascontiguousarray(np.atleast_1d(np.asarray(x, np.float64)))
        py = np.ascontiguousarray(np.atleast_1d(np.asarray(y, np.float64)))
        n = len(px)
        segment = np.full(n, -1, np.int32)
        along, distance = np.full(n, np.nan), np.full(n, np.nan)
        if n and len(self._owner):
            self._search(px, py, float(max_distance_m), segment, along, distance)
        found = segment >= 0
        hit = segment[found]
        edge = np.full(n, -1, np.int32)
        offset = np.zeros(n)
        edge[found] = self._owner[hit]
        reached = self._before_m[hit] + along[found] * self._step_m[hit]
        offset[found] = np.clip(reached, 0.0, self._length_m[edge[found]])
        return Positions(edge, offset), distance

    def _search(
        self,
        px: Floats,
        py: Floats,
        limit: float,
        segment: NDArray[np.int32],
        along: Floats,
        distance: Floats,
    ) -> None:
        from anlan.kernels import snap as kernel

        def work(begin: int) -> None:
            part = slice(begin, begin + _CHUNK)
            kernel.nearest(
                px[part], py[part], self._ax, self._ay, self._bx, self._by, self._start, self._items,
                self._west, self._south, self._cell, self._nx, self._ny, limit,
                segment[part], along[part], distance[part],
            )  # fmt: skip

        begins = range(0, len(px), _CHUNK)
        if len(begins) == 1:
            work(0)
            return
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(work, begins))


def locate(roads: Roads, positions: Positions) -> tuple[Floats, Floats]:
    """Where positions are: x and y in metres, NaN for edge -1. The inverse of snapping."""
    step = np.hypot(np.diff(roads.x), np.diff(roads.y))
    step[roads.start[1:-1] - 1] = 0.0  # no way leads from one edge's last vertex to the next edge's first
    run = np.concatenate([[0.0], np.cumsum(step)])
    on = positions.edge >= 0
    edge = positions.edge[on]
    first, last = roads.start[edge], roads.start[edge + 1] - 1
    drawn = run[last] - run[first]
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(
            roads.edges.length_m[edge] > 0, positions.offset_m[on] / roads.edges.length_m[edge], 0
        )
    target = run[first] + np.clip(share, 0, 1) * drawn
    at = np.clip(np.searchsorted(run, target, side="right") - 1, first, np.maximum(last - 1, first))
    after = np.minimum(at + 1, last)
    with np.errstate(divide="ignore", invalid="ignore"):
        part = np.where(run[after] > run[at], (target - run[at]) / (run[after] - run[at]), 0.0)
    x, y = np.full(len(positions), np.nan), np.full(len(positions), np.nan)
    x[on] = roads.x[at] + part * (roads.x[after] - roads.x[at])
    y[on] = roads.y[at] + part * (roads.y[after] - roads.y[at])
    return x, y
