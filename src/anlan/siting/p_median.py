"""p-median: with a given number of sites, make the total weighted travel time as small as possible."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from anlan.core.job import Job
from anlan.siting.answer import Apart, Explanation, Ints, Sense, Siting, conclude, infeasible
from anlan.siting.capacitated import Capacitated, checked_room
from anlan.siting.choose import Chooser, starting_columns
from anlan.siting.lists import near_lists
from anlan.siting.median_limits import (
    fewest_sites,
    nobody_reaches,
    too_few,
    unserved,
    with_larger_reach,
    within_reach,
)
from anlan.siting.medians import Medians, all_whole
from anlan.siting.problem import Problem, Side, Watch
from anlan.siting.reduce import nearest_two, row

NOWHERE: Ints = np.empty(0, np.int64)


@dataclass(frozen=True, eq=False)
class PMedian:
    """The model behind an answer."""

    problem: Problem

    @property
    def sense(self) -> Sense:
        """Total weighted cost is minimised."""
        return "min"

    def evaluate(self, sites: Ints) -> tuple[float, Ints]:
        """Total weighted cost and the nearest site of each demand."""
        site, cost, _, _ = nearest_two(self.problem.cost, sites)
        has = self.problem.weight > 0
        return float(cost[has] @ self.problem.weight[has]), site

    def explain(self, sites: Ints, demand: int) -> Explanation:
        """How one demand is served."""
        near, cost = row(self.problem.cost, demand)
        mine = np.flatnonzero(np.isin(near, sites))
        one, d1 = (int(near[mine[0]]), float(cost[mine[0]])) if len(mine) else (-1, np.inf)
        two, d2 = (int(near[mine[1]]), float(cost[mine[1]])) if len(mine) > 1 else (-1, np.inf)
        if one < 0:
            reason = "No open site can reach it."
        elif two < 0:
            reason = (
                f"Site {one} is the nearest open site, {d1:g} s away, and the only one that can reach it."
            )
        else:
            reason = (
                f"Site {one} is the nearest open site, {d1:g} s away; site {two} would follow at {d2:g} s."
            )
        could = near[self.problem.allowed[near]]
        return Explanation(demand, one, d1, two, d2, one >= 0, could[:10], reason)

    def again(
        self, *, forbidden: Ints, apart: Sequence[Apart], time_limit_s: float, gap: float, start: Ints
    ) -> Siting:
        """Solve once more, further limited."""
        problem = self.problem.limited(forbidden, apart, time_limit_s, gap)
        return solve(problem, Watch(time_limit_s), start)


def p_median(
    cost: Any,
    p: int | None,
    weight: ArrayLike | None = None,
    *,
    fixed: ArrayLike = (),
    existing: ArrayLike = (),
    forbidden: ArrayLike = (),
    site_cost: ArrayLike | None = None,
    budget: float | None = None,
    capacity: ArrayLike | None = None,
    reach: float | None = None,
    gap: float = 0.0,
    time_limit_s: float = 60.0,
    seed: int = 0,
    job: Job | None = None,
) -> Siting:
    r"""Choose ``p`` sites so that the total weighted travel time is least.

    .. math::
        \min \sum_i \sum_j w_i c_{ij} x_{ij} \quad\text{s.t.}\quad \sum_j x_{ij} = 1,\;
        x_{ij} \le y_j,\; \sum_j y_j = p,\; x \ge 0,\; y \in \{0,1\}

    Hakimi (1964); ReVelle & Swain (1970). Solved by interchange (Resende & Werneck 2007), the Lagrangian
    bound of Cornuéjols, Fisher & Nemhauser (1977) with reduced-cost fixing, and branch and bound (Beasley
    1985).

    Parameters
    ----------
    cost : array (n_demand, n_site) or sparse matrix
        Seconds from site to demand; infinite or absent where unreachable.
    p : int or None
        Number of sites, the fixed ones among them; None with a budget.
    weight : array (n_demand,), optional
        Ones where left out. Demands of weight 0 need not be reachable.
    fixed, existing, forbidden, site_cost, budget
        See `Problem.make`.
    capacity : float or array (n_site,), optional
        Most weight that a site serves. Each demand then goes whole to one site (single assignment: Osman &
        Christofides 1994, "Capacitated clustering problems by hybrid simulated annealing and tabu search"),
        not always the nearest. Solved by interchange with assignment, a Lagrangian bound with a knapsack for
        each site, and HiGHS on the pairs that reduced costs leave.
    reach : float, optional
        Minimum service: nobody is served from farther away than these seconds.
    gap : float
        Relative gap at which to stop.
    time_limit_s : float
    seed : int
    job : Job, optional
        Shows the live gap; on cancel the best answer so far comes back.

    Returns
    -------
    Siting
        ``objective`` is the total weighted cost (not divided by the weight), ``bound`` at most as large;
        ``assignment`` is the nearest open site (with room, where there are capacities).
        Where it is infeasible, ``unreachable`` names the demands that no site may serve, and ``relaxation``
        the smallest ``p`` or ``reach`` that would do.

    Raises
    ------
    AnlanError
        If an input is wrong.
    """
    watch = Watch(float(time_limit_s), job)
    problem = Problem.make(
        "p_median", cost, p=p, weight=weight, fixed=fixed, existing=existing, forbidden=forbidden,
        site_cost=site_cost, budget=budget, seed=seed, time_limit_s=time_limit_s, gap=gap,
    )  # fmt: skip
    near = problem if reach is None else replace(problem, cost=within_reach(problem.cost, reach))
    if capacity is not None:
        return Capacitated(near, checked_room(capacity, near.n_site), solve).solve(watch)
    answer = solve(near, watch)
    if reach is None or answer.status != "infeasible":
        return answer
    return with_larger_reach(answer, problem, float(reach), watch)


def solve(problem: Problem, watch: Watch, start: Ints = NOWHERE) -> Siting:
    """Reduce, search, bound."""
    lists = near_lists(problem.cost, problem.weight, problem.allowed, width(problem))
    limit = problem.side.limit
    if np.any(limit - problem.side.rows[:, problem.fixed].sum(axis=1) < -1e-9):
        return infeasible(
            "p_median", n_demand=problem.n_demand, seconds=watch.seconds,
            message="No other choice of sites keeps the fixed ones and the asked distance.",
        )  # fmt: skip
    alone = lists.rows[np.diff(lists.rs) == 0]
    if len(alone):
        return nobody_reaches(problem, alone, watch)
    side = Side(np.ascontiguousarray(problem.side.rows[:, lists.sites]), limit)
    locked = starting_columns(problem.fixed, lists.sites, problem.n_site)
    choice = Medians(problem, lists, problem.places, side, locked, all_whole(problem))
    # The smaller the model, the sooner the search has found what there is and the tree needs the time.
    pace = float(np.clip(len(lists.rc) / 1e6, 0.2, 1.0))
    chooser = Chooser(choice, problem.seed, problem.gap, watch, pace=pace)
    begin = starting_columns(start, lists.sites, problem.n_site)
    if not np.isfinite(choice.price(choice.search(begin, 0, chooser.random)[1])):
        # Not everybody can be served by any p sites: serve them with the fewest, or prove that it takes more.
        cover = fewest_sites(problem, watch)
        if cover.bound > problem.places + 0.5 or np.isinf(cover.bound):
            return too_few(problem, cover, watch)
        if cover.columns is not None:
            begin = starting_columns(np.flatnonzero(cover.columns), lists.sites, problem.n_site)
    outcome = chooser.solve(begin, choice.first_state())
    model = PMedian(problem)
    chosen = lists.sites[outcome.columns]
    if not np.isfinite(outcome.cost):
        return unserved(problem, outcome.bound, watch)
    objective, assignment = model.evaluate(chosen)
    return conclude(
        "p_median", "min", sites=chosen, assignment=assignment, objective=objective, bound=outcome.bound,
        asked_gap=problem.gap, seconds=watch.seconds, history=watch.moments, message=watch.message,
        behind=model,
        details={
            "rows": lists.n_row, "columns": lists.n_column, "links": len(lists.rc),
            "columns_undecided": outcome.free, "nodes": outcome.nodes,
        },
    )  # fmt: skip


def width(problem: Problem) -> int:
    """How many of its nearest sites a demand lists.

    With p of m sites open a demand's nearest open site is among its first few times m / p; the list is
    far longer than that, and exact costs are looked up where it still ends too early.
    """
    usable = problem.n_site - len(problem.forbidden)
    return int(max(40, 8 * usable // max(1, problem.places)))
