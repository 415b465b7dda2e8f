"""Set covering over explicit rows: the cheapest choice that meets each of them, part by part."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from anlan.siting.answer import Floats, Ints
from anlan.siting.mip import RowBuilder, optimise
from anlan.siting.problem import Side, Watch

Bools = NDArray[np.bool_]


class Rows(NamedTuple):
    """Sets of columns: row i is ``column[start[i]:start[i + 1]]``."""

    start: Ints
    column: Ints

    @property
    def size(self) -> Ints:
        """Number of columns of each row."""
        return np.diff(self.start)

    def take(self, keep: Ints) -> Rows:
        """Some of the rows."""
        size = self.size[keep]
        start = np.concatenate([[0], np.cumsum(size)])
        step = np.arange(start[-1]) - np.repeat(start[:-1], size)
        return Rows(start, self.column[np.repeat(self.start[keep], size) + step])

    def any_in(self, columns: Bools) -> Bools:
        """Whether each row has one of the columns."""
        total = np.concatenate([[0], np.cumsum(columns[self.column])])
        return total[self.start[1:]] > total[self.start[:-1]]

    def within(self, columns: Bools) -> Rows:
        """The rows without other columns."""
        keep = columns[self.column]
        return Rows(np.concatenate([[0], np.cumsum(keep)])[self.start], self.column[keep])


def stacked_rows(parts: list[Rows]) -> Rows:
    """All rows of several."""
    shift = np.cumsum([0] + [part.start[-1] for part in parts])
    return Rows(
        np.concatenate(
            [np.zeros(1, np.int64)] + [p.start[1:] + s for p, s in zip(parts, shift, strict=False)]
        ),
        np.concatenate([np.empty(0, np.int64)] + [part.column for part in parts]),
    )


class Chosen(NamedTuple):
    """A choice of columns (None where none was found), its price, and a proven lower bound on the price."""

    columns: Bools | None
    price: float
    bound: float


def fewest(
    rows: Rows,
    price: Floats,
    must: Bools,
    allowed: Bools,
    side: Side,
    watch: Watch,
    target: float = -np.inf,
) -> Chosen:
    """The cheapest columns that meet every row.

    Rows that share no column are solved apart. A part whose rows are intervals of columns of equal price is
    solved by stabbing intervals at their right ends, which is exact; any other by HiGHS.

    Parameters
    ----------
    rows : Rows
    price : ndarray, shape (n,)
        0 or more.
    must, allowed : ndarray of bool, shape (n,)
    side : Side
        Further limits; with any, everything is one part.
    watch : Watch
    target : float
        A price that is good enough: if a greedy choice keeps to it, that is the answer.

    Returns
    -------
    Chosen
        With an infinite bound if some row cannot be met or the limits cannot be kept.
    """
    n = len(price)
    chosen = must.copy()
    left = rows.take(np.flatnonzero(~rows.any_in(must))).within(allowed)
    if np.any(left.size == 0):
        return Chosen(None, np.inf, np.inf)
    base = float(price[must].sum())
    if not len(left.size) and not len(side):
        return Chosen(chosen, base, base)
    if len(side):
        found, bound = _program(left, np.arange(n), price, must, allowed, side, watch)
        if found is None:
            return Chosen(None, np.inf, bound)
        chosen[found] = True
        return Chosen(chosen, float(price[chosen].sum()), bound)
    if base < target:
        greedy = _greedily(left, price)
        if base + price[greedy].sum() <= target:
            chosen[greedy] = True
            return Chosen(chosen, float(price[chosen].sum()), base)
    stabbed = _stab(left, price, n)
    if stabbed is not None:
        chosen[stabbed] = True
        total = float(price[chosen].sum())
        return Chosen(chosen, total, total)
    count = len(left.size)
    links = (np.ones(len(left.column)), (np.repeat(np.arange(count), left.size), count + left.column))
    graph = sparse.csr_matrix(links, (count + n, count + n))
    _, part = connected_components(graph, directed=False)
    order = np.argsort(part[:count], kind="stable")
    bound, complete = base, True
    for group in np.split(order, np.flatnonzero(np.diff(part[order])) + 1):
        mine = left.take(group)
        stabbed = _stab(mine, price, n)
        if stabbed is not None:
            chosen[stabbed] = True
            bound += float(price[stabbed].sum())
            continue
        found, least = _program(mine, np.unique(mine.column), price, must, allowed, side, watch)
        bound += least
        if np.isinf(least):
            return Chosen(None, np.inf, np.inf)
        if found is None:
            complete = False
        else:
            chosen[found] = True
    return Chosen(chosen, float(price[chosen].sum()), bound) if complete else Chosen(None, np.inf, bound)


def _greedily(rows: Rows, price: Floats) -> Ints:
    """Columns that meet every row: the one that meets most for its price first, then without the needless."""
    count, n = len(rows.size), len(price)
    by_row = sparse.csr_matrix((np.ones(len(rows.column), np.int8), rows.column, rows.start), (count, n))
    by_column = by_row.tocsc()
    worth = np.diff(by_column.indptr).astype(np.float64)
    times = np.zeros(count, np.int64)
    picks: list[int] = []
    cheap = np.maximum(price, 1e-12)
    left = count
    while left:
        pick = int(np.argmax(worth / cheap))
        mine = by_column.indices[by_column.indptr[pick] : by_column.indptr[pick + 1]]
        new = mine[times[mine] == 0]
        worth -= np.bincount(rows.take(new).column, minlength=n)
        times[mine] += 1
        left -= len(new)
        picks.append(pick)
    kept = []
    for pick in picks:
        mine = by_column.indices[by_column.indptr[pick] : by_column.indptr[pick + 1]]
        if times[mine].min() > 1:
            times[mine] -= 1
        else:
            kept.append(pick)
    return np.array(kept, np.int64)


def _stab(rows: Rows, price: Floats, n: int) -> Ints | None:
    """The fewest columns that hit every interval; None if the rows are no intervals of equal price."""
    present = np.zeros(n, bool)
    present[rows.column] = True
    if np.ptp(price[present]) > 0:
        return None
    number = np.cumsum(present) - 1
    local = number[rows.column]
    first = np.minimum.reduceat(local, rows.start[:-1])
    last = np.maximum.reduceat(local, rows.start[:-1])
    if np.any(last - first + 1 != rows.size):
        return None
    at, points = -1, []
    order = np.argsort(last, kind="stable")
    for a, b in zip(first[order].tolist(), last[order].tolist(), strict=True):
        if a > at:
            at = b
            points.append(at)
    return np.flatnonzero(present)[points]


def _program(
    rows: Rows, used: Ints, price: Floats, must: Bools, allowed: Bools, side: Side, watch: Watch
) -> tuple[Ints | None, float]:
    """The program of one part: chosen columns (None where none was found) and a bound on their price."""
    builder = RowBuilder(len(used))
    if len(rows.size):
        at = np.repeat(np.arange(len(rows.size)), rows.size)
        columns = np.searchsorted(used, rows.column)
        builder.add_cells(at, columns, np.ones(len(at)), len(rows.size), 1.0, np.inf)
    if len(side):
        builder.add(side.rows[:, used], -np.inf, side.limit)
    upper = (allowed | must)[used].astype(np.float64)
    program = builder.program("min", price[used], must[used].astype(np.float64), upper, True)
    outcome = optimise(program, watch)
    if outcome.status == "infeasible":
        return None, np.inf
    bound = max(0.0, outcome.bound)
    if np.all(price[used] == np.floor(price[used])):
        bound = float(np.ceil(bound - 1e-6))
    return (used[outcome.x > 0.5] if len(outcome.x) else None), bound
