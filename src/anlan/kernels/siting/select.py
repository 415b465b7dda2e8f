"""The q largest of an array, marked; a random number."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

B8 = NDArray[np.bool_]
F64 = NDArray[np.float64]
U64 = NDArray[np.uint64]


@njit(cache=True, nogil=True)
def draw(state: U64, n: int) -> int:
    """The next random integer below n (xorshift64*, Vigna 2016); ``state`` (1,) changes."""
    x = state[0]
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    state[0] = x
    return int((x * np.uint64(2685821657736338717)) >> np.uint64(33)) % n


@njit(cache=True, nogil=True)
def mark_largest(s: F64, q: int, chosen: B8, scratch: F64) -> float:
    """Mark the at most q largest positive entries of ``s``; equal ones by index. Gives their sum.

    ``scratch`` is at least as long as ``s`` and changes (Hoare's quickselect works in it).
    """
    f = len(s)
    chosen[:] = False
    if q <= 0 or f == 0:
        return 0.0
    limit = 0.0
    if q < f:
        scratch[:f] = s
        low = 0
        high = f - 1
        while low < high:
            pivot = scratch[(low + high) >> 1]
            i = low
            j = high
            while i <= j:
                while scratch[i] > pivot:
                    i += 1
                while scratch[j] < pivot:
                    j -= 1
                if i <= j:
                    t = scratch[i]
                    scratch[i] = scratch[j]
                    scratch[j] = t
                    i += 1
                    j -= 1
            if q - 1 <= j:
                high = j
            elif q - 1 >= i:
                low = i
            else:
                break
        limit = max(0.0, scratch[q - 1])
    total = 0.0
    left = q
    for j in range(f):
        if s[j] > limit:
            chosen[j] = True
            total += s[j]
            left -= 1
    if limit > 0.0:
        for j in range(f):
            if left == 0:
                break
            if s[j] == limit:
                chosen[j] = True
                total += s[j]
                left -= 1
    return total
