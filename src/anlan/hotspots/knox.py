"""Knox' test and the near-repeat table: do calls close in space come close in time?"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anlan.core.columns import Floats
from anlan.core.errors import AnlanError
from anlan.core.job import Job
from anlan.core.seed import stream
from anlan.kernels import knox_pairs as kernel

_ROOM = 2_000_000
"""Pairs held at a time."""


@dataclass(frozen=True, eq=False)
class Knox:
    """Pairs of calls by distance (rows) and time (columns).

    Attributes
    ----------
    space_edges, time_edges : ndarray of float64
        Row ``i`` holds distances in ``[space_edges[i], space_edges[i + 1])``, column ``j`` times apart in
        ``[time_edges[j], time_edges[j + 1])``.
    observed : ndarray of int64, shape (n_row, n_column)
    expected : ndarray of float64, shape (n_row, n_column)
        Exact mean over all permutations of the times: pairs in the row's distance × pairs in the
        column's time, of all calls, / all pairs.
    ratio : ndarray of float64, shape (n_row, n_column)
        Observed over expected (Knox ratio); NaN where nothing is expected.
    p_value : ndarray of float64, shape (n_row, n_column)
        (Permutations with at least as many pairs + 1) / (permutations + 1), each cell for itself; NaN
        without permutations.
    permuted : ndarray of int64, shape (permutations, n_row, n_column)
        The counts of every permutation.
    """

    space_edges: Floats
    time_edges: Floats
    observed: NDArray[np.int64]
    expected: Floats
    ratio: Floats
    p_value: Floats
    permuted: NDArray[np.int64]

    def cell(self, distance: float, apart: float) -> tuple[int, int]:
        """Row and column of a pair; -1 where it lies outside the edges."""
        return _interval(self.space_edges, distance), _interval(self.time_edges, apart)


def knox(
    x: ArrayLike,
    y: ArrayLike,
    t: ArrayLike,
    *,
    space_edges: ArrayLike,
    time_edges: ArrayLike,
    permutations: int = 99,
    seed: int = 0,
    threads: int = 2,
    job: Job | None = None,
) -> Knox:
    """Count pairs of calls by how far and how long they are apart, against permuted times.

    (Knox, E. G. (1964), "The detection of space-time interactions", *Applied Statistics* 13, 25-29; the
    table of bands as in Ratcliffe's near-repeat calculator. Johnson, S. D. et al. (2007), "Space-time
    patterns of risk", *Journal of Quantitative Criminology* 23, 201-219.) All intervals are closed below
    and open above, ``[a, b)``: a pair exactly 100 m apart belongs to [100, 200), not to [0, 100). Pairs
    close in space are found once, by a grid; only the times are permuted.

    Parameters
    ----------
    x, y : array_like of float, shape (n_call,)
        Projected metres.
    t : array_like of float, shape (n_call,)
        Times in any unit, such as seconds or days; ``time_edges`` is in the same one.
    space_edges : array_like of float
        Rising, from 0 or more: ``[0, 100, 200, 400]`` gives three bands. Metres.
    time_edges : array_like of float
        Rising, from 0 or more: ``[0, 1, 2, 3, 4]``, with ``t`` in days.
    permutations : int
    seed : int
        The same seed gives the same result, whatever the number of threads.
    threads : int
    job : Job, optional
        Cancelling raises `anlan.core.errors.Cancelled`.

    Returns
    -------
    Knox

    Raises
    ------
    AnlanError
        If there are fewer than two calls, all at one point or at one time, a coordinate is missing, or
        the edges do not rise from zero or more.
    """
    space, time = _edges(space_edges, "space_edges"), _edges(time_edges, "time_edges")
    px, py, pt = _points(x, y, t)
    if permutations < 0:
        raise AnlanError(
            f"permutations = {permutations}",
            "they are counted from 0",
            "give 99 or more",
            code="permutations",
        )
    if np.ptp(px) == 0 and np.ptp(py) == 0:
        raise AnlanError(
            f"{len(px)} calls, all at one point",
            "nearness in space needs two different points",
            "give coordinates finer than the area's centre",
            code="no_variation",
        )
    if np.ptp(pt) == 0:
        raise AnlanError(
            f"{len(px)} calls, all at one time",
            "nearness in time needs two different times",
            "give the time of each call",
            code="no_variation",
        )
    order, cell, start, columns = _grid(px, py, float(space[-1]))
    sx, sy, st = px[order], py[order], pt[order]
    worlds = [st]
    rng = stream(seed, "knox")
    worlds += [rng.permutation(pt)[order] for _ in range(permutations)]
    counts = _count(sx, sy, cell, columns, start, space, time, worlds, threads, job)
    n = len(px)
    # Rows over any time whatever: the same pairs against one interval that holds all.
    rows = _count(sx, sy, cell, columns, start, space, np.array([0.0, np.inf]), [st], threads, None)[0][:, 0]
    in_time = kernel.close_in_time(np.sort(pt), time)
    expected = rows[:, None] * (in_time[None, :] / (n * (n - 1) / 2.0))
    observed, permuted = counts[0], counts[1:]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(expected > 0, observed / expected, np.nan)
    p_value = (
        ((permuted >= observed).sum(axis=0) + 1.0) / (permutations + 1.0)
        if permutations
        else np.full(observed.shape, np.nan)
    )
    return Knox(space, time, observed, expected, ratio, p_value, permuted)


def _count(
    x: Floats,
    y: Floats,
    cell: NDArray[np.int64],
    columns: int,
    start: NDArray[np.int64],
    space: Floats,
    time: Floats,
    worlds: list[Floats],
    threads: int,
    job: Job | None,
) -> NDArray[np.int64]:
    out = np.zeros((len(worlds), len(space) - 1, len(time) - 1), np.int64)
    size = _ROOM + _most_candidates(cell, columns, start)
    one, other, band = (np.empty(size, np.int32) for _ in range(3))
    begin = 0
    with ThreadPoolExecutor(threads) as pool:
        while begin < len(x):
            begin, pairs = kernel.near_pairs(
                x, y, cell, columns, start, space**2, begin, _ROOM, one, other, band
            )

            def add(k: int, pairs: int = pairs) -> None:
                kernel.tally(one, other, band, pairs, worlds[k], time, out[k])

            list(pool.map(add, range(len(worlds))))
            if job is not None:
                job.update(begin / len(x))
                job.check()
    return out


def _most_candidates(cell: NDArray[np.int64], columns: int, start: NDArray[np.int64]) -> int:
    """Most points that one point is compared with."""
    own = start[cell + 2] - start[cell]
    above = start[cell + columns + 2] - start[cell + columns - 1]
    return int((own + above).max())


def _grid(
    x: Floats, y: Floats, side: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], int]:
    """Order of the points by cell, the cell of each, the first point of each cell, and cells in a row."""
    # Cells are never narrower than the largest distance; wider where the ground is large and the reach small.
    side = max(side, float(np.ptp(x)) / 2000.0, float(np.ptp(y)) / 2000.0)
    column = np.floor((x - x.min()) / side).astype(np.int64) + 1
    row = np.floor((y - y.min()) / side).astype(np.int64) + 1
    columns, rows = int(column.max()) + 2, int(row.max()) + 2
    cell = row * columns + column
    order = np.argsort(cell, kind="stable")
    start = np.concatenate([[0], np.cumsum(np.bincount(cell, minlength=columns * rows + 2))]).astype(np.int64)
    return order, cell[order], start, columns


def _edges(given: ArrayLike, name: str) -> Floats:
    edges = np.asarray(given, float).ravel()
    if len(edges) < 2 or np.isnan(edges).any() or edges[0] < 0 or not np.all(np.diff(edges) > 0):
        raise AnlanError(
            f"{name} = {edges.tolist()}",
            "two or more edges rise from zero or more, each interval [a, b)",
            "sort them and drop repeats",
            code="edges",
        )
    if not np.isfinite(edges[:-1]).all() or (name == "space_edges" and not np.isfinite(edges[-1])):
        raise AnlanError(
            f"{name} = {edges.tolist()}", "distances end somewhere", "give a last edge", code="edges"
        )
    return edges


def _points(x: ArrayLike, y: ArrayLike, t: ArrayLike) -> tuple[Floats, Floats, Floats]:
    px, py, pt = (np.asarray(v, float).ravel() for v in (x, y, t))
    if not len(px) == len(py) == len(pt):
        raise AnlanError(
            f"{len(px)} x, {len(py)} y, {len(pt)} times",
            "each call has a place and a time",
            "give arrays of one length",
            code="columns",
        )
    if len(px) < 2:
        raise AnlanError(
            f"{len(px)} calls", "pairs need at least two", "take a longer window", code="too_few"
        )
    missing = ~(np.isfinite(px) & np.isfinite(py) & np.isfinite(pt))
    if missing.any():
        raise AnlanError(
            f"{int(missing.sum())} calls without place or time",
            "a pair is measured in both",
            "leave these calls out",
            code="missing",
        )
    return px, py, pt


def _interval(edges: Floats, value: float) -> int:
    k = int(np.searchsorted(edges, value, side="right")) - 1
    return k if 0 <= k < len(edges) - 1 else -1
