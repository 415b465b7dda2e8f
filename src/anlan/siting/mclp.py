"""Maximal covering: with a given number of sites, have as much demand as possible within reach."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anlan.core.errors import AnlanError
from anlan.core.job import Job
from anlan.kernels.siting.mclp import mclp_bound, mclp_search
from anlan.siting.answer import (
    Apart,
    Explanation,
    Floats,
    Ints,
    Sense,
    Siting,
    conclude,
    infeasible,
)
from anlan.siting.choose import Chooser, State, starting_columns
from anlan.siting.problem import Problem, Side, Watch
from anlan.siting.reduce import Cover, in_reach, merged, nearest_two, row, without_columns

NOWHERE: Ints = np.empty(0, np.int64)
ACCEPT = 5e-4
"""A local optimum may be worse than the last one by up to this share and still be gone on from."""


@dataclass(frozen=True, eq=False)
class Mclp:
    """The model behind an answer.

    Attributes
    ----------
    problem : Problem
    rings : ndarray of float64
        Reaches, ascending.
    values : ndarray of float64
        What a demand counts within each ring, not increasing.
    cover : Cover
    """

    problem: Problem
    rings: Floats
    values: Floats
    cover: Cover

    @property
    def sense(self) -> Sense:
        """Covered weight is maximised."""
        return "max"

    def value(self, cost: Floats) -> Floats:
        """What a unit of demand counts at some cost from its nearest site."""
        return np.append(self.values, 0.0)[np.searchsorted(self.rings, cost, side="left")]

    def evaluate(self, sites: Ints) -> tuple[float, Ints]:
        """Covered weight and the nearest site in reach of each demand."""
        site, cost, _, _ = nearest_two(self.problem.cost, sites)
        value = self.value(cost)
        return float(value @ self.problem.weight), np.where(value > 0, site, -1)

    def explain(self, sites: Ints, demand: int) -> Explanation:
        """How one demand is served."""
        return explain_cover(self.problem, sites, demand, float(self.rings[-1]))

    def again(
        self, *, forbidden: Ints, apart: Sequence[Apart], time_limit_s: float, gap: float, start: Ints
    ) -> Siting:
        """Solve once more, further limited."""
        problem = self.problem.limited(forbidden, apart, time_limit_s, gap)
        return solve(problem, self.rings, self.values, Watch(time_limit_s), start)


def mclp(
    cost: Any,
    p: int | None,
    reach: float | Sequence[float],
    weight: ArrayLike | None = None,
    *,
    ring_weights: Sequence[float] | None = None,
    fixed: ArrayLike = (),
    existing: ArrayLike = (),
    forbidden: ArrayLike = (),
    site_cost: ArrayLike | None = None,
    budget: float | None = None,
    gap: float = 0.0,
    time_limit_s: float = 60.0,
    seed: int = 0,
    job: Job | None = None,
) -> Siting:
    r"""Choose ``p`` sites that have as much demand as possible within reach.

    .. math::
        \max \sum_i w_i z_i \quad\text{s.t.}\quad z_i \le \sum_{j: c_{ij} \le R} y_j,\;
        \sum_j y_j = p,\; y \in \{0,1\}

    Church & ReVelle (1974), "The maximal covering location problem". With several reach rings
    :math:`R_1 < R_2 < …` of values :math:`v_1 \ge v_2 \ge …` a demand counts with the value of the
    innermost ring a site reaches it in (Berman, Krass & Drezner 2003, "The gradual covering decay
    location problem"); that equals a covering problem with one row per demand and ring, of weight
    :math:`w_i (v_r - v_{r+1})`.

    Parameters
    ----------
    cost : array (n_demand, n_site) or sparse matrix
        Seconds from site to demand; infinite or absent where unreachable.
    p : int or None
        Number of sites, the fixed ones among them; None with a budget.
    reach : float or sequence of float
        Seconds; several for rings, such as ``(60, 180, 300)``.
    weight : array (n_demand,), optional
    ring_weights : sequence of float, optional
        Value of each ring, not increasing; by default falling evenly: 1, 2/3, 1/3 for three rings.
    fixed, existing, forbidden, site_cost, budget
        See `Problem.make`.
    gap : float
        Relative gap at which to stop.
    time_limit_s : float
    seed : int
    job : Job, optional
        Shows the live gap; on cancel the best answer so far comes back.

    Returns
    -------
    Siting
        ``objective`` is the covered weight, ``bound`` at least as large; ``assignment`` is the nearest
        open site in reach, -1 for demand that is not covered.

    Raises
    ------
    AnlanError
        If an input is wrong, or no demand is within reach of any site.
    """
    watch = Watch(float(time_limit_s), job)
    problem = Problem.make(
        "mclp", cost, p=p, weight=weight, fixed=fixed, existing=existing, forbidden=forbidden,
        site_cost=site_cost, budget=budget, seed=seed, time_limit_s=time_limit_s, gap=gap,
    )  # fmt: skip
    rings, values = checked_rings(reach, ring_weights)
    return solve(problem, rings, values, watch)


def checked_rings(
    reach: float | Sequence[float], ring_weights: Sequence[float] | None
) -> tuple[Floats, Floats]:
    """Ascending reaches and their values.

    Raises
    ------
    AnlanError
    """
    rings = np.atleast_1d(np.asarray(reach, dtype=np.float64)).ravel()
    if not len(rings) or not np.all(rings >= 0) or np.any(np.diff(rings) <= 0):
        raise AnlanError(
            f"reach = {reach}",
            "reaches are seconds, 0 or more, each larger than the one before",
            "correct it",
        )
    k = len(rings)
    values = (
        np.arange(k, 0, -1) / k
        if ring_weights is None
        else np.asarray(ring_weights, dtype=np.float64).ravel()
    )
    if values.shape != (k,) or not np.all(values >= 0) or np.any(np.diff(values) > 0) or values[0] <= 0:
        raise AnlanError(
            f"ring_weights = {ring_weights}",
            f"there is one value per ring ({k}), 0 or more, none larger than the one before",
            "correct it",
        )
    return rings, values


def solve(problem: Problem, rings: Floats, values: Floats, watch: Watch, start: Ints | None = None) -> Siting:
    """Reduce, search, bound."""
    layers = []
    for r, value in enumerate(values):
        rest = value - (values[r + 1] if r + 1 < len(values) else 0.0)
        if rest > 0:
            s, c = in_reach(problem.cost, float(rings[r]), problem.allowed)
            layers.append((s, c, problem.weight * rest))
    if not any(len(c) for _, c, _ in layers):
        raise AnlanError(
            f"reach = {rings[-1]:g} s",
            "no demand is within reach of any site",
            "enlarge the reach, or check that costs and reach are in the same unit",
            code="no_demand_in_reach",
        )
    cover = merged(layers, problem.n_site, problem.fixed, problem.allowed)
    del layers
    model = Mclp(problem, rings, values, cover)
    limit = problem.side.limit - problem.side.rows[:, problem.fixed].sum(axis=1)
    if np.any(limit < -1e-9):
        return infeasible(
            "mclp", n_demand=problem.n_demand, seconds=watch.seconds,
            message="No other choice of sites keeps the fixed ones and the asked distance.",
        )  # fmt: skip
    side = Side(np.ascontiguousarray(problem.side.rows[:, cover.sites]), limit)
    places = min(problem.places - len(problem.fixed), cover.n_column)
    chooser = Chooser(
        Covering(cover, places, side), problem.seed, problem.gap, watch, shift=-cover.constant, sign=-1.0
    )
    begin = np.empty(0, np.int64) if start is None else start
    outcome = chooser.solve(starting_columns(begin, cover.sites, problem.n_site))
    chosen = np.concatenate([problem.fixed, cover.sites[outcome.columns]])
    objective, assignment = model.evaluate(chosen)
    return conclude(
        "mclp", "max", sites=chosen, assignment=assignment, objective=objective,
        bound=cover.constant - outcome.bound, asked_gap=problem.gap, seconds=watch.seconds,
        history=watch.moments, message=watch.message, behind=model,
        details={
            "rows": cover.n_row, "columns": cover.n_column, "links": len(cover.rc),
            "columns_undecided": outcome.free, "nodes": outcome.nodes,
        },
    )  # fmt: skip


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


def explain_cover(problem: Problem, sites: Ints, demand: int, reach: float) -> Explanation:
    """The explanation that covering models share."""
    near, cost = row(problem.cost, demand)
    is_open = np.isin(near, sites)
    mine, mine_cost = near[is_open], cost[is_open]
    one = int(mine[0]) if len(mine) else -1
    two = int(mine[1]) if len(mine) > 1 else -1
    d1 = float(mine_cost[0]) if len(mine) else np.inf
    d2 = float(mine_cost[1]) if len(mine) > 1 else np.inf
    covered = d1 <= reach
    allowed = problem.allowed[near]
    could = near[allowed & (cost <= reach)]
    if covered:
        reason = f"Site {one} is {d1:g} s away, within the reach of {reach:g} s."
    elif not len(could):
        closest = float(cost[allowed][0]) if allowed.any() else np.inf
        reason = (
            f"No candidate site is within {reach:g} s; the closest is {closest:g} s away."
            if np.isfinite(closest)
            else "No candidate site can reach it."
        )
    else:
        reason = f"{len(could)} candidate site(s) could reach it within {reach:g} s and none is open" + (
            f"; the nearest open site {one} is {d1:g} s away." if one >= 0 else "."
        )
    return Explanation(demand, one, d1, two, d2, covered, could[:10], reason)
