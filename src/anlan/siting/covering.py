"""Maximal covering in compiled form, for the common course of a solve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anlan.kernels.siting.mclp import mclp_bound, mclp_search
from anlan.siting.answer import Floats, Ints
from anlan.siting.choose import Chooser, State, starting_columns
from anlan.siting.problem import Problem, Side, Watch
from anlan.siting.reduce import Cover, without_columns

ACCEPT = 5e-4
"""A local optimum may be worse than the last one by up to this share and still be gone on from."""
RESTART = 2000
"""Kicks without a better answer after which the search has nearly always seen what is to be seen."""
NOWHERE: Ints = np.empty(0, np.int64)


class Chosen(NamedTuple):
    """Sites, the fixed ones among them; proven bound on the covered weight; columns left, nodes of the tree."""

    sites: Ints
    bound: float
    free: int
    nodes: int


def most_covered(problem: Problem, cover: Cover, watch: Watch, gap: float, start: Ints = NOWHERE) -> Chosen:
    """The sites that cover most of a cover's weight within a problem's limits."""
    limit = problem.side.limit - problem.side.rows[:, problem.fixed].sum(axis=1)
    side = Side(np.ascontiguousarray(problem.side.rows[:, cover.sites]), limit)
    places = min(problem.places - len(problem.fixed), cover.n_column)
    if not places:
        return Chosen(problem.fixed, cover.constant, 0, 0)
    chooser = Chooser(
        Covering(cover, places, side),
        problem.seed,
        gap,
        watch,
        shift=-cover.constant,
        sign=-1.0,
        pace=_pace(cover, places),
        restart=RESTART,
    )
    outcome = chooser.solve(starting_columns(start, cover.sites, problem.n_site))
    chosen = np.concatenate([problem.fixed, cover.sites[outcome.columns]])
    return Chosen(np.sort(chosen), cover.constant - outcome.bound, outcome.free, outcome.nodes)


def _pace(cover: Cover, places: int) -> float:
    """Kicks that take as long as one subgradient step and a half.

    Counted in links and cells: a step looks at each link twice, out of order; a kick and its way to the
    next local optimum turn about ten columns, each with the rows of its rows, and scan the table of
    profits about six times. The factor is measured, see docs/decisions/siting.md.
    """
    turn = float((np.diff(cover.rs).astype(np.float64) ** 2).sum()) / max(1, cover.n_column)
    kick = 10.0 * turn + 6.0 * cover.n_column * places + 1.0
    return float(np.clip(3.0 * 1.6 * len(cover.rc) / kick, 0.5, 6.0))


@dataclass(frozen=True, eq=False)
class Covering:
    """Maximal covering in compiled form; its cost is the negative covered weight."""

    cover: Cover
    places: int
    side: Side

    @property
    def whole(self) -> bool:
        """Whether all weights are whole numbers."""
        return bool(np.all(self.cover.weight == np.floor(self.cover.weight)))

    @property
    def n_column(self) -> int:
        """Number of free sites."""
        return self.cover.n_column

    @property
    def n_link(self) -> int:
        """Number of (row, column) pairs in reach."""
        return len(self.cover.rc) + 1

    def first_dual(self, columns: Ints) -> Floats:
        """Each row's weight shared among its columns."""
        c = self.cover
        return np.concatenate([c.weight / np.maximum(1, np.diff(c.rs)), np.zeros(len(self.side))])

    def search(self, start: Ints, kicks: int, random: NDArray[np.uint64]) -> tuple[float, Ints, Ints]:
        """Iterated interchange."""
        c = self.cover
        best = np.full(self.places, -1, np.int64)
        value, _, current = mclp_search(
            c.rs, c.rc, c.cs, c.cr, c.weight, self.places, self.side.rows, self.side.limit, start, best,
            kicks, ACCEPT, random,
        )  # fmt: skip
        return -value, best[best >= 0], current

    def price(self, columns: Ints) -> float:
        """Negative weight of the rows that some column reaches."""
        if len(self.side) and not self.side.holds(columns):
            return np.inf
        c = self.cover
        reached = np.zeros(c.n_row, bool)
        for j in columns:
            reached[c.cr[c.cs[j] : c.cs[j + 1]]] = True
        return -float(c.weight[reached].sum())

    def relax(
        self, state: State, dual: Floats, way: Floats, best_dual: Floats, mean: Floats, control: Floats,
        cutoff: float, aim: float, steps: int,
    ) -> tuple[float, Ints]:  # fmt: skip
        """See `mclp_bound`."""
        c, n = self.cover, self.cover.n_row
        control[2] = -control[2]
        bound, chosen = mclp_bound(
            c.rs, c.rc, c.weight, state, self.places, self.side.rows, self.side.limit, -aim, -cutoff,
            steps, dual[:n], dual[n:], way[:n], way[n:], control, best_dual[:n], best_dual[n:], mean,
        )  # fmt: skip
        control[2] = -control[2]
        return -bound, chosen

    def without(self, keep: NDArray[np.bool_], dual: Floats) -> tuple[Covering, Floats]:
        """Fewer columns; rows that become alike are merged and their multipliers added."""
        cover = without_columns(self.cover, keep)
        has = cover.group >= 0
        u = np.bincount(cover.group[has], weights=dual[: self.cover.n_row][has], minlength=cover.n_row)
        side = Side(np.ascontiguousarray(self.side.rows[:, keep]), self.side.limit)
        places = min(self.places, cover.n_column)
        return Covering(cover, places, side), np.concatenate([u, dual[self.cover.n_row :]])
