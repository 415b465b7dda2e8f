"""How a demand is served, in the words that all covering models share."""

from __future__ import annotations

import numpy as np

from anlan.siting.answer import Explanation, Ints
from anlan.siting.problem import Problem
from anlan.siting.reduce import row


def explain_cover(problem: Problem, sites: Ints, demand: int, reach: float) -> Explanation:
    """Who covers a demand, who would come next, and why nobody does if nobody does."""
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
