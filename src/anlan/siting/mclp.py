"""Maximal covering: with a given number of sites, have as much demand as possible within reach."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from anlan.core.errors import AnlanError
from anlan.core.job import Job
from anlan.core.seed import stream
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
from anlan.siting.problem import Problem, Side, Watch
from anlan.siting.reduce import Cover, in_reach, merged, nearest_two, row


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
        self,
        *,
        forbidden: Ints,
        apart: Sequence[Apart],
        time_limit_s: float,
        gap: float,
        start: Ints,
    ) -> Siting:
        """Solve once more, further limited."""
        p = self.problem
        closed = np.union1d(p.forbidden, np.setdiff1d(forbidden, p.fixed)).astype(np.int64)
        usable = p.n_site - len(closed)
        problem = replace(
            p,
            forbidden=closed,
            fixed=np.setdiff1d(p.fixed, forbidden),
            p=None if p.p is None else min(p.p, usable),
            side=p.side.with_apart(apart),
            time_limit_s=time_limit_s,
            gap=gap,
        )
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
    free = cover.n_column if problem.p is None else problem.p - len(problem.fixed)
    limit = problem.side.limit - problem.side.rows[:, problem.fixed].sum(axis=1)
    if np.any(limit < -1e-9):
        return infeasible(
            "mclp", n_demand=problem.n_demand, seconds=watch.seconds,
            message="No other choice of sites keeps the fixed ones and the asked distance.",
        )  # fmt: skip
    side = Side(np.ascontiguousarray(problem.side.rows[:, cover.sites]), limit)
    columns, bound = search(cover, free, side, problem, watch, start)
    chosen = np.concatenate([problem.fixed, cover.sites[columns]])
    objective, assignment = model.evaluate(chosen)
    return conclude(
        "mclp", "max", sites=chosen, assignment=assignment, objective=objective, bound=max(bound, objective),
        asked_gap=problem.gap, seconds=watch.seconds, history=watch.moments, message=watch.message,
        details={"rows": cover.n_row, "columns": cover.n_column, "links": len(cover.rc)}, behind=model,
    )  # fmt: skip


def search(
    cover: Cover, p: int, side: Side, problem: Problem, watch: Watch, start: Ints | None
) -> tuple[Ints, float]:
    """The best columns found and a proven bound (constant included)."""
    c, everything = cover, float(cover.weight.sum())
    whole = bool(np.all(cover.weight == np.floor(cover.weight)))
    if p == 0 or c.n_row == 0:
        free = (
            np.flatnonzero(np.ones(c.n_column, bool))[:p] if problem.p is not None else np.empty(0, np.int64)
        )
        if len(side) and len(free) and not side.holds(free):
            free = np.empty(0, np.int64)
        return free, c.constant
    best = np.full(p, -1, np.int64)
    at = np.empty(0, np.int64)
    if start is not None:
        place = np.full(problem.n_site, -1, np.int64)
        place[c.sites] = np.arange(c.n_column)
        at = place[start][place[start] >= 0]
    random = stream(problem.seed, "mclp").integers(1, 2**63, size=1, dtype=np.uint64)
    value, _, at = mclp_search(
        c.rs, c.rc, c.cs, c.cr, c.weight, p, side.rows, side.limit, at, best, 0, 0.0, random
    )
    u = c.weight / np.maximum(1, np.diff(c.rs))
    mu, way, way_mu = np.zeros(len(side)), np.zeros(c.n_row), np.zeros(len(side))
    control = np.array([1.0, 0.0, np.inf])
    best_u, best_mu, mean = u.copy(), mu.copy(), np.zeros(c.n_column)
    state = np.full(c.n_column, -1, np.int8)
    bound = everything
    trial = best.copy()
    with ThreadPoolExecutor(2) as pool:
        for _ in range(40):
            if watch.over:
                break
            bounding = pool.submit(
                mclp_bound, c.rs, c.rc, c.weight, state.copy(), p, side.rows, side.limit, value, 0.0, 40,
                u, mu, way, way_mu, control, best_u, best_mu, mean,
            )  # fmt: skip
            found, _, at = mclp_search(
                c.rs, c.rc, c.cs, c.cr, c.weight, p, side.rows, side.limit, at, trial, 25, 5e-4, random
            )
            bound = min(bound, bounding.result()[0])
            if whole:
                bound = float(np.floor(bound + 1e-6))
            if found > value * (1 + 1e-12):
                value, best = found, trial.copy()
            watch.note(value + c.constant, bound + c.constant)
            if bound - value <= max(problem.gap, 1e-9) * (value + c.constant) or control[0] < 1e-4:
                break
    return best[best >= 0], bound + c.constant


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
