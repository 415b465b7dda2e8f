"""Maximal covering: greedy, iterated interchange with gain/loss bookkeeping, Lagrangian bound.

Rows (demands) and columns (sites) are linked both ways: ``rs, rc`` give the columns of a row, ``cs, cr``
the rows of a column. ``side @ y <= limit`` are further limits on the chosen columns, all entries >= 0.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
F64 = NDArray[np.float64]
U64 = NDArray[np.uint64]


@njit(cache=True, nogil=True)
def _random(state: U64, n: int) -> int:
    """The next random integer below n (xorshift64*)."""
    x = state[0]
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    state[0] = x
    return np.int64((x * np.uint64(2685821657736338717)) >> np.uint64(33)) % n


@njit(cache=True, nogil=True)
def _open(j, k, rs, rc, cs, cr, w, slot, times, owners, gain, loss, extra):  # type: ignore[no-untyped-def]
    """Put column j into slot k. ``owners[i]`` is the sum of the slots that cover row i."""
    slot[j] = k
    for a in range(cs[j], cs[j + 1]):
        i = cr[a]
        if times[i] == 0:
            loss[k] += w[i]
            for b in range(rs[i], rs[i + 1]):
                gain[rc[b]] -= w[i]
                extra[rc[b], k] += w[i]
        elif times[i] == 1:
            o = owners[i]
            loss[o] -= w[i]
            for b in range(rs[i], rs[i + 1]):
                extra[rc[b], o] -= w[i]
        times[i] += 1
        owners[i] += k


@njit(cache=True, nogil=True)
def _close(j, rs, rc, cs, cr, w, slot, times, owners, gain, loss, extra):  # type: ignore[no-untyped-def]
    """Take column j out of its slot."""
    k = slot[j]
    slot[j] = -1
    for a in range(cs[j], cs[j + 1]):
        i = cr[a]
        times[i] -= 1
        owners[i] -= k
        if times[i] == 0:
            loss[k] -= w[i]
            for b in range(rs[i], rs[i + 1]):
                gain[rc[b]] += w[i]
                extra[rc[b], k] -= w[i]
        elif times[i] == 1:
            o = owners[i]
            loss[o] += w[i]
            for b in range(rs[i], rs[i + 1]):
                extra[rc[b], o] += w[i]


@njit(cache=True, nogil=True)
def _fits(side, limit, used, j, out):  # type: ignore[no-untyped-def]
    """Whether column j may replace column ``out`` (-1: be added)."""
    for c in range(len(limit)):
        v = used[c] + side[c, j]
        if out >= 0:
            v -= side[c, out]
        if v > limit[c] + 1e-9 * (1.0 + abs(limit[c])):
            return False
    return True


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
    last : the kick at which it was found
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
    used = np.zeros(len(limit))
    value = 0.0
    top = -1.0
    last = 0
    for j in range(m):
        for a in range(cs[j], cs[j + 1]):
            gain[j] += w[cr[a]]
    q = 0
    for j in start:
        if q < p and slot[j] < 0 and _fits(side, limit, used, j, -1):
            value += gain[j]
            _open(j, q, rs, rc, cs, cr, w, slot, times, owners, gain, loss, extra)
            used += side[:, j]
            taken[q] = j
            q += 1
    kept = np.full(p, -1, np.int64)
    kept_value = -1.0
    wanted = np.zeros(m, np.bool_)
    for it in range(iterations + 1):
        if it > 0:
            for _ in range(2 + _random(random, 3)):
                if q == 0:
                    break
                k = _random(random, q)
                r = taken[k]
                j = np.int64(-1)
                if cs[r + 1] > cs[r] and _random(random, 5) > 0:
                    for _ in range(20):
                        i = cr[cs[r] + _random(random, cs[r + 1] - cs[r])]
                        c = np.int64(rc[rs[i] + _random(random, rs[i + 1] - rs[i])])
                        if slot[c] < 0:
                            j = c
                            break
                if j < 0:
                    j = np.int64(_random(random, m))
                if slot[j] >= 0 or not _fits(side, limit, used, j, r):
                    continue
                value -= loss[k]
                _close(r, rs, rc, cs, cr, w, slot, times, owners, gain, loss, extra)
                value += gain[j]
                _open(j, k, rs, rc, cs, cr, w, slot, times, owners, gain, loss, extra)
                used += side[:, j] - side[:, r]
                taken[k] = j
        while True:
            while q < p:  # complete
                b = -1
                for j in range(m):
                    if slot[j] < 0 and (b < 0 or gain[j] > gain[b]) and _fits(side, limit, used, j, -1):
                        b = j
                if b < 0:
                    break
                value += gain[b]
                _open(b, q, rs, rc, cs, cr, w, slot, times, owners, gain, loss, extra)
                used += side[:, b]
                taken[q] = b
                q += 1
            gold = 1e-9 * (1.0 + value)
            bj = -1
            bk = -1
            for j in range(m):
                if slot[j] >= 0:
                    continue
                g = gain[j]
                for k in range(q):
                    d = g + extra[j, k] - loss[k]
                    if d > gold and (len(limit) == 0 or _fits(side, limit, used, j, taken[k])):
                        gold = d
                        bj = j
                        bk = k
            if bj < 0:
                break
            r = taken[bk]
            _close(r, rs, rc, cs, cr, w, slot, times, owners, gain, loss, extra)
            _open(bj, bk, rs, rc, cs, cr, w, slot, times, owners, gain, loss, extra)
            used += side[:, bj] - side[:, r]
            taken[bk] = bj
            value += gold
        if value > top + 1e-9 * (1.0 + top):
            top = value
            last = it
            best[:] = -1
            best[:q] = taken[:q]
        if value >= kept_value - accept * kept_value * _random(random, 1000) / 1000.0:
            kept_value = value
            kept[:] = taken
        else:  # go back to where the kick began
            wanted[:] = False
            for k in range(p):
                if kept[k] >= 0:
                    wanted[kept[k]] = True
            for k in range(q):
                r = taken[k]
                if not wanted[r]:
                    value -= loss[k]
                    _close(r, rs, rc, cs, cr, w, slot, times, owners, gain, loss, extra)
                    used -= side[:, r]
                    taken[k] = -1
            free = 0
            for k in range(p):
                j = kept[k]
                if j >= 0 and slot[j] < 0:
                    while free < p and taken[free] >= 0:
                        free += 1
                    value += gain[j]
                    _open(j, free, rs, rc, cs, cr, w, slot, times, owners, gain, loss, extra)
                    used += side[:, j]
                    taken[free] = j
            q = 0  # close the holes, if the kept answer used fewer columns
            for k in range(p):
                if taken[k] >= 0:
                    if k != q:
                        r = taken[k]
                        value -= loss[k]
                        _close(r, rs, rc, cs, cr, w, slot, times, owners, gain, loss, extra)
                        value += gain[r]
                        _open(r, q, rs, rc, cs, cr, w, slot, times, owners, gain, loss, extra)
                        taken[q] = r
                        taken[k] = -1
                    q += 1
    return top, last, kept


@njit(cache=True, nogil=True)
def mclp_lagrange(
    rs: I64,
    rc: I32,
    m: int,
    w: F64,
    p: int,
    side: F64,
    limit: F64,
    lower: float,
    iterations: int,
    u: F64,
    mu: F64,
    way: F64,
    way_mu: F64,
    state: F64,
    best_u: F64,
    best_s: F64,
) -> float:
    """Deflected subgradient on the covering rows ``z_i <= sum of y`` and the side rows.

    ``L(u, mu) = sum(w - u) + mu·limit + the p largest positive of s_j = sum of u in reach - mu·side_j``,
    an upper bound for every u in [0, w], mu >= 0 (Galvão & ReVelle 1996); direction averaged as in
    Camerini, Fratta & Maffioli (1975).

    Parameters
    ----------
    lower : the best known covered weight
    u, mu, way, way_mu : multipliers and directions, changed
    state : (3,) step factor, iterations without progress, best bound (infinite at first), changed
    best_u, best_s : multipliers and column scores of the best bound, changed

    Returns
    -------
    The best bound so far.
    """
    n = len(rs) - 1
    s = np.zeros(m)
    y = np.zeros(m, np.bool_)
    for _ in range(iterations):
        s[:] = 0.0
        total = 0.0
        for i in range(n):
            ui = u[i]
            total += w[i] - ui
            for a in range(rs[i], rs[i + 1]):
                s[rc[a]] += ui
        for c in range(len(limit)):
            total += mu[c] * limit[c]
            for j in range(m):
                s[j] -= mu[c] * side[c, j]
        order = np.argsort(-s)
        y[:] = False
        for k in range(min(p, m)):
            if s[order[k]] <= 0.0:
                break
            total += s[order[k]]
            y[order[k]] = True
        if total < state[2] - 1e-6 * abs(state[2]) or state[2] == np.inf:
            state[1] = 0.0
        else:
            state[1] += 1.0
            if state[1] >= 12.0:
                state[0] *= 0.7
                state[1] = 0.0
        if total < state[2]:
            state[2] = total
            best_u[:] = u
            best_s[:] = s
        if state[0] < 1e-4:
            break
        norm = 0.0
        for i in range(n):
            k = 0
            for a in range(rs[i], rs[i + 1]):
                if y[rc[a]]:
                    k += 1
            g = float(k)
            if u[i] < w[i] or k > 0:
                g -= 1.0
            g = 0.9 * way[i] + 0.1 * g
            way[i] = g
            norm += g * g
        for c in range(len(limit)):
            g = limit[c]
            for j in range(m):
                if y[j]:
                    g -= side[c, j]
            g = 0.9 * way_mu[c] + 0.1 * g
            way_mu[c] = g
            norm += g * g
        if norm <= 1e-12:
            break
        step = state[0] * max(total - lower, 1e-6 * abs(total)) / norm
        for i in range(n):
            v = u[i] - step * way[i]
            u[i] = 0.0 if v < 0.0 else (w[i] if v > w[i] else v)
        for c in range(len(limit)):
            mu[c] = max(0.0, mu[c] - step * way_mu[c])
    return state[2]
