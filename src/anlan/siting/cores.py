"""Set covering made small by dominance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from anlan.kernels.siting.cover import take_rows, transpose
from anlan.kernels.siting.lscp import dominated
from anlan.siting.answer import Floats, Ints
from anlan.siting.essential import essential_rows
from anlan.siting.reduce import Column, Start

Bools = NDArray[np.bool_]
Needs = NDArray[np.int32]
NOWHERE: Ints = np.empty(0, np.int64)


@dataclass(frozen=True, eq=False)
class Core:
    """What is left of a set covering problem after reduction.

    Attributes
    ----------
    rs, rc, cs, cr : row → columns and column → rows
    need : ndarray of int32, shape (n_row,)
        Columns each row still needs.
    price : ndarray of float64, shape (n_column,)
    columns : ndarray of int64, shape (n_column,)
        Each column's number in the original problem.
    forced : ndarray of int64
        Original columns that some optimal cover has.
    rows : ndarray of int64, shape (n_row,)
        Each row's number in the original problem.
    """

    rs: Start
    rc: Column
    cs: Start
    cr: Column
    need: Needs
    price: Floats
    columns: Ints
    forced: Ints
    rows: Ints

    @property
    def n_row(self) -> int:
        """Number of rows."""
        return len(self.need)

    @property
    def n_column(self) -> int:
        """Number of columns."""
        return len(self.columns)


def reduced(rs: Start, rc: Column, need: Needs, price: Floats, forced: Ints = NOWHERE) -> Core:
    """Drop superfluous rows and columns and force indispensable ones until nothing changes.

    A row goes if another row's columns are a subset of its own (and that row needs as many); a column goes
    if a cheaper one reaches the same rows and more (only while every row needs one column); a column is
    forced if a row has no others (Toregas & ReVelle 1973; Beasley 1987).

    Parameters
    ----------
    rs, rc : rows to columns, ascending in each row; every row has at least ``need`` columns
    need : ndarray of int32
    price : ndarray of float64
    forced : ndarray of int64
        Columns that must be used.
    """
    columns = np.arange(len(price), dtype=np.int64)
    rows = np.arange(len(need), dtype=np.int64)
    must = np.zeros(len(price), bool)
    must[forced] = True
    taken: list[Ints] = []
    while True:
        before = (len(rows), len(columns))
        if must.any():
            taken.append(columns[must])
            hits = must[rc]
            need = need - _row_sums(hits, rs).astype(np.int32)
            rs, rc, need, price, rows, columns = cut(rs, rc, need, price, rows, columns, need > 0, ~must)
        matter = np.zeros(len(rows), bool)
        matter[essential_rows(rs, rc, len(columns), need.astype(np.float64))] = True
        rs, rc, need, price, rows, columns = cut(
            rs, rc, need, price, rows, columns, matter, np.ones(len(columns), bool)
        )
        cs, cr = transpose(rs, rc, len(columns))
        idle = np.diff(cs) == 0
        if np.all(need <= 1):
            dominated(cs, cr, rs, rc, price, False, idle)
        rs, rc, need, price, rows, columns = cut(
            rs, rc, need, price, rows, columns, np.ones(len(rows), bool), ~idle
        )
        must = np.zeros(len(columns), bool)
        tight = np.diff(rs) == need
        must[rc[np.repeat(tight, np.diff(rs))]] = True
        if before == (len(rows), len(columns)) and not must.any():
            break
    cs, cr = transpose(rs, rc, len(columns))
    return Core(
        rs, rc, cs, cr, need, price, columns, np.sort(np.concatenate([*taken, NOWHERE])), rows
    )  # fmt: skip


def parts(core: Core) -> list[Core]:
    """The pieces that share no column, the smallest first; each numbers its rows and columns as before."""
    m = core.n_column
    at = np.repeat(np.arange(core.n_row), np.diff(core.rs)) + m
    graph = csr_matrix((np.ones(len(at), np.int8), (at, core.rc)), (m + core.n_row, m + core.n_row))
    count, part = connected_components(graph, directed=False)
    if count <= 1:
        return [core] if m else []
    pieces = []
    for k in np.argsort(np.bincount(part), kind="stable"):
        keep = part == k
        rs, rc, need, price, rows, columns = cut(
            core.rs, core.rc, core.need, core.price, core.rows, core.columns, keep[m:], keep[:m]
        )
        cs, cr = transpose(rs, rc, len(columns))
        pieces.append(Core(rs, rc, cs, cr, need, price, columns, core.forced[:0], rows))
    return pieces


def _row_sums(values: Bools, start: Start) -> Ints:
    total = np.concatenate([np.zeros(1, np.int64), np.cumsum(values)])
    return total[start[1:]] - total[start[:-1]]


def cut(
    rs: Start, rc: Column, need: Needs, price: Floats, rows: Ints, columns: Ints,
    keep_rows: Bools, keep_columns: Bools,
) -> tuple[Start, Column, Needs, Floats, Ints, Ints]:  # fmt: skip
    """Some of the rows and columns; what the kept rows still need is left as it is."""
    if not keep_rows.all():
        rs, rc = take_rows(rs, rc, np.flatnonzero(keep_rows).astype(np.int32))
        need, rows = need[keep_rows], rows[keep_rows]
    if not keep_columns.all():
        good = keep_columns[rc]
        at = (np.cumsum(keep_columns) - 1).astype(np.int32)
        rs = np.concatenate([np.zeros(1, np.int64), np.cumsum(good)])[rs]
        rc = at[rc[good]]
        price, columns = price[keep_columns], columns[keep_columns]
    return rs, rc, need.astype(np.int32), price, rows, columns
