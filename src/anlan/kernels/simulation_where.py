"""Where the units of a run are at an instant, for those who look at it from outside the loop."""

from __future__ import annotations

from typing import Any

from numba import njit
from numpy.typing import NDArray

from anlan.kernels.policies.eligible import BUSY, EN_ROUTE, HOMEBOUND, MOVING
from anlan.kernels.simulation_world import locate


@njit(cache=True, nogil=True)
def where(
    w: Any, units: Any, now: float, node: NDArray[Any], place: NDArray[Any], ahead_s: NDArray[Any]
) -> None:
    """The place from which each unit would go on, and the seconds until it is there.

    Parameters
    ----------
    units : ndarray of UNIT records
        A copy: the records of driving units are advanced.
    node, place : ndarray of int64, shape (n_units,)
        Written: the next node of a driving unit, or -1 and the place of the world where it stands (or, driving
        along a single street, where it is going).
    ahead_s : ndarray of float64, shape (n_units,)
        Written.
    """
    for u in range(len(units)):
        unit = units[u]
        node[u] = -1
        place[u] = unit.place
        ahead_s[u] = 0.0
        sent = unit.status in (EN_ROUTE, BUSY)
        if sent and now >= unit.leg_end:
            place[u] = unit.leg_to
        elif sent and now < unit.leave:
            ahead_s[u] = unit.leave - now
        elif sent or unit.status == MOVING or unit.status == HOMEBOUND:
            n, wait = locate(w, unit, now)
            node[u] = n
            place[u] = unit.leg_to
            ahead_s[u] = wait
