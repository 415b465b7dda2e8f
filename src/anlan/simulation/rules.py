"""A policy in the numbers that the event loop reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anlan.core.errors import AnlanError
from anlan.kernels import simulation as loop
from anlan.kernels.simulation_labels import INF
from anlan.kernels.simulation_types import HUB, Rules, World
from anlan.model.demand import Demand
from anlan.policy import Policy
from anlan.policy.settings import Dispatch

STANDBY = {"home": loop.HOME, "dmexclp": loop.DMEXCLP}
SLOTS = 168
DEFAULT_BUSY = 0.5

Array = NDArray[Any]


def mode_names(travel: Any) -> dict[str, Any]:
    """Travel modes by name, from one object or a mapping."""
    return dict(travel) if hasattr(travel, "items") else {"ordinary": travel}


def modes_of(dispatch: Dispatch, modes: Sequence[str], top: int) -> tuple[Array, int]:
    """The mode out to each priority (0 … top) and the mode back, as rows of ``modes``."""
    back = modes.index("ordinary") if "ordinary" in modes else len(modes) - 1
    urgent = modes.index("lights") if "lights" in modes else 0
    out = np.full(top + 1, back, np.int64)
    if top >= 1:
        out[1] = urgent
    for priority, name in dispatch.modes.items():
        if name not in modes:
            raise AnlanError(
                f"mode {name!r} for priority {priority}",
                "there is no such travel mode",
                f"use one of {', '.join(modes)}",
                code="mode_unknown",
            )
        if priority <= top:
            out[priority] = modes.index(name)
    return out, back


def interruptible(dispatch: Dispatch, modes: Sequence[str], top: int) -> tuple[list[int], list[int]]:
    """Modes in which units are called off on their way to a post, and on their way from a post to a call."""
    out, back = modes_of(dispatch, modes, top)
    away = {int(out[a]) for a, b in dispatch.redispatch if 1 <= a <= top and 1 <= b <= top}
    return [back], sorted(away)


def rules_for(
    policy: Policy,
    modes: Sequence[str],
    top: int,
    world: World,
    n_posts: int,
    homes: Array,
    slots: tuple[Array, float],
    weights: tuple[Array, Array, Array] | None,
    capacity: Array | None = None,
) -> Rules:
    """Numbers of a policy.

    Parameters
    ----------
    top : int
        The least urgent priority there is.
    homes : ndarray of int, shape (n_units,)
        Hub that each unit belongs to.
    slots : (ndarray of int16, float)
        Hour of the week of each half hour, and when the first begins.
    weights : (rows, weight, profile) or None
        Demand for coverage rules: rows of the world's places, weight by profile and row, profile by hour.
    """
    dispatch, standby = policy.dispatch, policy.standby
    out, back = modes_of(dispatch, modes, top)
    redispatch = np.zeros((top + 1, top + 1), np.bool_)
    for a, b in dispatch.redispatch:
        if a <= top and b <= top:
            redispatch[a, b] = True
    reserve = np.zeros(top + 1, np.int64)
    for priority, units in dispatch.reserve.items():
        if priority <= top:
            reserve[priority] = units
    hub = np.zeros(world.hubs.shape[3], HUB)
    hub["indoors"] = standby.indoors
    hub["indoors"][np.unique(homes)] = 1.0
    hub["indoors"][n_posts:] = 0.0  # a unit that has just handed over sits in its car
    hub["capacity"] = 1 << 30
    if capacity is not None:
        hub["capacity"][:n_posts] = capacity
    covered = cover(world, n_posts, *weights, standby.reach_s, int(out[min(1, top)])) if weights else None
    start, sets, weight, profile = covered or _nothing(n_posts)
    q = DEFAULT_BUSY if standby.busy is None else standby.busy
    integers = np.zeros(8, np.int64)
    integers[loop.DISPATCH] = 0
    integers[loop.STANDBY] = STANDBY[standby.rule]
    integers[loop.N_POSTS] = n_posts
    integers[loop.LAST_PRIORITY] = 1 << 14
    numbers = np.zeros(8)
    numbers[loop.SLOT_FROM] = slots[1]
    numbers[loop.MAX_PER_HOUR] = numbers[loop.MAX_DRIVE_S] = np.inf
    mode = np.empty((top + 1, SLOTS), np.int64)
    mode[0] = back
    mode[1:] = out[1:, None]
    return Rules(
        integers=integers,
        numbers=numbers,
        mode=mode,
        slot=np.ascontiguousarray(slots[0], np.int64),
        redispatch=redispatch,
        reserve=reserve,
        preference=np.full((1, 1), -1, np.int64),
        hub=hub,
        cover_start=start,
        cover_set=sets,
        weight=weight,
        profile=profile,
        gain=(1.0 - q) * q ** np.arange(64),
        ladder=np.full((1, 1, 1), -1, np.int64),
        beat_start=np.zeros(len(homes) + 1, np.int64),
        beat=np.zeros(0, np.int64),
    )


def cover(
    world: World, n_posts: int, rows: Array, weight: Array, profile: Array, reach_s: float, mode: int
) -> tuple[Array, Array, Array, Array]:
    """Demand merged into sets that the same posts reach in time.

    Returns
    -------
    start, sets : CSR of the sets each post covers
    weight : ndarray of float64, shape (n_profiles, n_sets)
    profile : ndarray of int32, shape (168,)
    """
    ticks = np.full((len(rows), n_posts), INF, np.int64)
    for k in range(2):
        node = world.places[mode, rows, k]
        there = world.hubs[mode, 0, np.maximum(node, 0), :n_posts].astype(np.int64)
        there = there + world.places[mode, rows, 4 + k][:, None]
        ticks = np.where((node >= 0)[:, None], np.minimum(ticks, there), ticks)
    reached = ticks * world.modes[mode, 0] <= reach_s + 1e-9
    packed = np.packbits(reached, axis=1)
    _, first, member = np.unique(packed, axis=0, return_index=True, return_inverse=True)
    pattern = reached[first]
    merged = np.zeros((weight.shape[0], len(first)))
    for row in range(weight.shape[0]):
        merged[row] = np.bincount(member.ravel(), weight[row], minlength=len(first))
    post, sets = np.nonzero(pattern.T)
    start = np.concatenate([[0], np.cumsum(np.bincount(post, minlength=n_posts))]).astype(np.int64)
    return start, sets.astype(np.int64), merged, profile


def _nothing(n_posts: int) -> tuple[Array, Array, Array, Array]:
    return (
        np.zeros(n_posts + 1, np.int64),
        np.zeros(0, np.int64),
        np.zeros((1, 0)),
        np.zeros(SLOTS, np.int64),
    )


def demand_weights(demand: Demand) -> tuple[Array, Array]:
    """Weight of each place of a `Demand` in each hour of the week, and the row of each slot."""
    rows = np.stack([demand.weight(slot) for slot in range(SLOTS)])
    unique, profile = np.unique(rows, axis=0, return_inverse=True)
    return unique, profile.astype(np.int64).ravel()
