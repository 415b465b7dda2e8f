"""Each demand's sites by rising cost, as long as they can matter."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray

from anlan.kernels.siting.cover import transpose_places
from anlan.siting.answer import Floats, Ints
from anlan.siting.problem import BLOCK
from anlan.siting.reduce import THREADS


@dataclass(frozen=True, eq=False)
class Lists:
    """Rows (demands with weight) and their columns (allowed sites) by rising weighted cost.

    Attributes
    ----------
    rs, rc, rv : row → columns and their weighted costs
    cs, ca, row : column → places in ``rc``; place → row
    cap : ndarray of float64, shape (n_row,)
        The first weighted cost that a row does not list; infinite where it lists all.
    miss : ndarray of float64, shape (n_row,)
        What the search counts for a row that no listed column serves.
    sites : ndarray of int64, shape (n_column,)
        The site of each column.
    rows : ndarray of int64, shape (n_row,)
        The demand of each row.
    """

    rs: Ints
    rc: NDArray[np.int32]
    rv: Floats
    cs: Ints
    ca: Ints
    row: NDArray[np.int32]
    cap: Floats
    miss: Floats
    sites: Ints
    rows: Ints

    @property
    def n_row(self) -> int:
        """Number of demands with weight."""
        return len(self.cap)

    @property
    def n_column(self) -> int:
        """Number of allowed sites."""
        return len(self.sites)


def near_lists(cost: Any, weight: Floats, allowed: NDArray[np.bool_], width: int) -> Lists:
    """The ``width`` nearest allowed sites of each demand (all of them for a sparse cost).

    Rows with fewer reachable sites list those; a row without any has an empty list.
    """
    rows = np.flatnonzero(weight > 0).astype(np.int64)
    sites = np.flatnonzero(allowed).astype(np.int64)
    n = len(rows)
    if sparse.issparse(cost):
        place = np.full(cost.shape[1], -1, np.int32)
        place[sites] = np.arange(len(sites), dtype=np.int32)
        part = cost[rows]
        column = place[part.indices]
        owner = np.repeat(np.arange(n), np.diff(part.indptr))
        good = (column >= 0) & np.isfinite(part.data)
        column, owner, value = column[good], owner[good], part.data[good].astype(np.float64)
        order = np.lexsort((column, value, owner))
        column, owner, value = column[order], owner[order], value[order]
        rs = np.concatenate([np.zeros(1, np.int64), np.cumsum(np.bincount(owner, minlength=n))])
        cap = np.full(n, np.inf)
        worst = np.array(value, copy=True)
    else:
        width = min(width, len(sites))
        step = max(1, BLOCK // (4 * len(sites)))
        starts = list(range(0, n, step))
        every = len(sites) == cost.shape[1]

        def block(first: int) -> tuple[NDArray[Any], Floats, Floats, Floats, float]:
            mine = rows[first : first + step]
            values = cost[mine[0] : mine[-1] + 1] if len(mine) == mine[-1] - mine[0] + 1 else cost[mine]
            if not every:
                values = values[:, sites]
            if width < len(sites):
                near = np.argpartition(values, width, axis=1)
                following = np.take_along_axis(values, near[:, width : width + 1], axis=1)[:, 0]
                near = np.sort(near[:, :width], axis=1)
            else:
                near = np.broadcast_to(np.arange(len(sites)), values.shape)
                following = np.full(len(mine), np.inf)
            taken = np.take_along_axis(values, near, axis=1)
            order = np.argsort(taken, axis=1, kind="stable")
            return (
                np.take_along_axis(near, order, axis=1).astype(np.int32),
                np.take_along_axis(taken, order, axis=1).astype(np.float64),
                following.astype(np.float64),
                values.max(axis=1).astype(np.float64),
                np.max(values, initial=0.0, where=np.isfinite(values)),
            )

        with ThreadPoolExecutor(THREADS) as pool:
            parts = list(pool.map(block, starts))
        column = np.concatenate([p[0] for p in parts])
        value = np.concatenate([p[1] for p in parts])
        cap = np.concatenate([p[2] for p in parts])
        top = np.concatenate([p[3] for p in parts])
        good = np.isfinite(value)
        rs = np.concatenate([np.zeros(1, np.int64), np.cumsum(good.sum(axis=1))])
        if good.all():
            column, value = column.ravel(), value.ravel()
        else:
            column, value = column[good], value[good]
        worst = np.array([p[4] for p in parts], np.float64)
    w = weight[rows]
    rv = value * np.repeat(w, np.diff(rs))
    # A demand without service must cost more than any way of serving all of them.
    never = 1.0 + 2.0 * float((w * (worst.max() if len(worst) else 0.0)).sum())
    miss = np.full(n, never)
    if not sparse.issparse(cost):
        miss[np.isfinite(top)] = (w * top)[np.isfinite(top)]
    cs, ca, row = transpose_places(rs, column.astype(np.int32, copy=False), len(sites))
    return Lists(rs, column.astype(np.int32, copy=False), rv, cs, ca, row, cap * w, miss, sites, rows)


def without_columns(lists: Lists, keep: NDArray[np.bool_]) -> Lists:
    """The same lists with fewer columns (those that proof has closed go)."""
    good = keep[lists.rc]
    at = (np.cumsum(keep) - 1).astype(np.int32)
    rs = np.concatenate([np.zeros(1, np.int64), np.cumsum(good)])[lists.rs]
    rc = at[lists.rc[good]]
    cs, ca, row = transpose_places(rs, rc, int(keep.sum()))
    return Lists(
        rs, rc, lists.rv[good], cs, ca, row, lists.cap, lists.miss, lists.sites[keep], lists.rows
    )  # fmt: skip
