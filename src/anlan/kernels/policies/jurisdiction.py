"""Jurisdiction first: a unit of the call's own area goes, unless a neighbour would be much sooner."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from anlan.kernels.bare import BARE
from anlan.kernels.policies import closest


@njit(**BARE)
def choose(eta_s: NDArray[Any], own: NDArray[Any], tolerance_s: float) -> int:
    """Closest unit of the call's own area; the closest of all where there is none or it is too much later.

    Parameters
    ----------
    eta_s : ndarray of float64, shape (n_units,)
    own : ndarray of bool, shape (n_units,)
    tolerance_s : float
        How much later than the closest of all an own unit may come.
    """
    any_unit = closest.choose(eta_s)
    if any_unit < 0:
        return any_unit
    best = np.inf
    unit = -1
    for u in range(len(eta_s)):
        if own[u] and eta_s[u] < best:
            best = eta_s[u]
            unit = u
    return unit if unit >= 0 and best <= eta_s[any_unit] + tolerance_s else any_unit
