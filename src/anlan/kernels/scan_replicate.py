"""Worlds under the null of a scan statistic: the same cases, dealt out anew."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

Counts = NDArray[np.int32]
Floats = NDArray[np.float64]

# SplitMix64 (Steele, Lea and Flood 2014): one 64-bit state, so that a world depends on its seed alone and
# not on the thread that makes it.
_STEP = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_30, _27, _31, _11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)
_UNIT = 1.0 / 9007199254740992.0


@njit(cache=True, nogil=True, inline="always")
def _uniform(state: NDArray[np.uint64]) -> float:
    state[0] += _STEP
    z = state[0]
    z = (z ^ (z >> _30)) * _MIX_1
    z = (z ^ (z >> _27)) * _MIX_2
    return float((z ^ (z >> _31)) >> _11) * _UNIT


@njit(cache=True, nogil=True)
def shuffled(values: Counts, seed: np.uint64) -> Counts:
    """Return a random permutation of values (Fisher-Yates)."""
    state = np.array([seed], np.uint64)
    out = values.copy()
    for i in range(len(out) - 1, 0, -1):
        j = int(_uniform(state) * (i + 1))
        out[i], out[j] = out[j], out[i]
    return out


@njit(cache=True, nogil=True)
def tally(place: Counts, slot: Counts, places: int, slots: int, latest: int, width: int) -> Counts:
    """Cases by place and slot; of the last ``latest`` slots, counted backwards and summed, if positive.

    The sums stand in ``width`` columns, of which those beyond ``latest`` are zero.
    """
    if latest <= 0:
        out = np.zeros((places, slots), np.int32)
        for i in range(len(place)):
            out[place[i], slot[i]] += 1
        return out
    out = np.zeros((places, width), np.int32)
    for i in range(len(place)):
        back = slots - 1 - slot[i]
        if back < latest:
            out[place[i], back] += 1
    for p in range(places):
        for d in range(1, latest):
            out[p, d] += out[p, d - 1]
    return out


@njit(cache=True, nogil=True)
def spread(expected: Floats, cases: int, slots: int, seed: np.uint64) -> tuple[Counts, Counts]:
    """Deal cases to cells in proportion to what is expected (a multinomial draw).

    Sorted uniforms come from exponential gaps, so that one pass along the cells suffices.

    Parameters
    ----------
    expected : ndarray of float64, shape (n_place * n_slot,)

    Returns
    -------
    place, slot : of each case.
    """
    state = np.array([seed], np.uint64)
    gaps = np.empty(cases + 1)
    for i in range(cases + 1):
        gaps[i] = -math.log(1.0 - _uniform(state))
    scale = expected.sum() / gaps.sum()
    place, slot = np.empty(cases, np.int32), np.empty(cases, np.int32)
    cell, edge, at, live = 0, expected[0], 0.0, 0
    for i in range(cases):
        at += gaps[i] * scale
        while at >= edge and cell + 1 < len(expected):
            cell += 1
            edge += expected[cell]
        if expected[cell] > 0.0:
            live = cell
        place[i], slot[i] = live // slots, live % slots
    return place, slot


@njit(cache=True, nogil=True)
def drawn(individuals: Counts, cases: int, slots: int, seed: np.uint64) -> tuple[Counts, Counts]:
    """Choose which individuals are the cases (selection sampling, Knuth's algorithm S).

    Parameters
    ----------
    individuals : ndarray of int32, shape (n_place * n_slot,)

    Returns
    -------
    place, slot : of each case.
    """
    state = np.array([seed], np.uint64)
    place, slot = np.empty(cases, np.int32), np.empty(cases, np.int32)
    left, need, at = 0, cases, 0
    for cell in range(len(individuals)):
        left += individuals[cell]
    for cell in range(len(individuals)):
        for _ in range(individuals[cell]):
            if _uniform(state) * left < need:
                place[at], slot[at] = cell // slots, cell % slots
                at += 1
                need -= 1
            left -= 1
    return place, slot
