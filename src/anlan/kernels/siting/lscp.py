"""Set covering: dominance between sets, row-weighting local search, Lagrangian bound.

``rs, rc`` give the columns of a row (ascending), ``cs, cr`` the rows of a column; row i needs ``need[i]``
of its columns, column j costs ``price[j]``.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from anlan.kernels.siting.select import draw

I8 = NDArray[np.int8]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
F64 = NDArray[np.float64]
B8 = NDArray[np.bool_]
U64 = NDArray[np.uint64]


@njit(cache=True, nogil=True)
def dominated(start: I64, item: I32, back: I64, owner: I32, rank: F64, drop_larger: bool, gone: B8) -> None:
    """Mark sets that another set makes superfluous.

    Set a is compared with every set b that contains it (``item[start[a]:start[a + 1]]``, ascending;
    ``owner[back[x]:back[x + 1]]`` are the sets that have item x). With ``drop_larger`` b goes if
    ``rank[a] >= rank[b]`` (a row whose columns include another, needier row's columns); otherwise a goes if
    ``rank[b] <= rank[a]`` (a column that a cheaper column replaces). Of equals the first stays.
    """
    n = len(start) - 1
    name = np.zeros(n, np.uint64)
    for a in range(n):
        for x in range(start[a], start[a + 1]):
            name[a] |= np.uint64(1) << np.uint64((item[x] * 40503) & 63)
    for a in range(n):
        size = start[a + 1] - start[a]
        if gone[a] or size == 0:
            continue
        rare = item[start[a]]
        for x in range(start[a], start[a + 1]):
            if back[item[x] + 1] - back[item[x]] < back[rare + 1] - back[rare]:
                rare = item[x]
        for y in range(back[rare], back[rare + 1]):
            b = owner[y]
            wide = start[b + 1] - start[b]
            if b == a or gone[b] or wide < size or (name[a] & ~name[b]) != 0:
                continue
            if drop_larger:
                if rank[a] < rank[b]:
                    continue
            elif rank[b] > rank[a]:
                continue
            same = wide == size and rank[a] == rank[b]
            if same and ((b < a) == drop_larger):
                continue
            z = start[b]
            inside = True
            for x in range(start[a], start[a + 1]):
                while z < start[b + 1] and item[z] < item[x]:
                    z += 1
                if z == start[b + 1] or item[z] != item[x]:
                    inside = False
                    break
            if inside:
                if drop_larger:
                    gone[b] = True
                else:
                    gone[a] = True
                    break


@njit(cache=True, nogil=True)
def lscp_search(
    rs: I64,
    rc: I32,
    cs: I64,
    cr: I32,
    need: I32,
    price: F64,
    weight: F64,
    start: I64,
    best: B8,
    target: float,
    steps: int,
    random: U64,
) -> tuple[float, B8]:
    """Row-weighting local search (Gao, Weise & Li 2015, "RWLS"), for prices and repeated covering too.

    Keeps a set of columns just cheaper than the best cover; in each step one column leaves, a column of a
    random unserved row enters, and unserved rows gain weight.

    Parameters
    ----------
    weight : (n,) row weights, changed; ones at first
    start : columns to begin with
    best : (m,) the best cover's columns; kept where nothing better is found
    target : stop when a cover costs at most this
    steps : columns exchanged at most
    random : (1,) state of the random numbers, changed

    Returns
    -------
    cost : of ``best``, infinite where no cover was found and ``best`` came in empty
    current : the columns to go on from
    """
    n = len(rs) - 1
    m = len(cs) - 1
    inside = np.zeros(m, np.bool_)
    count = np.zeros(n, np.int32)
    score = np.zeros(m)
    stamp = np.zeros(m, np.int64)
    fresh = np.ones(m, np.bool_)
    bare = np.empty(n, np.int32)  # the unserved rows, and where each stands in that list
    place = np.full(n, -1, np.int32)
    n_bare = 0
    for i in range(n):
        if need[i] > 0:
            place[i] = n_bare
            bare[n_bare] = i
            n_bare += 1
            for a in range(rs[i], rs[i + 1]):
                score[rc[a]] += weight[i]
    cost = 0.0
    top = np.inf
    held = False
    for j in range(m):
        if best[j]:
            held = True
    if held:
        top = 0.0
        for j in range(m):
            if best[j]:
                top += price[j]
    least = np.inf
    for j in range(m):
        least = min(least, price[j])
    at = 0
    done = 0
    tabu = np.int64(-1)
    while True:
        # What to do: take over the start, complete, drop a column of a cover, or exchange.
        enter = np.int64(-1)
        leave = np.int64(-1)
        edge = top - 1e-9 * (1.0 + top) if top < np.inf else np.inf
        if at < len(start):
            if not inside[start[at]]:
                enter = start[at]
            at += 1
        elif n_bare == 0 and cost < edge:
            for j in range(m):  # a cover; drop what it does not need before it is kept
                if inside[j] and score[j] <= 0.0 and price[j] > 0.0:
                    leave = j
                    break
            if leave < 0:
                top = cost
                for j in range(m):
                    best[j] = inside[j]
                if top <= target:
                    break
        elif n_bare > 0 and cost + least < edge:
            rate = -1.0
            for j in range(m):
                if inside[j] or score[j] <= 0.0 or cost + price[j] >= edge:
                    continue
                if top < np.inf and not fresh[j]:
                    continue
                if score[j] > rate * price[j]:
                    enter = j
                    rate = score[j] / max(price[j], 1e-300)
            if enter < 0 and top == np.inf:
                break
        if at >= len(start) and enter < 0 and leave < 0 and not (n_bare == 0 and cost < edge):
            worth = np.inf
            for j in range(m):
                if inside[j] and price[j] > 0.0 and (j != tabu or cost >= top):
                    v = score[j] / price[j]
                    if v < worth or (v == worth and stamp[j] < stamp[leave]):
                        worth = v
                        leave = j
            if leave < 0:
                break
            if cost < edge and n_bare > 0:
                # One row is picked; the column that enters must keep the set cheaper than the best.
                if done >= steps:
                    break
                done += 1
                i = bare[draw(random, n_bare)]
                tabu = -1
                gold = -1.0
                for a in range(rs[i], rs[i + 1]):
                    j = np.int64(rc[a])
                    if inside[j] or not fresh[j] or j == leave:
                        continue
                    if cost - price[leave] + price[j] >= edge:
                        continue
                    v = score[j] / max(price[j], 1e-300)
                    if v > gold or (v == gold and stamp[j] < stamp[enter]):
                        gold = v
                        enter = j
        for turn in range(2):
            j = leave if turn == 0 else enter
            if j < 0:
                continue
            sign = -1 if turn == 0 else 1
            cost += sign * price[j]
            inside[j] = turn == 1
            fresh[j] = turn == 1
            stamp[j] = done
            score[j] = 0.0
            for a in range(cs[j], cs[j + 1]):
                i = cr[a]
                before = count[i]
                after = before + sign
                count[i] = after
                low = min(before, after)
                v = weight[i]
                # A column outside gains a row while it is short; one inside loses a row that is not over.
                if low < need[i] - 1:  # short before and after
                    score[j] += v
                elif low == need[i] - 1:  # becomes served, or short
                    score[j] += v
                    for b in range(rs[i], rs[i + 1]):
                        c = rc[b]
                        if c != j and not inside[c]:
                            score[c] -= sign * v
                    if sign > 0:
                        n_bare -= 1
                        last = bare[n_bare]
                        bare[place[i]] = last
                        place[last] = place[i]
                        place[i] = -1
                    else:
                        place[i] = n_bare
                        bare[n_bare] = i
                        n_bare += 1
                elif low == need[i]:  # becomes critical, or over
                    for b in range(rs[i], rs[i + 1]):
                        c = rc[b]
                        if c != j and inside[c]:
                            score[c] -= sign * v
                for b in range(rs[i], rs[i + 1]):
                    fresh[rc[b]] = True if rc[b] != j else fresh[j]
        if enter >= 0 and leave >= 0:
            tabu = enter
            for x in range(n_bare):
                i = bare[x]
                weight[i] += 1.0
                for b in range(rs[i], rs[i + 1]):
                    score[rc[b]] += 1.0
        elif leave >= 0 and enter < 0 and at >= len(start) and n_bare > 0 and top < np.inf:
            done += 1
            if done > steps:
                break
    return top, inside


@njit(cache=True, nogil=True)
def lscp_bound(
    rs: I64,
    rc: I32,
    need: I32,
    price: F64,
    state: I8,
    upper: float,
    cutoff: float,
    iterations: int,
    u: F64,
    way: F64,
    control: F64,
    best_u: F64,
    mean: F64,
) -> tuple[float, I64]:
    """Lagrangian bound of set covering with some columns decided, and what it decides further.

    ``sum need·u + sum of the negative reduced prices price_j - sum of u in the column`` for u >= 0
    (Beasley 1987; Caprara, Fischetti & Toth 1999). Parameters as for `mclp_bound`. A row that its free and
    open columns cannot serve gives an infinite bound.
    """
    n = len(rs) - 1
    m = len(state)
    col = np.empty(m, np.int32)
    at = np.full(m, -1, np.int32)
    f = 0
    base = 0.0
    for j in range(m):
        if state[j] < 0:
            col[f] = j
            at[j] = f
            f += 1
        elif state[j] == 1:
            base += price[j]
    start = np.empty(n + 1, np.int64)
    link = np.empty(rs[n], np.int32)
    row = np.empty(n, np.int32)
    short = np.empty(n)
    start[0] = 0
    r = 0
    k = np.int64(0)
    for i in range(n):
        b = k
        missing = need[i]
        for a in range(rs[i], rs[i + 1]):
            j = rc[a]
            if at[j] >= 0:
                link[b] = at[j]
                b += 1
            elif state[j] == 1:
                missing -= 1
        if missing <= 0:
            continue
        if b - k < missing:
            control[2] = np.inf
            return np.inf, np.empty(0, np.int64)
        k = b
        row[r] = i
        short[r] = missing
        r += 1
        start[r] = k
    s = np.zeros(f)
    best_s = np.zeros(f)
    mine = -np.inf
    for _ in range(iterations):
        for j in range(f):
            s[j] = price[col[j]]
        total = base
        for x in range(r):
            ui = u[row[x]]
            total += ui * short[x]
            if ui > 0.0:
                for a in range(start[x], start[x + 1]):
                    s[link[a]] -= ui
        for j in range(f):
            if s[j] < 0.0:
                total += s[j]
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
        if total > mine:
            mine = total
            for j in range(f):
                best_s[j] = s[j]
        if control[2] > cutoff or control[0] < 1e-4:
            break
        norm = 0.0
        for x in range(r):
            i = row[x]
            g = short[x]
            for a in range(start[x], start[x + 1]):
                g -= s[link[a]] < 0.0
            g = 0.9 * way[i] + 0.1 * g
            way[i] = g
            norm += g * g
        for j in range(f):
            mean[col[j]] = 0.9 * mean[col[j]] + (0.1 if s[j] < 0.0 else 0.0)
        if norm <= 1e-12:
            break
        step = control[0] * max(upper - total, 1e-6 * abs(total)) / norm
        for x in range(r):
            i = row[x]
            u[i] = max(0.0, u[i] + step * way[i])
    k = 0
    for j in range(f):
        k += best_s[j] < 0.0
    chosen = np.empty(k, np.int64)
    k = 0
    for j in range(f):
        if best_s[j] < 0.0:
            chosen[k] = col[j]
            k += 1
    for j in range(f):
        if best_s[j] < 0.0:
            if mine - best_s[j] > cutoff:
                state[col[j]] = 1
        elif mine + best_s[j] > cutoff:
            state[col[j]] = 0
    return control[2], chosen
