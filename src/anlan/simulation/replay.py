"""Replay another simulator's inputs, call by call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anlan.core.errors import AnlanError
from anlan.core.job import Job
from anlan.kernels.simulation_types import TASK
from anlan.model.demand import Demand
from anlan.model.position import Positions
from anlan.policy import Policy, build
from anlan.simulation.ground import Spots, ground_of, join
from anlan.simulation.play import Played, fleet, play
from anlan.simulation.rules import Cast, demand_weights, interruptible, mode_names, rules_for

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Replay:
    """What became of each call, in the order given.

    Attributes
    ----------
    unit : ndarray of int32
        Row of the unit that arrived; -1 where none ever came.
    dispatched_s, arrived_s : ndarray of float64
        On the clock of ``at_s``; NaN where none came.
    response_s : ndarray of float64
        From ``at_s`` to arrival.
    redispatched : ndarray of int32
        How often a unit on its way to the call was taken for another.
    played : Played
        Everything else, in the loop's own order (see ``row``).
    row : ndarray of int64
        The loop's row of each call.
    """

    unit: Array
    dispatched_s: Array
    arrived_s: Array
    response_s: Array
    redispatched: Array
    played: Played
    row: Array

    def __getitem__(self, name: str) -> Array:
        if name not in ("unit", "dispatched_s", "arrived_s", "response_s", "redispatched"):
            raise KeyError(name)
        column: Array = getattr(self, name)
        return column


def replay(
    travel: Any,
    calls: Any,
    units: Any,
    stations: Any,
    policy: str | Mapping[str, Any] | Policy = "closest",
    *,
    destinations: Any = None,
    mode_by_priority: Mapping[int, str] | None = None,
    redispatch: Iterable[tuple[int, int]] | None = None,
    demand: Any = None,
    busy: float | None = None,
    events: bool = False,
    job: Job | None = None,
) -> Replay:
    """Simulate calls given as arrays.

    Parameters
    ----------
    travel : Travel or mapping of str to Travel
        One network, or one per mode (``lights``, ``ordinary``).
    calls : mapping of arrays, structured array or object with these attributes
        ``at_s`` and ``place`` are needed. ``priority`` (1 most urgent; default 1), ``dispatch_delay_s``,
        ``on_scene_s``, ``transport`` (bool), ``destination`` (row of ``destinations``; -1, the default, is the
        nearest by the mode back), ``handover_s``, ``off_road_s`` (between the road and the call, added on
        arriving and again on leaving; ``off_road_leave_s`` where leaving takes another time, as with another
        mode's speed) default to 0.
    units : likewise
        ``station`` (row of ``stations``) and ``turnout_s`` (default 0): the time from dispatch to leaving,
        for a unit that stands at a station or post.
    stations, destinations : place, or mapping with ``place`` and ``off_road_s``
        Node indexes or snapped positions.
    policy : str, mapping or Policy
        See `anlan.policy.build`.
    mode_by_priority : mapping of int to str, optional
        Which mode goes out to which priority; units drive back, to posts and to destinations in ``ordinary``.
        Default: ``lights`` to priority 1.
    redispatch : pairs (from priority, to priority), optional
        Overrides the policy's.
    demand, busy
        Given to `anlan.policy.build`. Where a rule needs demand and none is given, the calls themselves are
        taken, one each.
    events : bool
        Whether to keep the log of events (``played.log``).

    Returns
    -------
    Replay

    Notes
    -----
    Conventions, for comparison with other simulators. A unit that becomes free takes the first waiting call,
    by priority and then by time received. At equal times units become free before calls are considered. The
    closest unit is the one with the least time to arrival: what is left of its turnout, the way to the next
    node if it is driving (a unit does not turn on an arc; past the last node it turns back), then the fastest
    way in the mode of the call's priority; ties go to the lower row. A call whose unit is taken is considered
    again at the same instant. A unit taken during its turnout keeps the rest of it.

    Raises
    ------
    AnlanError
        If a column is missing or out of range.
    """
    rule = build(policy, None, demand, busy)
    changes: dict[str, Any] = {}
    if mode_by_priority is not None:
        changes["modes"] = dict(mode_by_priority)
    if redispatch is not None:
        changes["redispatch"] = tuple(redispatch)
    if changes:
        rule = replace(rule, dispatch=replace(rule.dispatch, **changes))
    modes = mode_names(travel)
    ground = ground_of(list(modes.values()))
    posts = _sited(ground, stations)
    targets = None if destinations is None else _sited(ground, destinations)
    hubs = posts if targets is None else join([posts, targets])
    n_posts, n_hubs = posts.size, hubs.size

    at = column(calls, "at_s", np.float64)
    n = len(at)
    off = column(calls, "off_road_s", np.float64, 0.0, n)
    leave = column(calls, "off_road_leave_s", np.float64, None, n)
    spots = ground.spots(_place(column(calls, "place", None)), off, leave)
    priority = column(calls, "priority", np.int64, 1, n)
    if n and (priority.min() < 1 or priority.max() > 100):
        raise AnlanError(
            f"priority {priority[(priority < 1) | (priority > 100)][0]}",
            "priorities are 1 (most urgent) to 100",
            "number them so",
            code="priority_range",
        )
    delay = column(calls, "dispatch_delay_s", np.float64, 0.0, n)
    destination = column(calls, "destination", np.int64, -1, n)
    n_targets = n_hubs - n_posts
    if n and destination.max(initial=-1) >= n_targets:
        raise AnlanError(
            f"destination {destination.max()}",
            f"there are {n_targets} destinations, numbered from 0",
            "give destinations=…, or -1 for the nearest",
            code="destination_range",
        )
    transport = column(calls, "transport", np.bool_, False, n)
    if n and transport.any() and not n_targets:
        raise AnlanError(
            f"{int(transport.sum())} calls with transport",
            "there is no destination to go to",
            "give destinations=…",
            code="destinations_missing",
        )
    row = np.argsort(at + delay, kind="stable")
    rank = np.empty(n, np.int64)
    rank[np.argsort(at, kind="stable")] = np.arange(n)
    tasks = np.zeros(n, TASK)
    tasks["at"] = at[row]
    tasks["ready"] = (at + delay)[row]
    tasks["priority"] = priority[row]
    tasks["key"] = (priority * (n + 1) + rank)[row]
    tasks["place"] = n_hubs + row
    tasks["on_scene"] = column(calls, "on_scene_s", np.float64, 0.0, n)[row]
    tasks["transport"] = transport[row]
    tasks["destination"] = np.where(destination >= 0, destination + n_posts, -1)[row]
    tasks["handover"] = column(calls, "handover_s", np.float64, 0.0, n)[row]
    home = column(units, "station", np.int64)
    if len(home) and (home.min() < 0 or home.max() >= n_posts):
        raise AnlanError(
            f"station {home[(home < 0) | (home >= n_posts)][0]} of a unit",
            f"there are {n_posts} stations, numbered from 0",
            "correct it",
            code="station_range",
        )
    crew = fleet(home, column(units, "turnout_s", np.float64, 0.0, len(home)))
    top = int(max(priority.max(initial=1), 1))
    weights = None
    if rule.weighs_demand:
        places, weight, profile = _demand(ground, rule.demand, spots, n_hubs, n)
        spots = places
        weights = (np.arange(spots.size - weight.shape[1], spots.size) + n_hubs, weight, profile)
    toward, away = interruptible(rule.dispatch, list(modes), top)
    world = ground.world(hubs, spots, n_posts=n_posts, toward=toward, away=away)
    cast = Cast(
        units=[str(u) for u in range(len(home))],
        homes=home,
        home_area=[""] * len(home),
        posts=[str(p) for p in range(n_posts)],
        call_area=np.full(n, ""),
    )
    rules, *_ = rules_for(rule, list(modes), top, world, cast, (np.zeros(1, np.int64), 0.0), weights)
    played = play(world, tasks, crew, rules, events=events, job=job)
    back = np.empty(n, np.int64)
    back[row] = np.arange(n)
    o = played.outcome[back]
    return Replay(
        unit=o["unit"].copy(),
        dispatched_s=o["dispatched"].copy(),
        arrived_s=o["arrived"].copy(),
        response_s=o["arrived"] - at,
        redispatched=o["taken"].copy(),
        played=played,
        row=back,
    )


def column(table: Any, name: str, dtype: Any, default: Any = ..., n: int = 0) -> Any:
    """One column of a mapping, structured array, data frame or object; a scalar serves every row."""
    try:
        value = table[name] if hasattr(table, "__getitem__") else getattr(table, name)
    except (KeyError, AttributeError, ValueError, IndexError):
        if default is ...:
            raise AnlanError(
                f"{name!r} is missing", "it is needed", f"add a column {name}", code="column_missing"
            ) from None
        return None if default is None else np.full(n, default, dtype)
    if dtype is None or value is None:
        return value
    out = np.asarray(value, dtype)
    return np.full(n, out, dtype) if out.ndim == 0 else np.ascontiguousarray(out)


def _place(place: Any) -> Any:
    if isinstance(place, Positions):
        return place
    if isinstance(place, Mapping):
        return Positions(np.asarray(place["edge"]), np.asarray(place["offset_m"]))
    values = np.asarray(place)
    if values.dtype.names:
        return Positions(values["edge"], values["offset_m"])
    return (
        values.astype(np.int64) if values.dtype.kind == "f" and np.all(values == np.floor(values)) else values
    )


def _sited(ground: Any, sites: Any) -> Spots:
    if isinstance(sites, Mapping) and "place" in sites:
        place = _place(sites["place"])
        off = column(sites, "off_road_s", np.float64, 0.0, len(place))
        leave = column(sites, "off_road_leave_s", np.float64, None, len(place))
        found: Spots = ground.spots(place, off, leave)
    else:
        found = ground.spots(_place(sites))
    return found


def _demand(ground: Any, demand: Any, spots: Spots, n_hubs: int, n: int) -> tuple[Spots, Array, Array]:
    """Places extended by those of demand, its weight by profile, and the profile of each slot."""
    flat = np.zeros(168, np.int64)
    if demand is None:
        return spots, np.ones((1, n)), flat
    if isinstance(demand, Demand):
        weight, profile = demand_weights(demand)
        return join([spots, ground.spots(demand.positions)]), weight, profile
    place = _place(column(demand, "place", None))
    weight = column(demand, "weight", np.float64, 1.0, len(place))
    off = column(demand, "off_road_s", np.float64, 0.0, len(place))
    return join([spots, ground.spots(place, off)]), np.atleast_2d(weight), flat
