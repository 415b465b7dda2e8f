"""p-center: with a given number of sites, make the worst travel time as short as possible."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sparse
from numpy.typing import ArrayLike

from anlan.core.errors import AnlanError
from anlan.core.job import Job
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
from anlan.siting.equity import Level, in_order
from anlan.siting.p_median import PMedian
from anlan.siting.problem import BLOCK, Problem, Watch
from anlan.siting.radii import Radii
from anlan.siting.reduce import nearest_two

NOWHERE: Ints = np.empty(0, np.int64)


@dataclass(frozen=True, eq=False)
class PCenter:
    """The model behind an answer.

    Attributes
    ----------
    problem : Problem
    times : ndarray or CSR matrix (n_need, n_site)
        Weighted costs of the demands that count.
    rows : ndarray of int64, shape (n_need,)
        Those demands.
    levels : int
        How many levels of the finer order are asked for.
    """

    problem: Problem
    times: Any
    rows: Ints
    levels: int

    @property
    def sense(self) -> Sense:
        """The worst time is minimised."""
        return "min"

    def evaluate(self, sites: Ints) -> tuple[float, Ints]:
        """The worst weighted cost, infinite where somebody is not reached; the nearest site of each demand."""
        site, _, _, _ = nearest_two(self.problem.cost, sites)
        _, cost, _, _ = nearest_two(self.times, sites)
        return float(cost.max(initial=0.0)), site

    def explain(self, sites: Ints, demand: int) -> Explanation:
        """How one demand is served."""
        return PMedian(self.problem).explain(sites, demand)

    def again(
        self, *, forbidden: Ints, apart: Sequence[Apart], time_limit_s: float, gap: float, start: Ints
    ) -> Siting:
        """Solve once more, further limited."""
        problem = self.problem.limited(forbidden, apart, time_limit_s, gap)
        return solve(PCenter(problem, self.times, self.rows, self.levels), Watch(time_limit_s), start)


def p_center(
    cost: Any,
    p: int | None,
    weight: ArrayLike | None = None,
    *,
    fixed: ArrayLike = (),
    existing: ArrayLike = (),
    forbidden: ArrayLike = (),
    site_cost: ArrayLike | None = None,
    budget: float | None = None,
    lexicographic: bool | int = False,
    gap: float = 0.0,
    time_limit_s: float = 60.0,
    seed: int = 0,
    job: Job | None = None,
) -> Siting:
    r"""Choose ``p`` sites so that the worst travel time is least.

    .. math::
        \min \max_i w_i \min_{j: y_j = 1} c_{ij} \quad\text{s.t.}\quad \sum_j y_j = p,\; y \in \{0,1\}

    Hakimi (1965). The answer is one of the costs that occur: p sites can keep to a radius exactly if the
    set covering problem of that radius needs no more than p (Minieka 1970), and the least such radius is
    found by bisection over the distinct costs. Each question is first put to the local search and to the
    Lagrangian bound of `lscp`, which answer nearly all of them; only the radii that neither decides are
    branched.

    With ``lexicographic`` the answers of equal worst time are told apart by the second worst time, then
    the third, and so on: of the weighted times sorted from the worst, the lexicographically least vector
    (Ogryczak 1997, "On the lexicographic minimax approach to location problems"), by one program per
    level. `details` has ``levels``, the (time, demands at that time or worse) that are proven, and
    ``levels_complete``.

    Parameters
    ----------
    cost : array (n_demand, n_site) or sparse matrix
        Seconds from site to demand; infinite or absent where unreachable.
    p : int or None
        Number of sites, the fixed ones among them; None with a budget.
    weight : array (n_demand,), optional
        Multiplies the demand's times; demands of weight 0 do not count. Ones where left out, which is
        nearly always meant.
    fixed, existing, forbidden, site_cost, budget
        See `Problem.make`; with ``existing`` this is the conditional p-center: where do the next p go?
    lexicographic : bool or int
        Also settle the second worst time and so on: True for all of them, or how many levels.
    gap : float
        Relative gap at which to stop.
    time_limit_s : float
    seed : int
    job : Job, optional
        Shows the live gap; on cancel the best answer so far comes back.

    Returns
    -------
    Siting
        ``objective`` is the worst (weighted) time, ``bound`` at most as large; ``assignment`` is the nearest
        open site. Where p sites cannot reach everybody the status is ``"infeasible"`` and ``relaxation``
        names the p that can, or the demands to leave out.

    Raises
    ------
    AnlanError
        If an input is wrong.
    """
    watch = Watch(float(time_limit_s), job)
    problem = Problem.make(
        "p_center", cost, p=p, weight=weight, fixed=fixed, existing=existing, forbidden=forbidden,
        site_cost=site_cost, budget=budget, seed=seed, time_limit_s=time_limit_s, gap=gap,
    )  # fmt: skip
    levels = problem.n_demand if lexicographic is True else int(lexicographic)
    if levels < 0:
        raise AnlanError(
            f"lexicographic = {lexicographic}",
            "it is True, False or a number of levels, 0 or more",
            "use True to settle all of them",
        )
    rows = np.flatnonzero(problem.weight > 0)
    return solve(PCenter(problem, _weighted(problem, rows), rows, levels), watch)


def _weighted(problem: Problem, rows: Ints) -> Any:
    cost, weight = problem.cost, problem.weight
    if len(rows) < problem.n_demand:
        cost, weight = cost[rows], weight[rows]
    if np.all(weight == 1.0):
        return cost
    if sparse.issparse(cost):
        data = cost.data * np.repeat(weight, np.diff(cost.indptr))
        return sparse.csr_matrix((data, cost.indices, cost.indptr), cost.shape)
    return cost * weight[:, None]


def solve(model: PCenter, watch: Watch, start: Ints = NOWHERE) -> Siting:
    """Bisect over the radii."""
    problem = model.problem
    if np.any(problem.side.limit - problem.side.rows[:, problem.fixed].sum(axis=1) < -1e-9):
        return infeasible(
            "p_center", n_demand=problem.n_demand, seconds=watch.seconds,
            message="No other choice of sites keeps the fixed ones and the asked distance.",
        )  # fmt: skip
    least = _nearest(model)
    alone = np.flatnonzero(~np.isfinite(least))
    if len(alone):
        first = model.rows[alone[0]]
        return infeasible(
            "p_center", n_demand=problem.n_demand, seconds=watch.seconds, unreachable=model.rows[alone],
            message=f"Demand {first} cannot be reached from any site that may be used"
            + (f", and {len(alone) - 1} others neither" if len(alone) > 1 else "")
            + "; leave it out, give it weight 0 or allow a site that reaches it.",
            relaxation={"demands_left_out": float(len(alone))},
        )  # fmt: skip
    search = Radii(problem, model.times, watch, float(least.max(initial=0.0)))
    for sites in (start[problem.allowed[start]], NOWHERE):
        search.take(search.filled(np.union1d(sites, problem.fixed).astype(np.int64)))
    search.run()
    if search.missing is not None:
        return _too_few(model, search, watch)
    levels: tuple[Level, ...] = ()
    message, complete = watch.message, False
    sites = search.sites
    # The finer order means something only where the worst time itself is settled.
    if model.levels and len(sites) and search.bound >= search.radius:
        sites, levels, complete = in_order(
            model.times, sites, problem.fixed, problem.allowed, problem.places, problem.side, model.levels,
            watch,
        )  # fmt: skip
        if not complete and not message:
            message = (
                f"The worst time is settled; time ran out after {len(levels)} levels of the finer order."
            )
    objective, assignment = (
        model.evaluate(sites) if len(sites) else (np.inf, np.full(problem.n_demand, -1, np.int64))
    )
    details: dict[str, Any] = {"radii": search.radii, "questions": search.questions}
    if model.levels:
        details |= {"levels": levels, "levels_complete": complete}
    return conclude(
        "p_center", "min", sites=sites, assignment=assignment, objective=objective,
        bound=min(search.bound, objective), asked_gap=problem.gap, seconds=watch.seconds,
        history=watch.moments, message=message, behind=model, details=details,
    )  # fmt: skip


def _nearest(model: PCenter) -> Floats:
    """Each counting demand's least weighted cost among the sites that may be used."""
    if sparse.issparse(model.times):
        _, cost, _, _ = nearest_two(model.times, np.flatnonzero(model.problem.allowed))
        return cost
    least = np.full(len(model.rows), np.inf)
    step = max(1, BLOCK // model.problem.n_site)
    for a in range(0, len(least), step):
        least[a : a + step] = model.times[a : a + step][:, model.problem.allowed].min(axis=1)
    return least


def _too_few(model: PCenter, search: Radii, watch: Watch) -> Siting:
    problem = model.problem
    if problem.p is None or len(problem.side):
        message, relaxation = "No choice of sites within the limits reaches every demand.", {}
    else:
        more = int(search.missing or 0) - problem.places
        message = (
            f"{problem.places} sites cannot reach every demand however far they travel; "
            f"it takes at least {more} more."
        )
        relaxation = {"p": float(search.missing or 0)}
    return infeasible(
        "p_center", n_demand=problem.n_demand, seconds=watch.seconds, message=message, relaxation=relaxation
    )
