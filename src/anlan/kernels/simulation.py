"""The event loop: calls in order of time, units through their states, decisions by the policy kernels.

One loop serves a replay of another simulator's inputs and a synthetic year. Between two decisions nothing needs
to be looked at, so a call costs two events: when it may be dispatched, and when its unit becomes free; arrivals
and transports are computed at dispatch, and where a driving unit is, only when it could win. Units become free
before calls of the same instant are considered; shift events come in between.

State lives in arrays, so a run can stop at any event (to report progress, to empty the log) and go on.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from anlan.kernels.policies import closest, dmexclp
from anlan.kernels.policies.eligible import BUSY, EN_ROUTE, IDLE, MOVING, OFF, above_reserve, may_divert
from anlan.kernels.simulation_labels import INF
from anlan.kernels.simulation_world import hop, inside_edge, node_to_place, place_to_place

Array = NDArray[Any]

DONE, PAUSED, LOG_FULL = 0, 1, 2

# What the log tells, in the order of a call's life.
QUEUED, DISPATCHED, DIVERTED, DEPARTED, ARRIVED, LEFT_SCENE, DELIVERED, CLEARED = 0, 1, 2, 3, 4, 5, 6, 7
RETURNING, AT_POST, ON_DUTY, OFF_DUTY = 8, 9, 10, 11

HOME, DMEXCLP = 0, 1
"""Standby rules by number."""


class Tasks(NamedTuple):
    """Requests for one unit each, in order of ``ready``; times in seconds."""

    at: Array
    ready: Array
    """When it may be dispatched: received plus dispatch delay; ascending."""
    priority: Array
    key: Array
    """Place in the waiting line: priority first, then the time received; int64, unique."""
    place: Array
    on_scene: Array
    transport: Array
    destination: Array
    """Hub, or -1 for the nearest destination."""
    handover: Array


class Fleet(NamedTuple):
    """Units as they are rostered."""

    home: Array
    turnout: Array


class Roster(NamedTuple):
    """Changes of duty in order of time: unit goes on (1) or off (0) duty."""

    at: Array
    unit: Array
    on: Array


class Rules(NamedTuple):
    """A policy in numbers."""

    redispatch: Array
    reserve: Array
    mode_out: Array
    """Travel mode to a call by priority and slot, int8 (P, slots)."""
    mode_back: Array
    slot: Array
    """Slot of each half hour since ``slot_from``."""
    slot_from: float
    standby: int
    n_posts: int
    indoors: Array
    """Share of the turnout time that applies at each hub, float64 (H,)."""
    capacity: Array
    cover_start: Array
    cover_set: Array
    weight: Array
    """float64 (profiles, sets)."""
    profile: Array
    """Row of ``weight`` in each slot."""
    gain: Array


class State(NamedTuple):
    """What changes."""

    status: Array
    place: Array
    """Where a unit stands, or stood when it set off."""
    task: Array
    post: Array
    """Hub a free unit is at or drives to."""
    leave: Array
    leg_mode: Array
    leg_to: Array
    leg_node: Array
    leg_at: Array
    leg_end: Array
    freed: Array
    """When a sent unit will be free again."""
    delivered_to: Array
    stationed: Array
    """Free units at each post or driving to it."""
    heap: Array
    heap_at: Array
    line: Array
    """Waiting tasks, a binary heap by key."""
    eta: Array
    covered: Array
    scalars: Array
    """int64: next task, next duty, heap size, line length, log length, free units, open tasks."""
    seconds: Array
    """float64 (units, 2): driving, and at work from dispatch to clearing."""
    counts: Array
    """int64 (units, 2): calls cleared, moves that were no return home."""


class Outcome(NamedTuple):
    """What became of each task; times are NaN until they happened."""

    unit: Array
    dispatched: Array
    departed: Array
    arrived: Array
    left: Array
    delivered: Array
    cleared: Array
    taken: Array
    """How often its unit was taken away."""
    came_from: Array
    """Status of the unit when it was sent."""


class Log(NamedTuple):
    """Events as they are decided, in order of decision."""

    at: Array
    kind: Array
    unit: Array
    task: Array
    place: Array


NEXT_TASK, NEXT_DUTY, HEAP, LINE, LOGGED, FREE, OPEN, NOW = range(8)


@njit(cache=True, nogil=True)
def _log(log: Any, s: Any, at: float, kind: int, unit: int, task: int, place: int) -> None:
    if len(log.at):
        i = s.scalars[LOGGED]
        log.at[i] = at
        log.kind[i] = kind
        log.unit[i] = unit
        log.task[i] = task
        log.place[i] = place
        s.scalars[LOGGED] = i + 1


@njit(cache=True, nogil=True)
def _set_heap(s: Any, u: int, at: float) -> None:
    """Insert a unit's next event or move it."""
    heap, pos, key = s.heap, s.heap_at, s.freed
    i = pos[u]
    if i < 0:
        i = s.scalars[HEAP]
        s.scalars[HEAP] = i + 1
    key[u] = at
    while i > 0:
        p = (i - 1) >> 1
        v = heap[p]
        if key[v] < at or (key[v] == at and v < u):
            break
        heap[i] = v
        pos[v] = i
        i = p
    n = s.scalars[HEAP]
    while True:
        c = 2 * i + 1
        if c >= n:
            break
        v = heap[c]
        if c + 1 < n:
            x = heap[c + 1]
            if x != u and (v == u or key[x] < key[v] or (key[x] == key[v] and x < v)):
                v = x
                c += 1
        if v == u or key[v] > at or (key[v] == at and v > u):
            break
        heap[i] = v
        pos[v] = i
        i = c
    heap[i] = u
    pos[u] = i


@njit(cache=True, nogil=True)
def _drop_heap(s: Any, u: int) -> None:
    """Remove a unit's next event, if it has one."""
    i = s.heap_at[u]
    if i < 0:
        return
    n = s.scalars[HEAP] - 1
    s.scalars[HEAP] = n
    s.heap_at[u] = -1
    last = int(s.heap[n])
    if last != u:
        s.heap[i] = last
        s.heap_at[last] = i
        _set_heap(s, last, float(s.freed[last]))


@njit(cache=True, nogil=True)
def _push_line(t: Any, s: Any, c: int) -> None:
    line, key = s.line, t.key
    i = s.scalars[LINE]
    s.scalars[LINE] = i + 1
    while i > 0:
        p = (i - 1) >> 1
        if key[line[p]] <= key[c]:
            break
        line[i] = line[p]
        i = p
    line[i] = c


@njit(cache=True, nogil=True)
def _pop_line(t: Any, s: Any) -> int:
    line, key = s.line, t.key
    top = line[0]
    n = s.scalars[LINE] - 1
    s.scalars[LINE] = n
    c = line[n]
    i = 0
    while True:
        k = 2 * i + 1
        if k >= n:
            break
        if k + 1 < n and key[line[k + 1]] < key[line[k]]:
            k += 1
        if key[line[k]] >= key[c]:
            break
        line[i] = line[k]
        i = k
    line[i] = c
    return int(top)


@njit(cache=True, nogil=True)
def slot_at(rules: Any, at: float) -> int:
    """Slot of an instant."""
    i = int((at - rules.slot_from) / 1800.0)
    return rules.slot[min(max(i, 0), len(rules.slot) - 1)]


@njit(cache=True, nogil=True)
def locate(w: Any, s: Any, u: int, now: float) -> tuple[int, float]:
    """The next node on a driving unit's way and the seconds until it gets there.

    A unit on the last stretch, between the last node and its destination, turns back: the node behind it, and
    as many seconds as it has driven since. -1 (and the seconds to the destination) where it drives along a
    single edge and passes no node.
    """
    node = int(s.leg_node[u])
    if node < 0:
        return -1, s.leg_end[u] - now
    at = s.leg_at[u]
    m = int(s.leg_mode[u])
    q = int(s.leg_to[u])
    tick = w.tick_s[m]
    while at < now:
        a = hop(w, m, node, q)
        if a < 0:
            s.leg_node[u] = node
            s.leg_at[u] = at
            return node, now - at
        node = int(w.head[a])
        at += w.ticks[m, a] * tick
    s.leg_node[u] = node
    s.leg_at[u] = at
    return node, at - now


@njit(cache=True, nogil=True)
def eta_s(w: Any, fleet: Any, rules: Any, s: Any, u: int, q: int, m: int, now: float) -> float:
    """Seconds until a unit would be at a place: turnout, the stretch to the next node, the way from there."""
    wait = 0.0
    standing = s.status[u] == IDLE
    if standing:
        if s.place[u] < len(rules.indoors):
            wait = fleet.turnout[u] * rules.indoors[s.place[u]]
    elif s.status[u] == EN_ROUTE and now < s.leave[u]:
        standing = True
        wait = s.leave[u] - now
    if standing:
        d = place_to_place(w, m, int(s.place[u]), q)
    else:
        node, wait = locate(w, s, u, now)
        d = place_to_place(w, m, int(s.leg_to[u]), q) if node < 0 else node_to_place(w, m, node, q)
    return np.inf if d >= INF else wait + d * w.tick_s[m]


@njit(cache=True, nogil=True)
def bound_s(w: Any, s: Any, u: int, q: int, m: int, now: float) -> float:
    """Seconds that a driving unit needs at least, without finding out where it is.

    From where it is to its own destination takes at least its remaining time (scaled to the faster mode), so by
    the triangle inequality the call cannot be nearer than that less the way from the call to the destination.
    """
    k = s.leg_mode[u]
    left = (s.leg_end[u] - now) * w.slowest[m, k]
    best = np.inf
    for i in range(2):
        n = int(w.node[q, i])
        if n >= 0:
            on = node_to_place(w, m, n, int(s.leg_to[u]))
            if on >= INF:
                return 0.0
            best = min(best, left + (w.into[m, q, i] - on) * w.tick_s[m])
    # Ticks are rounded arc by arc; a hundredth of a second is more than a long way's rounding.
    return best - 0.01


@njit(cache=True, nogil=True)
def _settle(s: Any, u: int, now: float, log: Any) -> None:
    """A unit that has reached its post stands there."""
    if s.status[u] == MOVING and s.leg_end[u] <= now:
        s.status[u] = IDLE
        s.place[u] = s.leg_to[u]
        s.seconds[u, 0] += s.leg_end[u] - s.leave[u]
        _log(log, s, float(s.leg_end[u]), AT_POST, u, -1, int(s.place[u]))


@njit(cache=True, nogil=True)
def _choose(
    w: Any, t: Any, fleet: Any, rules: Any, s: Any, log: Any, c: int, now: float, divert: bool
) -> int:
    """The unit for a task; -1 where it has to wait."""
    q = int(t.place[c])
    pri = int(t.priority[c])
    m = int(rules.mode_out[pri, slot_at(rules, now)])
    free = above_reserve(s.scalars[FREE], rules.reserve, pri)
    eta = s.eta
    best = np.inf
    n = len(s.status)
    for u in range(n):
        eta[u] = np.inf
        st = s.status[u]
        if st == MOVING and s.leg_end[u] <= now:
            _settle(s, u, now, log)
            st = IDLE
        if st == IDLE and free:
            eta[u] = eta_s(w, fleet, rules, s, u, q, m, now)
            best = min(best, eta[u])
    for u in range(n):
        st = s.status[u]
        if st == MOVING:
            if not free:
                continue
        elif st == EN_ROUTE:
            if (
                not divert
                or now >= s.leg_end[u]
                or not may_divert(rules.redispatch, int(t.priority[s.task[u]]), pri)
            ):
                continue
            if now < s.leave[u]:
                eta[u] = eta_s(w, fleet, rules, s, u, q, m, now)
                best = min(best, eta[u])
                continue
        else:
            continue
        if bound_s(w, s, u, q, m, now) <= best:
            eta[u] = eta_s(w, fleet, rules, s, u, q, m, now)
            best = min(best, eta[u])
    return closest.choose(eta)


@njit(cache=True, nogil=True)
def _set_off(w: Any, s: Any, u: int, q: int, m: int, now: float) -> None:
    """Put a unit on the way to a place: from where it stands at ``now``, or from where it is driving."""
    driving = s.status[u] == MOVING or (s.status[u] == EN_ROUTE and now > s.leave[u])
    tick = w.tick_s[m]
    if driving:
        node, wait = locate(w, s, u, now)
        if node >= 0:
            s.leg_node[u] = node
            s.leg_at[u] = now + wait
            s.leg_end[u] = now + wait + node_to_place(w, m, node, q) * tick
        else:
            s.leg_end[u] = now + wait + place_to_place(w, m, int(s.leg_to[u]), q) * tick
    else:
        p = int(s.place[u])
        best = INF
        s.leg_node[u] = -1
        for k in range(2):
            n = int(w.node[p, k])
            if n >= 0:
                d = np.int32(w.out[m, p, k] + node_to_place(w, m, n, q))
                if d < best:
                    best = d
                    s.leg_node[u] = n
                    s.leg_at[u] = now + w.out[m, p, k] * tick
        d = inside_edge(w, m, p, q)
        if d <= best:
            best = d
            s.leg_node[u] = -1
        s.leg_end[u] = now + best * tick
    s.leg_to[u] = q
    s.leg_mode[u] = m


@njit(cache=True, nogil=True)
def _nearest_destination(w: Any, rules: Any, m: int, p: int) -> int:
    best = INF
    hub = -1
    for h in range(rules.n_posts, w.leaving.shape[2]):
        d = place_to_place(w, m, p, h)
        if d < best:
            best = d
            hub = h
    return hub


@njit(cache=True, nogil=True)
def _send(
    w: Any, t: Any, fleet: Any, rules: Any, s: Any, o: Any, log: Any, u: int, c: int, now: float
) -> int:
    """Send a unit to a task; gives the task it was taken from, or -1."""
    before = s.status[u]
    loser = -1
    set_off = now
    if before == EN_ROUTE:
        loser = int(s.task[u])
        s.seconds[u, 1] += now - o.dispatched[loser]
        o.taken[loser] += 1
        o.unit[loser] = -1
        o.dispatched[loser] = np.nan
        o.departed[loser] = np.nan
        _log(log, s, now, DIVERTED, u, loser, int(s.leg_to[u]))
        if now < s.leave[u]:
            set_off = s.leave[u]
        else:
            s.seconds[u, 0] += now - s.leave[u]
    else:
        s.scalars[FREE] -= 1
        if s.post[u] >= 0:
            s.stationed[s.post[u]] -= 1
        if before == IDLE:
            if s.place[u] < len(rules.indoors):
                set_off = now + fleet.turnout[u] * rules.indoors[s.place[u]]
        elif before == MOVING:
            s.seconds[u, 0] += now - s.leave[u]
    m = int(rules.mode_out[t.priority[c], slot_at(rules, now)])
    _set_off(w, s, u, int(t.place[c]), m, set_off)
    s.leave[u] = set_off
    s.status[u] = EN_ROUTE
    s.task[u] = c
    arrived = s.leg_end[u]
    o.unit[c] = u
    o.dispatched[c] = now
    o.departed[c] = set_off
    o.came_from[c] = before
    free = arrived + t.on_scene[c]
    s.delivered_to[u] = -1
    if t.transport[c]:
        back = int(rules.mode_back[slot_at(rules, free)])
        hub = int(t.destination[c])
        if hub < 0:
            hub = _nearest_destination(w, rules, back, int(t.place[c]))
        if hub >= 0:
            s.delivered_to[u] = hub
            free += place_to_place(w, back, int(t.place[c]), hub) * w.tick_s[back] + t.handover[c]
    _set_heap(s, u, free)
    _log(log, s, now, DISPATCHED, u, c, int(s.place[u]))
    return loser


@njit(cache=True, nogil=True)
def _consider(w: Any, t: Any, fleet: Any, rules: Any, s: Any, o: Any, log: Any, c: int, now: float) -> None:
    """Find a unit for a task, then one for the task it was taken from, and so on."""
    while c >= 0:
        u = _choose(w, t, fleet, rules, s, log, c, now, True)
        if u < 0:
            _push_line(t, s, c)
            _log(log, s, now, QUEUED, -1, c, int(t.place[c]))
            return
        c = _send(w, t, fleet, rules, s, o, log, u, c, now)


@njit(cache=True, nogil=True)
def _serve_line(w: Any, t: Any, fleet: Any, rules: Any, s: Any, o: Any, log: Any, now: float) -> None:
    """Free units take waiting tasks, the first in line first; one that no free unit can reach is passed over."""
    aside = 0
    while s.scalars[LINE] > 0 and s.scalars[FREE] > 0:
        c = int(s.line[0])
        if not above_reserve(s.scalars[FREE], rules.reserve, int(t.priority[c])):
            break
        u = _choose(w, t, fleet, rules, s, log, c, now, False)
        _pop_line(t, s)
        if u < 0:
            # The slot that the heap just gave up keeps it until everybody behind has had a chance.
            s.line[s.scalars[LINE]] = c
            aside += 1
        else:
            _send(w, t, fleet, rules, s, o, log, u, c, now)
            for i in range(aside):
                s.line[s.scalars[LINE] + i] = s.line[s.scalars[LINE] + i + 1]
    for _ in range(aside):
        _push_line(t, s, int(s.line[s.scalars[LINE]]))


@njit(cache=True, nogil=True)
def _stand_by(w: Any, fleet: Any, rules: Any, s: Any, log: Any, u: int, now: float) -> None:
    """Send a free unit home or to a post."""
    post = int(fleet.home[u])
    if rules.standby == DMEXCLP:
        row = rules.profile[slot_at(rules, now)]
        best = dmexclp.choose(
            s.stationed,
            rules.capacity,
            rules.cover_start,
            rules.cover_set,
            rules.weight[row],
            rules.gain,
            s.covered,
        )
        post = best if best >= 0 else post
    s.post[u] = post
    s.stationed[post] += 1
    if post != fleet.home[u]:
        s.counts[u, 1] += 1
    if s.place[u] == post:
        s.status[u] = IDLE
        _log(log, s, now, AT_POST, u, -1, post)
        return
    m = int(rules.mode_back[slot_at(rules, now)])
    if place_to_place(w, m, int(s.place[u]), post) >= INF:
        return  # it cannot get there: it waits where it is
    _set_off(w, s, u, post, m, now)
    s.leave[u] = now
    s.status[u] = MOVING
    _log(log, s, now, RETURNING, u, -1, post)


@njit(cache=True, nogil=True)
def _free(w: Any, t: Any, fleet: Any, rules: Any, s: Any, o: Any, log: Any, u: int, now: float) -> None:
    """A unit has finished its task."""
    c = int(s.task[u])
    _drop_heap(s, u)
    arrived = s.leg_end[u]
    o.arrived[c] = arrived
    o.left[c] = arrived + t.on_scene[c]
    o.cleared[c] = now
    s.place[u] = t.place[c]
    _log(log, s, float(o.departed[c]), DEPARTED, u, c, -1)
    _log(log, s, float(arrived), ARRIVED, u, c, int(t.place[c]))
    if s.delivered_to[u] >= 0:
        o.delivered[c] = now - t.handover[c]
        s.place[u] = s.delivered_to[u]
        _log(log, s, float(o.left[c]), LEFT_SCENE, u, c, int(t.place[c]))
        _log(log, s, float(o.delivered[c]), DELIVERED, u, c, int(s.place[u]))
        s.seconds[u, 0] += o.delivered[c] - o.left[c]
    _log(log, s, now, CLEARED, u, c, int(s.place[u]))
    s.seconds[u, 0] += arrived - s.leave[u]
    s.seconds[u, 1] += now - o.dispatched[c]
    s.counts[u, 0] += 1
    s.scalars[OPEN] -= 1
    s.task[u] = -1
    s.post[u] = -1
    s.status[u] = IDLE
    s.scalars[FREE] += 1
    if s.scalars[LINE] > 0:
        _serve_line(w, t, fleet, rules, s, o, log, now)
    if s.status[u] == IDLE:
        _stand_by(w, fleet, rules, s, log, u, now)


@njit(cache=True, nogil=True)
def advance(
    w: Any, t: Any, fleet: Any, roster: Any, rules: Any, s: Any, o: Any, log: Any, events: int
) -> int:
    """Play up to so many events; says whether the run is done, paused, or the log must be emptied."""
    n_tasks, n_duty = len(t.at), len(roster.at)
    room = 32 + 8 * len(s.status)
    for _ in range(events):
        if s.scalars[NEXT_TASK] >= n_tasks and s.scalars[OPEN] == 0:
            return DONE
        if len(log.at) and s.scalars[LOGGED] + room > len(log.at):
            return LOG_FULL
        i, j = s.scalars[NEXT_TASK], s.scalars[NEXT_DUTY]
        at_task = t.ready[i] if i < n_tasks else np.inf
        at_duty = roster.at[j] if j < n_duty else np.inf
        at_unit = s.freed[s.heap[0]] if s.scalars[HEAP] > 0 else np.inf
        if at_unit <= at_duty and at_unit <= at_task:
            if at_unit == np.inf:
                return DONE  # nobody will ever come for the tasks that still wait
            _free(w, t, fleet, rules, s, o, log, int(s.heap[0]), at_unit)
        elif at_duty <= at_task:
            s.scalars[NEXT_DUTY] = j + 1
        else:
            s.scalars[NEXT_TASK] = i + 1
            s.scalars[OPEN] += 1
            _consider(w, t, fleet, rules, s, o, log, i, at_task)
    return PAUSED
