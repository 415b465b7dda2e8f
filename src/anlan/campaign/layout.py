"""Where the units should wait: the present layout's units at the posts that cover most demand soonest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anlan.campaign.options import PlanOptions
from anlan.city.city import City
from anlan.core.errors import AnlanError
from anlan.core.job import Job
from anlan.model import Demand, Plan, Positions, Posts, Sites, Units
from anlan.siting import mclp


@dataclass(frozen=True)
class Answer:
    """What the siting model certified: covered weight, the bound no layout can pass, and the gap between."""

    objective: float
    bound: float
    gap: float
    status: str
    seconds: float


@dataclass(frozen=True, eq=False)
class Proposal:
    """A proposed layout.

    Attributes
    ----------
    plan : Plan
    siting : Answer
        The certificate.
    candidates : int
        How many places were considered.
    served : sequence of float
        Calls a week for which each post of the plan is the nearest, in the order of the plan's sites.
    present_objective : float
        The objective of the present stations with the same measure.
    demand : float
        Calls a week, all of which a perfect layout would reach within the shortest ring.
    """

    plan: Plan
    siting: Answer
    candidates: int
    served: Sequence[float]
    present_objective: float
    demand: float

    def facts(self) -> dict[str, Any]:
        """For the plan's provenance; `of_facts` reads them back."""
        return {
            "answer": asdict(self.siting),
            "candidates": self.candidates,
            "served": [round(float(s), 3) for s in self.served],
            "present_objective": self.present_objective,
            "demand": self.demand,
        }

    @classmethod
    def of_plan(cls, plan: Plan) -> Proposal:
        """A proposal from a plan that carries its facts."""
        facts = plan.provenance["siting"]
        return cls(
            plan,
            Answer(**facts["answer"]),
            facts["candidates"],
            facts["served"],
            facts["present_objective"],
            facts["demand"],
        )


def ring_values(n: int) -> NDArray[np.float64]:
    """What covering a call within each of n rings is worth, falling evenly from 1."""
    return 1.0 - np.arange(n) / n


def candidate_sites(city: City, demand: Demand, present: Sites, limit: int) -> Sites:
    """Where posts could be: the present stations, and the busiest demand places, spread out.

    Demand places are taken busiest first, skipping any within 300 m of one already taken, so that the
    candidates cover the city and do not crowd into its centre.
    """
    order = np.argsort(-demand.weight(), kind="stable")
    order = order[demand.positions.edge[order] >= 0]
    taken: list[int] = []
    grid: dict[tuple[int, int], list[int]] = {}
    room = max(limit - len(present), 0)
    for row in order.tolist():
        if len(taken) >= room:
            break
        cell = int(demand.x[row] // 300.0), int(demand.y[row] // 300.0)
        near = (k for i in (-1, 0, 1) for j in (-1, 0, 1) for k in grid.get((cell[0] + i, cell[1] + j), ()))
        if any(np.hypot(demand.x[k] - demand.x[row], demand.y[k] - demand.y[row]) < 300.0 for k in near):
            continue
        taken.append(row)
        grid.setdefault(cell, []).append(row)
    rows = np.array(taken, dtype=np.int64)
    x, y = city.locate(Positions(demand.positions.edge[rows], demand.positions.offset_m[rows]))
    lon, lat = city.unproject(x, y)
    places = Sites.make(
        len(rows),
        id=[f"post-{k + 1:03d}" for k in range(len(rows))],
        kind=["post"] * len(rows),
        lon=lon,
        lat=lat,
        x=x,
        y=y,
        edge=demand.positions.edge[rows],
        offset_m=demand.positions.offset_m[rows],
    )
    return Sites.concat([present, places])


def propose(city: City, demand: Demand, present: Plan, options: PlanOptions, job: Job) -> Proposal:
    """Choose a post for each unit of the present plan.

    Raises
    ------
    AnlanError
        If the present plan has no units.
    """
    n_units = len(present.units)
    if not n_units:
        raise AnlanError(
            "the present layout", "it has no units to place", "give stations a capacity", code="no_units"
        )
    stations = present.sites.take(present.sites.edge >= 0)
    candidates = candidate_sites(city, demand, stations, options.candidates)
    travel = city.travel(mode="lights")
    cost = travel.cost(demand.positions, candidates.positions)
    weight = demand.weight()
    rings = city.settings.rings_s
    answer = mclp(
        cost,
        min(n_units, len(candidates)),
        rings,
        weight,
        ring_weights=ring_values(len(rings)).tolist(),
        gap=options.gap,
        time_limit_s=options.siting_s,
        seed=options.seed,
        job=job,
    )
    chosen = candidates.take(answer.sites)
    # Every unit has a post; where there are more units than candidate places, the busiest get a second.
    nearest = cost[:, answer.sites].argmin(axis=1)
    served = np.bincount(nearest, weights=weight, minlength=len(answer.sites))
    units_at = np.full(len(chosen), n_units // len(chosen))
    units_at[np.argsort(-served, kind="stable")[: n_units - units_at.sum()]] += 1
    home = np.repeat(chosen.id, units_at)
    units = _nearest_homes(city, present, chosen, units_at, home)
    plan = Plan(
        name="proposed",
        sites=chosen,
        posts=Posts.make(site=chosen.id, units=units_at),
        units=units,
        policy=present.policy,
    )
    values = np.append(ring_values(len(rings)), 0.0)
    best = cost[:, : len(stations)].min(axis=1) if len(stations) else np.full(len(weight), np.inf)
    covered = values[np.searchsorted(np.asarray(rings), best, side="left")]
    certificate = Answer(answer.objective, answer.bound, answer.gap, answer.status, answer.seconds)
    return Proposal(
        plan, certificate, len(candidates), served.tolist(), float(covered @ weight), float(weight.sum())
    )


def _nearest_homes(
    city: City, present: Plan, chosen: Sites, units_at: NDArray[np.int64], home: NDArray[np.object_]
) -> Units:
    """The same units, each given one of the posts so that the total way from their present homes is least."""
    from scipy.optimize import linear_sum_assignment

    rows = present.sites.index_of(present.units.home.tolist())
    way = city.travel(mode="ordinary").matrix(present.sites.take(rows).positions, chosen.positions)
    way = np.where(np.isfinite(way), way, 1e9)
    _, column = linear_sum_assignment(np.repeat(way, units_at, axis=1))
    return present.units.replaced(home=home[column])
