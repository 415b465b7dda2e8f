"""Maximal covering: greedy, iterated interchange with gain/loss bookkeeping, Lagrangian bound.

Rows (demands) and columns (sites) are linked both ways: ``rs, rc`` give the columns of a row, ``cs, cr``
the rows of a column. ``side @ y <= limit`` are further limits on the chosen columns, all entries >= 0.
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
def _turn(j, k, sign, rs, rc, cs, cr, w, times, owners, gain, loss, extra):  # type: ignore[no-untyped-def]
    """Open (sign 1) or close (-1) column j in slot k. ``owners[i]`` is the sum of the slots covering row i.

    ``gain[c]``: weight that c would newly cover; ``loss[k]``: weight that only slot k covers;
    ``extra[c, k]``: weight that only slot k covers and c would cover too.
    """
    for a in range(cs[j], cs[j + 1]):
        i = cr[a]
        before = times[i]
        after = before + sign
        few = min(before, after)
        if few < 2:
            v = w[i] * sign
            if few == 0:  # nobody else: the weight moves between everybody's gain and slot k's loss
                o = k
                for b in range(rs[i], rs[i + 1]):
                    gain[rc[b]] -= v
            else:  # one other: the weight moves into or out of that slot's loss
                o = owners[i] if sign > 0 else owners[i] - k
                v = -v
            loss[o] += v
            for b in range(rs[i], rs[i + 1]):
                extra[rc[b], o] += v
        times[i] = after
        owners[i] += sign * k


@njit(cache=True, nogil=True)
def mclp_search(
    rs: I64,
    rc: I32,
    cs: I64,
    cr: I32,
    w: F64,
    p: int,
    side: F64,
    limit: F64,
    start: I64,
    best: I64,
    iterations: int,
    accept: float,
    random: U64,
) -> tuple[float, int, I64]:
    """Iterated local search for maximal covering: interchange to a local optimum, kick, repeat.

    Parameters
    ----------
    rs, rc, cs, cr : rows to columns and columns to rows
    w : (n,) weights of the rows
    p : at most this many columns
    side, limit : (c, m), (c,)
    start : columns to begin with; the search completes them greedily
    best : (p,) filled with the best columns found, -1 beyond their number
    iterations : kicks; 0 only descends
    accept : share by which a local optimum may be worse than the current one and still be taken over
    random : (1,) state of the random numbers, changed

    Returns
    -------
    value : the covered weight of ``best``
    last : the number of kicks left when it was found
    current : the columns to go on from in a next call
    """
    n = len(rs) - 1
    m = len(cs) - 1
    times = np.zeros(n, np.int32)
    owners = np.zeros(n, np.int64)
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
    top = -1.0
    kept_value = -1.0
    last = 0
    kick = 0
    for j in range(m):
        for a in range(cs[j], cs[j + 1]):
            gain[j] += w[cr[a]]
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
            if k < 0:
                k = slot[j]
                value -= loss[k]
                slot[j] = -1
                taken[k] = -1
                _turn(j, k, -1, rs, rc, cs, cr, w, times, owners, gain, loss, extra)
                for c in range(len(limit)):
                    used[c] -= side[c, j]
            else:
                value += gain[j]
                slot[j] = k
                taken[k] = j
                _turn(j, k, 1, rs, rc, cs, cr, w, times, owners, gain, loss, extra)
                for c in range(len(limit)):
                    used[c] += side[c, j]
        n_moves = 0
        if kicking:
            kicking = kick > 0
            kick -= 1
            k = draw(random, p)
            r = taken[k]
            if kicking and r >= 0:
                j = np.int64(-1)
                if cs[r + 1] > cs[r] and draw(random, 5) > 0:
                    for _ in range(20):
                        i = cr[cs[r] + draw(random, cs[r + 1] - cs[r])]
                        j = np.int64(rc[rs[i] + draw(random, rs[i + 1] - rs[i])])
                        if slot[j] < 0:
                            break
                else:
                    j = np.int64(draw(random, m))
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
        b, k, _ = best_interchange(gain, loss, extra, slot, taken, 0, side, limit, used, 1e-9 * (1.0 + value))
        if b >= 0:
            moves[0, 0] = taken[k]
            moves[0, 1] = -1
            moves[1, 0] = b
            moves[1, 1] = k
            n_moves = 2
            continue
        if value > top + 1e-9 * (1.0 + top):  # a local optimum
            top = value
            last = iterations
            for k in range(p):
                best[k] = taken[k]
        if iterations > 0:
            iterations -= 1
            kicking = True
            kick = 2 + draw(random, 3)
        if not kicking or value >= kept_value - kept_value * (1e-9 + accept * draw(random, 1000) / 1000.0):
            kept_value = value
            for k in range(p):
                kept[k] = taken[k]
            if kicking:
                continue
            break
        n_moves = way_back(taken, kept, slot, wanted, moves)
    return top, last, kept


@njit(cache=True, nogil=True)
def mclp_bound(
    rs: I64,
    rc: I32,
    w: F64,
    state: I8,
    p: int,
    side: F64,
    limit: F64,
    lower: float,
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
    """Lagrangian bound of maximal covering with some columns decided, and what it decides further.

    Relaxing ``z_i <= sum of y`` with ``u`` in [0, w] and the side rows with ``mu >= 0`` leaves
    ``sum(w - u) + mu·limit + the p largest positive of s_j = sum of u in reach - mu·side_j`` (Galvão &
    ReVelle 1996), an upper bound. Subgradient whose direction is averaged (Camerini, Fratta & Maffioli
    1975); the same average of the relaxed answers approximates the LP answer (Barahona & Anbil 2000).
    Columns whose opening or closing would push the bound below ``need`` are decided (changes ``state``).

    Parameters
    ----------
    rs, rc : rows to columns
    w : (n,)
    state : (m,) -1 free, 0 closed, 1 open
    p : at most this many columns
    side, limit : (c, m), (c,)
    lower : value of the best known answer, for the step length
    need : only answers of at least this value are of interest
    u, mu, way, way_mu : (n,), (c,) multipliers and directions, changed
    control : (3,) step factor, iterations without progress, best bound (NaN at first), changed
    best_u, best_mu : multipliers of the best bound, changed
    mean : (m,) averaged relaxed answer, changed

    Returns
    -------
    bound : the best so far
    chosen : columns of the relaxed answer at the best bound
    """
    n = len(rs) - 1
    m = len(state)
    col = np.empty(m, np.int32)
    at = np.full(m, -1, np.int32)
    f = 0
    q = p
    fixed_part = 0.0
    room = np.zeros(len(limit))
    for c in range(len(limit)):
        room[c] = limit[c]
    for j in range(m):
        if state[j] < 0:
            col[f] = j
            at[j] = f
            f += 1
        elif state[j] == 1:
            q -= 1
            for c in range(len(limit)):
                room[c] -= side[c, j]
    q = min(q, f)
    start = np.empty(n + 1, np.int64)
    link = np.empty(rs[n], np.int32)
    row = np.empty(n, np.int32)
    start[0] = 0
    r = 0
    k = np.int64(0)
    for i in range(n):
        covered = False
        b = k
        for a in range(rs[i], rs[i + 1]):
            j = rc[a]
            if at[j] >= 0:
                link[b] = at[j]
                b += 1
            elif state[j] == 1:
                covered = True
                break
        if covered:
            fixed_part += w[i]
        elif b > k:
            k = b
            row[r] = i
            r += 1
            start[r] = k
    s = np.zeros(f)
    scratch = np.zeros(f)
    best_s = np.zeros(f)
    y = np.zeros(f, np.bool_)
    best_y = np.zeros(f, np.bool_)
    mine = np.inf
    for _ in range(iterations):
        s[:] = 0.0
        total = fixed_part
        for x in range(r):
            i = row[x]
            ui = u[i]
            total += w[i] - ui
            for a in range(start[x], start[x + 1]):
                s[link[a]] += ui
        for c in range(len(limit)):
            total += mu[c] * room[c]
            for j in range(f):
                s[j] -= mu[c] * side[c, col[j]]
        total += mark_largest(s, q, y, scratch)
        if total < control[2] - 1e-6 * abs(control[2]) or np.isnan(control[2]):
            control[1] = 0.0
        else:
            control[1] += 1.0
            if control[1] >= 12.0:
                control[0] *= 0.7
                control[1] = 0.0
        if total < control[2] or np.isnan(control[2]):
            control[2] = total
            for i in range(n):
                best_u[i] = u[i]
            for c in range(len(limit)):
                best_mu[c] = mu[c]
        if total < mine:
            mine = total
            for j in range(f):
                best_s[j] = s[j]
                best_y[j] = y[j]
        if control[2] < need or control[0] < 1e-4:
            break
        norm = 0.0
        for x in range(r):
            i = row[x]
            hits = 0
            for a in range(start[x], start[x + 1]):
                hits += y[link[a]]
            g = float(hits)
            if u[i] < w[i] or hits > 0:
                g -= 1.0
            g = 0.9 * way[i] + 0.1 * g
            way[i] = g
            norm += g * g
        for c in range(len(limit)):
            g = room[c]
            for j in range(f):
                if y[j]:
                    g -= side[c, col[j]]
            g = 0.9 * way_mu[c] + 0.1 * g
            way_mu[c] = g
            norm += g * g
        for j in range(f):
            mean[col[j]] = 0.9 * mean[col[j]] + (0.1 if y[j] else 0.0)
        if norm <= 1e-12:
            break
        step = control[0] * max(total - lower, 1e-6 * abs(total)) / norm
        for x in range(r):
            i = row[x]
            v = u[i] - step * way[i]
            u[i] = 0.0 if v < 0.0 else (w[i] if v > w[i] else v)
        for c in range(len(limit)):
            mu[c] = max(0.0, mu[c] - step * way_mu[c])
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
            if mine - best_s[j] + following < need:
                state[col[j]] = 1
        elif q == 0 or mine - last + best_s[j] < need:
            state[col[j]] = 0
    return control[2], chosen
