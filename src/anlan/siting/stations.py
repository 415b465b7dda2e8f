"""Stations and posts of a city: from demand and a number of sites to a plan that carries its certificate."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from anlan.core.errors import AnlanError
from anlan.core.job import Job
from anlan.model import Demand, Plan, Posts, Sites
from anlan.siting.answer import Floats, Ints, Siting
from anlan.siting.busy import Workload
from anlan.siting.crews import crews, spread
from anlan.siting.dsm import dsm
from anlan.siting.lscp import lscp
from anlan.siting.mclp import mclp
from anlan.siting.measures import Measures, measure
from anlan.siting.mexclp import mexclp
from anlan.siting.p_center import p_center
from anlan.siting.p_median import p_median
from anlan.siting.places import candidate_sites
from anlan.siting.unit_model import UnitModel

if TYPE_CHECKING:
    from anlan.city.city import City

Model = Literal["mclp", "p_median", "p_center", "lscp", "mexclp", "dsm"]
MODELS: tuple[Model, ...] = ("mclp", "p_median", "p_center", "lscp", "mexclp", "dsm")
WITH_UNITS = ("mexclp", "dsm")
"""Models that place units, several at a site where that is better; the others choose sites."""


@dataclass(frozen=True, eq=False)
class StationPlan:
    """Chosen stations, and what there is to know about the choice.

    Attributes
    ----------
    plan : Plan
        Sites, posts and units; empty where the model is infeasible.
    siting : Siting
        The certificate; its ``sites`` are rows of `candidates`.
    model : str
    candidates : Sites
        All that could be chosen; the first `n_present` are the present stations on the network.
    n_present : int
    demand : Demand
    cost : ndarray of float32, shape (n_demand, n_candidate)
        Seconds from site to demand.
    weight : ndarray of float64, shape (n_demand,)
        Calls a week; 0 where no candidate reaches.
    left_out : float
        Calls a week that no candidate reaches, or that are on no street.
    rings_s : tuple of float
        The standard.
    present_objective : float or None
        What the present stations reach with the same objective; None where there are none.
    present, proposed : Measures
    """

    plan: Plan
    siting: Siting
    model: str
    candidates: Sites
    n_present: int
    demand: Demand
    cost: Any
    weight: Floats
    left_out: float
    rings_s: tuple[float, ...]
    present_objective: float | None
    present: Measures
    proposed: Measures

    @property
    def sites(self) -> Ints:
        """Chosen candidates, ascending."""
        return self.siting.sites

    @property
    def kept(self) -> Ints:
        """Present stations that stay."""
        return self.sites[self.sites < self.n_present]

    @property
    def new(self) -> Ints:
        """Chosen candidates that are no present station."""
        return self.sites[self.sites >= self.n_present]

    @property
    def closed(self) -> Ints:
        """Present stations that the choice does without."""
        return np.setdiff1d(np.arange(self.n_present), self.sites)

    @property
    def served(self) -> Floats:
        """Calls a week for which each chosen site is the nearest, shape (n_chosen,)."""
        return served(self.cost, self.weight, self.sites)


def served(cost: Any, weight: Floats, sites: Ints) -> Floats:
    """Weight for which each of some sites is the nearest, shape (n_site,); what none reaches is nobody's."""
    if not len(sites):
        return np.empty(0)
    part = cost[:, sites]
    held = np.where(np.isfinite(part.min(axis=1)), weight, 0.0)
    return np.bincount(part.argmin(axis=1), weights=held, minlength=len(sites)).astype(np.float64)


def plan_stations(
    city: City,
    demand: Demand,
    *,
    model: str = "mclp",
    p: int | None = None,
    next_k: int | None = None,
    present: Plan | None = None,
    candidates: Sites | None = None,
    limit: int = 1000,
    rings_s: Sequence[float] | None = None,
    keep: Sequence[str] = (),
    forbid: Sequence[str] = (),
    site_cost: Mapping[str, float] | None = None,
    budget: float | None = None,
    busy: float | ArrayLike | Workload | None = None,
    slot: int | ArrayLike | None = None,
    gap: float = 0.0,
    time_limit_s: float = 60.0,
    seed: int = 0,
    job: Job | None = None,
    name: str = "proposed",
) -> StationPlan:
    """Choose stations for a city.

    Parameters
    ----------
    city : City
    demand : Demand
        For example `anlan.hotspots.demand` of the calls, or `anlan.siting.read_demand` of a table.
    model : {"mclp", "p_median", "p_center", "lscp", "mexclp", "dsm"}
        ``mclp``: as many calls as possible within the rings, inner rings counting more. ``p_median``:
        shortest mean travel. ``p_center``: shortest worst travel. ``lscp``: fewest sites that have
        everybody within the last ring. ``mexclp``: units that are sometimes busy, within the middle ring.
        ``dsm``: two units within the middle ring, everybody within the last one.
    p : int, optional
        Sites (for ``mexclp`` and ``dsm``: units) in all; as many as at present where left out.
    next_k : int, optional
        Instead of ``p``: all present stations stay, and so many come on top.
    present : Plan, optional
        The layout of today, such as `anlan.city.present.present_plan`; its stations are candidates.
    candidates : Sites, optional
        Candidates besides the stations; `candidate_sites` makes some where left out.
    limit : int
        Most candidates that are made.
    rings_s : sequence of float, optional
        Response standard in seconds; the city's own where left out.
    keep, forbid : sequence of str
        Ids of sites that must, and must not, be used.
    site_cost : mapping of str to float, optional
        Price of sites by id; 1 for all others. Present stations are paid for already with ``next_k``.
    budget : float, optional
        Most that the sites may cost together; then ``p`` may be left out.
    busy : float, array or Workload, optional
        For ``mexclp``: how busy units are; a `Workload` has the hypercube correct it. `workload` makes one.
    slot : int or array of int, optional
        Only demand of these hours of the week (0-167).
    gap, time_limit_s, seed, job
        As in `anlan.siting.mclp`.
    name : str
        Of the plan.

    Returns
    -------
    StationPlan
        Where the model is infeasible, `StationPlan.siting` says why and the plan is empty.

    Raises
    ------
    AnlanError
        If the model is unknown, an id does not exist, no number is given and there is no present layout,
        or nothing is within reach.
    """
    if model not in MODELS:
        raise AnlanError(f"model {model!r}", f"it is one of {', '.join(MODELS)}", "choose one", code="model")
    rings = tuple(float(r) for r in (city.settings.rings_s if rings_s is None else rings_s))
    stations = Sites.empty() if present is None else present.sites.take(present.sites.edge >= 0)
    sites = candidate_sites(city, demand, stations, layer=candidates, limit=limit)
    n_present = len(stations)
    cost = city.travel(mode="lights").cost(demand.positions, sites.positions)
    weight = demand.weight(None if slot is None else np.atleast_1d(np.asarray(slot, np.int64)))
    reachable = np.isfinite(cost.min(axis=1))
    left_out = float(weight[~reachable].sum())
    weight = np.where(reachable, weight, 0.0)
    if not weight.sum() > 0:
        raise AnlanError(
            f"{city.name()}: demand of {len(demand)} places",
            "some of it must be reachable from a candidate site",
            "check that calls and roads lie in the same place: `anlan city check`",
            code="no_demand",
        )
    standing = _standing(present, stations)
    ask = _Ask(
        model, rings, _number(model, p, next_k, budget, present, stations), busy,
        {
            "weight": weight, "fixed": _rows(sites, keep, "keep"), "forbidden": _rows(sites, forbid, "forbid"),
            "existing": _existing(model, next_k, stations, standing, forbid),
            "site_cost": _prices(sites, site_cost), "budget": budget, "gap": gap,
            "time_limit_s": time_limit_s, "seed": seed, "job": job,
        },
    )  # fmt: skip
    siting = ask.solve(cost)
    here = np.arange(n_present)
    return StationPlan(
        plan=_plan(city, present, sites, n_present, siting, ask, cost, next_k, standing, name),
        siting=siting,
        model=model,
        candidates=sites,
        n_present=n_present,
        demand=demand,
        cost=cost,
        weight=weight,
        left_out=left_out,
        rings_s=rings,
        present_objective=_present_objective(siting, here, standing),
        present=measure(cost, weight, here, rings),
        proposed=measure(cost, weight, siting.sites, rings),
    )


def workload(city: City, demand: Demand, service_s: float | None = None) -> Workload:
    """The calls that keep units busy, from the demand and from how long past calls took.

    Parameters
    ----------
    city : City
    demand : Demand
        Its weekly total gives the calls per hour.
    service_s : float, optional
        Seconds a unit is busy with a call besides the way there; from the city's calls where left out:
        turn-out and time on scene, each a mean over the calls that have it.

    Raises
    ------
    AnlanError
        If it is not given and no call says when it was cleared.
    """
    if service_s is None:
        calls = city.calls
        scene = calls.cleared - calls.arrived
        scene = scene[np.isfinite(scene) & (scene > 0)]
        if not len(scene):
            raise AnlanError(
                f"{city.name()}: {len(calls)} calls",
                "none says when its unit arrived and when it was free again, so nobody knows how busy units are",
                "say how busy units are (a share such as 0.3) or how long a call takes",
                code="service_unknown",
            )
        turnout = calls.en_route - calls.dispatched
        turnout = turnout[np.isfinite(turnout) & (turnout >= 0)]
        service_s = float(scene.mean()) + (float(turnout.mean()) if len(turnout) else 0.0)
    return Workload(float(demand.weight().sum()) / 168.0, float(service_s))


@dataclass(frozen=True, eq=False)
class _Ask:
    """A model and what it is asked."""

    model: str
    rings: tuple[float, ...]
    number: int | None
    busy: Any
    common: dict[str, Any]

    @property
    def middle(self) -> float:
        """The ring that the standard is usually named by: the second, or the only one."""
        return self.rings[min(1, len(self.rings) - 1)]

    def solve(self, cost: Any) -> Siting:
        if self.model == "mclp":
            return mclp(cost, self.number, self.rings, **self.common)
        if self.model == "p_median":
            return p_median(cost, self.number, **self.common)
        if self.model == "lscp":
            asked = {k: v for k, v in self.common.items() if k != "budget"}
            return lscp(cost, self.rings[-1], **asked)
        if self.model == "p_center":
            # Travel is the same to one call as to many: weights only say who counts.
            asked = {**self.common, "weight": (self.common["weight"] > 0).astype(np.float64)}
            return p_center(cost, self.number, **asked)
        assert self.number is not None
        if self.model == "dsm":
            far = self.rings[-1]
            return dsm(cost, self.number, self.middle, far, share=0.0, **self.common)
        if self.busy is None:
            raise AnlanError(
                "model 'mexclp'",
                "it places units that are sometimes busy",
                "say how busy they are: a share such as 0.3, or a Workload",
                code="busy_missing",
            )
        return mexclp(cost, self.number, self.middle, self.busy, **self.common)


def _number(
    model: str,
    p: int | None,
    next_k: int | None,
    budget: float | None,
    present: Plan | None,
    stations: Sites,
) -> int | None:
    if p is not None and next_k is not None:
        raise AnlanError(
            f"p = {p} together with next_k = {next_k}",
            "one says how many sites there are in all, the other how many come on top",
            "leave one out",
        )
    if next_k is not None and not len(stations):
        raise AnlanError(
            f"next_k = {next_k}",
            "further sites are asked for beside present ones, and there are none",
            "ask for a number in all, or give the present stations",
            code="present_missing",
        )
    if model == "lscp":
        if p is not None or budget is not None or next_k:
            raise AnlanError(
                "model 'lscp' with a number or a budget",
                "it asks for the fewest sites",
                "leave it out (0 further ones keeps the present stations), or choose mclp for the best so many",
            )
        return None
    if next_k is not None or p is not None:
        return next_k if p is None else p
    if model in WITH_UNITS and present is not None:
        return len(present.units)
    if budget is not None and model not in WITH_UNITS:
        return None
    if not len(stations):
        raise AnlanError(
            "no number of sites",
            "without present stations nobody knows how many are wanted",
            "say how many",
            code="number_missing",
        )
    return len(stations)


def _standing(present: Plan | None, stations: Sites) -> Ints:
    """Units at each present station on the network."""
    if present is None:
        return np.empty(0, np.int64)
    row = stations.index_of(present.units.home.tolist())
    return np.bincount(row[row >= 0], minlength=len(stations)).astype(np.int64)


def _existing(model: str, next_k: int | None, stations: Sites, standing: Ints, forbid: Sequence[str]) -> Ints:
    """Rows that are open already: none unless further ones are asked for; one for each unit with units."""
    if next_k is None:
        return np.empty(0, np.int64)
    open_already = np.flatnonzero(~np.isin(stations.id.astype(str), list(forbid)))
    if model in WITH_UNITS:
        return np.repeat(open_already, standing[open_already])
    return open_already


def _rows(sites: Sites, ids: Sequence[str], what: str) -> Ints:
    rows = sites.index_of(list(ids))
    if np.any(rows < 0):
        missing = list(ids)[int(np.flatnonzero(rows < 0)[0])]
        raise AnlanError(
            f"{what} {missing}",
            f"it is the id of one of the {len(sites)} candidate sites",
            "take ids from the sites.csv of an earlier answer, or from the city's stations on the network",
            code="site_unknown",
        )
    return rows


def _prices(sites: Sites, site_cost: Mapping[str, float] | None) -> Floats | None:
    if site_cost is None:
        return None
    return np.array([float(site_cost.get(str(i), 1.0)) for i in sites.id])


def _plan(
    city: City,
    present: Plan | None,
    sites: Sites,
    n_present: int,
    siting: Siting,
    ask: _Ask,
    cost: Any,
    next_k: int | None,
    standing: Ints,
    name: str,
) -> Plan:
    chosen = sites.take(siting.sites)
    if ask.model in WITH_UNITS:
        units_at = siting.units
    else:
        stays = np.zeros(len(chosen), np.int64)
        if next_k is not None:
            old = siting.sites < n_present
            stays[old] = standing[siting.sites[old]]
        there = 0 if present is None else len(present.units)
        extra = int((siting.sites >= n_present).sum())
        total = int(stays.sum()) + extra if next_k is not None else max(there, len(chosen))
        units_at = spread(total, served(cost, ask.common["weight"], siting.sites), stays)
    manned = units_at > 0
    plan = Plan(
        name=name,
        sites=chosen,
        posts=Posts.make(int(manned.sum()), site=chosen.id[manned], units=units_at[manned]),
        units=crews(city, present, chosen, units_at),
    )
    return plan if present is None else replace(plan, policy=present.policy)


def _present_objective(siting: Siting, here: Ints, standing: Ints) -> float | None:
    """The present stations by the model's own measure; None where they, or the model, cannot be asked."""
    behind = siting.behind
    if behind is None or not len(here):
        return None
    if isinstance(behind, UnitModel):
        x = np.zeros_like(behind.x)
        x[here] = standing
        return float(behind.cover.value(x[None, :]))
    value = behind.evaluate(here)[0]
    return value if math.isfinite(value) else None
