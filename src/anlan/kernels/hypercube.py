"""Steady state of the hypercube of busy units, exact and approximate."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True, nogil=True)
def balance_sweeps(
    up: NDArray[np.float64],
    service: NDArray[np.float64],
    call_rate: float,
    level: NDArray[np.uint8],
    p: NDArray[np.float64],
    sweeps: int,
    tolerance: float,
) -> float:
    """Improve the state probabilities of a loss hypercube in place; give the last sweep's total change.

    One sweep is a Gauss-Seidel pass upwards over all states (every subset of busy units comes before the
    set itself), one downwards, and then an aggregation step: the number of busy units is a birth-death
    chain whose death rates follow from the present conditional distribution within each level, so its
    steady state is known in closed form and each level is scaled to it (iterative
    aggregation-disaggregation; Takahashi 1975, Koury, McAllister & Stewart 1984).

    Parameters
    ----------
    up : ndarray, shape (units, 2**units)
        Rate at which unit n is sent in state B; zero where n is busy in B.
    service : ndarray, shape (units,)
    call_rate : float
    level : ndarray of uint8, shape (2**units,)
        Number of busy units in each state.
    p : ndarray, shape (2**units,)
        Changed in place; sums to 1 afterwards.
    sweeps : int
        At most so many.
    tolerance : float
        Stop when a sweep changes the probabilities by no more than this in total.
    """
    units = service.size
    states = p.size
    change = 0.0
    mass = np.empty(units + 1)
    death = np.empty(units + 1)
    scale = np.empty(units + 1)
    for _ in range(sweeps):
        change = 0.0
        for step in range(2 * states):
            state = step if step < states else 2 * states - 1 - step
            inflow = 0.0
            outflow = call_rate if state < states - 1 else 0.0
            for n in range(units):
                bit = 1 << n
                if state & bit:
                    below = state ^ bit
                    inflow += p[below] * up[n, below]
                    outflow += service[n]
                else:
                    inflow += p[state | bit] * service[n]
            new = inflow / outflow
            if step >= states:
                change += abs(new - p[state])
            p[state] = new
        mass[:] = 0.0
        death[:] = 0.0
        for state in range(states):
            rate = 0.0
            for n in range(units):
                if state >> n & 1:
                    rate += service[n]
            mass[level[state]] += p[state]
            death[level[state]] += p[state] * rate
        scale[0] = 1.0
        total = 1.0
        for k in range(1, units + 1):
            # Where so few calls come that a level's mass is lost to underflow, it stays empty.
            scale[k] = scale[k - 1] * call_rate * mass[k] / death[k] if death[k] > 0.0 else 0.0
            total += scale[k]
        for k in range(units + 1):
            scale[k] = scale[k] / (total * mass[k]) if mass[k] > 0.0 else 0.0
        for state in range(states):
            p[state] *= scale[level[state]]
        if change <= tolerance:
            break
    return change


@njit(cache=True, nogil=True)
def chance_asked(
    preference: NDArray[np.int32],
    workload: NDArray[np.float64],
    factor: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """Write to ``out[a, n]`` the corrected chance that all units area a prefers to unit n are busy.

    ``Q_k * prod(w of the k units before n)`` (Larson 1975): times ``1 - w[n]`` it is the chance that a call
    from a is sent unit n at once.
    """
    areas, units = preference.shape
    for a in range(areas):
        busy = 1.0
        for k in range(units):
            n = preference[a, k]
            out[a, n] = factor[k] * busy
            busy *= workload[n]
