"""ST-DBSCAN: clusters of calls that are dense in space and in time."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anlan.core.columns import Bools, Floats, Ints
from anlan.core.errors import AnlanError
from anlan.kernels import st_dbscan_cells as kernel


@dataclass(frozen=True, eq=False)
class DensityClusters:
    """The cluster of every call.

    Attributes
    ----------
    labels : ndarray of int64, shape (n_call,)
        Cluster from 0, in order of each cluster's first core call; -1 is noise.
    core : ndarray of bool, shape (n_call,)
        Calls with enough neighbours.
    """

    labels: NDArray[np.int64]
    core: NDArray[np.bool_]

    @property
    def n_clusters(self) -> int:
        """How many clusters there are."""
        return int(self.labels.max(initial=-1)) + 1


def st_dbscan(
    x: ArrayLike, y: ArrayLike, t: ArrayLike, *, eps_m: float, eps_s: float, min_points: int
) -> DensityClusters:
    """Cluster calls that have many others within ``eps_m`` metres and ``eps_s`` seconds.

    Two calls are neighbours if they are at most ``eps_m`` apart in space and at most ``eps_s`` in time
    (closed intervals). A call with ``min_points`` neighbours, itself included, is a core; cores that are
    neighbours share a cluster, and a neighbour of a core that is no core itself joins its cluster — where
    there are several, the one whose first core comes first. (Birant, D. and Kut, A. (2007), "ST-DBSCAN: an
    algorithm for clustering spatial-temporal data", *Data & Knowledge Engineering* 60, 208-221, without its
    third, non-spatial threshold; cells as in Gunawan, A. (2013), "A faster algorithm for DBSCAN", for
    coincident calls.) Labels equal those of scikit-learn's DBSCAN under the metric max(d / eps_m, Δt / eps_s).

    Parameters
    ----------
    x, y : array_like of float, shape (n_call,)
        Projected metres.
    t : array_like of float, shape (n_call,)
        Seconds.
    eps_m, eps_s : float
        Zero asks for the same place or the same time.
    min_points : int

    Returns
    -------
    DensityClusters

    Raises
    ------
    AnlanError
        If there are no calls, a coordinate or time is missing, or a threshold is negative.
    """
    px, py, pt = (np.asarray(v, float).ravel() for v in (x, y, t))
    _check(px, py, pt, eps_m, eps_s, min_points)
    if eps_m == 0:
        # One number for each place: the same or at least one apart.
        _, place = np.unique(np.column_stack([px, py]), axis=0, return_inverse=True)
        px, py, eps_m = place.ravel().astype(float), np.zeros(len(px)), 0.5
    if eps_s == 0:
        pt, eps_s = np.unique(pt, return_inverse=True)[1].astype(float), 0.5
    # Any two points of a cell are neighbours: its diagonal is at most eps_m, its height at most eps_s.
    side = eps_m / math.sqrt(2.0) * (1 - 1e-9)
    column, row, layer = _cells(px, side), _cells(py, side), _cells(pt, eps_s * (1 - 1e-9))
    order = np.lexsort((py, px, pt, layer, row, column))
    sx, sy, st = px[order], py[order], pt[order]
    # Calls at the same place and time stand together: keep one, with their number.
    fresh = np.ones(len(order), bool)
    fresh[1:] = (np.diff(sx) != 0) | (np.diff(sy) != 0) | (np.diff(st) != 0)
    group = np.cumsum(fresh) - 1
    at = np.flatnonzero(fresh)
    weight = np.bincount(group)
    rank = np.minimum.reduceat(order, at)
    cc, cr, cl = column[order][at], row[order][at], layer[order][at]
    new = np.ones(len(at), bool)
    new[1:] = (np.diff(cc) != 0) | (np.diff(cr) != 0) | (np.diff(cl) != 0)
    first = np.append(np.flatnonzero(new), len(at)).astype(np.int64)
    start, near = kernel.neighbours(cc[new], cr[new], cl[new])
    points = (sx[at], sy[at], st[at])
    square = float(eps_m) ** 2
    core = kernel.cores(*points, weight, first, start, near, square, float(eps_s), int(min_points))
    named = kernel.components(*points, core, rank, first, start, near, square, float(eps_s))
    return _spread(named[group], core[group], order)


def _spread(named: Ints, core: Bools, order: Ints) -> DensityClusters:
    labels, cores = np.empty(len(order), np.int64), np.empty(len(order), bool)
    names = np.unique(named[named >= 0])
    labels[order] = np.where(named >= 0, np.searchsorted(names, named), -1)
    cores[order] = core
    return DensityClusters(labels, cores)


def _cells(values: Floats, side: float) -> Ints:
    number = np.floor((values - values.min()) / side)
    if number.max() > 2**53:
        raise AnlanError(
            f"a threshold of {side:g} over a range of {np.ptp(values):g}",
            "it is finer than the numbers themselves",
            "choose a larger threshold",
            code="threshold",
        )
    return number.astype(np.int64)


def _check(x: Floats, y: Floats, t: Floats, eps_m: float, eps_s: float, min_points: int) -> None:
    if not len(x) == len(y) == len(t):
        raise AnlanError(
            f"{len(x)} x, {len(y)} y, {len(t)} times",
            "each call has a place and a time",
            "give arrays of one length",
            code="columns",
        )
    if len(x) == 0:
        raise AnlanError("calls", "there are none", "take a longer window", code="too_few")
    missing = ~(np.isfinite(x) & np.isfinite(y) & np.isfinite(t))
    if missing.any():
        raise AnlanError(
            f"{int(missing.sum())} calls without place or time",
            "neighbours are near in both",
            "leave these calls out",
            code="missing",
        )
    for name, value in (("eps_m", eps_m), ("eps_s", eps_s)):
        if not (math.isfinite(value) and value >= 0):
            raise AnlanError(
                f"{name} = {value}",
                "a threshold is zero or more",
                "give metres and seconds",
                code="threshold",
            )
    if min_points < 1:
        raise AnlanError(
            f"min_points = {min_points}", "a core counts itself", "give 1 or more", code="min_points"
        )
