"""Placing units, several of which may stand at one site, in one or several periods: search and bound.

The value of a row (a demand in a period) is a concave function F of the strength that stands within its
reach: ``values[kind]`` tabulates F at 0, 1, 2, … (linear in between, flat beyond), and an empty table stands
for ``F(t) = 1 - exp(-t)``. Columns are pairs of period and site, ``c = period * sites + site``. ``rs, rc``
give the columns of a row, ``cs, cr`` the rows of a column.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
F64 = NDArray[np.float64]


@njit(cache=True, nogil=True)
def row_value(values: F64, kind: int, t: float) -> float:
    """F(t) of one kind of row."""
    last = values.shape[1] - 1
    if last < 0:
        return 1.0 - np.exp(-t)
    k = int(t + 1e-9)
    if k >= last:
        return values[kind, last]
    rest = t - k
    if rest <= 1e-9:
        return values[kind, k]
    return values[kind, k] + rest * (values[kind, k + 1] - values[kind, k])


@njit(cache=True, nogil=True)
def _change(c, by, rs, rc, cs, cr, weight, kind, values, strength, held, add):  # type: ignore[no-untyped-def]
    """Put (by = 1) or take (by = -1) a unit at column c; give the change of the value.

    ``add[b]`` is kept as the value that one more unit at column b would bring.
    """
    change = 0.0
    by *= strength[c]
    exponential = values.shape[1] == 0
    for a in range(cs[c], cs[c + 1]):
        i = cr[a]
        before = held[i]
        after = before + by
        if after < 1e-12:
            after = 0.0
        held[i] = after
        f0 = row_value(values, kind[i], before)
        f1 = row_value(values, kind[i], after)
        rise = weight[i] * (f1 - f0)
        change += rise
        shift = 0.0
        of = -1.0
        for e in range(rs[i], rs[i + 1]):
            b = rc[e]
            s = strength[b]
            if s != of:  # most often all units are equally strong
                of = s
                if exponential:
                    shift = rise * np.expm1(-s)
                else:
                    shift = row_value(values, kind[i], after + s) - row_value(values, kind[i], before + s)
                    shift = weight[i] * shift - rise
            add[b] += shift
    return change


@njit(cache=True, nogil=True)
def unit_shift(
    rs: I64,
    rc: I32,
    cs: I64,
    cr: I32,
    weight: F64,
    kind: I32,
    values: F64,
    strength: F64,
    x: I64,
    target: I64,
    held: F64,
    add: F64,
) -> float:
    """Make ``x`` (periods, sites) equal to ``target``, with ``held`` and ``add``; give the value's change."""
    sites = x.shape[1]
    change = 0.0
    for t in range(x.shape[0]):
        for j in range(sites):
            while x[t, j] != target[t, j]:
                by = 1.0 if x[t, j] < target[t, j] else -1.0
                x[t, j] += np.int64(by)
                change += _change(
                    t * sites + j, by, rs, rc, cs, cr, weight, kind, values, strength, held, add
                )
    return change


@njit(cache=True, nogil=True)
def unit_descend(
    rs: I64,
    rc: I32,
    cs: I64,
    cr: I32,
    weight: F64,
    kind: I32,
    values: F64,
    strength: F64,
    lower: I64,
    upper: I64,
    x: I64,
    held: F64,
    add: F64,
    order: I64,
    tolerance: float,
) -> float:
    """Local search: move a unit to where it brings most in its period, until nothing helps.

    Parameters
    ----------
    lower, upper : (periods, sites) fewest and most units
    x, held, add : the placement, the strength each row has, what a unit brings at each column; changed
    order : (columns,) in which order to try
    tolerance : smallest improvement that counts

    Returns
    -------
    The change of the value.
    """
    sites = x.shape[1]
    change = 0.0
    improved = True
    while improved:
        improved = False
        for c in order:
            t, j = c // sites, c % sites
            if x[t, j] <= lower[t, j]:
                continue
            change += _change(c, -1.0, rs, rc, cs, cr, weight, kind, values, strength, held, add)
            most, to = add[c] + tolerance, c
            for k in range(sites):
                b = t * sites + k
                if add[b] > most and x[t, k] < upper[t, k] and k != j:
                    most, to = add[b], b
            change += _change(to, 1.0, rs, rc, cs, cr, weight, kind, values, strength, held, add)
            if to != c:
                improved = True
                x[t, j] -= 1
                x[t, to % sites] += 1
    return change


@njit(cache=True, nogil=True)
def price_rows(
    rs: I64,
    rc: I32,
    weight: F64,
    kind: I32,
    values: F64,
    least: F64,
    u: F64,
    wanted: F64,
    score: F64,
) -> float:
    """``sum of max_t (w F(t) - u t)`` over the rows, for concave F.

    For the exponential t is 0 or at least ``least``, the strength of the row's weakest unit. ``wanted`` is
    filled with each row's best t, ``score`` with the sum of u within reach of each column.
    """
    last = values.shape[1] - 1
    score[:] = 0.0
    total = 0.0
    for i in range(len(weight)):
        w, price, t = weight[i], u[i], 0.0
        if last < 0:
            if price < w:
                t = max(np.log(w / max(price, w * 1e-12)), least[i])
                gain = w * (1.0 - np.exp(-t)) - price * t
                if gain > 0.0:
                    total += gain
                else:
                    t = 0.0
        else:
            before = values[kind[i], 0]
            for k in range(1, last + 1):
                after = values[kind[i], k]
                slope = w * (after - before)
                if slope <= price:
                    break
                total += slope - price
                t = float(k)
                before = after
        wanted[i] = t
        for e in range(rs[i], rs[i + 1]):
            score[rc[e]] += price
    return total


@njit(cache=True, nogil=True)
def step_rows(
    rs: I64,
    rc: I32,
    standing: F64,
    wanted: F64,
    excess: float,
    most: F64,
    keep: float,
    u: F64,
    way: F64,
) -> None:
    """One deflected subgradient step (Camerini, Fratta & Maffioli 1975) of the rows' prices.

    ``standing`` is the strength at each column, ``excess`` the bound's distance to the target times the
    step factor, ``most`` the price from which on a row wants nothing. The new direction keeps the share
    ``keep`` of the one before.
    """
    norm = 0.0
    for i in range(len(u)):
        g = -wanted[i]
        for e in range(rs[i], rs[i + 1]):
            g += standing[rc[e]]
        if u[i] <= 0.0 and g > 0.0:
            g = 0.0
        g = keep * way[i] + (1.0 - keep) * g
        way[i] = g
        norm += g * g
    if norm > 1e-12:
        for i in range(len(u)):
            u[i] = min(most[i], max(0.0, u[i] - excess / norm * way[i]))
