"""Replay another simulator's inputs, call by call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anlan.core.errors import AnlanError
from anlan.core.job import Job
from anlan.core.time import zone
from anlan.model.demand import Demand
from anlan.model.position import Positions
from anlan.policy import Policy, build, run_cards
from anlan.simulation.ground import Spots, ground_of, join
from anlan.simulation.play import Played, fleet, play
from anlan.simulation.requests import Requests, ask
from anlan.simulation.roster import Roster
from anlan.simulation.rules import (
    Cast,
    clock,
    demand_weights,
    interruptible,
    mode_names,
    places_due,
    rules_for,
)

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
    complete_s : ndarray of float64
        From ``at_s`` to the arrival of the last unit, where the call's run card asks for several.
    played : Played
        Everything else, by request (see ``requests``).
    requests : Requests
        The loop's own order: one row per unit that a call asked for.
    """

    unit: Array
    dispatched_s: Array
    arrived_s: Array
    response_s: Array
    redispatched: Array
    complete_s: Array
    played: Played
    requests: Requests

    def __getitem__(self, name: str) -> Array:
        if name not in ("unit", "dispatched_s", "arrived_s", "response_s", "redispatched", "complete_s"):
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
    tz: str = "UTC",
    seed: int = 0,
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
        ``category`` and ``area`` (texts) are read by rules that ask for them.
    units : likewise
        ``station`` (row of ``stations``) and ``turnout_s`` (default 0): the time from dispatch to leaving,
        for a unit that stands at a station or post. ``id`` (default ``"0"``, ``"1"``…), ``kind``, ``skills``,
        ``shift`` and ``status`` as in `anlan.model.Units`.
    stations, destinations : place, or mapping with ``place`` and ``off_road_s``
        Node indexes or snapped positions. Stations are also where units may stand by; ``id`` (default
        ``"0"``, ``"1"``…) is what the policy calls them, ``area`` the area each lies in.
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
    tz : str
        Time zone in which ``at_s``, as Unix seconds, is read by rules that know hours of the week and shifts.
    seed : int
        For work that units find themselves; nothing else is drawn.
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
    again at the same instant. A unit taken during its turnout keeps the rest of it. A call whose run card asks for
    several units is answered when the first arrives.

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
    home = column(units, "station", np.int64)
    if len(home) and (home.min() < 0 or home.max() >= n_posts):
        raise AnlanError(
            f"station {home[(home < 0) | (home >= n_posts)][0]} of a unit",
            f"there are {n_posts} stations, numbered from 0",
            "correct it",
            code="station_range",
        )
    top = int(max(priority.max(initial=1), 1))
    n_units = len(home)
    cast = Cast(
        units=texts(units, "id", n_units) or [str(u) for u in range(n_units)],
        homes=home,
        home_area=[(texts(stations, "area", n_posts) or [""] * n_posts)[h] for h in home.tolist()],
        posts=texts(stations, "id", n_posts) or [str(p) for p in range(n_posts)],
        call_area=np.array(texts(calls, "area", n) or np.zeros(0, object), object)
        if rule.dispatch.rule in ("jurisdiction", "preference")
        else np.zeros(0, object),
    )
    weights = None
    if rule.weighs_demand:
        places, weight, profile = _demand(ground, rule.demand, spots, n_hubs, n)
        spots = places
        weights = (np.arange(spots.size - weight.shape[1], spots.size) + n_hubs, weight, profile)
    toward, away = interruptible(rule.dispatch, list(modes), top)
    world = ground.world(hubs, spots, n_posts=n_posts, toward=toward, away=away)
    zone_of = zone(tz)
    begin, end = (float(at.min()), float((at + delay).max())) if n else (0.0, 0.0)
    by_hour = rule.standby.rule == "posts" or isinstance(rule.demand, Demand)
    slots = clock(begin, end, zone_of) if by_hour else (np.zeros(1, np.int64), 0.0)
    rules, group, district, unit_district = rules_for(rule, list(modes), top, world, cast, slots, weights)
    roster = Roster(
        rule.duty,
        cast.units,
        texts(units, "shift", n_units) or [""] * n_units,
        texts(units, "status", n_units) or [""] * n_units,
        home,
        begin,
        end,
        zone_of,
    )
    words = rule.run_cards.words()
    requests = ask(
        rule.run_cards,
        words,
        np.array(texts(calls, "category", n) or np.full(n, ""), object) if words else None,
        at=at,
        ready=at + delay,
        priority=priority,
        place=n_hubs + np.arange(n),
        on_scene=column(calls, "on_scene_s", np.float64, 0.0, n),
        group=group if len(group) else np.zeros(n, np.int64),
        district=district if len(district) else np.full(n, -1, np.int64),
        transport=transport,
        destination=np.where(destination >= 0, destination + n_posts, -1),
        handover=column(calls, "handover_s", np.float64, 0.0, n),
    )
    crew = fleet(
        home,
        column(units, "turnout_s", np.float64, 0.0, n_units),
        run_cards.abilities(
            words,
            texts(units, "kind", n_units) or [""] * n_units,
            texts(units, "skills", n_units) or [""] * n_units,
        ),
        unit_district,
        roster.on,
        roster.shift_end(),
    )
    duty = roster.events(seed, 0, **places_due(rule, slots, begin, end))
    played = play(world, requests.tasks, crew, rules, duty, events=events, job=job)
    answers = requests.answers(played.outcome)
    o = answers.first
    return Replay(
        unit=o["unit"].astype(np.int32),
        dispatched_s=o["dispatched"].copy(),
        arrived_s=o["arrived"].copy(),
        response_s=o["arrived"] - at,
        redispatched=answers.taken.astype(np.int32),
        complete_s=answers.complete - at,
        played=played,
        requests=requests,
    )


def texts(table: Any, name: str, n: int) -> list[str] | None:
    """A column of texts; None where there is none."""
    if isinstance(table, np.ndarray) and not table.dtype.names:
        return None
    if not isinstance(table, Mapping) and not hasattr(table, name):
        return None
    value = column(table, name, object, None, n)
    return None if value is None else [str(v) for v in value]


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
