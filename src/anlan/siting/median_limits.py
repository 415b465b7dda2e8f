"""Where not everybody can be served: who is to blame, and the smallest change that would help."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import scipy.sparse as sparse

from anlan.core.errors import AnlanError
from anlan.siting.answer import Ints, Siting, infeasible
from anlan.siting.fewest import Chosen, Rows, fewest
from anlan.siting.problem import Problem, Watch
from anlan.siting.reduce import in_reach, nearest_two

_EXPLAIN_S = 5.0
"""Seconds that the search for the smallest relaxation may take."""


def within_reach(cost: Any, reach: float) -> Any:
    """The same costs without pairs that are farther apart.

    Raises
    ------
    AnlanError
        If the reach is no number of seconds.
    """
    if not reach >= 0:
        raise AnlanError(f"reach = {reach}", "a reach is seconds, 0 or more", "correct it")
    if not sparse.issparse(cost):
        return np.where(cost <= reach, cost, np.asarray(np.inf, cost.dtype))
    near = cost.copy()
    near.data[near.data > reach] = np.inf
    return near


def fewest_sites(problem: Problem, watch: Watch) -> Chosen:
    """The fewest allowed sites, the fixed ones among them, that reach everybody, within the budget."""
    rs, rc = in_reach(problem.cost, float(np.finfo(np.float32).max), problem.allowed)
    rows = Rows(rs, rc.astype(np.int64)).take(np.flatnonzero(problem.weight > 0))
    must = np.zeros(problem.n_site, bool)
    must[problem.fixed] = True
    prices = np.ones(problem.n_site)
    return fewest(rows, prices, must, problem.allowed, problem.side, watch, float(problem.places))


def nobody_reaches(problem: Problem, alone: Ints, watch: Watch) -> Siting:
    """The answer where some demand has no site that reaches it."""
    return infeasible(
        problem.model, n_demand=problem.n_demand, seconds=watch.seconds, unreachable=alone,
        message=f"Demand {alone[0]} cannot be reached from any site that may be used"
        + (f", and {len(alone) - 1} others neither" if len(alone) > 1 else "")
        + "; leave it out, give it weight 0 or allow a site that reaches it.",
        relaxation={"demands_left_out": float(len(alone))},
    )  # fmt: skip


def too_few(problem: Problem, cover: Chosen, watch: Watch) -> Siting:
    """The answer where each demand has a site but no choice of so many reaches everybody."""
    if math.isinf(cover.bound):
        message, relaxation = "No choice of sites within the limits reaches everybody.", {}
    else:
        needed = math.ceil(cover.bound - 1e-6)
        message = f"{problem.places} sites cannot reach everybody; it takes at least {needed}."
        relaxation = {"p": float(needed)}
    return infeasible(
        problem.model, n_demand=problem.n_demand, seconds=watch.seconds, message=message,
        relaxation=relaxation,
    )  # fmt: skip


def unserved(problem: Problem, bound: float, watch: Watch) -> Siting:
    """The answer where the time ran out before any choice was found that serves everybody."""
    empty = np.empty(0, np.int64)
    return Siting(
        problem.model, empty, empty, np.full(problem.n_demand, -1), math.nan, bound, math.inf, "time_limit",
        watch.seconds, message="No choice of sites that serves everybody was found in time.",
    )  # fmt: skip


def with_larger_reach(answer: Siting, problem: Problem, reach: float, watch: Watch) -> Siting:
    """An infeasible answer with the smallest reach that would do, where there is one.

    Parameters
    ----------
    answer : Siting
    problem : Problem
        With the costs beyond the reach.
    reach : float
    watch : Watch
    """
    has = problem.weight > 0
    _, nearest, _, _ = nearest_two(problem.cost, np.flatnonzero(problem.allowed))
    least = float(nearest[has].max())
    if not math.isfinite(least):
        return answer
    cells = problem.cost.data if sparse.issparse(problem.cost) else problem.cost[has]
    steps = np.unique(cells[np.isfinite(cells) & (cells >= max(least, reach))])
    clock = Watch(_EXPLAIN_S, watch.job)
    low, high = 0, len(steps)
    while low < high:
        middle = (low + high) // 2
        near = replace(problem, cost=within_reach(problem.cost, float(steps[middle])))
        cover = fewest_sites(near, clock)
        if cover.columns is not None and cover.columns.sum() <= problem.places:
            high = middle
        elif cover.bound > problem.places + 0.5 or math.isinf(cover.bound):
            low = middle + 1
        else:
            return answer
    if low == len(steps):
        return answer
    needed = float(steps[low])
    message = answer.message.split("; leave it out")[0].rstrip(".") + f"; a reach of {needed:g} s would do."
    return replace(
        answer, relaxation={**answer.relaxation, "reach": needed}, message=message, seconds=watch.seconds
    )
