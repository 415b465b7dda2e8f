"""Equipment along lines: cheapest places within a longest gap, and the Lagrangian bound with towns to serve."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

B8 = NDArray[np.bool_]
F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

RING_STEPS = 20_000
"""Rings up to so many steps are opened at each possible first place; longer ones are relaxed at the seam."""


@njit(cache=True, nogil=True)
def _path(at, cost, lo, hi, only, longest, first_within, last_beyond, queue, f, back, chosen):  # type: ignore[no-untyped-def]
    """Cheapest places of ``lo … hi - 1``: the first within, the last beyond, none farther apart than longest.

    ``only`` (-1: any) is the one place that may be first. Marks the places in ``chosen``; inf if there are none.
    """
    head = 0
    tail = 0
    best = np.inf
    end = np.int64(-1)
    for i in range(lo, hi):
        f[i] = np.inf
        back[i] = -1
        while head < tail and at[i] - at[queue[head]] > longest:
            head += 1
        if head < tail:
            f[i] = f[queue[head]] + cost[i]
            back[i] = queue[head]
        if (only < 0 or only == i) and at[i] <= first_within and cost[i] < f[i]:
            f[i] = cost[i]
            back[i] = -1
        if f[i] < np.inf:
            while head < tail and f[queue[tail - 1]] >= f[i]:
                tail -= 1
            queue[tail] = i
            tail += 1
        if at[i] >= last_beyond and f[i] < best:
            best = f[i]
            end = i
    for i in range(lo, hi):
        chosen[i] = False
    while end >= 0:
        chosen[end] = True
        end = back[end]
    return best


@njit(cache=True, nogil=True)
def line_paths(
    first: I64, at: F64, length: F64, ring: B8, cost: F64, longest: float, ends: float, queue: I64, f: F64,
    back: I64, chosen: B8,
) -> float:  # fmt: skip
    """The cheapest places on each line with no gap above ``longest``; negative costs are welcome.

    Parameters
    ----------
    first : (n_line + 1,) first candidate of each line
    at : (n,) metres along the line, ascending within each
    length, ring : (n_line,)
    cost : (n,)
    ends : what the stretches before the first and after the last place count; not on rings
    queue, f, back : (n,) scratch
    chosen : (n,) out

    Returns
    -------
    float
        Their cost, a lower bound where a long ring is relaxed at its seam; inf where a gap cannot be kept.
    """
    total = 0.0
    for line in range(len(length)):
        lo = first[line]
        hi = first[line + 1]
        whole = length[line] * (1.0 if ring[line] else ends)
        if whole <= longest:
            for i in range(lo, hi):
                chosen[i] = cost[i] < 0.0
                if chosen[i]:
                    total += cost[i]
            continue
        if not ring[line]:
            within = longest / ends
            total += _path(
                at, cost, lo, hi, -1, longest, within, length[line] - within, queue[lo:], f, back, chosen
            )
            continue
        starts = lo
        while starts < hi and at[starts] <= longest:
            starts += 1
        if (starts - lo) * (hi - lo) > RING_STEPS:
            total += _path(
                at, cost, lo, hi, -1, longest, longest, length[line] - longest, queue[lo:], f, back, chosen
            )
            continue
        best = np.inf
        which = lo
        for s in range(lo, starts):
            beyond = at[s] + length[line] - longest
            value = _path(at, cost, s, hi, s, longest, longest, beyond, queue[lo:], f, back, chosen)
            if value < best:
                best = value
                which = s
        if best < np.inf:
            for i in range(lo, which):
                chosen[i] = False
            beyond = at[which] + length[line] - longest
            _path(at, cost, which, hi, which, longest, longest, beyond, queue[lo:], f, back, chosen)
        total += best
        if total == np.inf:
            return total
    return total


@njit(cache=True, nogil=True)
def _complete(
    first: I64, at: F64, length: F64, ring: B8, price: F64, longest: float, ends: float, rs: I64, rc: I64,
    cs: I64, cr: I64, must: B8, times: I64, score: F64, before: I64, after: I64, chosen: B8,
) -> float:  # fmt: skip
    """Close what relaxation left open: seams of rings, towns without a place; then drop what is not needed.

    Gives the price, inf where a seam cannot be closed.
    """
    n = len(at)
    for i in range(n):
        if must[i]:
            chosen[i] = True
    for line in range(len(length)):
        if not ring[line] or length[line] <= longest:
            continue
        lo = first[line]
        hi = first[line + 1]
        one = np.int64(-1)
        last = np.int64(-1)
        for i in range(lo, hi):
            if chosen[i]:
                if one < 0:
                    one = i
                last = i
        if one < 0:
            return np.inf
        here = at[last]
        goal = at[one] + length[line]
        while goal - here > longest:
            step = here
            pick = np.int64(-1)
            for lap in range(2):
                for i in range(lo, hi):
                    place = at[i] + lap * length[line]
                    if place > step and place <= here + longest and place < goal:
                        step = place
                        pick = i
            if pick < 0:
                return np.inf
            chosen[pick] = True
            here = step
    # Towns: the place that serves most of those that are left.
    towns = len(rs) - 1
    for i in range(n):
        score[i] = 0.0
    for t in range(towns):
        times[t] = 0
        for a in range(rs[t], rs[t + 1]):
            if chosen[rc[a]]:
                times[t] += 1
        if times[t] == 0:
            for a in range(rs[t], rs[t + 1]):
                score[rc[a]] += 1.0
    for t in range(towns):
        if times[t] > 0:
            continue
        pick = np.int64(-1)
        worth = -1.0
        for a in range(rs[t], rs[t + 1]):
            i = rc[a]
            value = score[i] / max(price[i], 1e-9)
            if value > worth:
                worth = value
                pick = i
        chosen[pick] = True
        for b in range(cs[pick], cs[pick + 1]):
            times[cr[b]] += 1
    # Needless ones: all their towns have another place, and their neighbours stand near enough.
    for line in range(len(length)):
        lo = first[line]
        hi = first[line + 1]
        last = np.int64(-1)
        one = np.int64(-1)
        for i in range(lo, hi):
            if chosen[i]:
                before[i] = last
                after[i] = -1
                if last >= 0:
                    after[last] = i
                else:
                    one = i
                last = i
        if ring[line] and last >= 0:
            before[one] = last
            after[last] = one
        for i in range(lo, hi):
            if not chosen[i] or must[i] or price[i] <= 0.0:
                continue
            needed = False
            for b in range(cs[i], cs[i + 1]):
                if times[cr[b]] < 2:
                    needed = True
                    break
            if needed:
                continue
            p = before[i]
            q = after[i]
            if ring[line]:
                if p in (i, q):
                    gap = length[line]
                else:
                    gap = at[q] - at[p]
                    if gap < 0:
                        gap += length[line]
            elif p < 0 and q < 0:
                gap = ends * length[line]
            elif p < 0:
                gap = ends * at[q]
            elif q < 0:
                gap = ends * (length[line] - at[p])
            else:
                gap = at[q] - at[p]
            if gap > longest:
                continue
            chosen[i] = False
            for b in range(cs[i], cs[i + 1]):
                times[cr[b]] -= 1
            if p >= 0:
                after[p] = q
            if q >= 0:
                before[q] = p
    total = 0.0
    for i in range(n):
        if chosen[i]:
            total += price[i]
    return total


@njit(cache=True, nogil=True)
def line_dual(
    first: I64, at: F64, length: F64, ring: B8, price: F64, longest: float, ends: float, rs: I64, rc: I64,
    cs: I64, cr: I64, must: B8, limit: float, whole: bool, iterations: int, dual: F64, control: F64, best: B8,
) -> tuple[float, float]:  # fmt: skip
    r"""Lagrangian bound on the price of places that serve every town and keep to a longest gap.

    Towns are relaxed with multipliers u; what is left falls apart into a shortest path on each line, exact by
    a sliding minimum. Subgradient steps after Held, Wolfe & Crowder (1974); each path is completed to a choice.

    Parameters
    ----------
    rs, rc, cs, cr : town → candidates and candidate → towns
    must : (n,) candidates that are there in any case, of price 0
    limit : stop when a choice costs at most this, or the bound is above it; NaN asks for the cheapest
    whole : prices are whole numbers
    dual : (n_town,) multipliers, changed
    control : (3,) step factor, best bound, best price; changed
    best : (n,) the best choice so far, changed
    """
    n = len(at)
    towns = len(rs) - 1
    cost = np.empty(n)
    f = np.empty(n)
    score = np.empty(n)
    queue = np.empty(n, np.int64)
    back = np.empty(n, np.int64)
    before = np.empty(n, np.int64)
    after = np.empty(n, np.int64)
    chosen = np.zeros(n, np.bool_)
    times = np.zeros(max(towns, 1), np.int64)
    way = np.zeros(towns)
    best_dual = dual.copy()
    stale = 0
    for _ in range(iterations):
        value = 0.0
        for i in range(n):
            cost[i] = price[i]
        for t in range(towns):
            value += dual[t]
            for a in range(rs[t], rs[t + 1]):
                cost[rc[a]] -= dual[t]
        value += line_paths(first, at, length, ring, cost, longest, ends, queue, f, back, chosen)
        if value == np.inf:
            control[1] = np.inf
            break
        norm = 0.0
        for t in range(towns):
            served = 0
            for a in range(rs[t], rs[t + 1]):
                if chosen[rc[a]]:
                    served += 1
            g = 1.0 - served
            if dual[t] <= 0.0 and g < 0.0:
                g = 0.0
            way[t] = g + 0.3 * way[t]
            norm += way[t] * way[t]
        if value > control[1] + 1e-7:
            control[1] = value
            best_dual[:] = dual
            stale = 0
        else:
            stale += 1
            if stale >= 15:
                stale = 0
                control[0] *= 0.6
                dual[:] = best_dual
                way[:] = 0.0
        total = _complete(
            first, at, length, ring, price, longest, ends, rs, rc, cs, cr, must, times, score, before, after,
            chosen,
        )  # fmt: skip
        if total < control[2] - 1e-9:
            control[2] = total
            best[:] = chosen
        bound = np.ceil(control[1] - 1e-6) if whole else control[1]
        if control[2] <= limit + 1e-9 or bound > limit + 1e-9 or bound >= control[2] - 1e-9:
            break
        if norm <= 1e-12 or control[0] < 1e-3:
            break
        aim = control[2] if control[2] < np.inf else 2.0 * abs(value) + 1.0
        step = control[0] * (aim - value) / norm
        for t in range(towns):
            dual[t] = max(0.0, dual[t] + step * way[t])
    dual[:] = best_dual
    return control[1], control[2]
