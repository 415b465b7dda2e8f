"""Coverage-minded dispatch: of the units that come in time, the one whose leaving bares least.

Jagtenberg, Bhulai and van der Mei (2017), "Dynamic ambulance dispatching: is the closest-idle policy always
optimal?", Health Care Management Science 20, 517-531, section 4.2: among the idle units that arrive within the
standard, send the one whose post contributes least marginal expected coverage; where none arrives in time, the
closest.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from anlan.kernels.bare import BARE
from anlan.kernels.policies import closest

FARTHEST_S = np.finfo(np.float64).max
"""Also where any time will do, a unit that cannot come (inf) will not."""


@njit(**BARE)
def loss(
    post: int,
    stationed: NDArray[Any],
    cover_start: NDArray[Any],
    cover_set: NDArray[Any],
    weight: NDArray[Any],
    gain: NDArray[Any],
    covered: NDArray[Any],
) -> float:
    """Expected coverage that is lost when one unit leaves a post, given how many others cover each set."""
    last = len(gain) - 1
    value = 0.0
    for i in range(cover_start[post], cover_start[post + 1]):
        s = cover_set[i]
        value += weight[s] * gain[min(max(covered[s] - 1, 0), last)]
    return value


@njit(**BARE)
def count(
    stationed: NDArray[Any], cover_start: NDArray[Any], cover_set: NDArray[Any], covered: NDArray[Any]
) -> None:
    """How many free units cover each set of demand, into ``covered``."""
    covered[:] = 0
    for p in range(len(stationed)):
        if stationed[p] > 0:
            for i in range(cover_start[p], cover_start[p + 1]):
                covered[cover_set[i]] += stationed[p]


@njit(**BARE)
def choose(eta_s: NDArray[Any], loss_of: NDArray[Any], within_s: float) -> int:
    """Least loss among those that arrive within ``within_s``, the sooner on a tie; else the closest.

    Parameters
    ----------
    eta_s, loss_of : ndarray of float64, shape (n_units,)
    """
    best = np.inf
    unit = -1
    for u in range(len(eta_s)):
        if eta_s[u] <= min(within_s, FARTHEST_S) and (
            loss_of[u] < best or (loss_of[u] == best and unit >= 0 and eta_s[u] < eta_s[unit])
        ):
            best = loss_of[u]
            unit = u
    return unit if unit >= 0 else closest.choose(eta_s)
