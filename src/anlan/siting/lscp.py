"""Location set covering: the fewest (or cheapest) sites that have all demand within reach."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse as sparse
from numpy.typing import ArrayLike, NDArray

from anlan.core.errors import AnlanError
from anlan.core.job import Job
from anlan.core.seed import stream
from anlan.kernels.siting.cover import take_rows
from anlan.siting.answer import Apart, Explanation, Floats, Ints, Sense, Siting, conclude, infeasible
from anlan.siting.covers import NOWHERE, Covered, Sets, by_program, cheapest
from anlan.siting.explaining import explain_cover
from anlan.siting.problem import Problem, Watch
from anlan.siting.reduce import in_reach, merge, nearest_two, row


@dataclass(frozen=True, eq=False)
class Lscp:
    """The model behind an answer.

    Attributes
    ----------
    problem : Problem
        Sites that are open already have the price 0.
    reach : float
    need : ndarray of int32, shape (n_demand,)
        How many sites must have each demand within reach.
    """

    problem: Problem
    reach: float
    need: NDArray[np.int32]

    @property
    def sense(self) -> Sense:
        """The price of the sites is minimised."""
        return "min"

    def evaluate(self, sites: Ints) -> tuple[float, Ints]:
        """Price of the sites, infinite where some demand is short of one; nearest site in reach."""
        site, cost, _, _ = nearest_two(self.problem.cost, sites)
        mask = np.zeros(self.problem.n_site, bool)
        mask[sites] = True
        start, _ = in_reach(self.problem.cost, self.reach, mask)
        served = bool(np.all(np.diff(start) >= self.need))
        price = float(self.problem.site_cost[sites].sum())
        return price if served else np.inf, np.where(cost <= self.reach, site, -1)

    def explain(self, sites: Ints, demand: int) -> Explanation:
        """How one demand is served."""
        return explain_cover(self.problem, sites, demand, self.reach)

    def again(
        self, *, forbidden: Ints, apart: Sequence[Apart], time_limit_s: float, gap: float, start: Ints
    ) -> Siting:
        """Solve once more, further limited."""
        problem = self.problem.limited(forbidden, apart, time_limit_s, gap)
        return solve(Lscp(problem, self.reach, self.need), Watch(time_limit_s), start)


def lscp(
    cost: Any,
    reach: float,
    *,
    weight: ArrayLike | None = None,
    cover: ArrayLike = 1,
    fixed: ArrayLike = (),
    existing: ArrayLike = (),
    forbidden: ArrayLike = (),
    site_cost: ArrayLike | None = None,
    gap: float = 0.0,
    time_limit_s: float = 60.0,
    seed: int = 0,
    job: Job | None = None,
) -> Siting:
    r"""Choose the fewest sites that have every demand within reach.

    .. math::
        \min \sum_j f_j y_j \quad\text{s.t.}\quad \sum_{j: c_{ij} \le R} y_j \ge b_i,\; y \in \{0,1\}

    Toregas, Swain, ReVelle & Bergman (1971), "The location of emergency service facilities"; with
    :math:`b_i > 1` every demand has a backup (Hogan & ReVelle 1986). Rows and columns that others make
    superfluous are dropped (Toregas & ReVelle 1973), parts that share nothing are solved apart; what is
    left is searched with row weights (Gao, Weise & Li 2015) and bounded by Lagrangian relaxation with
    columns decided by their reduced prices (Beasley 1987), then branched, small parts by HiGHS.

    Parameters
    ----------
    cost : array (n_demand, n_site) or sparse matrix
        Seconds from site to demand; infinite or absent where unreachable.
    reach : float
        Seconds.
    weight : array (n_demand,), optional
        Only tells which demands must be covered: those of weight 0 need not be.
    cover : int or array (n_demand,)
        How many sites must have each demand within reach (2: one backup).
    fixed, existing, forbidden
        See `Problem.make`; ``existing`` sites are open already and cost nothing, so that the answer is
        the fewest further ones.
    site_cost : array (n_site,), optional
        Price of each site; ones where left out.
    gap : float
        Relative gap at which to stop.
    time_limit_s : float
    seed : int
    job : Job, optional
        Shows the live gap; on cancel the best answer so far comes back.

    Returns
    -------
    Siting
        ``objective`` is the number of sites (or their price) without the existing ones, ``bound`` at most
        as large; ``assignment`` is the nearest open site in reach. Where a demand is within reach of too
        few sites the status is ``"infeasible"``, ``unreachable`` names the demands and ``relaxation`` the
        reach that would do.

    Raises
    ------
    AnlanError
        If an input is wrong, or no demand is within reach of any site.
    """
    watch = Watch(float(time_limit_s), job)
    problem = Problem.make(
        "lscp", cost, needs_p=False, weight=weight, fixed=fixed, existing=existing, forbidden=forbidden,
        site_cost=site_cost, seed=seed, time_limit_s=time_limit_s, gap=gap,
    )  # fmt: skip
    open_already = np.setdiff1d(problem.fixed, _indexes(fixed))
    price = problem.site_cost.copy()
    price[open_already] = 0.0
    return solve(
        Lscp(replace(problem, site_cost=price), checked_reach(reach), checked_need(cover, problem)), watch
    )


def _indexes(sites: ArrayLike) -> Ints:
    given = np.asarray(sites)
    return np.flatnonzero(given) if given.dtype == bool else given.astype(np.int64).ravel()


def checked_reach(reach: float) -> float:
    """One reach.

    Raises
    ------
    AnlanError
    """
    if not np.ndim(reach) == 0 or not float(reach) >= 0:
        raise AnlanError(f"reach = {reach}", "a reach is one number of seconds, 0 or more", "correct it")
    return float(reach)


def checked_need(cover: ArrayLike, problem: Problem) -> NDArray[np.int32]:
    """How many sites each demand needs; none where its weight is 0.

    Raises
    ------
    AnlanError
    """
    given = np.asarray(cover)
    if given.shape not in ((), (problem.n_demand,)) or not np.all(given >= 0) or np.any(given != given // 1):
        raise AnlanError(
            f"cover = {given}",
            "it is a whole number of sites, 0 or more, or one for each demand",
            "use 1, or 2 for a backup",
        )
    need = np.broadcast_to(given, problem.n_demand).astype(np.int32)
    return np.where(problem.weight > 0, need, 0).astype(np.int32)


def solve(model: Lscp, watch: Watch, start: Ints = NOWHERE) -> Siting:
    """Reduce, search, bound."""
    problem, reach = model.problem, model.reach
    rs, rc = in_reach(problem.cost, reach, problem.allowed)
    if not len(rc) and np.any(model.need):
        raise AnlanError(
            f"reach = {reach:g} s",
            "no demand is within reach of any site",
            "enlarge the reach, or check that costs and reach are in the same unit",
            code="no_demand_in_reach",
        )
    short = np.flatnonzero(np.diff(rs) < model.need)
    if len(short):
        return _unreachable(model, short, np.diff(rs)[short], watch)
    sets = merged_sets(rs, rc, model.need, problem.site_cost)
    side = problem.side
    if np.any(side.limit - side.rows[:, problem.fixed].sum(axis=1) < -1e-9):
        return infeasible(
            "lscp", n_demand=problem.n_demand, seconds=watch.seconds,
            message="No other choice of sites keeps the fixed ones and the asked distance.",
        )  # fmt: skip
    if len(side):
        found = _apart(sets, problem, watch)
    else:
        found = cheapest(sets, problem.fixed, watch, seed=problem.seed, gap=problem.gap, start=start)
    if not np.isfinite(found.bound):
        return infeasible(
            "lscp", n_demand=problem.n_demand, seconds=watch.seconds,
            message="No other choice of sites covers all demand at the asked distance.",
        )  # fmt: skip
    if np.isfinite(found.cost):
        objective, assignment = model.evaluate(found.columns)
    else:  # time ran out before any cover at the asked distance was found
        objective, assignment = np.inf, np.full(problem.n_demand, -1, np.int64)
    return conclude(
        "lscp", "min", sites=found.columns, assignment=assignment, objective=objective, bound=found.bound,
        asked_gap=problem.gap, seconds=watch.seconds, history=watch.moments, message=watch.message,
        behind=model,
        details={
            "rows": found.sizes[0], "columns": found.sizes[1], "links": found.sizes[2], "nodes": found.nodes,
        },
    )  # fmt: skip


def merged_sets(rs: Ints, rc: NDArray[np.int32], need: NDArray[np.int32], price: Floats) -> Sets:
    """Rows with equal columns merged, with the greatest of their needs; rows without need dropped."""
    key = stream(0, "covering sets").integers(0, 2**64, size=(2, len(price)), dtype=np.uint64)
    group, first = merge(rs, rc, key)
    most = np.zeros(len(first), np.int32)
    has = group >= 0
    np.maximum.at(most, group[has], need[has])
    start, column = take_rows(rs, rc, first[most > 0])
    return Sets(start, column, most[most > 0], price)


def _apart(sets: Sets, problem: Problem, watch: Watch) -> Covered:
    """A cover that keeps its distance from earlier answers, begun from one that forbids some of their sites."""
    closed: NDArray[np.bool_] = np.any(problem.side.rows, axis=0)
    closed[problem.fixed] = False
    price = np.where(closed, sets.price * len(sets.price) + 1.0, sets.price)
    quick = watch.part(0.2)
    start = cheapest(sets._replace(price=price), problem.fixed, quick, seed=problem.seed, gap=0.02)
    columns = start.columns if problem.side.holds(start.columns) else NOWHERE
    found = by_program(sets, problem.fixed, problem.side, watch, gap=problem.gap, start=columns)
    if not np.isfinite(found.cost) and np.isfinite(found.bound) and len(columns):
        found = found._replace(columns=columns, cost=float(sets.price[columns].sum()))
    return found


def _unreachable(model: Lscp, short: Ints, count: Ints, watch: Watch) -> Siting:
    """Which demands too few sites can reach, and the reach at which enough of them could."""
    problem, need = model.problem, model.need[short]
    enough = kth_least(problem, short, need)
    worst = float(enough.max())
    first, lacking = int(short[0]), f", and {len(short) - 1} others neither" if len(short) > 1 else ""
    if need[0] == 1:
        which = f"Demand {first} is not within {model.reach:g} s of any site that may be used{lacking}"
    else:
        which = f"Demand {first} is within {model.reach:g} s of {count[0]} of the {need[0]} sites it needs{lacking}"
    if np.isfinite(worst):
        advice, relaxation = f"a reach of {worst:g} s would do", {"reach": worst}
    else:
        never = int(np.sum(~np.isfinite(enough)))
        advice = f"{never} of them never can be: leave them out (weight 0), or add sites that reach them"
        relaxation = {"demands_left_out": float(never)}
    return infeasible(
        "lscp", n_demand=problem.n_demand, seconds=watch.seconds, unreachable=short,
        message=f"{which}; {advice}.", relaxation=relaxation,
    )  # fmt: skip


def kth_least(problem: Problem, demands: Ints, k: NDArray[np.int32]) -> Floats:
    """The k-th least cost of some demands among the sites that may be used, infinite where there are fewer."""
    allowed = problem.allowed
    least = np.full(len(demands), np.inf)
    if sparse.issparse(problem.cost):
        for x, (i, which) in enumerate(zip(demands.tolist(), k.tolist(), strict=True)):
            sites, cost = row(problem.cost, i)
            cost = cost[allowed[sites]]
            if len(cost) >= which:
                least[x] = cost[which - 1]
        return least
    step = max(1, (1 << 22) // problem.n_site)
    for a in range(0, len(demands), step):
        costs = np.sort(problem.cost[demands[a : a + step]][:, allowed], axis=1)
        has = k[a : a + step] <= costs.shape[1]
        at = np.flatnonzero(has)
        least[a + at] = costs[at, k[a : a + step][has] - 1]
    return least
