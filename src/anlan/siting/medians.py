"""The p-median in compiled form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray

from anlan.kernels.siting.median import median_bound, median_price, median_search
from anlan.siting.answer import Floats, Ints
from anlan.siting.choose import State
from anlan.siting.lists import Lists, without_columns
from anlan.siting.problem import BLOCK, Problem, Side

ACCEPT = 1e-3
"""A local optimum may be worse than the last one by up to this share and still be gone on from."""


@dataclass(frozen=True, eq=False)
class Medians:
    """Choose columns so that the rows' least costs add up to as little as possible.

    Attributes
    ----------
    problem : Problem
        For the exact cost of a row whose list ends too early.
    lists : Lists
    places : int
    side : Side
    locked : ndarray of int64
        Columns that are open in every answer.
    whole : bool
    """

    problem: Problem
    lists: Lists
    places: int
    side: Side
    locked: Ints
    whole: bool

    @property
    def n_column(self) -> int:
        """Number of allowed sites."""
        return self.lists.n_column

    @property
    def n_link(self) -> int:
        """Number of listed pairs."""
        return len(self.lists.rc) + 1

    def first_state(self) -> State:
        """The fixed sites are open, all others free."""
        state = np.full(self.n_column, -1, np.int8)
        state[self.locked] = 1
        return state

    def first_dual(self, columns: Ints) -> Floats:
        """Between the costs of the nearest and the second nearest of the columns (measured to start well)."""
        c = self.lists
        is_open = np.zeros(c.n_column, bool)
        is_open[columns[columns >= 0]] = True
        first, second = median_price(c.rs, c.rc, c.rv, is_open)
        second = np.minimum(np.where(np.isfinite(second), second, c.miss), c.cap)
        first = np.minimum(np.where(np.isfinite(first), first, second), second)
        return np.concatenate([0.75 * first + 0.25 * second, np.zeros(len(self.side))])

    def search(self, start: Ints, kicks: int, random: NDArray[np.uint64]) -> tuple[float, Ints, Ints]:
        """Iterated interchange."""
        c = self.lists
        best = np.full(self.places, -1, np.int64)
        others = start[~np.isin(start, self.locked)]
        value, _, current = median_search(
            c.rs, c.rc, c.rv, c.cs, c.ca, c.row, c.miss, self.places, len(self.locked), self.side.rows,
            self.side.limit, np.concatenate([self.locked, others]), best, kicks, ACCEPT, random,
        )  # fmt: skip
        return value, best[best >= 0], current

    def price(self, columns: Ints) -> float:
        """Exact total cost, infinite where a row cannot be served or a limit is broken."""
        if len(self.side) and not self.side.holds(columns):
            return np.inf
        c = self.lists
        is_open = np.zeros(c.n_column, bool)
        is_open[columns] = True
        first, _ = median_price(c.rs, c.rc, c.rv, is_open)
        missed = np.flatnonzero(~np.isfinite(first))
        if len(missed):
            if sparse.issparse(self.problem.cost):
                return np.inf
            at = c.rows[missed]
            costs: Any = self.problem.cost[np.ix_(at, c.sites[columns])]
            first[missed] = costs.min(axis=1, initial=np.inf) * self.problem.weight[at]
        return float(first.sum())

    def relax(
        self, state: State, dual: Floats, way: Floats, best_dual: Floats, mean: Floats, control: Floats,
        cutoff: float, aim: float, steps: int,
    ) -> tuple[float, Ints]:  # fmt: skip
        """See `median_bound`."""
        c, n = self.lists, self.lists.n_row
        return median_bound(
            c.rs, c.rc, c.rv, c.cap, state, self.places, self.side.rows, self.side.limit, aim, cutoff, steps,
            dual[:n], dual[n:], way[:n], way[n:], control, best_dual[:n], best_dual[n:], mean,
        )  # fmt: skip

    def without(self, keep: NDArray[np.bool_], dual: Floats) -> tuple[Medians, Floats]:
        """Fewer columns."""
        at = np.cumsum(keep) - 1
        side = Side(np.ascontiguousarray(self.side.rows[:, keep]), self.side.limit)
        lists = without_columns(self.lists, keep)
        places = min(self.places, lists.n_column)
        return Medians(self.problem, lists, places, side, at[self.locked], self.whole), dual


def all_whole(problem: Problem) -> bool:
    """Whether every weighted cost is a whole number (or infinite)."""
    weight = problem.weight
    if not np.all(weight == np.floor(weight)):
        return False
    if sparse.issparse(problem.cost):
        return bool(np.all(problem.cost.data == np.floor(problem.cost.data)))
    cost = problem.cost
    step = max(1, BLOCK // cost.shape[1])
    return all(
        bool(np.all(part == np.floor(part)))
        for part in (cost[k : k + step] for k in range(0, len(cost), step))
    )
