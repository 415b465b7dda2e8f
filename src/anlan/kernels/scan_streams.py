"""Scan of several streams of calls at once: windows that end with the last slot, scores summed over streams."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from anlan.kernels.scan_replicate import shuffled

Floats = NDArray[np.float64]
Counts = NDArray[np.int32]
Rows = NDArray[np.int64]
Flags = NDArray[np.bool_]


@njit(cache=True, nogil=True)
def suffix_counts(
    place: Counts, slot: Counts, first: Rows, places: int, slots: int, longest: int, seeds: NDArray[np.uint64]
) -> Counts:
    """Cases of each place by stream in its last 1, 2, … slots, shape (n_place, n_stream * longest).

    Parameters
    ----------
    place, slot : ndarray of int32, shape (n_case,)
        Sorted by stream.
    first : ndarray of int64, shape (n_stream + 1,)
        Where each stream's cases begin.
    seeds : ndarray of uint64, shape (n_stream,) or (0,)
        Deal the slots of each stream out anew among its cases, with these; none leaves them as they are.
    """
    streams = len(first) - 1
    out = np.zeros((places, streams * longest), np.int32)
    for k in range(streams):
        own = slot[first[k] : first[k + 1]]
        if len(seeds) > 0:
            own = shuffled(own, seeds[k])
        for i in range(len(own)):
            back = slots - 1 - own[i]
            if back < longest:
                out[place[first[k] + i], k * longest + back] += 1
    for p in range(places):
        for k in range(streams):
            for d in range(k * longest + 1, (k + 1) * longest):
                out[p, d] += out[p, d - 1]
    return out


@njit(cache=True, nogil=True)
def best_windows(
    counts: Counts,
    start: Rows,
    order: Counts,
    ends: Flags,
    reach: Floats,
    log_reach: Floats,
    time: Floats,
    log_time: Floats,
    x_log_x: Floats,
    least: float,
    first: int,
    last: int,
) -> tuple[Floats, Rows, Rows]:
    """Best window of centres [first, last): the sum over streams of ``c ln(c / μ) - (c - μ)`` where c > μ.

    Parameters
    ----------
    counts : from `suffix_counts`.
    start, order, ends : circles as in `anlan.kernels.scan_circles`.
    reach, log_reach : shape (n_entry, n_stream)
        Cases of each stream in the circle that ends with the entry, over all slots.
    time, log_time : shape (n_stream, longest)
        Share of each stream's cases in the last 1, 2, … slots.
    x_log_x : shape (n,)
        ``n ln n`` for every count that can occur.
    least : float
        Windows in which fewer cases are expected, all streams together, are passed over.

    Returns
    -------
    score, entry, length : -inf, -1, -1 where nothing exceeds its expectation.
    """
    n, width = last - first, counts.shape[1]
    streams, longest = time.shape
    best = np.full(n, -np.inf)
    entry, length = np.full(n, -1, np.int64), np.full(n, -1, np.int64)
    run = np.empty(width, np.int32)
    score, usual = np.empty(longest), np.empty(longest)
    for centre in range(first, last):
        run[:] = 0
        top = 0.0
        for q in range(start[centre], start[centre + 1]):
            row = counts[order[q]]
            for j in range(width):
                run[j] += row[j]
            if not ends[q]:
                continue
            whole = 0.0
            for k in range(streams):
                whole += reach[q, k] * time[k, longest - 1]
            if whole < least:
                continue
            score[:] = 0.0
            usual[:] = 0.0
            for k in range(streams):
                r, log_r = reach[q, k], log_reach[q, k]
                base = k * longest
                for d in range(longest):
                    c = run[base + d]
                    m = r * time[k, d]
                    usual[d] += m
                    if c > m:
                        score[d] += x_log_x[c] - c * (log_r + log_time[k, d] + 1.0) + m
            for d in range(longest):
                if score[d] > top and usual[d] >= least:
                    top = score[d]
                    best[centre - first] = top
                    entry[centre - first], length[centre - first] = q, d + 1
    return best, entry, length


@njit(cache=True, nogil=True)
def table_of_x_log_x(most: int) -> Floats:
    """``n ln n`` for n = 0 … most."""
    out = np.zeros(most + 1)
    for n in range(1, most + 1):
        out[n] = n * math.log(float(n))
    return out
