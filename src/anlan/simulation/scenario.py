"""Everything a simulated replication needs: a city, calls, a plan and a policy as the loop's arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anlan.city import City
from anlan.core.errors import AnlanError
from anlan.core.job import Job
from anlan.core.text import Text
from anlan.core.time import hour_of_week
from anlan.kernels.simulation_labels import INF
from anlan.kernels.simulation_types import Rules, World
from anlan.model import Calls, Plan, Sites
from anlan.policy import Policy, build, run_cards
from anlan.simulation.drives import speeds, travels_by_hour
from anlan.simulation.durations import Durations
from anlan.simulation.ground import Ground, ground_of, join
from anlan.simulation.play import Played, fleet, play
from anlan.simulation.requests import Requests, ask
from anlan.simulation.roster import Roster
from anlan.simulation.rules import (
    Cast,
    clock,
    demand_weights,
    interruptible,
    places_due,
    rules_for,
)

MODES = ("lights", "ordinary")

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Scenario:
    """Everything a replication needs, prepared once."""

    city: City
    calls: Calls
    plan: Plan
    policy: Policy
    seed: int
    durations: Durations
    ground: Ground
    world: World
    units: Array
    rules: Rules
    roster: Roster
    places: dict[str, Any]
    group: Array
    district: Array
    slot: Array
    sites: Sites
    posts: tuple[str, ...]
    assumptions: tuple[Text, ...]

    def requests(self, replication: int) -> Requests:
        """The calls as one replication meets them."""
        c, n = self.calls, len(self.calls)
        on_scene, _ = self.durations.on_scene_s(c, self.seed, replication)
        return ask(
            self.policy.run_cards,
            self.policy.run_cards.words(),
            c.category,
            at=c.received,
            ready=c.received + self.durations.handling_s,
            priority=np.maximum(c.priority, 1).astype(np.int64),
            place=self.world.hubs.shape[3] + np.arange(n),
            on_scene=on_scene,
            group=self.group,
            district=self.district,
        )

    def play(
        self, replication: int, *, events: bool = False, job: Job | None = None
    ) -> tuple[Requests, Played]:
        """One replication."""
        requests = self.requests(replication)
        duty = self.roster.events(self.seed, replication, **self.places)
        return requests, play(
            self.world, requests.tasks, self.units, self.rules, duty, events=events, job=job
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
    posts, rows, home = _homes(plan, rule)
    sites = plan.sites.take(rows)
    if (sites.edge < 0).any() or not np.isfinite(sites.x).all():
        sites = city.placed(sites)
    travels, by_hour, said = travels_by_hour(city, MODES)
    ground = ground_of(travels)
    off_road_s = partial(_off_road_s, city, durations)
    hubs = ground.spots(sites.positions, off_road_s(sites))
    spots = ground.spots(calls.positions, off_road_s(calls))
    weights = None
    n_hubs = len(posts)
    if rule.weighs_demand:
        if rule.demand is None:
            weights = np.arange(len(calls)) + n_hubs, np.ones((1, len(calls))), np.zeros(168, np.int64)
        else:
            first = n_hubs + spots.size
            spots = join([spots, ground.spots(rule.demand.positions)])
            weights = np.arange(first, n_hubs + spots.size), *demand_weights(rule.demand)
    top = max(int(calls.priority.max()), 1)
    toward, away = interruptible(rule.dispatch, MODES, top, by_hour)
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
    begin, end = float(calls.received.min()), float(calls.received.max()) + durations.handling_s
    slots = clock(begin, end, city.tz)
    home_area = (
        areas_of(city, sites)[home].tolist() if rule.dispatch.rule == "jurisdiction" else [""] * len(home)
    )
    cast = Cast(plan.units.id.tolist(), home, home_area, posts, calls.area)
    rules, group, district, unit_district = rules_for(
        rule,
        MODES,
        top,
        world,
        cast,
        slots,
        weights,
        rows=by_hour,
        speed=speeds(travels, sites.positions, calls.positions, seed),
    )
    roster = Roster(
        rule.duty,
        plan.units.id.tolist(),
        plan.units.shift.tolist(),
        plan.units.status.tolist(),
        home,
        begin,
        end,
        city.tz,
    )
    _, drawn = durations.on_scene_s(calls, seed, 0)
    words = rule.run_cards.words()
    scenario = Scenario(
        city=city,
        calls=calls,
        plan=plan,
        policy=rule,
        seed=seed,
        durations=durations,
        ground=ground,
        world=world,
        units=fleet(
            home,
            durations.turnout_s,
            run_cards.abilities(words, plan.units.kind.tolist(), plan.units.skills.tolist()),
            unit_district,
            roster.on,
            roster.shift_end(),
        ),
        rules=rules,
        roster=roster,
        places=places_due(rule, slots, begin, end),
        group=group,
        district=district,
        slot=hour_of_week(calls.received, city.tz),
        sites=sites,
        posts=posts,
        assumptions=(*_assumptions(durations, int(drawn.sum()), len(calls)), *said, *rule.assumptions),
    )
    return scenario, left_out


def _assumptions(durations: Durations, drawn: int, n: int) -> list[Text]:
    said = []
    if drawn:
        d = durations.on_scene
        figures = f"{d.median_s / 60:.1f}", f"{d.mean_s / 60:.1f}"
        said.append(
            Text(
                f"仿真的 {n:,} 起警情（含预热的）中有 {drawn:,} 起的现场处置时长未知，按对数正态分布抽取"
                f"（中位 {figures[0]} 分，均值 {figures[1]} 分）。",
                f"Time at the scene of {drawn:,} of the {n:,} calls simulated, those of the warm-up among them, is "
                f"not known and therefore drawn: lognormal, median {figures[0]} min, mean {figures[1]} min.",
            )
        )
    said += [
        Text(
            f"警力从驻点出发需 {durations.turnout_s:g} 秒。",
            f"A unit needs {durations.turnout_s:g} s to leave a station.",
        ),
        Text(
            f"接警 {durations.handling_s:g} 秒后可派警。",
            f"A call can be dispatched {durations.handling_s:g} s after it was received.",
        ),
    ]
    if durations.off_road_kmh is not None:
        said.append(
            Text(
                f"道路与现场之间的路程按每小时 {durations.off_road_kmh:g} 公里计。",
                f"Between the road and the place it goes at {durations.off_road_kmh:g} km/h.",
            )
        )
    return said


def reachable(world: World, homes: Array, n_calls: int) -> NDArray[np.bool_]:
    """Which calls some station reaches."""
    n_hubs = world.hubs.shape[3]
    out = np.zeros(n_calls, np.bool_)
    for k in range(2):
        node = world.places[0, n_hubs : n_hubs + n_calls, k]
        there = world.hubs[0, 0][np.maximum(node, 0)][:, homes].min(axis=1)
        out |= (node >= 0) & (there < INF)
    return out


def areas_of(city: City, sites: Sites) -> Array:
    """Code of the finest area that each site lies in; empty where the city has no areas."""
    if not len(city.areas):
        return np.full(len(sites), "", object)
    probe = Calls.make(
        len(sites),
        id=sites.id,
        x=sites.x,
        y=sites.y,
        lon=sites.lon,
        lat=sites.lat,
        edge=sites.edge,
        offset_m=sites.offset_m,
    )
    return city.placed(probe).area


def _off_road_s(city: City, durations: Durations, things: Calls | Sites) -> Array | None:
    """Seconds between each place and the road it was put on; None where they are not counted."""
    if durations.off_road_kmh is None:
        return None
    x, y = city.locate(things.positions)
    metres = np.hypot(things.x - x, things.y - y)
    return np.where(np.isfinite(metres), metres, 0.0) / (durations.off_road_kmh / 3.6)


def _homes(plan: Plan, policy: Policy) -> tuple[tuple[str, ...], Array, Array]:
    """Sites that units belong to or stand by at: their ids, rows in the plan, and each unit's home among them."""
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
    standby = policy.standby
    named = [p for listed in (*standby.table.values(), *standby.beats.values()) for p in listed]
    extra = plan.sites.index_of(np.array([*plan.posts.site.tolist(), *named], object))
    rows = np.unique(np.concatenate([at, extra[extra >= 0]]))
    return tuple(plan.sites.id[rows].tolist()), rows, np.searchsorted(rows, at)
