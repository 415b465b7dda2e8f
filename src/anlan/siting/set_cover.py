"""Set covering in compiled form, for the common course of a solve."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from anlan.kernels.siting.cover import transpose
from anlan.kernels.siting.lscp import lscp_bound, lscp_search
from anlan.siting.answer import Floats, Ints
from anlan.siting.choose import State
from anlan.siting.cores import Core, cut
from anlan.siting.problem import Side

STEPS_PER_KICK = 40
"""Column exchanges of the row-weighting search that count as one kick."""


@dataclass(eq=False)
class SetCover:
    """Set covering in compiled form: serve every row at least cost."""

    core: Core
    target: float = -np.inf
    """The search stops at a cover that costs no more."""
    weight: Floats = field(init=False)
    best: NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        self.weight = np.ones(self.core.n_row)
        self.best = np.zeros(self.core.n_column, bool)

    @property
    def places(self) -> int:
        """Any number of columns may be used."""
        return self.core.n_column + 1

    @property
    def side(self) -> Side:
        """No further limits."""
        return Side(np.zeros((0, self.core.n_column)), np.zeros(0))

    @property
    def whole(self) -> bool:
        """Whether all prices are whole numbers."""
        return bool(np.all(self.core.price == np.floor(self.core.price)))

    @property
    def n_column(self) -> int:
        """Number of columns."""
        return self.core.n_column

    @property
    def n_link(self) -> int:
        """Number of (row, column) pairs."""
        return len(self.core.rc) + 1

    def first_dual(self, columns: Ints) -> Floats:
        """Each row's cheapest share of a column's price (Caprara, Fischetti & Toth 1999)."""
        c = self.core
        share = c.price / np.maximum(1, np.diff(c.cs))
        return np.minimum.reduceat(share[c.rc], c.rs[:-1]) if c.n_row else np.empty(0)

    def search(self, start: Ints, kicks: int, random: NDArray[np.uint64]) -> tuple[float, Ints, Ints]:
        """Row-weighting local search."""
        c = self.core
        if self.weight.max(initial=0.0) > 1e6:
            self.weight[:] = 1.0
        cost, inside = lscp_search(
            c.rs, c.rc, c.cs, c.cr, c.need, c.price, self.weight, start, self.best, self.target,
            STEPS_PER_KICK * kicks, random,
        )  # fmt: skip
        return cost, np.flatnonzero(self.best), np.flatnonzero(inside)

    def price(self, columns: Ints) -> float:
        """What the columns cost, infinite where a row is short."""
        c = self.core
        count = np.zeros(c.n_row, np.int32)
        for j in columns:
            count[c.cr[c.cs[j] : c.cs[j + 1]]] += 1
        return float(c.price[columns].sum()) if np.all(count >= c.need) else np.inf

    def relax(
        self, state: State, dual: Floats, way: Floats, best_dual: Floats, mean: Floats, control: Floats,
        cutoff: float, aim: float, steps: int,
    ) -> tuple[float, Ints]:  # fmt: skip
        """See `lscp_bound`."""
        c = self.core
        return lscp_bound(
            c.rs, c.rc, c.need, c.price, state, aim, cutoff, steps, dual, way, control, best_dual, mean
        )

    def without(self, keep: NDArray[np.bool_], dual: Floats) -> tuple[SetCover, Floats]:
        """Fewer columns, the same rows."""
        c = self.core
        rs, rc, need, price, rows, columns = cut(
            c.rs, c.rc, c.need, c.price, c.rows, c.columns, np.ones(c.n_row, bool), keep
        )
        cs, cr = transpose(rs, rc, len(columns))
        other = SetCover(Core(rs, rc, cs, cr, need, price, columns, c.forced, rows), self.target)
        other.weight[:] = self.weight
        if np.all(keep[self.best]):
            other.best[:] = self.best[keep]
        return other, dual
