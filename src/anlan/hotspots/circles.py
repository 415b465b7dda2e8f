"""Circles: which places lie around each place, nearest first, as the crow flies or along the streets."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from scipy.spatial import KDTree
from scipy.spatial.distance import cdist

from anlan.core.columns import Bools, Floats, Ints
from anlan.core.errors import AnlanError

_MOST = 400_000_000
_CHUNK = 4_000_000
_TIE = 1e-9


@dataclass(frozen=True, eq=False)
class Circles:
    """The neighbour order of every place, from which the windows of a scan grow.

    Attributes
    ----------
    start : ndarray of int64, shape (n_place + 1,)
        Row of centre ``c`` is ``[start[c], start[c + 1])`` of the next two.
    place : ndarray of int32, shape (n_entry,)
        Places around the centre, nearest first; the centre itself is among them.
    distance : ndarray of float64, shape (n_entry,)
        Their distance from the centre, rising: metres, or seconds of travel.
    """

    start: Ints
    place: NDArray[np.int32]
    distance: Floats

    def __post_init__(self) -> None:
        n = len(self.start) - 1
        if n < 1 or self.start[0] != 0 or np.any(np.diff(self.start) < 0):
            raise ValueError("start must rise from 0, one entry more than places")
        if self.start[-1] != len(self.place) or len(self.place) != len(self.distance):
            raise ValueError("place and distance must have start[-1] entries")
        if len(self.place) and (self.place.min() < 0 or self.place.max() >= n):
            raise ValueError(f"places must be numbers from 0 to {n - 1}")
        inner = np.ones(len(self.distance), bool)
        inner[self.start[:-1][np.diff(self.start) > 0]] = False
        falls = np.flatnonzero(inner[1:] & ~(np.diff(self.distance) >= 0))
        if len(falls):
            centre = int(np.searchsorted(self.start, falls[0] + 1, side="right")) - 1
            raise AnlanError(
                f"distances from place {centre}",
                "the places around a centre are in order of distance",
                "sort each row by distance, or use Circles.along",
                code="order",
            )
        for array in (self.start, self.place, self.distance):
            array.flags.writeable = False

    def __len__(self) -> int:
        return len(self.start) - 1

    @classmethod
    def around(cls, x: ArrayLike, y: ArrayLike, *, max_radius_m: float | None = None) -> Circles:
        """Circles as the crow flies.

        Parameters
        ----------
        x, y : array_like of float, shape (n_place,)
            Centres of the places, projected metres.
        max_radius_m : float, optional
            No circle is wider; by default only the scan's ``max_share`` limits them.

        Raises
        ------
        AnlanError
            If a coordinate is not finite, the radius is negative, or there are too many pairs to keep.
        """
        xy = np.column_stack([np.asarray(x, float), np.asarray(y, float)])
        if len(xy) == 0 or not np.isfinite(xy).all():
            raise AnlanError(
                f"{len(xy)} places, {int((~np.isfinite(xy)).any(axis=1).sum())} without coordinates",
                "a scan needs places with coordinates",
                "give projected metres for every place",
                code="places",
            )
        limit = _limit(max_radius_m, "max_radius_m")
        if np.isfinite(limit):
            return cls._near(xy, limit)
        step = max(1, _CHUNK // len(xy))
        parts = []
        for begin in range(0, len(xy), step):
            parts.append(_sorted_rows(cdist(xy[begin : begin + step], xy), limit))
            _few_enough(sum(len(p[1]) for p in parts), len(xy))
        return cls._joined(parts)

    @classmethod
    def along(cls, distance: Any, *, max_distance: float | None = None) -> Circles:
        """Circles along the streets, from any matrix of distances.

        Parameters
        ----------
        distance : ndarray or sparse array, shape (n_place, n_place)
            From each centre to each place, metres or seconds (``travel.matrix(nodes, nodes)``); inf, or
            not stored in a sparse one, where out of reach. The centre's own 0 may be left out.
        max_distance : float, optional

        Raises
        ------
        AnlanError
            If a distance is negative or the matrix is not square.
        """
        limit = _limit(max_distance, "max_distance")
        shape = distance.shape
        if len(shape) != 2 or shape[0] != shape[1] or shape[0] == 0:
            raise AnlanError(
                f"distances of shape {shape}",
                "there is one row and one column for each place",
                "give a square matrix",
                code="places",
            )
        n = int(shape[0])
        if sparse.issparse(distance):
            coo = sparse.coo_array(distance)
            row, column, value = coo.row, coo.col, np.asarray(coo.data, float)
            off = row != column
            row = np.concatenate([row[off], np.arange(n)])
            column = np.concatenate([column[off], np.arange(n)])
            value = np.concatenate([value[off], np.zeros(n)])
        else:
            dense = np.array(distance, float)
            np.fill_diagonal(dense, 0.0)
            row, column = np.divmod(np.flatnonzero(np.isfinite(dense).ravel()), n)
            value = dense[row, column]
        if np.isnan(value).any() or (len(value) and value.min() < 0):
            raise AnlanError(
                f"a distance of {np.nanmin(value):g}" if len(value) else "distances",
                "a distance is zero or more",
                "write inf where a place is out of reach",
                code="distance",
            )
        keep = value <= limit
        row, column, value = row[keep], column[keep], value[keep]
        _few_enough(len(row), n)
        order = np.lexsort((column, value, row))
        start = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=n))]).astype(np.int64)
        return cls(start, column[order].astype(np.int32), value[order])

    @classmethod
    def _near(cls, xy: NDArray[np.float64], limit: float) -> Circles:
        """All pairs within a limit, by a tree: cheap where circles are small beside the city."""
        tree = KDTree(xy)
        _few_enough(int(tree.count_neighbors(tree, limit)), len(xy))
        pairs = tree.sparse_distance_matrix(tree, limit, output_type="ndarray")
        order = np.lexsort((pairs["j"], pairs["v"], pairs["i"]))
        size = np.bincount(pairs["i"], minlength=len(xy))
        start = np.concatenate([[0], np.cumsum(size)]).astype(np.int64)
        return cls(start, pairs["j"][order].astype(np.int32), pairs["v"][order].astype(np.float64))

    @classmethod
    def _joined(cls, parts: list[tuple[NDArray[np.int64], NDArray[np.int32], Floats]]) -> Circles:
        size = np.concatenate([p[0] for p in parts])
        start = np.concatenate([[0], np.cumsum(size)]).astype(np.int64)
        return cls(start, np.concatenate([p[1] for p in parts]), np.concatenate([p[2] for p in parts]))

    @cached_property
    def ends(self) -> Bools:
        """Whether a circle may end with an entry: places equally far enter together."""
        out = np.ones(len(self.place), bool)
        gap = np.diff(self.distance)
        out[:-1] = gap > _TIE * np.maximum(1.0, self.distance[:-1])
        out[self.start[1:][np.diff(self.start) > 0] - 1] = True
        return out


def _limit(value: float | None, name: str) -> float:
    if value is None:
        return np.inf
    if not value >= 0:
        raise AnlanError(
            f"{name} = {value}", "a radius is zero or more", "give a positive length", code="radius"
        )
    return float(value)


def _few_enough(pairs: int, places: int) -> None:
    if pairs > _MOST:
        raise AnlanError(
            f"{places} places",
            f"at most {_MOST} pairs of centre and place are kept",
            "limit the radius, or use fewer, larger places",
            code="too_many",
        )


def _sorted_rows(distance: Floats, limit: float) -> tuple[NDArray[np.int64], NDArray[np.int32], Floats]:
    order = np.argsort(distance, axis=1, kind="stable")
    ranked = np.take_along_axis(distance, order, axis=1)
    keep = ranked <= limit
    return keep.sum(axis=1), order[keep].astype(np.int32), ranked[keep]
