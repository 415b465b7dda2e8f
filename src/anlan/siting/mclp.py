"""Maximal covering: with a given number of sites, have as much demand as possible within reach."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from anlan.core.errors import AnlanError
from anlan.core.job import Job
from anlan.siting import gradual, shares
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
from anlan.siting.covering import most_covered
from anlan.siting.explaining import explain_cover as explain_cover
from anlan.siting.problem import Problem, Watch
from anlan.siting.reduce import Cover, in_reach, merged, nearest_two

NOWHERE: Ints = np.empty(0, np.int64)


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
    decay: gradual.Decay | Literal["linear"] | None = None,
    areas: ArrayLike | None = None,
    min_share: float | Mapping[Any, float] | None = None,
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
    innermost ring a site reaches it in (Church & Roberts 1983, "Generalized coverage models and public
    facility location"); that equals a covering problem with one row per demand and ring, of weight
    :math:`w_i (v_r - v_{r+1})`.

    With ``decay`` a demand counts in full up to the first of two reaches and ever less up to the second
    (Berman, Krass & Drezner 2003, "The gradual covering decay location problem on a network"), solved as a
    p-median of what is lost. With ``areas`` and ``min_share`` at least that share of every area's demand
    is covered, :math:`\sum_{i \in A} w_i z_i \ge s_A \sum_{i \in A} w_i`; the shares are relaxed with
    prices for a bound and then kept exactly by HiGHS.

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
    decay : "linear" or callable, optional
        With two reaches: what a demand counts between them. A function is given the shares of the way
        from the first to the second, an array in [0, 1], and gives values in [0, 1] that do not rise.
    areas : array (n_demand,), optional
        The area of each demand: numbers or names.
    min_share : float or mapping, optional
        Share of each area's demand (its covered value, with rings) that must be covered; a mapping gives
        it by area, 0 where an area is not named.
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
        open site in reach, -1 for demand that is not covered. Where the areas' shares cannot be met the
        status is ``"infeasible"``: ``unreachable`` names demands that no site reaches, ``relaxation`` the
        ``min_share`` or the ``p`` that would do.

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
    if decay is not None:
        if areas is not None or min_share is not None or ring_weights is not None:
            raise AnlanError(
                "decay", "it goes without ring_weights, areas and min_share", "give the one or the others"
            )
        return gradual.solve(gradual.Gradual(problem, *gradual.checked_decay(reach, decay)), watch)
    rings, values = checked_rings(reach, ring_weights)
    if areas is not None:
        checked = shares.checked_areas(areas, min_share, problem.weight)
        return shares.solve(shares.Served(problem, rings, values, checked), watch)
    if min_share is not None:
        raise AnlanError(
            f"min_share = {min_share}", "a share is of the demand of an area", "give the areas too"
        )
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


def solve(problem: Problem, rings: Floats, values: Floats, watch: Watch, start: Ints = NOWHERE) -> Siting:
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
    if np.any(problem.side.limit - problem.side.rows[:, problem.fixed].sum(axis=1) < -1e-9):
        return infeasible(
            "mclp", n_demand=problem.n_demand, seconds=watch.seconds,
            message="No other choice of sites keeps the fixed ones and the asked distance.",
        )  # fmt: skip
    found = most_covered(problem, cover, watch, problem.gap, start)
    objective, assignment = model.evaluate(found.sites)
    most = max(cover.constant + float(cover.weight.sum()), objective)  # what all sites together would cover
    bound = min(found.bound, most)
    return conclude(
        "mclp", "max", sites=found.sites, assignment=assignment, objective=objective, bound=bound,
        asked_gap=problem.gap, seconds=watch.seconds, history=watch.moments, message=watch.message,
        behind=model,
        details={
            "rows": cover.n_row, "columns": cover.n_column, "links": len(cover.rc),
            "columns_undecided": found.free, "nodes": found.nodes,
        },
    )  # fmt: skip
