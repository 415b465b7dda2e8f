"""Capacitated p-median: whole demands on sites that hold only so much, and the Lagrangian bound.

Costs are weighted and dense; a pair that may not be served has a cost that no real way of serving adds up
to. Load beyond a site's room is paid for at ``penalty`` a unit, so that the search can pass through
overloaded answers and ends in one that is not wherever there is one nearby.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from anlan.kernels.siting.search import fits
from anlan.kernels.siting.select import draw, mark_largest

B8 = NDArray[np.bool_]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
F64 = NDArray[np.float64]
U64 = NDArray[np.uint64]


@njit(cache=True, nogil=True)
def _over(used, room):  # type: ignore[no-untyped-def]
    """Load beyond the room, with some rounding allowed."""
    extra = used - room
    return extra if extra > 1e-9 * (1.0 + room) else 0.0


@njit(cache=True, nogil=True)
def assign_rows(cost: F64, load: F64, room: F64, sites: I64, penalty: float, site: I64, used: F64) -> float:
    """Put rows on the given sites: shifts and exchanges of two rows until nothing helps.

    Parameters
    ----------
    cost : (n, m)
    load : (n,)
    room : (m,)
    sites : the open ones
    penalty : price of a unit of overload
    site : (n,) site of each row, -1 where it has none yet; changed
    used : (m,) load of each site; changed

    Returns
    -------
    Cost of all rows with the penalties.
    """
    n = len(load)
    used[:] = 0.0
    for i in range(n):
        if site[i] < 0:
            best = sites[0]
            for k in sites:
                if cost[i, k] < cost[i, best]:
                    best = k
            site[i] = best
        used[site[i]] += load[i]
    improved = True
    rounds = 0
    while improved and rounds < 200:
        improved = False
        rounds += 1
        for i in range(n):
            a = site[i]
            q = load[i]
            relief = _over(used[a], room[a]) - _over(used[a] - q, room[a])
            to = np.int64(-1)
            least = -1e-9 * (1.0 + cost[i, a])
            for k in sites:
                if k != a:
                    d = cost[i, k] - cost[i, a]
                    if d - penalty * relief < least:
                        d += penalty * (_over(used[k] + q, room[k]) - _over(used[k], room[k]) - relief)
                        if d < least:
                            least = d
                            to = k
            if to >= 0:
                used[a] -= q
                used[to] += q
                site[i] = to
                improved = True
        if improved:
            continue
        for i in range(n):  # exchanges, only with a site that would be better and has no room
            a = site[i]
            q = load[i]
            other = np.int64(-1)
            least = -1e-9 * (1.0 + cost[i, a])
            crowded = _over(used[a], room[a])
            for b in sites:
                if b == a or (cost[i, b] >= cost[i, a] and crowded == 0.0):
                    continue
                now = crowded + _over(used[b], room[b])
                for e in range(n):
                    if site[e] == b:
                        d = cost[i, b] - cost[i, a] + cost[e, a] - cost[e, b]
                        if d - penalty * now < least:
                            r = load[e] - q
                            d += penalty * (_over(used[a] + r, room[a]) + _over(used[b] - r, room[b]) - now)
                            if d < least:
                                least = d
                                other = e
            if other >= 0:
                b = site[other]
                used[a] += load[other] - q
                used[b] += q - load[other]
                site[i] = b
                site[other] = a
                improved = True
    total = 0.0
    for i in range(n):
        total += cost[i, site[i]]
    for k in sites:
        total += penalty * _over(used[k], room[k])
    return total


@njit(cache=True, nogil=True)
def assign_search(
    cost: F64,
    load: F64,
    room: F64,
    near: I32,
    penalty: float,
    locked: int,
    side: F64,
    limit: F64,
    sites: I64,
    site: I64,
    best_sites: I64,
    best_site: I64,
    top: float,
    accept: float,
    iterations: int,
    random: U64,
) -> float:
    """Local search over sites: exchange one for another near its rows, assign anew, keep what is hardly worse.

    Parameters
    ----------
    near : (n, w) nearest sites of each row
    locked : the first so many of ``sites`` stay
    side, limit : ``side @ y <= limit``
    sites, site : (p,) open sites and (n,) assignment to go on from; changed
    best_sites, best_site, top : the best so far and its cost; changed where a better one is found
    accept : share by which an answer may be worse than the present one and still be taken over
    iterations : exchanges tried
    random : (1,) state of the random numbers, changed

    Returns
    -------
    Cost of the best answer, with penalties.
    """
    n = len(load)
    m = len(room)
    p = len(sites)
    used = np.zeros(m)
    value = assign_rows(cost, load, room, sites, penalty, site, used)
    if value < top:
        top = value
        best_sites[:] = sites
        best_site[:] = site
    is_open = np.zeros(m, np.bool_)
    spent = np.zeros(len(limit))
    for k in sites:
        is_open[k] = True
        for c in range(len(limit)):
            spent[c] += side[c, k]
    trial = np.empty(n, np.int64)
    chosen = sites.copy()
    for _ in range(iterations):
        if p <= locked:
            break
        slot = locked + draw(random, p - locked)
        out = sites[slot]
        j = np.int64(draw(random, m))
        if draw(random, 8) > 0:
            i = draw(random, n)
            for _ in range(30):
                if site[i] == out:
                    break
                i = draw(random, n)
            j = np.int64(near[i, draw(random, near.shape[1])])
        if is_open[j] or room[j] < 0.0 or not fits(side, limit, spent, j, out):
            continue
        chosen[:] = sites
        chosen[slot] = j
        for i in range(n):
            trial[i] = j if site[i] == out else site[i]
            if cost[i, j] < cost[i, trial[i]] and used[j] + load[i] <= room[j]:
                trial[i] = j
        found = assign_rows(cost, load, room, chosen, penalty, trial, used)
        if found <= value * (1.0 + accept * draw(random, 1000) / 1000.0):
            value = found
            sites[slot] = j
            site[:] = trial
            is_open[out] = False
            is_open[j] = True
            for c in range(len(limit)):
                spent[c] += side[c, j] - side[c, out]
            if value < top:
                top = value
                best_sites[:] = sites
                best_site[:] = site
    return top


@njit(cache=True, nogil=True)
def assign_bound(
    cost: F64,
    load: F64,
    room: F64,
    p: int,
    locked: B8,
    upper: float,
    iterations: int,
    u: F64,
    best_u: F64,
    best_score: F64,
    way: F64,
    control: F64,
) -> float:
    """Lagrangian bound: relaxing "each row is served once" leaves a fractional knapsack for each site.

    ``sum u - (the p largest of kappa_j)`` with ``kappa_j`` the most that rows within the room of site j save.

    Parameters
    ----------
    cost : (m, n), transposed; infinite where a site may not serve a row
    load, room : (n,), (m,); negative room: the site may not be used
    p : sites to open
    locked : (m,) open in any case
    upper : cost of the best known answer
    iterations : subgradient steps
    u, best_u : (n,) multipliers, and those of the best bound; changed
    best_score : (m,) ``kappa`` of the best bound; changed
    way : (n,) direction, changed
    control : (3,) step factor, steps without progress, best bound; changed
    """
    m, n = cost.shape
    score = np.zeros(m)
    free = np.zeros(m)
    scratch = np.zeros(m)
    y = np.zeros(m, np.bool_)
    row = np.empty(n, np.int64)
    worth = np.empty(n)
    served = np.zeros(n)
    held = 0
    for j in range(m):
        held += locked[j]
    for _ in range(iterations):
        total = 0.0
        for i in range(n):
            total += u[i]
        for step in range(2):
            # First the worth of every site, then, for the chosen ones, which rows they serve.
            if step == 1:
                for i in range(n):
                    served[i] = 0.0
            for j in range(m):
                if step == 1 and not y[j]:
                    continue
                score[j] = 0.0
                if room[j] < 0.0:
                    continue
                k = 0
                weight = 0.0
                for i in range(n):
                    d = u[i] - cost[j, i]
                    if d > 0.0:
                        row[k] = i
                        worth[k] = d / load[i]
                        weight += load[i]
                        k += 1
                left = room[j]
                if weight <= left:
                    for a in range(k):
                        score[j] += worth[a] * load[row[a]]
                        if step == 1:
                            served[row[a]] += 1.0
                    continue
                order = np.argsort(-worth[:k])
                for a in order:
                    i = row[a]
                    share = min(1.0, left / load[i])
                    score[j] += worth[a] * load[i] * share
                    if step == 1:
                        served[i] += share
                    left -= load[i]
                    if left <= 0.0:
                        break
            if step == 0:
                for j in range(m):
                    free[j] = -1.0 if locked[j] or room[j] < 0.0 else score[j]
                    if locked[j]:
                        total -= score[j]
                total -= mark_largest(free, p - held, y, scratch)
                for j in range(m):
                    if locked[j]:
                        y[j] = True
                if total > control[2] or np.isnan(control[2]):
                    if np.isnan(control[2]) or total > control[2] + 1e-6 * abs(control[2]):
                        control[1] = 0.0
                    control[2] = total
                    best_u[:] = u
                    best_score[:] = score
                else:
                    control[1] += 1.0
                    if control[1] >= 12.0:
                        control[0] *= 0.7
                        control[1] = 0.0
        norm = 0.0
        for i in range(n):
            way[i] = 0.9 * way[i] + 0.1 * (1.0 - served[i])
            norm += way[i] * way[i]
        if norm <= 1e-12 or control[0] < 2e-4 or control[2] >= upper:
            break
        length = control[0] * max(upper - total, 1e-6 * abs(total)) / norm
        for i in range(n):
            u[i] = max(0.0, u[i] + length * way[i])
    return control[2]
