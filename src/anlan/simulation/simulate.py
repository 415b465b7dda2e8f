"""Simulate a plan and a policy over a city's calls."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anlan.city import City
from anlan.core.errors import AnlanError
from anlan.core.job import Job
from anlan.core.text import Text
from anlan.core.time import DAY_S, hour_of_week
from anlan.evaluation.response import Outcomes
from anlan.kernels.simulation_labels import INF
from anlan.kernels.simulation_types import TASK, Rules, World
from anlan.model import Calls, Plan
from anlan.model.event import Events
from anlan.policy import Policy, build
from anlan.simulation.durations import Durations
from anlan.simulation.events import events_of
from anlan.simulation.ground import ground_of, join
from anlan.simulation.play import Played, fleet, play
from anlan.simulation.rules import Cast, demand_weights, interruptible, rules_for
from anlan.simulation.run import Run, Workload

MODES = ("lights", "ordinary")
WORKERS = 2

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Scenario:
    """Everything a replication needs, prepared once."""

    city: City
    calls: Calls
    plan: Plan
    seed: int
    durations: Durations
    world: World
    units: Array
    rules: Rules
    slot: Array
    order: Array
    n_hubs: int
    homes: tuple[str, ...]
    assumptions: tuple[Text, ...]

    def tasks(self, replication: int) -> Array:
        """The calls as one replication meets them."""
        c, n, o = self.calls, len(self.calls), self.order
        on_scene, _ = self.durations.on_scene_s(c, self.seed, replication)
        rank = np.empty(n, np.int64)
        rank[np.argsort(c.received, kind="stable")] = np.arange(n)
        priority = np.maximum(c.priority, 1).astype(np.int64)
        tasks = np.zeros(n, TASK)
        tasks["at"] = c.received[o]
        tasks["ready"] = c.received[o] + self.durations.handling_s
        tasks["priority"] = priority[o]
        tasks["key"] = (priority * (n + 1) + rank)[o]
        tasks["place"] = self.n_hubs + o
        tasks["on_scene"] = on_scene[o]
        tasks["destination"] = -1
        return tasks

    def play(self, replication: int, *, events: bool = False, job: Job | None = None) -> Played:
        """One replication."""
        return play(self.world, self.tasks(replication), self.units, self.rules, events=events, job=job)


def simulate(
    city: City,
    calls: Calls,
    plan: Plan,
    policy: str | Mapping[str, Any] | Policy | None = None,
    *,
    seed: int,
    replications: int = 1,
    durations: Durations | None = None,
    demand: Any = None,
    warm_up_s: float | None = None,
    name: str | None = None,
    job: Job | None = None,
) -> Run:
    """Play a city's calls through a plan and a policy.

    Parameters
    ----------
    city : City
    calls : Calls
        Past calls as they came, or sampled ones. Those that are not on the network are left out and counted.
    plan : Plan
        Sites, posts and units; units start at their homes.
    policy : str, mapping or Policy, optional
        See `anlan.policy.build`; the plan's own where not given.
    seed : int
        Decides every draw; the same seed gives the same work to every plan and policy.
    replications : int
    durations : Durations, optional
        Used where the calls do not say how long the work took.
    demand : Demand, optional
        For policies that cover demand; the calls themselves where not given.
    warm_up_s : float, optional
        Calls received in the first so many seconds are simulated but not reported; by default a day, or a
        tenth of the span if that is shorter.
    name : str, optional
    job : Job, optional

    Returns
    -------
    Run

    Raises
    ------
    AnlanError
        If there is nothing to simulate, or a unit's home is not a site of the plan on the network.
    """
    job = job or Job()
    if replications < 1:
        raise AnlanError(
            f"replications = {replications}", "at least one is needed", "give 1 or more", code="replications"
        )
    with job.stage("travel times"):
        scenario, left_out = prepare(city, calls, plan, policy, seed=seed, durations=durations, demand=demand)
    runs: list[Played] = []
    with (
        job.stage("simulation", float(replications)),
        ThreadPoolExecutor(min(WORKERS, replications)) as pool,
    ):
        for done, played in enumerate(pool.map(scenario.play, range(replications)), 1):
            runs.append(played)
            job.check()
            job.update(done)
    received = scenario.calls.received
    span = float(received.max() - received.min())
    warm_up = min(DAY_S, 0.1 * span) if warm_up_s is None else warm_up_s
    keep = received >= received.min() + warm_up
    outcomes = Outcomes.concat([outcomes_of(scenario, p, r, keep) for r, p in enumerate(runs)])
    return Run(
        name=name or plan.name,
        outcomes=outcomes,
        workload=_workload(scenario, runs),
        assumptions=(
            *scenario.assumptions,
            Text(
                f"最初 {warm_up / 3600:.1f} 小时为预热，不计入结果。",
                f"The first {warm_up / 3600:.1f} hours are warm-up, not reported.",
            ),
        ),
        left_out=left_out,
        synthetic=False,
        seed=seed,
        replications=replications,
        rings_s=tuple(city.settings.rings_s),
        replayer=partial(_events, scenario, replications),
    )


def prepare(
    city: City,
    calls: Calls,
    plan: Plan,
    policy: str | Mapping[str, Any] | Policy | None,
    *,
    seed: int,
    durations: Durations | None = None,
    demand: Any = None,
) -> tuple[Scenario, int]:
    """The arrays of a scenario, and how many calls were left out of it."""
    rule = build(plan.policy if policy is None else policy, plan, demand)
    durations = durations or Durations()
    usable = (calls.edge >= 0) & np.isfinite(calls.received)
    left_out = int((~usable).sum())
    calls = calls.take(usable)
    if not len(calls) or not len(plan.units):
        raise AnlanError(
            f"{len(calls)} calls on the network and {len(plan.units)} units",
            "a simulation needs both",
            "load calls with places, and a plan with units",
            code="nothing_to_simulate",
        )
    homes, rows, home = _homes(plan)
    sites = plan.sites.take(rows)
    if (sites.edge < 0).any():
        sites = city.placed(sites)
    travels = [city.travel(None, mode) for mode in MODES]
    ground = ground_of(travels)
    hubs = ground.spots(sites.positions)
    spots = ground.spots(calls.positions)
    weights = None
    n_hubs = len(homes)
    if rule.weighs_demand:
        if rule.demand is None:
            weights = np.arange(len(calls)) + n_hubs, np.ones((1, len(calls))), np.zeros(168, np.int64)
        else:
            first = n_hubs + spots.size
            spots = join([spots, ground.spots(rule.demand.positions)])
            weights = np.arange(first, n_hubs + spots.size), *demand_weights(rule.demand)
    top = max(int(calls.priority.max()), 1)
    toward, away = interruptible(rule.dispatch, MODES, top)
    world = ground.world(hubs, spots, n_posts=n_hubs, toward=toward, away=away)
    lost = ~reachable(world, np.unique(home), len(calls))
    if lost.any():
        if lost.all():
            raise AnlanError(
                "the plan's stations",
                "none of them reaches any call by road",
                "put them on the main network",
                code="unreachable",
            )
        rest, more = prepare(
            city, calls.take(~lost), plan, policy, seed=seed, durations=durations, demand=demand
        )
        return rest, left_out + int(lost.sum()) + more
    begin = float(np.floor(calls.received.min() / 1800.0) * 1800.0)
    halves = np.arange(begin, calls.received.max() + 2 * DAY_S, 1800.0)
    slots = np.maximum(hour_of_week(halves, city.tz), 0)
    cast = Cast(plan.units.id.tolist(), home, [""] * len(home), homes, calls.area)
    rules, *_ = rules_for(rule, MODES, top, world, cast, (slots, begin), weights)
    _, drawn = durations.on_scene_s(calls, seed, 0)
    said = [
        Text(
            f"警力从驻点出发需 {durations.turnout_s:g} 秒。",
            f"A unit needs {durations.turnout_s:g} s to leave a station.",
        ),
        Text(
            f"接警 {durations.handling_s:g} 秒后可派警。",
            f"A call can be dispatched {durations.handling_s:g} s after it was received.",
        ),
    ]
    if drawn.any():
        d = durations.on_scene
        figures = f"{d.median_s / 60:.1f}", f"{d.mean_s / 60:.1f}"
        said.insert(
            0,
            Text(
                f"{len(calls):,} 起警情中有 {drawn.sum():,} 起的现场处置时长未知，按对数正态分布抽取"
                f"（中位 {figures[0]} 分，均值 {figures[1]} 分）。",
                f"Time at the scene of {drawn.sum():,} of {len(calls):,} calls is drawn: lognormal, median "
                f"{figures[0]} min, mean {figures[1]} min.",
            ),
        )
    scenario = Scenario(
        city=city,
        calls=calls,
        plan=plan,
        seed=seed,
        durations=durations,
        world=world,
        units=fleet(home, durations.turnout_s),
        rules=rules,
        slot=hour_of_week(calls.received, city.tz),
        order=np.argsort(calls.received, kind="stable"),
        n_hubs=n_hubs,
        homes=homes,
        assumptions=tuple(said),
    )
    return scenario, left_out


def reachable(world: World, homes: Array, n_calls: int) -> NDArray[np.bool_]:
    """Which calls some station reaches."""
    n_hubs = world.hubs.shape[3]
    out = np.zeros(n_calls, np.bool_)
    for k in range(2):
        node = world.places[0, n_hubs : n_hubs + n_calls, k]
        there = world.hubs[0, 0][np.maximum(node, 0)][:, homes].min(axis=1)
        out |= (node >= 0) & (there < INF)
    return out


def outcomes_of(scenario: Scenario, played: Played, replication: int, keep: Array) -> Outcomes:
    """Outcomes of a replication, in the order of the calls, without the warm-up."""
    c, o, n = scenario.calls, played.outcome, len(scenario.calls)
    back = np.empty(n, np.int64)
    back[scenario.order] = np.arange(n)
    ids = np.append(scenario.plan.units.id, "")
    at = {name: o[name][back] for name in ("dispatched", "departed", "arrived", "cleared")}
    whole = Outcomes(
        id=c.id,
        unit=ids[o["unit"][back]],
        received=c.received,
        dispatched=at["dispatched"],
        arrived=at["arrived"],
        cleared=at["cleared"],
        queued_s=at["dispatched"] - c.received - scenario.durations.handling_s,
        response_s=at["arrived"] - c.received,
        travel_s=at["arrived"] - at["departed"],
        area=c.area,
        category=c.category,
        slot=scenario.slot,
        priority=np.maximum(c.priority, 1),
        replication=np.full(n, replication, np.int32),
    )
    return whole.take(keep)


def _homes(plan: Plan) -> tuple[tuple[str, ...], Array, Array]:
    """Sites that units belong to: their ids, their rows in the plan, and each unit's place among them."""
    wanted = plan.units.home
    at = plan.sites.index_of(wanted)
    if (at < 0).any():
        row = int(np.flatnonzero(at < 0)[0])
        raise AnlanError(
            f"unit {plan.units.id[row]!r} at home in {wanted[row]!r}",
            "a unit's home is a site of the plan",
            "add the site or correct the unit",
            code="home_missing",
        )
    posts = plan.sites.index_of(plan.posts.site)
    rows = np.unique(np.concatenate([at, posts[posts >= 0]]))
    return tuple(plan.sites.id[rows].tolist()), rows, np.searchsorted(rows, at)


def _workload(scenario: Scenario, runs: list[Played]) -> Workload:
    span = float(np.nanmax(runs[0].outcome["cleared"]) - scenario.calls.received.min())
    span = max(span, 1.0)
    mean = {
        k: np.mean([p.units[k] for p in runs], axis=0) for k in ("driving_s", "work_s", "cleared", "moves")
    }
    return Workload(
        id=scenario.plan.units.id,
        calls=mean["cleared"] / (span / DAY_S),
        busy_share=mean["work_s"] / span,
        driving_share=mean["driving_s"] / span,
        moves=mean["moves"] / (span / 3600.0),
    )


def _events(scenario: Scenario, replications: int) -> Events:
    parts = []
    for r in range(replications):
        played = scenario.play(r, events=True)
        parts.append(
            events_of(
                played.log,
                scenario.calls.take(scenario.order),
                scenario.plan.units.id,
                scenario.homes,
                str(r),
            )
        )
    return Events.concat(parts)
