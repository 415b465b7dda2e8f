"""The event loop: calls in order of time, units through their states, decisions by the policy kernels.

One loop serves a replay of another simulator's inputs and a synthetic year. Between two decisions nothing needs to
be looked at, so a call costs two events: when it may be dispatched, and when its unit becomes free; arrivals and
transports are computed at dispatch, and where a driving unit is, only when it could win. At equal times units
become free (and stops end) first, then the roster changes, then calls are considered.

State lives in arrays, so a run can stop at any event (to report progress, to empty the log) and go on.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from anlan.kernels import simulation_types as k
from anlan.kernels.bare import BARE, INNER
from anlan.kernels.policies import burden, coverage, dmexclp, ladder, patrol
from anlan.kernels.policies.eligible import (
    BUSY,
    EN_ROUTE,
    HOMEBOUND,
    IDLE,
    MOVING,
    OFF,
    PAUSED,
    above_reserve,
    has_time,
    may_divert,
)
from anlan.kernels.policies.select import (
    CLOSEST,
    COVERAGE,
    DMEXCLP,
    JURISDICTION,
    LADDER,
    PATROL,
    PREFERENCE,
    select,
)
from anlan.kernels.prefetch import prefetch
from anlan.kernels.simulation_world import (
    FAR,
    at_least,
    eta_s,
    inside_edge,
    locate,
    node_to_place,
    place_to_place,
    set_off,
)

DONE, STOPPED, LOG_FULL = 0, 1, 2

# State.counters
NEXT_TASK, NEXT_DUTY, HEAP, LINE, LOGGED, FREE, OPEN, MOVES, SKIPPED, PROFILE = 0, 1, 2, 3, 4, 5, 6, 7, 8, 9
# Rules.integers
DISPATCH, STANDBY, N_POSTS, LAST_PRIORITY, MEAL_PRIORITY, OWN_PRIORITY, MOVE_ALL = 0, 1, 2, 3, 4, 5, 6
CHANGE_PRIORITY = 7
# Rules.numbers
SLOT_FROM, LIMIT_S, LAST_S, MEAL_S, MIN_STAY_S, MAX_PER_HOUR, MAX_DRIVE_S, STOP_S = 0, 1, 2, 3, 4, 5, 6, 7
CHANGE_S = 8
NONE = np.int64(-1)
"""No unit, task or place; typed, because a literal would compile each kernel it goes to once more."""
STANDING = np.bool_(True)
MARKS = 64
"""Hubs that serve as landmarks."""
AHEAD = 2
"""How many tasks before it is looked at a task's memory is fetched."""
LINE_OF, LABEL_AHEAD = 16, 64
"""How many int32 a line of the cache holds; how much of a label is fetched ahead."""
SLACK_S = 0.01
"""More than the rounding of a long way's arcs in another mode."""


@njit(**INNER)
def _log(log: Any, s: Any, at: float, kind: int, unit: int, task: int, place: int) -> None:
    if len(log):
        row = log[s.counters[LOGGED]]
        row.at = at
        row.kind = kind
        row.unit = unit
        row.task = task
        row.place = place
        s.counters[LOGGED] += 1


@njit(**INNER)
def _schedule(units: Any, s: Any, u: int, at: float) -> None:
    """Set when something next happens to a unit; inf is never. An indexed binary heap, ties by row."""
    heap = s.heap
    i = units[u].heap
    units[u].next = at
    if at == np.inf:
        if i < 0:
            return
        # The last of the heap takes its place.
        n = s.counters[HEAP] - 1
        s.counters[HEAP] = n
        units[u].heap = -1
        if i == n:
            return
        u = heap[n]
        at = units[u].next
    elif i < 0:
        i = s.counters[HEAP]
        s.counters[HEAP] = i + 1
    while i > 0:
        p = (i - 1) >> 1
        v = heap[p]
        if units[v].next < at or (units[v].next == at and v < u):
            break
        heap[i] = v
        units[v].heap = i
        i = p
    n = s.counters[HEAP]
    while True:
        c = 2 * i + 1
        if c >= n:
            break
        if c + 1 < n:
            a, b = heap[c], heap[c + 1]
            if units[b].next < units[a].next or (units[b].next == units[a].next and b < a):
                c += 1
        v = heap[c]
        if v == u or units[v].next > at or (units[v].next == at and v > u):
            break
        heap[i] = v
        units[v].heap = i
        i = c
    heap[i] = u
    units[u].heap = i


@njit(**INNER)
def _push_line(t: Any, s: Any, c: int) -> None:
    line = s.line
    i = s.counters[LINE]
    s.counters[LINE] = i + 1
    while i > 0:
        p = (i - 1) >> 1
        if t[line[p]].key <= t[c].key:
            break
        line[i] = line[p]
        i = p
    line[i] = c


@njit(**INNER)
def _pop_line(t: Any, s: Any) -> None:
    line = s.line
    n = s.counters[LINE] - 1
    s.counters[LINE] = n
    c = line[n]
    i = 0
    while True:
        j = 2 * i + 1
        if j >= n:
            break
        if j + 1 < n and t[line[j + 1]].key < t[line[j]].key:
            j += 1
        if t[line[j]].key >= t[c].key:
            break
        line[i] = line[j]
        i = j
    line[i] = c


@njit(**INNER)
def slot_at(slot: Any, first: float, at: float) -> int:
    """Hour of the week of an instant."""
    i = int((at - first) / 1800.0)
    return slot[min(max(i, 0), len(slot) - 1)]


@njit(**INNER)
def _become(units: Any, members: Any, size: Any, u: int, status: int) -> None:
    """Change a unit's status."""
    unit = units[u]
    old = unit.status
    last = size[old] - 1
    v = members[old, last]
    members[old, unit.row] = v
    units[v].row = unit.row
    size[old] = last
    unit.status = status
    unit.row = size[status]
    members[status, unit.row] = u
    size[status] += 1


@njit(**INNER)
def _drove(unit: Any, speed: Any, seconds: float, mode: int) -> None:
    unit.driving_s += seconds
    unit.metres += seconds * speed[mode]


@njit(**INNER)
def _settle(units: Any, s: Any, log: Any, u: int, now: float) -> None:
    """A driving free unit that has reached its post stands there."""
    unit = units[u]
    if unit.status == MOVING and unit.leg_end <= now:
        _become(units, s.members, s.size, u, IDLE)
        unit.place = unit.leg_to
        _drove(unit, s.speed, unit.leg_end - unit.leave, unit.leg_mode)
        s.visited[unit.place] = unit.leg_end
        _log(log, s, unit.leg_end, k.AT_POST, u, NONE, unit.place)


@njit(**INNER)
def _station(rules: Any, s: Any, post: int, step: int) -> None:
    """One free unit more or less at a post."""
    s.stationed[post] += step
    if len(s.covered):
        row = max(s.counters[PROFILE], 0)
        dmexclp.change(
            post, step, rules.cover_start, rules.cover_set, rules.reach_start, rules.reach_post,
            rules.weight[row], rules.fixed[row], rules.gain, s.covered, s.worth,
        )  # fmt: skip


@njit(**INNER)
def _weigh(rules: Any, s: Any, slot: int) -> int:
    """The row of demand of an hour, with worths to match."""
    row = rules.profile[slot]
    if len(s.covered) and row != s.counters[PROFILE]:
        s.counters[PROFILE] = row
        dmexclp.count(
            s.stationed, rules.cover_start, rules.cover_set, rules.weight[row], rules.fixed[row],
            rules.gain, s.covered, s.worth,
        )  # fmt: skip
    return row


@njit(**INNER)
def _leave_post(units: Any, rules: Any, s: Any, u: int) -> None:
    unit = units[u]
    if unit.post >= 0:
        _station(rules, s, unit.post, -1)
        unit.post = -1


@njit(**INNER)
def _look_ahead(hubs: Any, places: Any, nodes: Any, labels: Any, out: int, back: int, q: int) -> None:
    """Fetch what the next task will read: the hubs' rows of its node and the beginning of its label."""
    n = np.int64(places[out, q, 0])
    if n < 0:
        return
    for h in range(0, min(hubs.shape[3], MARKS), LINE_OF):
        prefetch(hubs, (out, np.int64(0), n, h))
        prefetch(hubs, (out, np.int64(1), n, h))
        if back != out:
            prefetch(hubs, (back, np.int64(1), n, h))
    begin = np.int64(nodes[n, 1])
    for d in range(0, LABEL_AHEAD, LINE_OF):
        prefetch(labels, (out, np.int64(1), min(begin + d, np.int64(labels.shape[2] - 1))))


@njit(**INNER)
def _settle_all(units: Any, s: Any, log: Any, now: float) -> None:
    # From the end: whoever settles gives its place in the row to one that was looked at.
    for i in range(s.size[MOVING] - 1, -1, -1):
        _settle(units, s, log, s.members[MOVING, i], now)


@njit(**INNER)
def closest(
    w: Any, t: Any, units: Any, rules: Any, s: Any, log: Any, c: int, now: float, divert: bool
) -> int:
    """The unit that can be at a task first, the lower row on a tie; -1 where it has to wait.

    A standing unit's time is a look-up. A driving one's is sought only where bounds leave it a chance, the most
    hopeful first: it cannot be nearer than its remaining time less the way from the task to where it is going, nor
    than the landmarks' bound from where it was last seen less the time since.
    """
    task = t[c]
    q, pri, skills = task.place, task.priority, task.skills
    m = rules.mode[pri, slot_at(rules.slot, rules.numbers[SLOT_FROM], now)]
    free = above_reserve(s.counters[FREE], rules.reserve, pri)
    last_s, last_pri = rules.numbers[LAST_S], rules.integers[LAST_PRIORITY]
    hubs, places, modes, members, size, hub = w.hubs, w.places, w.modes, s.members, s.size, rules.hub
    n_hubs, n_modes = len(hub), len(modes)
    marks = min(n_hubs, MARKS)
    tick = modes[m, 0]
    n0, n1 = np.int64(places[m, q, 0]), np.int64(places[m, q, 1])
    in0, in1 = np.int64(places[m, q, 4]), np.int64(places[m, q, 5])
    inside = w.edge[q] >= 0
    best = np.inf
    who = NONE
    _settle_all(units, s, log, now)
    for paused in range(2):
        if not free and paused == 0:
            continue
        status = PAUSED if paused else IDLE
        for i in range(size[status]):
            u = members[status, i]
            unit = units[u]
            if (unit.skills & skills) != skills or not has_time(now, unit.shift_end, last_s, last_pri, pri):
                continue
            if paused and pri > unit.pause_for:
                continue
            p = unit.place
            wait = 0.0
            d = FAR
            if p < n_hubs:
                wait = unit.turnout * hub[p].indoors
                if n0 >= 0:
                    d = np.int64(hubs[m, 0, n0, p]) + in0
                if n1 >= 0:
                    d = min(d, np.int64(hubs[m, 0, n1, p]) + in1)
                if inside:
                    d = min(d, inside_edge(w, m, p, q))
            else:
                d = place_to_place(w, m, p, q)
            if d < FAR:
                eta = wait + d * tick
                if eta < best or (eta == best and u < who):
                    best = eta
                    who = u
    n = 0
    if divert:
        divert = False
        for other in range(len(rules.redispatch)):
            divert |= rules.redispatch[other, pri]
    for sent in range(2):
        if (sent and not divert) or (not sent and not free):
            continue
        status = EN_ROUTE if sent else MOVING
        for i in range(size[status] - 1, -1, -1):
            u = members[status, i]
            unit = units[u]
            if sent:
                if now >= unit.leg_end:
                    _become(units, members, size, u, BUSY)
                    continue
                if not may_divert(rules.redispatch, t[unit.task].priority, pri):
                    continue
            if (unit.skills & skills) != skills or not has_time(now, unit.shift_end, last_s, last_pri, pri):
                continue
            if sent and now < unit.leave:
                eta = eta_s(w, unit, unit.leave - now, STANDING, q, m, now)
                if eta < best or (eta == best and u < who):
                    best = eta
                    who = u
                continue
            bound = 0.0
            ratio = modes[m, 1 + n_modes + unit.leg_mode]
            origin = unit.leg_from
            if origin >= 0 and ratio <= 1.0:
                away = FAR
                if n0 >= 0:
                    away = np.int64(hubs[m, 0, n0, origin]) + in0
                if n1 >= 0:
                    away = min(away, np.int64(hubs[m, 0, n1, origin]) + in1)
                bound = away * tick - (now - unit.leave) * ratio
                if bound - SLACK_S > best:
                    continue
            to = unit.leg_to
            if to < n_hubs:
                away = FAR
                if n0 >= 0:
                    away = in0 - np.int64(hubs[m, 1, n0, to])
                if n1 >= 0:
                    away = min(away, in1 - np.int64(hubs[m, 1, n1, to]))
                bound = max(bound, (unit.leg_end - now) * modes[m, 1 + unit.leg_mode] + away * tick)
                if bound - SLACK_S > best:
                    continue
            x = unit.leg_node
            since = now - unit.leg_at
            if x >= 0 and (since <= 0.0 or ratio <= 1.0):
                away = FAR
                if n0 >= 0:
                    away = at_least(hubs, m, x, n0, marks) + in0
                if n1 >= 0:
                    away = min(away, at_least(hubs, m, x, n1, marks) + in1)
                bound = max(bound, away * tick - (since if since <= 0.0 else since * ratio))
                if bound - SLACK_S > best:
                    continue
            s.drive[n] = bound
            s.hopeful[n] = u
            n += 1
    while n > 0:
        first = 0
        for i in range(1, n):
            if s.drive[i] < s.drive[first]:
                first = i
        if s.drive[first] - SLACK_S > best:
            break
        u = s.hopeful[first]
        n -= 1
        s.drive[first] = s.drive[n]
        s.hopeful[first] = s.hopeful[n]
        unit = units[u]
        if unit.leg_from < 0 and unit.leg_to >= n_hubs and now > unit.leg_at:
            # No tree holds its way: a distance from the task to where it is going is less work than a walk.
            away = FAR
            if n0 >= 0:
                away = in0 - node_to_place(w, m, n0, unit.leg_to)
            if n1 >= 0:
                away = min(away, in1 - node_to_place(w, m, n1, unit.leg_to))
            if (unit.leg_end - now) * modes[m, 1 + unit.leg_mode] + away * tick - SLACK_S > best:
                continue
        x, wait = locate(w, unit, now)
        if x >= 0:
            away = FAR
            if n0 >= 0:
                away = at_least(hubs, m, x, n0, marks) + in0
            if n1 >= 0:
                away = min(away, at_least(hubs, m, x, n1, marks) + in1)
            if wait + away * tick - SLACK_S > best:
                continue
            d = node_to_place(w, m, x, q)
        else:
            d = place_to_place(w, m, unit.leg_to, q)
        if d < FAR:
            eta = wait + d * tick
            if eta < best or (eta == best and u < who):
                best = eta
                who = u
    return who


@njit(**INNER)
def choose(w: Any, t: Any, units: Any, rules: Any, s: Any, log: Any, c: int, now: float, divert: bool) -> int:
    """The unit for a task by the policy's rule; -1 where it has to wait."""
    rule = rules.integers[DISPATCH]
    if rule == CLOSEST:
        return closest(w, t, units, rules, s, log, c, now, divert)
    q = t[c].place
    pri = t[c].priority
    skills = t[c].skills
    slot = slot_at(rules.slot, rules.numbers[SLOT_FROM], now)
    m = rules.mode[pri, slot]
    free = above_reserve(s.counters[FREE], rules.reserve, pri)
    last_s, last_pri = rules.numbers[LAST_S], rules.integers[LAST_PRIORITY]
    n_hubs = len(rules.hub)
    _settle_all(units, s, log, now)
    for u in range(len(units)):
        unit = units[u]
        st = unit.status
        s.eta[u] = np.inf
        if (unit.skills & skills) != skills or not has_time(now, unit.shift_end, last_s, last_pri, pri):
            continue
        standing = True
        wait = 0.0
        if st in (IDLE, PAUSED):
            if (st == IDLE and not free) or (st == PAUSED and pri > unit.pause_for):
                continue
            if unit.place < n_hubs:
                wait = unit.turnout * rules.hub[unit.place].indoors
        elif st == MOVING:
            if not free:
                continue
            standing = False
        elif st == EN_ROUTE:
            if (
                not divert
                or now >= unit.leg_end
                or not may_divert(rules.redispatch, t[unit.task].priority, pri)
            ):
                continue
            standing = now < unit.leave
            wait = unit.leave - now
        else:
            continue
        s.eta[u] = eta_s(w, unit, wait, standing, q, m, now)
    if rule == JURISDICTION:
        for u in range(len(units)):
            s.own[u] = units[u].area == t[c].area
    elif rule == COVERAGE:
        row = rules.weight[_weigh(rules, s, slot)]
        for u in range(len(units)):
            post = units[u].post
            s.loss[u] = 0.0
            if post >= 0 and s.eta[u] <= rules.numbers[LIMIT_S]:
                s.loss[u] = coverage.loss(
                    post, s.stationed, rules.cover_start, rules.cover_set, row, rules.gain, s.covered
                )
    group = t[c].group if rule == PREFERENCE else 0
    return select(rule, s.eta, s.own, s.loss, rules.preference[group], rules.numbers[LIMIT_S])


@njit(**INNER)
def _send(
    w: Any, t: Any, units: Any, rules: Any, s: Any, o: Any, log: Any, u: int, c: int, now: float
) -> int:
    """Send a unit to a task; gives the task it was taken from, or -1."""
    unit = units[u]
    task = t[c]
    before = unit.status
    loser = NONE
    start = now
    driving = False
    if before == EN_ROUTE:
        loser = unit.task
        unit.work_s += now - o[loser].dispatched
        o[loser].taken += 1
        o[loser].unit = -1
        o[loser].dispatched = np.nan
        o[loser].departed = np.nan
        _log(log, s, now, k.DIVERTED, u, loser, t[loser].place)
        driving = now >= unit.leave
        if driving:
            _drove(unit, s.speed, now - unit.leave, unit.leg_mode)
        else:
            start = unit.leave
    elif before == MOVING:
        driving = True
        _drove(unit, s.speed, now - unit.leave, unit.leg_mode)
    elif unit.place < len(rules.hub):
        start = now + unit.turnout * rules.hub[unit.place].indoors
    if before != EN_ROUTE:
        if before == PAUSED:
            _resume(units, s, log, u, now)
        else:
            s.counters[FREE] -= 1
        _leave_post(units, rules, s, u)
    m = rules.mode[task.priority, slot_at(rules.slot, rules.numbers[SLOT_FROM], now)]
    set_off(w, unit, task.place, m, start, driving)
    unit.leave = start
    _become(units, s.members, s.size, u, EN_ROUTE)
    unit.task = c
    o[c].unit = u
    o[c].dispatched = now
    o[c].departed = start
    o[c].came_from = before
    free = unit.leg_end + task.on_scene
    unit.delivered_to = -1
    if task.transport:
        back = rules.mode[0, slot_at(rules.slot, rules.numbers[SLOT_FROM], free)]
        first, last = rules.integers[N_POSTS], len(rules.hub)
        if task.destination >= 0:
            first, last = task.destination, task.destination + 1
        best = FAR
        for h in range(first, last):
            d = place_to_place(w, back, task.place, h)
            if d < best:
                best = d
                unit.delivered_to = h
        if unit.delivered_to >= 0:
            free += best * w.modes[back, 0] + task.handover
    _schedule(units, s, u, free)
    _log(log, s, now, k.DISPATCHED, u, c, unit.place)
    return loser


@njit(**INNER)
def _finish(t: Any, units: Any, rules: Any, s: Any, o: Any, log: Any, u: int, now: float) -> None:
    """A unit has finished its task and stands where it ended."""
    unit = units[u]
    c = unit.task
    arrived = unit.leg_end
    out = o[c]
    out.arrived = arrived
    out.left = arrived + t[c].on_scene
    out.cleared = now
    unit.place = t[c].place
    _log(log, s, out.departed, k.DEPARTED, u, c, NONE)
    _log(log, s, arrived, k.ARRIVED, u, c, t[c].place)
    if unit.delivered_to >= 0:
        out.delivered = now - t[c].handover
        back = rules.mode[0, slot_at(rules.slot, rules.numbers[SLOT_FROM], out.left)]
        unit.place = unit.delivered_to
        _drove(unit, s.speed, out.delivered - out.left, back)
        _log(log, s, out.left, k.LEFT_SCENE, u, c, t[c].place)
        _log(log, s, out.delivered, k.DELIVERED, u, c, unit.place)
    _log(log, s, now, k.CLEARED, u, c, unit.place)
    _drove(unit, s.speed, arrived - unit.leave, unit.leg_mode)
    unit.work_s += now - out.dispatched
    unit.cleared += 1
    unit.task = -1
    _become(units, s.members, s.size, u, IDLE)
    s.counters[OPEN] -= 1


@njit(**INNER)
def _resume(units: Any, s: Any, log: Any, u: int, now: float) -> None:
    """A pause ends, or is broken off for a call."""
    unit = units[u]
    if unit.own_work:
        unit.work_s += now - unit.leave
    _log(log, s, now, k.RESUMED, u, NONE, unit.place)


@njit(**INNER)
def _pause(
    units: Any,
    rules: Any,
    s: Any,
    log: Any,
    u: int,
    now: float,
    duration: float,
    pause_for: int,
    own_work: bool,
) -> None:
    """A standing free unit goes to a meal or to work of its own."""
    unit = units[u]
    unit.own_work = own_work
    unit.leave = now
    _leave_post(units, rules, s, u)
    s.counters[FREE] -= 1
    _become(units, s.members, s.size, u, PAUSED)
    unit.pause_for = pause_for
    _schedule(units, s, u, now + duration)
    _log(log, s, now, k.PAUSED, u, NONE, unit.place)


@njit(**INNER)
def _assign(units: Any, rules: Any, s: Any, u: int, post: int) -> None:
    """Give a free unit a post; `_move` then takes it there."""
    _leave_post(units, rules, s, u)
    units[u].post = post
    _station(rules, s, post, 1)
    _will_move(s, u, post, units[u].status == MOVING)


@njit(**INNER)
def _will_move(s: Any, u: int, post: int, driving: bool) -> None:
    i = s.counters[MOVES]
    s.moves[i, 0] = u
    s.moves[i, 1] = post
    s.moves[i, 2] = driving
    s.counters[MOVES] = i + 1


@njit(**INNER)
def _plan_one(w: Any, units: Any, rules: Any, s: Any, u: int, now: float) -> None:
    """Where a unit that just became free should go, as a move."""
    unit = units[u]
    post = unit.home
    rule = rules.integers[STANDBY]
    slot = slot_at(rules.slot, rules.numbers[SLOT_FROM], now)
    m = rules.mode[0, slot]
    if rule == DMEXCLP:
        _weigh(rules, s, slot)
        post = dmexclp.best(s.worth, s.stationed, rules.hub)
    elif rule == LADDER:
        rung = rules.ladder[rules.profile[slot], min(s.counters[FREE], rules.ladder.shape[1] - 1)]
        n = ladder.vacancies(rung, s.stationed, s.open_at)
        for i in range(n):
            s.drive[i] = eta_s(w, unit, 0.0, STANDING, s.open_at[i], m, now)
        post = ladder.nearest(s.open_at, n, s.drive)
    elif rule == PATROL:
        beat = rules.beat[rules.beat_start[u] : rules.beat_start[u + 1]]
        post = patrol.choose(beat, s.visited, s.stationed, unit.place)
    if post < 0:
        post = unit.home
    if post != unit.home and post != unit.place:
        drive = eta_s(w, unit, 0.0, STANDING, post, m, now)
        if not burden.allowed(
            now, unit.moved, unit.moves, unit.duty_s + now - unit.since, drive,
            rules.numbers[MIN_STAY_S], rules.numbers[MAX_PER_HOUR], rules.numbers[MAX_DRIVE_S],
        ):  # fmt: skip
            post = unit.home
    _assign(units, rules, s, u, post)


@njit(**INNER)
def _plan_all(w: Any, units: Any, rules: Any, s: Any, log: Any, now: float) -> None:
    """Moves that bring the free units onto their ladder's rung: each vacancy takes the nearest spare unit."""
    slot = slot_at(rules.slot, rules.numbers[SLOT_FROM], now)
    m = rules.mode[0, slot]
    rung = rules.ladder[rules.profile[slot], min(s.counters[FREE], rules.ladder.shape[1] - 1)]
    n = ladder.vacancies(rung, s.stationed, s.open_at)
    for i in range(n):
        best = np.inf
        who = NONE
        for u in range(len(units)):
            _settle(units, s, log, u, now)
            unit = units[u]
            if (unit.status != IDLE and unit.status != MOVING) or unit.post < 0:
                continue
            if not ladder.surplus(rung, s.stationed, unit.post):
                continue
            drive = eta_s(w, unit, 0.0, unit.status == IDLE, s.open_at[i], m, now)
            if drive < best and burden.allowed(
                now, unit.moved, unit.moves, unit.duty_s + now - unit.since, drive,
                rules.numbers[MIN_STAY_S], rules.numbers[MAX_PER_HOUR], rules.numbers[MAX_DRIVE_S],
            ):  # fmt: skip
                best = drive
                who = u
        if who >= 0:
            _assign(units, rules, s, who, s.open_at[i])


@njit(**INNER)
def _move(
    w: Any, units: Any, rules: Any, s: Any, log: Any, u: int, post: int, driving: bool, now: float
) -> None:
    """Take a free unit to its post, or one whose shift is over home."""
    unit = units[u]
    patrols = rules.integers[STANDBY] == PATROL
    ends = unit.status == HOMEBOUND
    if not driving and unit.place == post:
        unit.leave = now
        unit.leg_end = now
        if not ends:
            s.visited[post] = now
            _log(log, s, now, k.AT_POST, u, NONE, post)
            _schedule(units, s, u, now + rules.numbers[STOP_S] if patrols else np.inf)
        else:
            _schedule(units, s, u, now)
        return
    if driving and not ends:
        _drove(unit, s.speed, now - unit.leave, unit.leg_mode)
    if post != unit.home and not ends:
        unit.moves += 1
        unit.moved = now
    m = rules.mode[0, slot_at(rules.slot, rules.numbers[SLOT_FROM], now)]
    set_off(w, unit, post, m, now, driving)
    if unit.leg_end - now >= FAR * w.modes[m, 0]:
        unit.leg_end = now  # no way there: as if it had arrived
    unit.leave = now
    if ends:
        _schedule(units, s, u, unit.leg_end)
    else:
        _become(units, s.members, s.size, u, MOVING)
        _schedule(units, s, u, unit.leg_end if patrols or now <= unit.break_until else np.inf)
    _log(log, s, now, k.SET_OFF, u, NONE, post)


@njit(**INNER)
def _retire(units: Any, rules: Any, s: Any, log: Any, u: int, now: float) -> None:
    """A free or paused unit's shift is over: it goes home, and takes no more calls on the way."""
    unit = units[u]
    _leave_post(units, rules, s, u)
    driving = unit.status == MOVING
    if driving or unit.status == IDLE:
        s.counters[FREE] -= 1
    else:
        _resume(units, s, log, u, now)
    if driving:
        _drove(unit, s.speed, now - unit.leave, unit.leg_mode)
    _become(units, s.members, s.size, u, HOMEBOUND)
    _will_move(s, u, unit.home, driving)


@njit(**BARE)
def advance(w: Any, t: Any, units: Any, duty: Any, rules: Any, s: Any, o: Any, log: Any, events: int) -> int:
    """Play up to so many events; says whether the run is done, stopped, or the log must be emptied."""
    n_tasks, n_duty = len(t), len(duty)
    room = 32 + 4 * len(units)
    count = s.counters
    everybody_moves = rules.integers[MOVE_ALL] != 0 and rules.integers[STANDBY] == LADDER
    for _ in range(events):
        if count[NEXT_TASK] >= n_tasks and count[OPEN] == 0:
            return DONE
        if len(log) and count[LOGGED] + room > len(log):
            return LOG_FULL
        i, j = count[NEXT_TASK], count[NEXT_DUTY]
        at_task = t[i].ready if i < n_tasks else np.inf
        at_duty = duty[j].at if j < n_duty else np.inf
        at_unit = units[s.heap[0]].next if count[HEAP] > 0 else np.inf
        now = min(at_task, at_duty, at_unit)
        if now == np.inf:
            return DONE  # nobody will ever come for the tasks that still wait
        s.numbers[0] = now
        job = NONE
        serve = False  # whether the waiting line may move
        plan = NONE  # the unit whose place is to be decided
        retire = NONE
        comes = NONE  # the unit that comes on duty
        briefed = False  # whether it takes over first, so that only urgent calls get it
        pause = NONE
        meal = False
        own_s = 0.0
        rebalance = False
        count[MOVES] = 0
        if at_unit == now:
            u = s.heap[0]
            unit = units[u]
            status = unit.status
            _schedule(units, s, u, np.inf)
            if status == HOMEBOUND:
                _become(units, s.members, s.size, u, OFF)
                _drove(unit, s.speed, now - unit.leave, unit.leg_mode)
                unit.duty_s += now - unit.since
                unit.place = unit.home
                _log(log, s, now, k.OFF_DUTY, u, NONE, unit.home)
                if unit.ending == 2:
                    comes = u
            elif status == MOVING:
                _settle(units, s, log, u, now)
                if now <= unit.break_until:
                    pause = u
                    meal = True
                elif rules.integers[STANDBY] == PATROL:
                    _schedule(units, s, u, now + rules.numbers[STOP_S])
            elif status == IDLE:
                plan = u
            else:
                if status != PAUSED:
                    _finish(t, units, rules, s, o, log, u, now)
                else:
                    _resume(units, s, log, u, now)
                    _become(units, s.members, s.size, u, IDLE)
                count[FREE] += 1
                if unit.ending:
                    unit.ending = 0
                    retire = u
                else:
                    serve = True
                    plan = u
                    rebalance = everybody_moves
        elif at_duty == now:
            count[NEXT_DUTY] = j + 1
            u = duty[j].unit
            kind = duty[j].kind
            if kind == k.SLOT:
                rebalance = rules.integers[STANDBY] == LADDER
            else:
                unit = units[u]
                _settle(units, s, log, u, now)
                status = unit.status
                free = status in (IDLE, MOVING)
                if kind == k.ON:
                    unit.shift_end = duty[j].value
                    unit.break_until = -np.inf
                    unit.ending = 2 if status == HOMEBOUND else 0
                    if status == OFF:
                        comes = u
                elif kind == k.OFF:
                    if free or status == PAUSED:
                        retire = u
                    elif status in (EN_ROUTE, BUSY):
                        unit.ending = 1
                    else:
                        unit.ending = 0  # its next shift is over before it was home
                elif kind == k.PLACE:
                    if status == IDLE:
                        plan = u
                elif kind == k.BREAK:
                    unit.break_until = duty[j].value
                    if units[u].status == IDLE:
                        pause = u
                        meal = True
                    elif status == MOVING:
                        _schedule(units, s, u, unit.leg_end)
                elif kind == k.OWN_WORK:
                    if status == IDLE:
                        pause = u
                        own_s = duty[j].value
                    else:
                        count[SKIPPED] += 1
        else:
            count[NEXT_TASK] = i + 1
            count[OPEN] += 1
            job = i
            if i + AHEAD < n_tasks:
                next_one = t[i + AHEAD]
                modes_now = rules.mode[:, slot_at(rules.slot, rules.numbers[SLOT_FROM], now)]
                _look_ahead(
                    w.hubs, w.places, w.nodes, w.labels,
                    modes_now[next_one.priority], modes_now[0], next_one.place,
                )  # fmt: skip
        if comes >= 0:
            unit = units[comes]
            _become(units, s.members, s.size, comes, IDLE)
            unit.ending = 0
            unit.since = now
            count[FREE] += 1
            _log(log, s, now, k.ON_DUTY, comes, NONE, unit.home)
            serve = True
            rebalance = everybody_moves
            if rules.numbers[CHANGE_S] > 0.0:
                briefed = True
                _pause(
                    units, rules, s, log, comes, now,
                    rules.numbers[CHANGE_S], rules.integers[CHANGE_PRIORITY], False,
                )  # fmt: skip
            else:
                plan = comes

        # Tasks find units: the new one (and whom it takes a unit from), or those in line.
        aside = 0
        while True:
            waiting = job < 0
            if waiting:
                if not serve or count[LINE] == 0 or (count[FREE] == 0 and not briefed):
                    break
                c = s.line[0]
                if not briefed and not above_reserve(count[FREE], rules.reserve, t[c].priority):
                    break
                _pop_line(t, s)
            else:
                c = job
                job = NONE
            u = choose(w, t, units, rules, s, log, c, now, not waiting)
            if u >= 0:
                job = _send(w, t, units, rules, s, o, log, u, c, now)
                rebalance = everybody_moves
                if waiting:
                    for a in range(aside):
                        s.line[count[LINE] + a] = s.line[count[LINE] + a + 1]
            elif waiting:
                # The slot that the heap just gave up keeps it until everybody behind has had a chance.
                s.line[count[LINE]] = c
                aside += 1
            else:
                _push_line(t, s, c)
                _log(log, s, now, k.QUEUED, NONE, c, t[c].place)
        for _a in range(aside):
            _push_line(t, s, s.line[count[LINE]])

        # Free units find places.
        if plan >= 0 and units[plan].status == IDLE:
            if now <= units[plan].break_until:
                meal = True
                pause = plan
            else:
                _leave_post(units, rules, s, plan)
                _plan_one(w, units, rules, s, plan, now)
        if pause >= 0:
            if meal:
                units[pause].break_until = -np.inf
                duration, lesser = rules.numbers[MEAL_S], rules.integers[MEAL_PRIORITY]
            else:
                duration, lesser = own_s, rules.integers[OWN_PRIORITY]
            _pause(units, rules, s, log, pause, now, duration, lesser, not meal)
            rebalance = everybody_moves
        if retire >= 0:
            _retire(units, rules, s, log, retire, now)
        if rebalance:
            _plan_all(w, units, rules, s, log, now)
        for a in range(count[MOVES]):
            _move(w, units, rules, s, log, s.moves[a, 0], s.moves[a, 1], s.moves[a, 2] != 0, now)
    return STOPPED
