"""Timed rounds: from hot place to hot place of a beat, stopping for some minutes at each.

Koper (1995), "Just enough police presence", Justice Quarterly 12, 649-672: stops of 10 to 16 minutes; an assumption
that every report names.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from anlan.kernels.bare import BARE


@njit(**BARE)
def choose(beat: NDArray[Any], visited: NDArray[Any], stationed: NDArray[Any], here: int) -> int:
    """The place of a beat that has waited longest and where nobody is or goes; -1 where none.

    Parameters
    ----------
    beat : ndarray of int32
        Hubs of the beat.
    visited : ndarray of float64
        When a patrol last came to each hub.
    stationed : ndarray of int32
        Free units at each hub or driving to it.
    here : int
        Hub where the unit is.
    """
    oldest = np.inf
    place = -1
    for i in range(len(beat)):
        h = beat[i]
        if h != here and stationed[h] == 0 and visited[h] < oldest:
            oldest = visited[h]
            place = h
    return place
