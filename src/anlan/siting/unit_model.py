"""What the models that place units share: their limits, their rows, and the model behind an answer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from anlan.core.errors import AnlanError
from anlan.siting.answer import Apart, Explanation, Floats, Ints, Sense, Siting, conclude, infeasible
from anlan.siting.mclp import explain_cover
from anlan.siting.problem import Problem, Watch
from anlan.siting.reduce import Cover, in_reach, merged, nearest_two
from anlan.siting.unit_cover import Layer, UnitCover
from anlan.siting.unit_place import place
from anlan.siting.unit_program import best_scale


@dataclass(frozen=True, eq=False)
class UnitModel:
    """The model behind an answer in which units are placed within one reach.

    Attributes
    ----------
    problem : Problem
    reach : float
    cover : UnitCover
    x : ndarray of int64, shape (n_site,)
        Units of the answer.
    """

    problem: Problem
    reach: float
    cover: UnitCover
    x: Ints

    @property
    def sense(self) -> Sense:
        """The covered value is maximised."""
        return "max"

    def evaluate(self, sites: Ints) -> tuple[float, Ints]:
        """Value and nearest site in reach; the answer's sites keep their units, others get one."""
        x = np.zeros_like(self.x)
        x[sites] = np.maximum(self.x[sites], 1)
        return self.cover.value(x[None, :]), served_by(self.problem.cost, sites, self.reach)

    def explain(self, sites: Ints, demand: int) -> Explanation:
        """How one demand is served."""
        return explain_cover(self.problem, sites, demand, self.reach)

    def again(
        self, *, forbidden: Ints, apart: Sequence[Apart], time_limit_s: float, gap: float, start: Ints
    ) -> Siting:
        """Solve once more, further limited, with as many units."""
        upper = self.cover.upper.copy()
        upper[:, forbidden] = 0
        cover = replace(
            self.cover,
            upper=upper,
            lower=np.minimum(self.cover.lower, upper),
            side=self.problem.side.with_apart(apart),
        )
        problem = replace(self.problem, time_limit_s=time_limit_s, gap=gap)
        return solve_units(problem, self.reach, cover, Watch(time_limit_s))


def unit_limits(
    model: str,
    cost: Any,
    units: int,
    *,
    capacity: int | ArrayLike | None,
    existing: ArrayLike,
    **options: Any,
) -> tuple[Problem, Ints, Ints, int]:
    """Check the common input of a model that places units.

    Returns
    -------
    problem : Problem
    lower, upper : ndarray of int64, shape (1, n_site)
        Fewest and most units at each site.
    total : int
        Units to place, the existing ones among them.

    Raises
    ------
    AnlanError
    """
    open_already = np.asarray(existing, dtype=np.int64).ravel()
    problem = Problem.make(model, cost, needs_p=False, existing=np.unique(open_already), **options)
    if int(units) != units or units < (0 if len(open_already) else 1):
        raise AnlanError(
            f"units = {units}", "it is a whole number of units, 1 or more", "choose how many to place"
        )
    n = problem.n_site
    standing = np.bincount(open_already, minlength=n)
    lower = standing.copy()
    lower[problem.fixed] = np.maximum(lower[problem.fixed], 1)
    total = int(units) + int(standing.sum())
    upper = np.full(n, total) if capacity is None else _checked_capacity(capacity, n, total)
    upper[problem.forbidden] = 0
    if np.any(lower > upper):
        site = int(np.flatnonzero(lower > upper)[0])
        raise AnlanError(
            f"capacity of site {site}",
            f"{lower[site]} unit(s) must stand there but only {upper[site]} can",
            "raise the capacity, or fix fewer units there",
            code="capacity_too_small",
        )
    if lower.sum() > total:
        raise AnlanError(
            f"units = {units}",
            f"{int(lower.sum() - standing.sum())} further sites are fixed and each takes one of them",
            "raise units or fix fewer sites",
            code="fixed_exceeds_units",
        )
    if upper.sum() < total:
        raise AnlanError(
            f"units = {units}",
            f"the sites together hold only {int(upper.sum() - standing.sum())} more",
            "ask for fewer, raise capacities, or add candidates",
            code="units_exceed_capacity",
        )
    return problem, lower[None, :], upper[None, :], total


def _checked_capacity(capacity: int | ArrayLike, n: int, total: int) -> Ints:
    given = np.asarray(capacity, np.float64)
    if given.shape not in ((), (n,)) or not np.all(given >= 0):
        raise AnlanError(
            f"capacity of shape {given.shape}",
            f"it is a number of units, 0 or more, one for all or one for each of the {n} sites",
            "correct it",
        )
    return np.minimum(np.broadcast_to(np.floor(given), (n,)), total).astype(np.int64)


def unit_layers(
    problem: Problem, reach: float, areas: ArrayLike | None = None, minimum: float | ArrayLike = 0.0
) -> tuple[list[Layer], Floats]:
    """Merged rows within reach, by area where a minimum is asked, and each area's floor.

    Raises
    ------
    AnlanError
        If nothing is within reach, or the areas and minima do not match.
    """
    checked_reach(reach)
    start, column = in_reach(problem.cost, float(reach), problem.allowed)
    if not len(column):
        raise no_demand_in_reach(reach)
    none = np.empty(0, np.int64)

    def rows(weight: Floats) -> Cover:
        return merged([(start, column, weight)], problem.n_site, none, problem.allowed)

    if areas is None:
        return [Layer(rows(problem.weight))], np.empty(0)
    area, share = checked_areas(areas, minimum, problem.n_demand)
    layers = [Layer(rows(np.where(area == a, problem.weight, 0.0)), group=a) for a in range(len(share))]
    layers.append(Layer(rows(np.where(area < 0, problem.weight, 0.0)), group=len(share)))
    whole = np.bincount(area[area >= 0], problem.weight[area >= 0], len(share))
    return layers, np.append(share * whole, 0.0)


def checked_reach(reach: float) -> float:
    """A reach in seconds, 0 or more."""
    if not reach >= 0:
        raise AnlanError(f"reach = {reach}", "a reach is seconds, 0 or more", "correct it")
    return float(reach)


def no_demand_in_reach(reach: float) -> AnlanError:
    """The sentence for a reach that reaches nothing."""
    return AnlanError(
        f"reach = {reach:g} s",
        "no demand is within reach of any site",
        "enlarge the reach, or check that costs and reach are in the same unit",
        code="no_demand_in_reach",
    )


def checked_areas(areas: ArrayLike, minimum: float | ArrayLike, n: int) -> tuple[Ints, Floats]:
    """Area numbers (n,) and the share asked in each.

    Raises
    ------
    AnlanError
    """
    area = np.asarray(areas)
    if area.shape != (n,) or not np.issubdtype(area.dtype, np.integer) or area.min() < -1:
        raise AnlanError(
            f"areas of shape {area.shape}",
            f"there is one whole number, 0 or more or -1 for none, for each of the {n} demands",
            "number the areas from 0",
        )
    count = int(area.max()) + 1
    share = np.asarray(minimum, np.float64)
    if share.shape not in ((), (count,)) or not np.all((share >= 0) & (share <= 1)):
        raise AnlanError(
            f"minimum of shape {share.shape}",
            f"it is a share between 0 and 1, one for all or one for each of the {count} areas",
            "correct it",
        )
    return area.astype(np.int64), np.broadcast_to(share, (count,)).astype(np.float64)


def served_by(cost: Any, sites: Ints, reach: float) -> Ints:
    """The nearest of some sites for each demand, -1 where it is beyond reach."""
    site, seconds, _, _ = nearest_two(cost, sites)
    return np.where(seconds <= reach, site, -1)


def solve_units(
    problem: Problem, reach: float, cover: UnitCover, watch: Watch, start: Ints | None = None
) -> Siting:
    """Place units in one period and say how good that is."""
    placed = place(cover, watch, gap=problem.gap, seed=problem.seed, start=start)
    if placed is None:
        return _refused(problem, reach, cover, watch)
    if not len(placed.x):
        return unanswered(problem, placed.bound, watch)
    x = placed.x[0]
    sites = np.flatnonzero(x)
    return conclude(
        problem.model, "max", sites=sites, units=x[sites], assignment=served_by(problem.cost, sites, reach),
        objective=placed.value, bound=placed.bound, asked_gap=problem.gap, seconds=watch.seconds,
        history=watch.moments, message=watch.message,
        details={"rows": cover.n_row, "links": len(cover.rc)}, behind=UnitModel(problem, reach, cover, x),
    )  # fmt: skip


def unanswered(problem: Problem, bound: float, watch: Watch) -> Siting:
    """The answer where the time ran out before any placement was found that keeps every limit."""
    empty = np.empty(0, np.int64)
    return Siting(
        problem.model, empty, empty, np.full(problem.n_demand, -1), math.nan, bound, math.inf, "time_limit",
        watch.seconds, message="No placement that keeps every limit was found in time.",
    )  # fmt: skip


def _refused(problem: Problem, reach: float, cover: UnitCover, watch: Watch) -> Siting:
    """The answer where no placement keeps every limit: who is out of reach, what minimum could be kept."""
    out: Ints = np.empty(0, np.int64)
    message, relaxation = "No placement keeps every limit on sites and units.", {}
    if len(cover.floor):
        start, _ = in_reach(problem.cost, reach, problem.allowed)
        out = np.flatnonzero((np.diff(start) == 0) & (problem.weight > 0))
        scale = best_scale(cover, Watch(10.0, watch.job))
        message = "The minimum asked for each area cannot be kept with these units" + (
            f"; {len(out)} demand(s) are beyond the reach of every site." if len(out) else "."
        )
        if np.isfinite(scale):
            relaxation["minimum_factor"] = float(scale)
    return infeasible(
        problem.model, n_demand=problem.n_demand, seconds=watch.seconds, message=message, unreachable=out,
        relaxation=relaxation,
    )  # fmt: skip
