"""Set covering over explicit rows: the cheapest choice that meets each of them, part by part."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from anlan.siting.answer import Floats, Ints
from anlan.siting.covers import NOWHERE, Sets, by_program, cheapest
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
    *,
    quick: bool = False,
    seed: int = 0,
) -> Chosen:
    """The cheapest columns that meet every row.

    Rows that share no column are solved apart. A part whose rows are intervals of columns of equal price is
    solved by stabbing intervals at their right ends, which is exact (Hochbaum & Maass 1985 call it the
    one-dimensional case); all others are a set covering, see `anlan.siting.covers.cheapest`.

    Parameters
    ----------
    rows : Rows
    price : ndarray, shape (n,)
        0 or more.
    must, allowed : ndarray of bool, shape (n,)
    side : Side
        Further limits; with any, everything is one program.
    watch : Watch
    target : float
        Where it is finite, the only question is whether the price can be kept to it: a choice that keeps to
        it, or a bound beyond it, ends the run.
    quick : bool
        Search and bound only, without branching.
    seed : int

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
        found = by_program(_sets(left, price), np.flatnonzero(must), _within(side, allowed | must), watch)
        if not np.isfinite(found.cost):
            return Chosen(None, np.inf, found.bound)
        chosen[found.columns] = True
        return Chosen(chosen, float(price[chosen].sum()), found.bound)
    total = base
    hard = np.zeros(len(left.size), bool)
    for group in _parts(left, n):
        stabbed = _stab(left.take(group), price)
        if stabbed is None:
            hard[group] = True
        else:
            chosen[stabbed] = True
            total += float(price[stabbed].sum())
    if not hard.any():
        return Chosen(chosen, total, total)
    if np.isfinite(target) and total > target + 1e-9:
        return Chosen(None, np.inf, total)
    rest = left.take(np.flatnonzero(hard))
    asked = target - total if np.isfinite(target) else None
    found = cheapest(_sets(rest, price), NOWHERE, watch, seed=seed, target=asked, branch=not quick)
    bound = total + found.bound
    if np.all(price == np.floor(price)):
        bound = float(np.ceil(bound - 1e-6))
    if not np.isfinite(found.cost):
        return Chosen(None, np.inf, bound)
    chosen[found.columns] = True
    worth = float(price[chosen].sum())
    return Chosen(chosen, worth, min(bound, worth))


def _sets(rows: Rows, price: Floats) -> Sets:
    """Rows in the form of the covering solver: ascending columns, one of each needed."""
    owner = np.repeat(np.arange(len(rows.size)), rows.size)
    column = rows.column[np.lexsort((rows.column, owner))].astype(np.int32)
    return Sets(rows.start.astype(np.int64), column, np.ones(len(rows.size), np.int32), price)


def _within(side: Side, usable: Bools) -> Side:
    """The limits, and that no other column is used."""
    if usable.all():
        return side
    return Side(np.vstack([side.rows, (~usable).astype(np.float64)]), np.append(side.limit, 0.0))


def _parts(rows: Rows, n: int) -> list[Ints]:
    """Row numbers of each part; parts share no column."""
    count = len(rows.size)
    links = (
        np.ones(len(rows.column), np.int8),
        (np.repeat(np.arange(count), rows.size), count + rows.column),
    )
    graph = sparse.csr_matrix(links, (count + n, count + n))
    _, part = connected_components(graph, directed=False)
    order = np.argsort(part[:count], kind="stable")
    return list(np.split(order, np.flatnonzero(np.diff(part[order])) + 1))


def _stab(rows: Rows, price: Floats) -> Ints | None:
    """The fewest columns that hit every interval of a line or a ring.

    On a line the right ends of intervals, from left to right, wherever none is hit yet. On a ring some column
    of the shortest row is used; each of them in turn cuts the ring open. None if the rows are no intervals of
    columns of equal price.
    """
    columns = np.unique(rows.column)
    m = len(columns)
    if np.ptp(price[columns]) > 0:
        return None
    local = np.searchsorted(columns, rows.column)
    first = np.minimum.reduceat(local, rows.start[:-1])
    last = np.maximum.reduceat(local, rows.start[:-1])
    wraps = last - first + 1 != rows.size
    if wraps.any():
        owner = np.repeat(np.arange(len(rows.size)), rows.size)
        order = np.lexsort((local, owner))
        inside = owner[order][1:] == owner[order][:-1]
        breaks = np.flatnonzero(inside & (np.diff(local[order]) > 1))
        broken = owner[order][breaks]
        # A row that goes on over the seam has both ends and one hole.
        if len(np.unique(broken)) < len(broken) or np.any(first[broken] > 0) or np.any(last[broken] < m - 1):
            return None
        first[broken] = local[order][breaks + 1]
        last[broken] = first[broken] + rows.size[broken] - 1
    # after[i]: where the next column stands if the last one stands at i, on the ring laid out three times.
    after = np.full(3 * m + 1, 3 * m, np.int64)
    for lap in range(3):
        start = first + lap * m
        use = start <= 3 * m
        np.minimum.at(after, start[use], last[use] + lap * m)
    after = np.minimum.accumulate(after[::-1])[::-1]
    if not wraps.any():
        end, at, points = m, -1, []
        while (at := int(after[at + 1])) < end:
            points.append(at)
        return columns[points]
    shortest = int(np.argmin(rows.size))
    best: list[int] = []
    for begin in range(int(first[shortest]), int(last[shortest]) + 1):
        at, points = begin, [begin]
        while (at := int(after[at + 1])) < begin + m:
            points.append(at)
        if not best or len(points) < len(best):
            best = points
    return columns[np.array(best) % m]
