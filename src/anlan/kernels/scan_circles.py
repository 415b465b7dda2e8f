"""Spatial and space-time scan statistics: the best window of a world, exactly, without trying them all.

A *circle* is a centre with the places nearest to it: the first ``q`` entries of the centre's row in the
neighbour order, for every ``q`` at which a circle may end. A *window* is a circle and a run of time slots.
Its measure is the number of cases expected in it (Poisson and space-time permutation) or the number of
individuals in it (Bernoulli). Both log likelihood ratios are convex in (cases, measure), rise with cases
and fall with measure where the rate inside is high, so that a group of windows is passed over when the
largest count in the group would not do at the smallest measure in it.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Counts = NDArray[np.int32]
Rows = NDArray[np.int64]
Flags = NDArray[np.bool_]

LANES = 8
"""Chords handled side by side: the width of a vector register of doubles."""


@njit(cache=True, nogil=True, inline="never")
def llr(model: int, c: float, m: float, cases: float, total: float) -> float:
    """Log likelihood ratio of ``c`` cases at measure ``m``; 0 where the rate inside is not higher.

    ``model`` 0 is Poisson (``total`` = all that is expected = ``cases``), 1 Bernoulli (``total`` = all
    individuals).
    """
    if c * (total - m) <= (cases - c) * m or c <= 0.0:
        return 0.0
    rest = cases - c
    if model == 0:
        # Scaled so that the measure sums to the cases.
        m = m * (cases / total)
        if m <= 0.0:
            return math.inf
        out = c * math.log(c / m)
        if rest > 0.0:
            out += rest * math.log(rest / (cases - m))
        return out
    outside = total - m
    out = c * math.log(c / m) if m > 0.0 else 0.0
    if m > c:
        out += (m - c) * math.log((m - c) / m)
    if rest > 0.0:
        out += rest * math.log(rest / outside)
    if outside > rest:
        out += (outside - rest) * math.log((outside - rest) / outside)
    out -= cases * math.log(cases / total)
    if total > cases:
        out -= (total - cases) * math.log((total - cases) / total)
    return max(out, 0.0)


@njit(cache=True, nogil=True)
def least_counts(
    model: int, measures: Floats, level: float, least: int, cases: float, total: float
) -> Counts:
    """Return the smallest count at each measure whose ratio exceeds ``level``, at least ``least``."""
    out = np.empty(len(measures), np.int32)
    for i in range(len(measures)):
        low, high = least, int(cases) + 1
        while low < high:
            middle = (low + high) // 2
            # A count above the individuals (Bernoulli, on a grid of measures) counts as beyond doubt.
            m = max(measures[i], float(middle)) if model == 1 else measures[i]
            if llr(model, float(middle), m, cases, total) > level:
                high = middle
            else:
                low = middle + 1
        out[i] = low
    return out


@njit(cache=True, nogil=True)
def chords(
    model: int, knots: Floats, level: float, cases: float, total: float
) -> tuple[Floats, Floats, Floats]:
    """Lines (offset, slope, first measure) below the count at which the ratio exceeds ``level``.

    That count is a concave function of the measure, so a window that exceeds it exceeds the chord over its
    own stretch of measure. ``knots`` are rising counts; the lines join neighbouring ones.
    """
    n = len(knots)
    at = np.empty(n)
    can = np.ones(n, np.bool_)
    for i in range(n):
        if model == 1 and llr(model, knots[i], knots[i], cases, total) <= level:
            # Not even cases alone would do. Where counts meet individuals the bounded set stays convex.
            at[i], can[i] = knots[i], False
            continue
        low, high = 0.0, knots[i] * total / cases
        for _ in range(60):
            middle = 0.5 * (low + high)
            m = max(middle, knots[i]) if model == 1 else middle
            if llr(model, knots[i], m, cases, total) > level:
                low = middle
            else:
                high = middle
        at[i] = low
    offset, slope = np.empty(n - 1), np.empty(n - 1)
    for i in range(n - 1):
        width = at[i + 1] - at[i]
        slope[i] = (knots[i + 1] - knots[i]) / width if width > 0.0 else 0.0
        offset[i] = knots[i] - slope[i] * at[i] if can[i + 1] else np.inf
    return offset, slope, at


@njit(cache=True, nogil=True)
def suffixes(
    counts: Counts,
    start: Rows,
    order: Counts,
    ends: Flags,
    reach: Floats,
    block: Rows,
    block_end: Rows,
    block_class: Counts,
    least: Counts,
    slot: Floats,
    model: int,
    cases: float,
    total: float,
    level: float,
    carry: bool,
    first: int,
    last: int,
) -> tuple[Floats, Rows, Rows]:
    """Best window of each centre among those that end with the last slot, for a measure circle × time.

    Parameters
    ----------
    counts : ndarray of uint16 or int32, shape (n_place, n_length)
        Cases of each place in its last 1, 2, … slots. The narrow type halves the time where it can hold
        all cases together.
    start, order : CSR of the neighbour order; `order` ends where no circle may grow further.
    ends : ndarray of bool, shape (n_entry,)
        Whether a circle may end with this entry.
    reach : ndarray of float64, shape (n_entry,)
        Spatial measure of the circle that ends with this entry.
    block, block_end, block_class
        Groups of neighbouring circles of each centre (CSR), the entry after each group's last, and the
        row of ``least`` that holds for its smallest circle.
    least : ndarray of the same type, shape (n_class, n_length)
        Counts below which no window of the class can exceed ``level``.
    slot : ndarray of float64, shape (n_length,)
        Temporal measure of the last 1, 2, … slots.
    level : float
        Only windows above it are looked for.
    carry : bool
        Whether a centre need only beat the centres before it (for the best window of all).
    first, last : int
        Centres [first, last).

    Returns
    -------
    llr, entry, length : best ratio, last entry of its circle, and slots; -inf, -1, -1 where none.
    """
    n, lengths = last - first, counts.shape[1]
    best = np.full(n, -np.inf)
    entry = np.full(n, -1, np.int64)
    length = np.full(n, -1, np.int64)
    run, part = np.empty(lengths, counts.dtype), np.empty(lengths, np.int64)
    mark = np.empty(lengths, np.int64)
    bar = level
    for centre in range(first, last):
        if not carry:
            bar = level
        run[:] = 0
        q0 = start[centre]
        for b in range(block[centre], block[centre + 1]):
            q1 = block_end[b]
            q = q0
            while q + 4 <= q1:  # four rows at a time: the running counts are loaded and stored once
                r0, r1 = counts[order[q]], counts[order[q + 1]]
                r2, r3 = counts[order[q + 2]], counts[order[q + 3]]
                for d in range(lengths):
                    run[d] += r0[d] + r1[d] + r2[d] + r3[d]
                q += 4
            while q < q1:
                row = counts[order[q]]
                for d in range(lengths):
                    run[d] += row[d]
                q += 1
            floor = least[block_class[b]]
            hit = False
            for d in range(lengths):
                hit |= run[d] >= floor[d]
            if hit:
                low = q0
                while not ends[low]:
                    low += 1
                marks = 0
                for d in range(lengths):
                    if run[d] < floor[d]:
                        continue
                    m = reach[low] * slot[d]
                    if model == 1:
                        m = max(m, float(run[d]))
                    if llr(model, run[d], m, cases, total) > bar:
                        mark[marks] = d
                        marks += 1
                if marks > 0:
                    for k in range(marks):
                        part[k] = run[mark[k]]
                    for q in range(q0, q1):
                        row = counts[order[q]]
                        for k in range(marks):
                            part[k] -= row[mark[k]]
                    for q in range(q0, q1):
                        row = counts[order[q]]
                        for k in range(marks):
                            part[k] += row[mark[k]]
                        if not ends[q]:
                            continue
                        for k in range(marks):
                            d = mark[k]
                            if part[k] >= floor[d]:
                                value = llr(model, part[k], reach[q] * slot[d], cases, total)
                                if value > bar:
                                    bar = value
                                    best[centre - first] = value
                                    entry[centre - first] = q
                                    length[centre - first] = d + 1
            q0 = q1
    return best, entry, length


@njit(cache=True, nogil=True)
def _longest_allowed(daily: Counts, unit: Floats, b: float, longest: int, sums: Floats, queue: Rows) -> float:
    """Largest sum of ``daily - b unit`` over a run of at most ``longest`` slots."""
    n = len(daily)
    sums[0] = 0.0
    head, tail = 0, 1
    queue[0] = 0
    top = -np.inf
    for t in range(1, n + 1):
        sums[t] = sums[t - 1] + daily[t - 1] - b * unit[t - 1]
        while queue[head] < t - longest:
            head += 1
        top = max(top, sums[t] - sums[queue[head]])
        while tail > head and sums[queue[tail - 1]] >= sums[t]:
            tail -= 1
        queue[tail] = t
        tail += 1
    return top


@njit(cache=True, nogil=True)
def intervals(
    counts: Counts,
    start: Rows,
    order: Counts,
    ends: Flags,
    reach: Floats,
    block: Rows,
    block_end: Rows,
    slot: Floats,
    longest: int,
    least: int,
    knots: Floats,
    model: int,
    cases: float,
    total: float,
    level: float,
    carry: bool,
    first: int,
    last: int,
) -> tuple[Floats, Rows, Rows, Rows]:
    """Best window of each centre over all runs of at most ``longest`` slots, for a measure circle × time.

    For a circle, ``count > offset + slope × measure`` holds for some run of slots exactly when the largest
    sum of ``count - slope × measure`` over runs exceeds the offset, which one pass over the slots tells
    (Kadane's algorithm); one pass serves a group of circles, with the counts of the largest and the
    measure of the smallest. Only circles that no chord rules out are searched run by run.

    Parameters as in `suffixes`, but ``counts`` (n_place, n_slot) by slot, ``slot`` the temporal measure of
    each, ``least`` the fewest cases of a window and ``knots`` the counts between which chords are drawn.

    Returns
    -------
    llr, entry, from, to : best ratio, last entry of its circle, and slots [from, to).
    """
    n, slots = last - first, counts.shape[1]
    best = np.full(n, -np.inf)
    entry = np.full(n, -1, np.int64)
    begin, end = np.full(n, -1, np.int64), np.full(n, -1, np.int64)
    run, part = np.empty(slots, np.int32), np.empty(slots, np.int32)
    unit = np.empty(slots)
    sums, queue = np.empty(slots + 1), np.empty(slots + 1, np.int64)
    here, top, rate = np.empty(LANES), np.empty(LANES), np.empty(LANES)
    smallest, widest = slot.min(), slot.sum()
    bar = level
    offset, slope, at = chords(model, knots, bar, cases, total)
    stale = False
    lines = len(slope)
    for centre in range(first, last):
        if not carry and bar != level:
            bar, stale = level, True
        run[:] = 0
        q0 = start[centre]
        for b in range(block[centre], block[centre + 1]):
            q1 = block_end[b]
            for q in range(q0, q1):
                row = counts[order[q]]
                for t in range(slots):
                    run[t] += row[t]
            if stale:
                offset, slope, at = chords(model, knots, bar, cases, total)
                stale = False
            low = q0
            while not ends[low]:
                low += 1
            for t in range(slots):
                unit[t] = reach[low] * slot[t]
            i0, i1 = 0, lines
            while i0 + 1 < lines and at[i0 + 1] <= reach[low] * smallest:
                i0 += 1
            while i1 - 1 > i0 and at[i1 - 1] > reach[low] * widest:
                i1 -= 1
            fire = False
            for i in range(i0, i1, LANES):
                for k in range(LANES):
                    rate[k] = slope[min(i + k, lines - 1)]
                    here[k] = 0.0
                    top[k] = -1.0
                for t in range(slots):
                    c, u = float(run[t]), unit[t]
                    for k in range(LANES):
                        h = here[k]
                        h = (h if h > 0.0 else 0.0) + (c - rate[k] * u)
                        here[k] = h
                        top[k] = h if h > top[k] else top[k]
                for k in range(LANES):
                    if i + k < lines and top[k] > offset[i + k] - 1e-9 * (1.0 + abs(offset[i + k])):
                        fire = True
                if fire:
                    break
            if fire:
                for t in range(slots):
                    part[t] = run[t]
                for q in range(q0, q1):
                    row = counts[order[q]]
                    for t in range(slots):
                        part[t] -= row[t]
                for q in range(q0, q1):
                    row = counts[order[q]]
                    for t in range(slots):
                        part[t] += row[t]
                    if not ends[q]:
                        continue
                    for t in range(slots):
                        unit[t] = reach[q] * slot[t]
                    possible = False
                    for i in range(i0, lines):
                        if i > i0 and at[i] > reach[q] * widest:
                            break
                        gain = _longest_allowed(part, unit, slope[i], longest, sums, queue)
                        if gain > offset[i] - 1e-9 * (1.0 + abs(offset[i])):
                            possible = True
                            break
                    if not possible:
                        continue
                    for s in range(slots):
                        if part[s] == 0:
                            continue
                        c, m = 0, 0.0
                        for e in range(s, min(slots, s + longest)):
                            c += part[e]
                            m += unit[e]
                            if part[e] == 0 or c < least:
                                continue
                            value = llr(model, c, m, cases, total)
                            if value > bar:
                                bar, stale = value, True
                                best[centre - first] = value
                                entry[centre - first] = q
                                begin[centre - first] = s
                                end[centre - first] = e + 1
                    if stale:
                        offset, slope, at = chords(model, knots, bar, cases, total)
                        stale = False
            q0 = q1
    return best, entry, begin, end


@njit(cache=True, nogil=True)
def windows(
    counts: Counts,
    measure: Floats,
    start: Rows,
    order: Counts,
    ends: Flags,
    only_last: bool,
    longest: int,
    least: int,
    floor: Counts,
    per_unit: float,
    model: int,
    cases: float,
    total: float,
    level: float,
    carry: bool,
    first: int,
    last: int,
) -> tuple[Floats, Rows, Rows, Rows]:
    """Best window of each centre for any measure, trying every window.

    Parameters
    ----------
    counts, measure : shape (n_place, n_slot)
        Cases and measure of each place by slot.
    only_last : bool
        Only windows that end with the last slot.
    floor : ndarray of int32
        ``floor[int(m * per_unit)]``: counts below which no window of measure m exceeds ``level``.

    Returns
    -------
    llr, entry, from, to : as `intervals`.
    """
    n, slots = last - first, counts.shape[1]
    best = np.full(n, -np.inf)
    entry = np.full(n, -1, np.int64)
    begin, end = np.full(n, -1, np.int64), np.full(n, -1, np.int64)
    run, unit = np.empty(slots, np.int64), np.empty(slots)
    bar = level
    for centre in range(first, last):
        if not carry:
            bar = level
        run[:] = 0
        unit[:] = 0.0
        for q in range(start[centre], start[centre + 1]):
            row, size = counts[order[q]], measure[order[q]]
            for t in range(slots):
                run[t] += row[t]
                unit[t] += size[t]
            if not ends[q]:
                continue
            for e in range(slots if only_last else 1, slots + 1):
                if run[e - 1] == 0 and not only_last:
                    continue
                c, m = 0, 0.0
                for s in range(e - 1, max(e - longest, 0) - 1, -1):
                    c += run[s]
                    m += unit[s]
                    if run[s] == 0 or c < least or c < floor[int(m * per_unit)]:
                        continue
                    value = llr(model, c, m, cases, total)
                    if value > bar:
                        bar = value
                        best[centre - first] = value
                        entry[centre - first] = q
                        begin[centre - first] = s
                        end[centre - first] = e
    return best, entry, begin, end
