"""Making a covering problem small before it is solved: who reaches whom, and demands that are alike."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray

from anlan.core.seed import stream
from anlan.kernels.siting.cover import (
    merge_rows,
    rows_in_reach,
    sparse_in_reach,
    sparse_two_nearest,
    take_rows,
    transpose,
    two_nearest,
)
from anlan.siting.answer import Floats, Ints
from anlan.siting.problem import BLOCK

Start = NDArray[np.int64]
Column = NDArray[np.int32]
THREADS = 2


@dataclass(frozen=True, eq=False)
class Cover:
    """Merged covering sets over the free columns (allowed sites that are not fixed).

    Attributes
    ----------
    rs, rc : row → columns; ``rc[rs[i]:rs[i + 1]]``
    cs, cr : column → rows
    weight : ndarray of float64, shape (n_row,)
    sites : ndarray of int64, shape (n_column,)
        The site of each column.
    constant : float
        Weight that the fixed sites cover anyway.
    group : ndarray of int32, shape (n_layer_rows,)
        Row of each original (layered) demand; -1 where nothing reaches it or a fixed site covers it.
    """

    rs: Start
    rc: Column
    cs: Start
    cr: Column
    weight: Floats
    sites: Ints
    constant: float
    group: NDArray[np.int32]

    @property
    def n_row(self) -> int:
        """Number of distinct covering sets."""
        return len(self.weight)

    @property
    def n_column(self) -> int:
        """Number of free sites."""
        return len(self.sites)


def without_columns(cover: Cover, keep: NDArray[np.bool_]) -> Cover:
    """The same rows with fewer columns, merged again; `group` leads from the old rows to the new ones."""
    good = keep[cover.rc]
    at = (np.cumsum(keep) - 1).astype(np.int32)
    start = np.concatenate([np.zeros(1, np.int64), np.cumsum(good)])[cover.rs]
    column = at[cover.rc[good]]
    sites = cover.sites[keep]
    key = stream(0, "covering sets").integers(0, 2**64, size=(2, len(sites)), dtype=np.uint64)
    group, first = merge(start, column, key)
    rs, rc = take_rows(start, column, first)
    has = group >= 0
    weight: Any = np.bincount(group[has], weights=cover.weight[has], minlength=len(first))
    cs, cr = transpose(rs, rc, len(sites))
    return Cover(rs, rc, cs, cr, weight, sites, cover.constant, group)


def in_reach(cost: Any, reach: float, allowed: NDArray[np.bool_]) -> tuple[Start, Column]:
    """The allowed sites within reach of each demand, as row starts and columns."""
    if sparse.issparse(cost):
        return sparse_in_reach(
            cost.indptr.astype(np.int64, copy=False),
            cost.indices.astype(np.int32, copy=False),
            cost.data,
            float(reach),
            allowed,
        )
    edges = np.linspace(0, len(cost), (4 * THREADS if cost.size > BLOCK else 1) + 1).astype(int)
    with ThreadPoolExecutor(THREADS) as pool:
        parts = list(
            pool.map(
                lambda k: _dense_rows(cost[edges[k] : edges[k + 1]], float(reach), allowed),
                range(len(edges) - 1),
            )
        )
    shift = np.cumsum([0] + [len(c) for _, c in parts])
    starts = [s[1:] + o for (s, _), o in zip(parts, shift, strict=False)]
    return np.concatenate([np.zeros(1, np.int64), *starts]), np.concatenate([c for _, c in parts])


def _dense_rows(cost: Any, reach: float, allowed: NDArray[np.bool_]) -> tuple[Start, Column]:
    n, m = cost.shape
    start = np.zeros(n + 1, np.int64)
    buffer = np.empty(max(8 * m, min(n * m, 1 << 22)), np.int32)
    parts, row, done = [], 0, 0
    while row < n:
        first = row
        row = rows_in_reach(cost, reach, allowed, first, start, buffer)
        filled = int(start[row])
        parts.append(buffer[:filled].copy())
        start[first : row + 1] += done
        done += filled
    return start, np.concatenate([*parts, np.empty(0, np.int32)])


def merge(start: Start, column: Column, key: NDArray[np.uint64]) -> tuple[Column, Column]:
    """The group of each row (-1 where it is empty) among equal rows, and each group's first row."""
    group = np.empty(len(start) - 1, np.int32)
    first = np.empty(len(start) - 1, np.int32)
    return group, first[: merge_rows(start, column, key, group, first)]


def merged(
    layers: list[tuple[Start, Column, Floats]], n_site: int, fixed: Ints, allowed: NDArray[np.bool_]
) -> Cover:
    """Merge rows with equal covering sets, drop those without weight, without site, or covered anyway.

    Parameters
    ----------
    layers : list of (start, column, weight)
        Each layer has one row per demand (one layer per reach ring).
    """
    key = stream(0, "covering sets").integers(0, 2**64, size=(2, n_site), dtype=np.uint64)
    starts, columns, weights, groups = [np.zeros(1, np.int64)], [], [], []
    rows = 0
    shift = 0
    for start, column, weight in layers:
        group, first = merge(start, column, key)
        has = group >= 0
        s, c = take_rows(start, column, first)
        starts.append(s[1:] + shift)
        columns.append(c)
        weights.append(np.bincount(group[has], weights=weight[has], minlength=len(first)))
        groups.append(np.where(has, group + rows, -1).astype(np.int32))
        rows += len(first)
        shift += len(c)
    start, column = np.concatenate(starts), np.concatenate(columns)
    weight, group = np.concatenate(weights), np.concatenate(groups)
    if len(layers) > 1:
        again, first = merge(start, column, key)
        start, column = take_rows(start, column, first)
        weight = np.bincount(again, weights=weight, minlength=len(first)).astype(np.float64)
        group = np.where(group >= 0, again[group], -1).astype(np.int32)
    is_fixed = np.zeros(n_site, bool)
    is_fixed[fixed] = True
    drop = weight <= 0
    constant = 0.0
    if len(fixed) and len(weight):
        held = np.logical_or.reduceat(is_fixed[column], start[:-1])
        constant = float(weight[held].sum())
        drop |= held
    keep = np.flatnonzero(~drop).astype(np.int32)
    if len(keep) < len(weight):
        start, column = take_rows(start, column, keep)
        weight = weight[keep]
        at = np.full(len(drop), -1, np.int32)
        at[keep] = np.arange(len(keep), dtype=np.int32)
        group = np.where(group >= 0, at[group], -1).astype(np.int32)
    sites = np.flatnonzero(allowed & ~is_fixed).astype(np.int64)
    place = np.full(n_site, -1, np.int32)
    place[sites] = np.arange(len(sites), dtype=np.int32)
    column = place[column]
    cs, cr = transpose(start, column, len(sites))
    return Cover(start, column, cs, cr, weight, sites, constant, group)


def nearest_two(cost: Any, sites: Ints) -> tuple[Ints, Floats, Ints, Floats]:
    """The nearest and the second nearest of some sites for each demand.

    Returns
    -------
    site, cost, second, second_cost
        Site indexes (-1 where none is reachable) and seconds (infinite there).
    """
    sites = np.asarray(sites, dtype=np.int64)
    if sparse.issparse(cost):
        position = np.full(cost.shape[1], -1, np.int64)
        position[sites] = np.arange(len(sites))
        one, d1, two, d2 = sparse_two_nearest(
            cost.indptr.astype(np.int64, copy=False),
            cost.indices.astype(np.int32, copy=False),
            cost.data,
            position,
        )
    else:
        one, d1, two, d2 = two_nearest(cost, sites)
    named = np.append(sites, -1)
    return named[one], d1, named[two], d2


def row(cost: Any, demand: int) -> tuple[Ints, Floats]:
    """The sites that can reach one demand at all, and their costs, nearest first."""
    if sparse.issparse(cost):
        a, b = cost.indptr[demand], cost.indptr[demand + 1]
        sites, values = cost.indices[a:b].astype(np.int64), cost.data[a:b].astype(np.float64)
    else:
        values = np.asarray(cost[demand], dtype=np.float64)
        sites = np.arange(len(values))
    reachable = np.isfinite(values)
    sites, values = sites[reachable], values[reachable]
    order = np.argsort(values, kind="stable")
    return sites[order], values[order]
