"""p-median: interchange with closest and second-closest bookkeeping, and the Lagrangian bound.

Rows (demands) list their columns (sites) by rising weighted cost: ``rs, rc, rv``; ``cs, ca`` give for
each column the places in those lists where it stands. A row that no open column of its list serves costs
``miss``.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from anlan.kernels.siting.search import best_addition, best_interchange, fits, way_back
from anlan.kernels.siting.select import draw, mark_largest

I8 = NDArray[np.int8]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
F64 = NDArray[np.float64]
U64 = NDArray[np.uint64]


@njit(cache=True, nogil=True)
def _account(i, sign, rs, rc, rv, miss, slot, one, two, gain, loss, extra):  # type: ignore[no-untyped-def]
    """Add (sign 1) or take away (-1) row i's part of gain, loss and extra."""
    a1 = one[i]
    a2 = two[i]
    v1 = rv[a1] if a1 >= 0 else miss[i]
    v2 = rv[a2] if a2 >= 0 else miss[i]
    if a1 < 0:
        for a in range(rs[i], rs[i + 1]):
            gain[rc[a]] += sign * (v1 - rv[a])
        return
    k = slot[rc[a1]]
    loss[k] += sign * (v2 - v1)
    for a in range(rs[i], rs[i + 1]):
        v = rv[a]
        if v >= v2:
            break
        if v < v1:
            gain[rc[a]] += sign * (v1 - v)
            extra[rc[a], k] += sign * (v2 - v1)
        else:
            extra[rc[a], k] += sign * (v2 - v)


@njit(cache=True, nogil=True)
def median_search(
    rs: I64,
    rc: I32,
    rv: F64,
    cs: I64,
    ca: I64,
    row: I32,
    miss: F64,
    p: int,
    locked: int,
    side: F64,
    limit: F64,
    start: I64,
    best: I64,
    iterations: int,
    accept: float,
    random: U64,
) -> tuple[float, int, I64]:
    """Iterated local search for the p-median: interchange to a local optimum, kick, repeat.

    Parameters
    ----------
    rs, rc, rv : each row's columns and weighted costs, rising
    cs, ca : each column's places in ``rc``
    row : (n_link,) the row of each place
    miss : (n,) cost of a row without service
    p, side, limit : at most p columns with ``side @ y <= limit``
    locked : the first so many of ``start`` stay
    start : columns to begin with; the search completes them greedily
    best : (p,) filled with the best columns found, -1 beyond their number
    iterations : kicks; 0 only descends
    accept : share by which a local optimum may be worse than the current one and still be taken over
    random : (1,) state of the random numbers, changed

    Returns
    -------
    value : the cost of ``best``
    last : the number of kicks left when it was found
    current : the columns to go on from in a next call
    """
    n = len(rs) - 1
    m = len(cs) - 1
    one = np.full(n, -1, np.int64)
    two = np.full(n, -1, np.int64)
    gain = np.zeros(m)
    loss = np.zeros(p)
    extra = np.zeros((m, p))
    slot = np.full(m, -1, np.int64)
    taken = np.full(p, -1, np.int64)
    kept = np.full(p, -1, np.int64)
    moves = np.empty((2 * p + 4, 2), np.int64)  # (column, slot to open it in; -1 closes it)
    used = np.zeros(len(limit))
    wanted = np.zeros(m, np.bool_)
    value = 0.0
    for i in range(n):
        value += miss[i]
        _account(i, 1, rs, rc, rv, miss, slot, one, two, gain, loss, extra)
    top = np.inf
    kept_value = np.inf
    last = 0
    kick = 0
    n_moves = 0
    for j in start:
        if j >= 0 and n_moves < p and not wanted[j] and fits(side, limit, used, j, -1):
            wanted[j] = True
            for c in range(len(limit)):
                used[c] += side[c, j]
            moves[n_moves, 0] = j
            moves[n_moves, 1] = n_moves
            n_moves += 1
    used[:] = 0.0
    kicking = False
    while True:
        for x in range(n_moves):
            j = moves[x, 0]
            k = moves[x, 1]
            opening = k >= 0
            sign = 1.0 if opening else -1.0
            if opening:
                value -= gain[j]
            else:
                k = slot[j]
                value += loss[k]
            for b in range(cs[j], cs[j + 1]):
                a = ca[b]
                i = row[a]
                a1 = one[i]
                a2 = two[i]
                if opening:
                    if a2 >= 0 and a > a2:
                        continue
                elif a1 != a and a2 != a:
                    continue
                _account(i, -1.0, rs, rc, rv, miss, slot, one, two, gain, loss, extra)
                if opening:
                    slot[j] = k
                    if a1 < 0 or a < a1:
                        two[i] = a1
                        one[i] = a
                    else:
                        two[i] = a
                else:
                    if a1 == a:
                        one[i] = a2
                    following = np.int64(-1)
                    if a2 >= 0:
                        slot[j] = -1
                        for c in range(a2 + 1, rs[i + 1]):
                            if slot[rc[c]] >= 0:
                                following = c
                                break
                        slot[j] = k
                    two[i] = following
                _account(i, 1.0, rs, rc, rv, miss, slot, one, two, gain, loss, extra)
            if opening:
                slot[j] = k
                taken[k] = j
            else:
                slot[j] = -1
                taken[k] = -1
            for c in range(len(limit)):
                used[c] += sign * side[c, j]
        n_moves = 0
        if kicking:
            kicking = kick > 0
            kick -= 1
            k = locked + draw(random, max(1, p - locked))
            if kicking and k < p and taken[k] >= 0:
                r = taken[k]
                j = np.int64(draw(random, m))
                if cs[r + 1] > cs[r] and draw(random, 5) > 0:
                    for _ in range(20):
                        a = ca[cs[r] + draw(random, cs[r + 1] - cs[r])]
                        i = row[a]
                        wide = min(rs[i + 1] - rs[i], 2 * (a - rs[i]) + 8)
                        j = np.int64(rc[rs[i] + draw(random, wide)])
                        if slot[j] < 0:
                            break
                if slot[j] < 0 and fits(side, limit, used, j, r):
                    moves[0, 0] = r
                    moves[0, 1] = -1
                    moves[1, 0] = j
                    moves[1, 1] = k
                    n_moves = 2
            if kicking:
                continue
        free = -1
        for k in range(p):
            if taken[k] < 0:
                free = k
        b = -1
        if free >= 0:  # complete
            b = best_addition(gain, slot, side, limit, used)
        if b >= 0:
            moves[0, 0] = b
            moves[0, 1] = free
            n_moves = 1
            continue
        b, k, _ = best_interchange(
            gain, loss, extra, slot, taken, locked, side, limit, used, 1e-9 * (1.0 + abs(value))
        )
        if b >= 0:
            moves[0, 0] = taken[k]
            moves[0, 1] = -1
            moves[1, 0] = b
            moves[1, 1] = k
            n_moves = 2
            continue
        if value < top - 1e-9 * abs(value) or top == np.inf:  # a local optimum
            top = value
            last = iterations
            for k in range(p):
                best[k] = taken[k]
        if iterations > 0:
            iterations -= 1
            kicking = True
            kick = 2 + draw(random, 3)
        if not kicking or value <= kept_value + kept_value * (1e-9 + accept * draw(random, 1000) / 1000.0):
            kept_value = value
            for k in range(p):
                kept[k] = taken[k]
            if kicking:
                continue
            break
        n_moves = way_back(taken, kept, slot, wanted, moves)
    return top, last, kept


@njit(cache=True, nogil=True)
def median_bound(
    rs: I64,
    rc: I32,
    rv: F64,
    cap: F64,
    state: I8,
    p: int,
    side: F64,
    limit: F64,
    upper: float,
    need: float,
    iterations: int,
    u: F64,
    mu: F64,
    way: F64,
    way_mu: F64,
    control: F64,
    best_u: F64,
    best_mu: F64,
    mean: F64,
) -> tuple[float, I64]:
    """Lagrangian bound of the p-median with some columns decided, and what it decides further.

    Relaxing "each row is served once" with ``u`` leaves ``sum u + the p smallest of
    rho_j = sum_i min(0, v_ij - u_i)`` (Cornuéjols, Fisher & Nemhauser 1977), a lower bound for every u;
    side rows are relaxed with ``mu >= 0``. Rows whose list is cut short keep ``u_i <= cap_i``, the first
    cost that is not listed, so that the columns left out contribute nothing.

    Parameters as for `mclp_bound`; ``upper`` is the best known cost, answers above ``need`` are of no
    interest.
    """
    n = len(rs) - 1
    m = len(state)
    col = np.empty(m, np.int32)
    at = np.full(m, -1, np.int32)
    f = 0
    held = 0
    room = np.zeros(len(limit))
    for c in range(len(limit)):
        room[c] = limit[c]
    for j in range(m):  # free columns first, open ones after them
        if state[j] < 0:
            col[f] = j
            at[j] = f
            f += 1
    for j in range(m):
        if state[j] == 1:
            col[f + held] = j
            at[j] = f + held
            held += 1
            for c in range(len(limit)):
                room[c] -= side[c, j]
    q = min(p - held, f)
    start = np.empty(n + 1, np.int64)
    link = np.empty(rs[n], np.int32)
    cost = np.empty(rs[n])
    start[0] = 0
    k = np.int64(0)
    top = np.empty(n)
    for i in range(n):
        # Only columns that can matter in these few steps; the first one left out caps the multiplier.
        top[i] = cap[i]
        enough = k + 6
        for a in range(rs[i], rs[i + 1]):
            x = at[rc[a]]
            if x >= 0:
                if k >= enough and rv[a] > 2.0 * u[i]:
                    top[i] = rv[a]
                    break
                link[k] = x
                cost[k] = rv[a]
                k += 1
                if x >= f:
                    top[i] = np.inf
                    break  # an open column: the ones behind it never serve
        start[i + 1] = k
    s = np.zeros(f + held)
    free_s = s[:f]
    scratch = np.zeros(f)
    best_s = np.zeros(f)
    y = np.zeros(f + held, np.bool_)
    free_y = y[:f]
    best_y = np.zeros(f, np.bool_)
    mine = -np.inf
    for _ in range(iterations):
        total = 0.0
        for j in range(f + held):
            s[j] = 0.0
        for i in range(n):
            ui = u[i]
            total += ui
            for a in range(start[i], start[i + 1]):
                if cost[a] >= ui:
                    break
                s[link[a]] += ui - cost[a]
        for j in range(f, f + held):
            total -= s[j]
        for c in range(len(limit)):
            total -= mu[c] * room[c]
            for j in range(f):
                s[j] -= mu[c] * side[c, col[j]]
        total -= mark_largest(free_s, q, free_y, scratch)
        for j in range(f, f + held):
            y[j] = True
        if total > control[2] + 1e-6 * abs(control[2]) or np.isnan(control[2]):
            control[1] = 0.0
        else:
            control[1] += 1.0
            if control[1] >= 12.0:
                control[0] *= 0.7
                control[1] = 0.0
        if total > control[2] or np.isnan(control[2]):
            control[2] = total
            for i in range(n):
                best_u[i] = u[i]
            for c in range(len(limit)):
                best_mu[c] = mu[c]
        if total > mine:
            mine = total
            for j in range(f):
                best_s[j] = s[j]
                best_y[j] = y[j]
        if control[2] > need or control[0] < 1e-4:
            break
        norm = 0.0
        for i in range(n):
            ui = u[i]
            g = 1.0
            for a in range(start[i], start[i + 1]):
                if cost[a] >= ui:
                    break
                g -= y[link[a]]
            g = 0.9 * way[i] + 0.1 * g
            way[i] = g
            norm += g * g
        for c in range(len(limit)):
            g = -room[c]
            for j in range(f):
                if y[j]:
                    g += side[c, col[j]]
            g = 0.9 * way_mu[c] + 0.1 * g
            way_mu[c] = g
            norm += g * g
        for j in range(f):
            mean[col[j]] = 0.9 * mean[col[j]] + (0.1 if y[j] else 0.0)
        if norm <= 1e-12:
            break
        step = control[0] * max(upper - total, 1e-6 * abs(total)) / norm
        for i in range(n):
            u[i] = max(0.0, min(top[i], u[i] + step * way[i]))
        for c in range(len(limit)):
            mu[c] = max(0.0, mu[c] + step * way_mu[c])
    k = 0
    for j in range(f):
        k += best_y[j]
    chosen = np.empty(k, np.int64)
    k = 0
    for j in range(f):
        if best_y[j]:
            chosen[k] = col[j]
            k += 1
    last = 0.0  # score of the least chosen column if all places are taken, and of the best one left out
    if q > 0 and k == q:
        last = np.inf
        for j in range(f):
            if best_y[j]:
                last = min(last, best_s[j])
    following = 0.0
    for j in range(f):
        if not best_y[j]:
            following = max(following, best_s[j])
    for j in range(f):
        if best_y[j]:
            if mine + best_s[j] - following > need:
                state[col[j]] = 1
        elif q == 0 or mine + last - best_s[j] > need:
            state[col[j]] = 0
    return control[2], chosen


@njit(cache=True, nogil=True)
def median_price(rs: I64, rc: I32, rv: F64, is_open: NDArray[np.bool_]) -> tuple[F64, F64]:
    """The two least costs of each row's open columns, infinite where its list has none."""
    n = len(rs) - 1
    first = np.full(n, np.inf)
    second = np.full(n, np.inf)
    for i in range(n):
        for a in range(rs[i], rs[i + 1]):
            if is_open[rc[a]]:
                if first[i] == np.inf:
                    first[i] = rv[a]
                else:
                    second[i] = rv[a]
                    break
    return first, second
