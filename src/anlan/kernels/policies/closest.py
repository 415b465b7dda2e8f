"""Closest unit first: the shortest time to arrival wins, the lower row on a tie."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from anlan.kernels.bare import BARE


@njit(**BARE)
def choose(eta_s: NDArray[Any]) -> int:
    """Row of the least finite time to arrival; -1 where none is finite."""
    best = np.inf
    unit = -1
    for u in range(len(eta_s)):
        if eta_s[u] < best:
            best = eta_s[u]
            unit = u
    return unit
