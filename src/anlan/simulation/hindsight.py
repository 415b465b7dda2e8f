r"""How much is left: a bound that no dispatcher of the same units and stations can beat, even with hindsight.

**Whom it binds.** Every dispatcher that knows all calls in advance and decides freely which unit goes to which
call, in which order and when, as long as

- a free unit is at its own station, at the scene it has just cleared, or on its way home, and may be sent from
  anywhere there (units that stand by elsewhere are another system; so are posts, which are homes here);
- a unit that was sent is not called off;
- no call waits longer than ``max_wait_s`` for its unit to be sent.

**What it is.** A linear program over the options of each call. *From home*: a unit of station h is sent after a
wait in one of a few steps :math:`[\delta_k, \delta_{k+1})`; the call is then answered after at least
:math:`\delta_k + t_h + d_{hi}`. *After call j*: a unit of h that is free at the scene of j at :math:`f_j`, or on
its way home since; by the triangle inequality it arrives no sooner than :math:`f_j + g_{ji}`, and as it was sent
before it came home, :math:`f_j > a_i + \delta_k - b_{jh}`, the response is at least
:math:`\max(\delta_k,\; f_j^{min} + g_{ji} - a_i,\; \delta_k + g_{ji} - b_{jh})`. Each call takes one option; a call
is followed by at most one other, of the same station's units; and at any instant no more units of h are away than
it has: an option counts while its unit is certainly away, from the latest dispatch of its step until the earliest
return home.

**What it relaxes**, so that it stays below the truth: options are taken in fractions; waits are rounded down to
their step and times away cut short by it; a call beyond the ``near`` nearest stations costs what the next station
would take and is never short of units; calls are cut into windows of time, between which nothing is kept but what
could follow on an earlier call. Preemption and travel luck are bounded by triangle inequalities alone.

The model is the linear relaxation of a time-indexed assignment with station capacities; compare the offline
benchmark of Jagtenberg, van den Berg and van der Mei (2017), "Benchmarking online dispatch algorithms for emergency
medical services", *European Journal of Operational Research* 258, 715-725.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import linprog

from anlan.city.city import City
from anlan.core.errors import AnlanError
from anlan.core.job import Job
from anlan.model import Calls, Plan, Positions
from anlan.simulation.durations import Durations
from anlan.simulation.replay import column
from anlan.simulation.rules import mode_names

Array = NDArray[Any]

STEPS_S = (0.0, 60.0, 180.0, 420.0, 900.0, 1800.0)
NEAR = 6
WINDOW = 120
SLACK_S = 0.01
"""Taken off for rounding: travel times are whole ticks, and the solver is exact to a tolerance."""


@dataclass(frozen=True)
class Hindsight:
    """The bound, over the calls that can be reached.

    Attributes
    ----------
    mean_s : float
        No dispatcher of the kind described has a smaller mean response from the call.
    idle_s : float
        The same if units were never short: every call takes its best option.
    station_s : float
        Mean response if the nearest station always had a unit standing ready.
    calls : int
    max_wait_s : float
    """

    mean_s: float
    idle_s: float
    station_s: float
    calls: int
    max_wait_s: float


def hindsight(
    travel: Any,
    calls: Any,
    units: Any,
    stations: Any,
    *,
    mode_by_priority: Mapping[int, str] | None = None,
    max_wait_s: float = 3600.0,
    near: int = NEAR,
    window: int = WINDOW,
    job: Job | None = None,
) -> Hindsight:
    """Bound the mean response of any dispatcher.

    Parameters
    ----------
    travel, calls, units, stations, mode_by_priority
        As `anlan.simulation.replay` takes them; no transports, and places without off-road stretches.
    max_wait_s : float
        Longest wait for a unit to be sent that a dispatcher may impose.
    near : int
        Stations that are looked at one by one for each call.
    window : int
        Calls per linear program; more is tighter and slower.

    Raises
    ------
    AnlanError
        If there are transports, no reachable call, or an outward mode that is somewhere slower than the way back.
    """
    modes = mode_names(travel)
    names = list(modes)
    back = modes["ordinary"] if "ordinary" in modes else modes[names[-1]]
    urgent = "lights" if "lights" in modes else names[0]
    out_of = {1: urgent, **(mode_by_priority or {})}
    at = column(calls, "at_s", np.float64)
    n = len(at)
    if column(calls, "transport", np.bool_, False, n).any():
        raise AnlanError("calls with transport", "the bound knows none", "leave them out", code="transport")
    delay = column(calls, "dispatch_delay_s", np.float64, 0.0, n)
    priority = column(calls, "priority", np.int64, 1, n)
    service = column(calls, "on_scene_s", np.float64, 0.0, n)
    place = _places(column(calls, "place", None))
    sites = _places(stations["place"] if isinstance(stations, Mapping) else stations)
    home = column(units, "station", np.int64)
    turnout = column(units, "turnout_s", np.float64, 0.0, len(home))
    there = np.unique(home)
    owned = np.bincount(home, minlength=there.max() + 1)[there]
    # Of the units of a station the quickest off the mark bounds all.
    ready_s = np.array([turnout[home == h].min() for h in there])
    sites = _take(sites, there)
    mode = np.array([out_of.get(int(p), "ordinary" if "ordinary" in modes else names[-1]) for p in priority])
    for name in np.unique(mode):
        _check_faster(modes[str(name)], back)
    far = np.empty((n, len(there)))
    for name in np.unique(mode):
        rows = np.flatnonzero(mode == name)
        far[rows] = modes[str(name)].matrix(sites, _take(place, rows)).T
    first = far + ready_s
    reached = np.isfinite(first).any(axis=1)
    if not reached.any():
        raise AnlanError(
            "the stations", "none reaches any call", "put them on the network", code="unreachable"
        )
    rows = np.flatnonzero(reached)
    rows = rows[np.argsort((at + delay)[rows], kind="stable")]
    place = _take(place, rows)
    ground = _Ground(
        ready=(at + delay)[rows],
        service=service[rows],
        first=first[rows],
        home=np.asarray(back.matrix(place, sites), np.float64),
        owned=owned,
        mode=mode[rows],
        place=place,
        modes=modes,
        steps=np.array([*(s for s in STEPS_S if s < max_wait_s), max_wait_s]),
        near=min(near, len(there)),
    )
    job = job or Job()
    total = floor = 0.0
    with job.stage("hindsight", float(len(rows))):
        for begin in range(0, len(rows), window):
            job.check()
            end = min(begin + window, len(rows))
            bound, least = _window(ground, begin, end)
            total, floor = total + bound, floor + least
            job.update(float(end))
    m = len(rows)
    handling = float(delay[rows].mean())
    return Hindsight(
        mean_s=max(handling + total / m - SLACK_S, 0.0),
        idle_s=max(handling + floor / m - SLACK_S, 0.0),
        station_s=handling + float(first[rows].min(axis=1).mean()),
        calls=m,
        max_wait_s=max_wait_s,
    )


def hindsight_of_plan(
    city: City,
    calls: Calls,
    plan: Plan,
    *,
    durations: Durations,
    seed: int,
    replication: int = 0,
    max_wait_s: float = 3600.0,
    job: Job | None = None,
) -> Hindsight:
    """The bound for a plan whose units wait at their homes, for the calls as one replication meets them."""
    sites = plan.sites if (plan.sites.edge >= 0).all() else city.placed(plan.sites)
    return hindsight(
        {name: city.travel(None, name) for name in ("lights", "ordinary")},
        {
            "at_s": calls.received,
            "place": calls.positions,
            "priority": np.maximum(calls.priority, 1),
            "dispatch_delay_s": durations.handling_s,
            "on_scene_s": durations.on_scene_s(calls, seed, replication)[0],
        },
        {"station": sites.index_of(plan.units.home), "turnout_s": durations.turnout_s},
        sites.positions,
        max_wait_s=max_wait_s,
        job=job,
    )


def always_ready_s(city: City, calls: Calls, plan: Plan, durations: Durations) -> NDArray[np.float64]:
    """Response to each call if the nearest of the plan's stations always had a unit standing ready, shape (n,).

    A yardstick and no bound: a unit on its way home may be nearer. Inf where no station reaches the call.
    """
    sites = plan.sites if (plan.sites.edge >= 0).all() else city.placed(plan.sites)
    homes = sites.take(np.unique(sites.index_of(plan.units.home))).positions
    out = np.empty(len(calls))
    urgent = calls.priority <= 1
    for mode, rows in (("lights", np.flatnonzero(urgent)), ("ordinary", np.flatnonzero(~urgent))):
        if len(rows):
            way = city.travel(None, mode).matrix(homes, calls.take(rows).positions)
            out[rows] = np.asarray(way, np.float64).min(axis=0)
    return out + durations.turnout_s + durations.handling_s


@dataclass(frozen=True, eq=False)
class _Ground:
    """Calls in the order in which they are ready; n calls, h stations with units.

    ``first`` (n, h): seconds from dispatch at a station to arrival. ``home`` (n, h): seconds from a call home.
    """

    ready: Array
    service: Array
    first: Array
    home: Array
    owned: Array
    mode: Array
    place: Any
    modes: Mapping[str, Any]
    steps: Array
    near: int

    @property
    def other(self) -> int:
        """Row of the stations that are not near: the last of the commodities."""
        return self.first.shape[1]


def _window(g: _Ground, begin: int, end: int) -> tuple[float, float]:
    """Least total response of the calls ``begin`` … ``end``, and the sum of their best options."""
    wait = float(g.steps[-1])
    size = end - begin
    # Who could come before: not free too late, not home too early.
    reach = (
        np.where(np.isfinite(g.first), g.first, 0.0).max(axis=1)
        + np.where(np.isfinite(g.home), g.home, 0.0).max()
    )
    away = np.where(np.isfinite(g.home), g.home, 0.0).max(axis=1)
    latest = g.ready + wait + reach + g.service + 60.0  # a unit finishes its arc before it turns
    low, high = g.ready[begin], g.ready[end - 1]
    before = np.flatnonzero((g.ready + g.service <= high + wait) & (latest + away > low))
    inside = np.full(len(g.ready), -1)
    inside[begin:end] = np.arange(size)
    between = _between(g, before, begin, end)

    order = np.argsort(g.first[begin:end], axis=1, kind="stable")
    kept = order[:, : g.near]
    ranked = np.take_along_axis(g.first[begin:end], order, axis=1)
    beyond = ranked[:, g.near] if ranked.shape[1] > g.near else np.full(size, np.inf)

    # Ways home by commodity: what is near is known, the others may be as far as any.
    home_of = np.concatenate([g.home, away[:, None]], axis=1)
    home_of = np.where(np.isfinite(home_of), home_of, away[:, None])

    # Earliest end of each possible predecessor: nobody answers sooner than at once.
    soonest = np.zeros(len(before))
    own = inside[before] >= 0
    for _ in range(2):
        free = g.ready[before] + soonest + g.service[before]
        road = np.maximum(0.0, free[:, None] + between - g.ready[begin:end])
        road[before[:, None] == np.arange(begin, end)] = np.inf
        best = np.minimum(ranked[:, 0], road.min(axis=0, initial=np.inf))
        soonest[own] = best[inside[before[own]]]
    free = g.ready[before] + soonest + g.service[before]

    call, commodity, follows, cost, start, stop = _options(
        g, begin, kept, beyond, before, between, free, home_of, latest
    )
    least = np.full(size, np.inf)
    np.minimum.at(least, call, cost)
    n = len(call)
    column_of = np.arange(n)
    # Each call takes one option.
    equal = sparse.csr_array((np.ones(n), (call, column_of)), shape=(size, n))
    rows: list[int] = []
    cols: list[int] = []
    data: list[float] = []
    limit: list[float] = []
    # After a call come only units of a station that may have served it. Which station a unit is of is known where
    # the station is near the call; units of the others may be of any station that is not.
    served_by: dict[tuple[int, int], list[int]] = {}
    for k, (c, m) in enumerate(zip(call.tolist(), commodity.tolist(), strict=True)):
        served_by.setdefault((c, m), []).append(k)
    after = np.flatnonzero(
        (follows >= 0) & (commodity < g.other) & (np.append(inside[before], -1)[follows] >= 0)
    )
    pair = follows[after] * g.other + commodity[after]
    names, where = np.unique(pair, return_inverse=True)
    rows += where.tolist()
    cols += after.tolist()
    data += [1.0] * len(after)
    for r, name in enumerate(names.tolist()):
        j, h = divmod(name, g.other)
        i = int(inside[before[j]])
        options = served_by.get((i, h if h in kept[i] else g.other), [])
        rows += [r] * len(options)
        cols += options
        data += [-1.0] * len(options)
        limit.append(0.0)
    count = len(names)
    # And at most one.
    after = np.flatnonzero(follows >= 0)
    earlier, which = np.unique(follows[after], return_inverse=True)
    rows += (count + which).tolist()
    cols += after.tolist()
    data += [1.0] * len(after)
    limit += [1.0] * len(earlier)
    count += len(earlier)
    # No more units are away than there are.
    for h in np.unique(commodity[commodity < g.other]).tolist():
        mine = np.flatnonzero((commodity == h) & (stop > start))
        for moment in np.unique(start[mine]).tolist():
            over = mine[(start[mine] <= moment) & (stop[mine] > moment)]
            if len(np.unique(call[over])) > g.owned[h]:
                rows += [count] * len(over)
                cols += over.tolist()
                data += [1.0] * len(over)
                limit.append(float(g.owned[h]))
                count += 1
    found = linprog(
        cost,
        A_ub=sparse.csr_array((data, (rows, cols)), shape=(count, n)) if count else None,
        b_ub=limit if count else None,
        A_eq=equal,
        b_eq=np.ones(size),
        bounds=(0.0, None),
        method="highs",
    )
    if found.status == 2:
        raise AnlanError(
            f"{size} calls and {int(g.owned.sum())} units",
            f"nobody could send a unit to each within {g.steps[-1]:g} s",
            "allow a longer wait with max_wait_s",
            code="hindsight_wait",
        )
    if found.status != 0:
        return float(least.sum()), float(least.sum())
    return max(float(found.fun), float(least.sum())), float(least.sum())


def _options(
    g: _Ground,
    begin: int,
    kept: Array,
    beyond: Array,
    before: Array,
    between: Array,
    free: Array,
    home_of: Array,
    latest: Array,
) -> tuple[Array, Array, Array, Array, Array, Array]:
    """Call, station, predecessor (-1 from home), cost, and when the unit is certainly away; one row an option."""
    parts: list[tuple[Array, ...]] = []
    step, following = g.steps[:-1], g.steps[1:]
    for i in range(len(kept)):
        row = begin + i
        now, cap = g.ready[row], beyond[i]
        near = kept[i][np.isfinite(g.first[row, kept[i]])]
        # From home.
        h, k = (a.ravel() for a in np.meshgrid(near, np.arange(len(step)), indexing="ij"))
        cost = step[k] + g.first[row, h]
        # The way home counts where the unit was sent at once; what follows on it then begins to count after it.
        stop = now + cost + g.service[row] + np.where(k == 0, home_of[row, h], 0.0)
        parts.append((np.full(len(h), i), h, np.full(len(h), -1), cost, now + following[k], stop))
        if np.isfinite(cap):
            parts.append(tuple(np.array([v]) for v in (i, g.other, -1, cap, now, now)))
        # After another call: by units of a near station, or of any other.
        those = np.append(near, g.other) if np.isfinite(cap) else near
        j = np.flatnonzero(
            (before != row) & np.isfinite(between[:, i]) & (free < now + g.steps[-1])
            & (latest[before] + home_of[before].max(axis=1) > now)
        )  # fmt: skip
        j, h, k = (a.ravel() for a in np.meshgrid(j, those, np.arange(len(step)), indexing="ij"))
        way = between[j, i]
        slow = np.maximum(free[j] + way - now, step[k] + way - home_of[before[j], h])
        cost = np.maximum(step[k], slow)
        use = (
            (now + following[k] >= free[j])
            & (cost < cap)
            & (latest[before[j]] + home_of[before[j], h] > now + step[k])
        )
        j, h, k, cost = j[use], h[use], k[use], cost[use]
        of = np.minimum(h, g.other - 1)
        tail = g.ready[before[j]] + g.first[before[j], of] + g.service[before[j]] + home_of[before[j], h]
        tail = np.where((h < g.other) & np.isfinite(tail), tail, np.inf)
        start = np.maximum(now + following[k], tail)
        parts.append((np.full(len(j), i), h, j, cost, start, now + cost + g.service[row]))
    call, commodity, follows, cost, start, stop = (np.concatenate(c) for c in zip(*parts, strict=True))
    whole = np.isfinite(cost)
    return (
        call[whole].astype(np.int64),
        commodity[whole].astype(np.int64),
        follows[whole].astype(np.int64),
        cost[whole],
        start[whole],
        stop[whole],
    )


def _between(g: _Ground, before: Array, begin: int, end: int) -> Array:
    """Seconds from each predecessor's place to each call of the window, in the call's mode."""
    out = np.empty((len(before), end - begin))
    mode = g.mode[begin:end]
    for name in np.unique(mode):
        columns = np.flatnonzero(mode == name)
        out[:, columns] = g.modes[str(name)].matrix(_take(g.place, before), _take(g.place, begin + columns))
    return out


def _check_faster(out: Any, back: Any) -> None:
    if out is back:
        return
    a, b = out.router, back.router
    same = np.array_equal(a.tail, b.tail) and np.array_equal(a.head, b.head)
    if not same or np.any(a.ticks * out.tick_s > b.ticks * back.tick_s + back.tick_s):
        raise AnlanError(
            "the mode out to calls",
            "the bound holds where it is nowhere slower than the mode back, on the same streets",
            "correct the speed profile",
            code="mode_slower",
        )


def _places(given: Any) -> Any:
    return given if isinstance(given, Positions) else np.asarray(given, np.int64)


def _take(place: Any, rows: Array) -> Any:
    return place.take(rows) if isinstance(place, Positions) else place[rows]
