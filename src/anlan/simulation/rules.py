"""A policy in the numbers that the event loop reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from anlan.core.time import DAY_S, SLOTS, hour_of_week
from anlan.kernels import simulation as loop
from anlan.kernels.policies.dmexclp import fixed
from anlan.kernels.simulation_labels import INF
from anlan.kernels.simulation_types import HUB, Rules, World
from anlan.model.demand import Demand
from anlan.policy import (
    Policy,
    compliance,
    dmexclp,
    jurisdiction,
    patrol,
    posts,
    preference,
    redispatch,
    reserve,
)
from anlan.policy.modes import by_slot
from anlan.policy.settings import Dispatch

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Cast:
    """Who and what the numbers of a policy stand for.

    Attributes
    ----------
    units : sequence of str
        Ids.
    homes : ndarray of int64, shape (n_units,)
        Post that each unit belongs to.
    home_area : sequence of str
        Code of the area that lies in; empty where unknown.
    posts : sequence of str
        Ids; they are the first hubs of the world.
    call_area : ndarray of str, shape (n_calls,)
    """

    units: Sequence[str]
    homes: Array
    home_area: Sequence[str]
    posts: Sequence[str]
    call_area: Array

    @property
    def home_ids(self) -> list[str]:
        """Id of each unit's home."""
        return [self.posts[h] for h in self.homes.tolist()]


def mode_names(travel: Any) -> dict[str, Any]:
    """Travel modes by name, from one object or a mapping."""
    return dict(travel) if hasattr(travel, "items") else {"ordinary": travel}


def clock(begin: float, end: float, tz: ZoneInfo) -> tuple[Array, float]:
    """Hour of the week of each half hour of a run and two days beyond, and when the first begins."""
    first = float(np.floor(begin / 1800.0) * 1800.0)
    halves = np.arange(first, end + 2 * DAY_S, 1800.0)
    return hour_of_week(halves, tz).astype(np.int64), first


def places_due(policy: Policy, slots: tuple[Array, float], begin: float, end: float) -> dict[str, Any]:
    """When free units are placed without having been called: see `anlan.simulation.roster.Roster.events`."""
    rule = policy.standby.rule
    if rule == "patrol":
        return {"place": True}
    if rule not in ("posts", "compliance"):
        return {}
    due = [begin]
    if rule == "posts":
        changes = slots[1] + 1800.0 * (1 + np.flatnonzero(np.diff(slots[0]) != 0))
        due += changes[(changes > begin) & (changes < end + DAY_S)].tolist()
    return {"slots": np.array(due)}


def interruptible(
    dispatch: Dispatch, modes: Sequence[str], top: int, rows: Array | None = None
) -> tuple[list[int], list[int]]:
    """Travel times by which units are called off on their way to a post, and on their way from one to a call."""
    table = by_slot(dispatch, modes, top, rows)
    away = {int(m) for a, b in dispatch.redispatch if 1 <= a <= top and 1 <= b <= top for m in table[a]}
    return sorted({int(m) for m in table[0]}), sorted(away)


def rules_for(
    policy: Policy,
    modes: Sequence[str],
    top: int,
    world: World,
    cast: Cast,
    slots: tuple[Array, float],
    weights: tuple[Array, Array, Array] | None,
    *,
    rows: Array | None = None,
    capacity: Array | None = None,
    speed: Array | None = None,
) -> tuple[Rules, Array, Array, Array]:
    """Numbers of a policy.

    Parameters
    ----------
    top : int
        The least urgent priority there is.
    slots : (ndarray of int16, float)
        Hour of the week of each half hour, and when the first begins.
    weights : (rows, weight, profile) or None
        Demand for coverage rules: rows of the world's places, weight by profile and row, profile by hour.
    rows : ndarray of int64, shape (n_modes, 168), optional
        See `anlan.policy.modes.by_slot`.
    capacity : ndarray of int, optional
        How many free units each post takes.
    speed : ndarray of float64, optional
        Mean metres per second of each set of travel times.

    Returns
    -------
    rules : Rules
    group, call_district : ndarray of int64, shape (n_calls,)
        Order of units and district of each call.
    unit_district : ndarray of int64, shape (n_units,)
    """
    dispatch, standby, duty = policy.dispatch, policy.standby, policy.duty
    n_units, n_posts = len(cast.units), len(cast.posts)
    mode = by_slot(dispatch, modes, top, rows)
    hub = np.zeros(world.hubs.shape[3], HUB)
    hub["indoors"] = standby.indoors
    hub["indoors"][np.unique(cast.homes)] = 1.0
    hub["indoors"][n_posts:] = 0.0  # a unit that has just handed over sits in its car
    hub["capacity"] = 1 << 30
    if capacity is not None:
        hub["capacity"][:n_posts] = capacity
    profile = np.zeros(SLOTS, np.int64)
    ladder = np.full((1, 1, 1), -1, np.int64)
    start, sets, weight = np.zeros(n_posts + 1, np.int64), np.zeros(0, np.int64), np.zeros((1, 0))
    if weights is not None:
        places, by_place, profile = weights
        reached = within(world, n_posts, places, standby.reach_s, int(mode[min(1, top), 0]))
        start, sets, weight = dmexclp.cover_sets(reached, by_place)
    if standby.rule == "compliance":
        ladder = compliance.rungs(standby.table, cast.posts, n_units)
    elif standby.rule == "posts" and policy.plan is not None:
        ladder, held = posts.rungs(policy.plan.posts, cast.posts, n_units)
        if weights is None:
            profile = held
        else:
            # Both are looked up by one profile: each pair of rows that occurs is one of its rows.
            pairs, profile = np.unique(np.stack([profile, held], axis=1), axis=0, return_inverse=True)
            weight, ladder, profile = weight[pairs[:, 0]], ladder[pairs[:, 1]], profile.ravel()
    if standby.rule == "compliance" and len(weight) > 1:
        ladder = np.repeat(ladder, len(weight), axis=0)
    beat_start, beat = np.zeros(n_units + 1, np.int64), np.zeros(0, np.int64)
    if standby.rule == "patrol":
        beat_start, beat = patrol.rounds(standby.beats, list(cast.units), cast.home_ids, list(cast.posts))
    order, group = np.full((1, max(n_units, 1)), -1, np.int64), np.zeros(len(cast.call_area), np.int64)
    if dispatch.rule == "preference":
        order, group = preference.orders(dispatch.order, cast.units, cast.call_area)
    calls_of, units_of = np.full(len(cast.call_area), -1, np.int64), np.full(n_units, -2, np.int64)
    if dispatch.rule == "jurisdiction":
        calls_of, units_of = jurisdiction.districts(
            dispatch.areas, cast.call_area, cast.home_ids, cast.home_area
        )
    integers = np.zeros(8, np.int64)
    integers[loop.DISPATCH] = dispatch.declared.number
    integers[loop.STANDBY] = standby.declared.number
    integers[loop.N_POSTS] = n_posts
    integers[loop.LAST_PRIORITY] = duty.shifts.last_priority if duty.shifts.last_s > 0 else 1 << 14
    integers[loop.MEAL_PRIORITY] = duty.breaks.interrupt
    integers[loop.OWN_PRIORITY] = duty.own_work.interrupt
    integers[loop.MOVE_ALL] = standby.rebalance
    integers[loop.CHANGE_PRIORITY] = duty.shifts.change_over_priority
    numbers = np.zeros(9)
    numbers[loop.SLOT_FROM] = slots[1]
    numbers[loop.LIMIT_S] = dispatch.within_s if dispatch.rule == "coverage" else dispatch.tolerance_s
    numbers[loop.LAST_S] = duty.shifts.last_s
    numbers[loop.MEAL_S] = duty.breaks.length_s
    numbers[loop.MIN_STAY_S] = policy.burden.stay_s
    numbers[loop.MAX_PER_HOUR] = policy.burden.moves_per_hour
    numbers[loop.MAX_DRIVE_S] = policy.burden.drive_s
    numbers[loop.STOP_S] = standby.stop_s
    numbers[loop.CHANGE_S] = duty.shifts.change_over_s
    reach_start, reach_post = dmexclp.reached_by(start, sets, weight.shape[1])
    rules = Rules(
        integers=integers,
        numbers=numbers,
        mode=mode,
        slot=np.ascontiguousarray(slots[0], np.int64),
        redispatch=redispatch.table(dispatch.redispatch, top),
        reserve=reserve.table(dispatch.reserve, top),
        preference=order,
        hub=hub,
        cover_start=start,
        cover_set=sets,
        reach_start=reach_start,
        reach_post=reach_post,
        weight=np.ascontiguousarray(weight),
        fixed=np.array([fixed(float(row.sum())) for row in weight]),
        profile=np.ascontiguousarray(profile, np.int64),
        gain=dmexclp.gain(standby.busy),
        ladder=np.ascontiguousarray(ladder),
        beat_start=beat_start,
        beat=beat,
        speed=np.zeros(len(world.modes)) if speed is None else speed,
    )
    return rules, group, calls_of, units_of


def within(world: World, n_posts: int, places: Array, reach_s: float, mode: int) -> NDArray[np.bool_]:
    """Which places (rows of the world's) each post reaches in time, shape (n_places, n_posts)."""
    ticks = np.full((len(places), n_posts), INF, np.int64)
    for k in range(2):
        node = world.places[mode, places, k]
        there = world.hubs[mode, 0, np.maximum(node, 0), :n_posts].astype(np.int64)
        there = there + world.places[mode, places, 4 + k][:, None]
        ticks = np.where((node >= 0)[:, None], np.minimum(ticks, there), ticks)
    reached: NDArray[np.bool_] = ticks * world.modes[mode, 0] <= reach_s + 1e-9
    return reached


def demand_weights(demand: Demand) -> tuple[Array, Array]:
    """Weight of each place of a `Demand` in each hour of the week, and the row of each slot."""
    rows = np.stack([demand.weight(slot) for slot in range(SLOTS)])
    unique, profile = np.unique(rows, axis=0, return_inverse=True)
    return unique, profile.astype(np.int64).ravel()
