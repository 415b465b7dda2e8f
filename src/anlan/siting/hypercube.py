r"""The hypercube queueing model: how busy each unit is and who is sent where when units are sometimes busy.

Calls arrive from areas at Poisson rates; each area has a list of units, best first, and the first free one
on it is sent; a unit is busy for an exponential time. With N units the set of busy units is a Markov chain
on the 2**N corners of a hypercube (Larson 1974). For state B, unit n free in B and service rates
:math:`\mu_n`,

.. math:: p(B)\Bigl(\lambda\,[B\ne\text{all}] + \sum_{n\in B}\mu_n\Bigr)
          = \sum_{n\in B} \lambda_n(B\setminus n)\,p(B\setminus n) + \sum_{n\notin B}\mu_n\,p(B\cup n)

where :math:`\lambda_n(B)` is the rate of the areas whose first free unit is n. A call that finds all units
busy is lost, or waits in one queue, first come first served. With the queue, the chain below "all busy" is
the same and the number waiting is geometric with ratio :math:`\lambda/\sum\mu_n`, so one solver serves both,
for unequal service rates too.

Sources
-------
Larson (1974), A hypercube queuing model for facility location and redistricting in urban emergency
services, *Computers & Operations Research* 1, 67-95. Larson (1975), Approximating the performance of urban
emergency service systems, *Operations Research* 23, 845-868. Jarvis (1985), Approximating the equilibrium
behavior of multi-server loss systems, *Management Science* 31, 235-239. Larson & Odoni (1981), *Urban
Operations Research*, chapter 5.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln

from anlan.core.errors import AnlanError
from anlan.core.job import Job
from anlan.kernels.hypercube import balance_sweeps, chance_asked
from anlan.siting.erlang import busy_distribution

EXACT_UNITS = 20
"""More units than this are approximated: 2**20 states take seconds and half a gigabyte."""

_TOLERANCE = 1e-11
_APPROXIMATE_TOLERANCE = 1e-10
_MAX_SWEEPS = 2000

Queue = Literal["infinite", "loss"]


@dataclass(frozen=True, eq=False)
class Hypercube:
    """What the hypercube model says.

    Attributes
    ----------
    workloads : ndarray, shape (units,)
        Share of time each unit is busy.
    dispatch_fractions : ndarray, shape (areas, units)
        Share of **all dispatches** that send unit n to area a; the whole array sums to 1. With a queue it
        contains the calls that waited; in a loss system lost calls are no dispatches.
    immediate_fractions : ndarray, shape (areas, units)
        The part of `dispatch_fractions` that was sent at once; the same array in a loss system.
    p_queue : float
        Probability that an arriving call finds all units busy: it then waits (infinite queue) or is lost
        (loss).
    mean_wait : float
        Mean wait for a free unit over all calls, in the time unit of the rates; 0 in a loss system.
    method : str
        ``exact`` or ``approximate``.
    queue : str
        ``infinite`` or ``loss``.
    states : ndarray, shape (2**units,)
        Exact only (empty where approximate): probability of each set of busy units, unit n being bit n of
        the index; with a queue the last entry includes all states in which calls wait.
    sweeps : int
        Iterations used.
    residual : float
        Exact: total change of the probabilities in the last sweep. Approximate: largest change of a
        workload.
    """

    workloads: NDArray[np.float64]
    dispatch_fractions: NDArray[np.float64]
    immediate_fractions: NDArray[np.float64]
    p_queue: float
    mean_wait: float
    method: str
    queue: str
    sweeps: int
    residual: float
    states: NDArray[np.float64] = field(repr=False)

    @property
    def queued_fractions(self) -> NDArray[np.float64]:
        """Share of all dispatches that send unit n to area a after a wait, shape (areas, units)."""
        return self.dispatch_fractions - self.immediate_fractions

    def mean_travel(self, times: ArrayLike, between: ArrayLike | None = None) -> float:
        """Mean travel time over all dispatches.

        Parameters
        ----------
        times : array-like, shape (areas, units)
            Time from each unit's post to each area.
        between : array-like, shape (areas, areas), optional
            Time to an area (row) from another (column). A call that waited is served by a unit that comes
            from its last call; with ``between`` such travel is counted from there (Larson & Odoni 5.4),
            without it from the unit's post.
        """
        times = _times(times, self.dispatch_fractions.shape, "areas × units")
        if between is None:
            return float((self.dispatch_fractions * times).sum())
        areas = len(times)
        between = _times(between, (areas, areas), "areas × areas")
        share = self.dispatch_fractions.sum(axis=1)
        waited = float(self.queued_fractions.sum())
        return float((self.immediate_fractions * times).sum() + waited * (share @ between @ share))

    def area_travel(self, times: ArrayLike) -> NDArray[np.float64]:
        """Mean travel time to each area, shape (areas,); NaN where no calls come from. See `mean_travel`."""
        times = _times(times, self.dispatch_fractions.shape, "areas × units")
        return _ratio((self.dispatch_fractions * times).sum(axis=1), self.dispatch_fractions.sum(axis=1))

    def unit_travel(self, times: ArrayLike) -> NDArray[np.float64]:
        """Mean travel time of each unit, shape (units,); NaN where it is never sent. See `mean_travel`."""
        times = _times(times, self.dispatch_fractions.shape, "areas × units")
        return _ratio((self.dispatch_fractions * times).sum(axis=0), self.dispatch_fractions.sum(axis=0))

    def within(self, times: ArrayLike, reach: float) -> float:
        """Share of calls that are sent a unit at once which arrives within ``reach``; lost calls count."""
        times = _times(times, self.dispatch_fractions.shape, "areas × units")
        served = 1.0 if self.queue == "infinite" else 1.0 - self.p_queue
        return float(self.immediate_fractions[times <= reach].sum() * served)


def hypercube(
    call_rate: ArrayLike,
    preference: ArrayLike,
    service_rate: ArrayLike,
    queue: Queue = "infinite",
    *,
    method: Literal["auto", "exact", "approximate"] = "auto",
    job: Job | None = None,
) -> Hypercube:
    """Steady state of units that are sometimes busy.

    Parameters
    ----------
    call_rate : array-like, shape (areas,)
        Calls per unit of time from each area.
    preference : array-like of int, shape (areas, units)
        Each area's units, zero-based, best first; each row is a permutation.
    service_rate : float or array-like, shape (units,)
        Calls a busy unit completes per unit of time, travel included; the same time unit.
    queue : {"infinite", "loss"}
        Whether calls that find all units busy wait, or go to somebody else.
    method : {"auto", "exact", "approximate"}
        ``auto`` is exact up to 20 units and Larson's approximation beyond.
    job : Job, optional

    Raises
    ------
    AnlanError
        If the shapes do not agree, a rate is negative or not finite, a row is no permutation, no calls
        come at all, or calls queue faster than all units together can serve.
    """
    rate, order, service = _validated(call_rate, preference, service_rate, queue, method)
    units = service.size
    if method == "exact" or (method == "auto" and units <= EXACT_UNITS):
        return _exact(rate, order, service, queue, job)
    return _approximate(rate, order, service, queue, job)


def correction_factors(units: int, utilisation: float, queue: Queue = "infinite") -> NDArray[np.float64]:
    r"""Larson's Q(N, ρ, j) for j = 0 … N-1, shape (units,).

    Draw units without replacement from an M/M/N system. The chance that the first j are busy and the next
    is free is not :math:`w^j(1-w)`, because the units share their calls; Q is the ratio of the two:

    .. math:: Q_j = \frac{1}{w^j(1-w)} \sum_{k=j}^{N-1} P_k \binom{k}{j}\binom{N}{j}^{-1}\frac{N-k}{N-j}

    with :math:`P_k` the probability that k are busy and w a unit's workload. Larson (1975) gives the case
    with a queue, where w = ρ; in a loss system w = ρ (1 - P_N).

    Parameters
    ----------
    units : int
    utilisation : float
        ρ: call rate divided by the service rate of all units together.
    queue : {"infinite", "loss"}
    """
    busy = busy_distribution(units, utilisation * units, queue=queue == "infinite")
    k = np.arange(units)[None, :]
    j = np.arange(units)[:, None]
    workload = utilisation if queue == "infinite" else utilisation * (1.0 - busy[-1])
    with np.errstate(divide="ignore"):
        log_chance = (
            gammaln(k + 1)
            - gammaln(np.maximum(k - j, 0) + 1)
            + gammaln(units - j + 1)
            - gammaln(units + 1)
            + np.log(units - k)
            - np.log(units - j)
            + np.log(busy[:-1])[None, :]
            - j * np.log(workload)
        )
    terms = np.where(k >= j, np.exp(np.where(k >= j, log_chance, -np.inf)), 0.0)
    return terms.sum(axis=1) / (1.0 - workload)


def _exact(
    rate: NDArray[np.float64],
    order: NDArray[np.int32],
    service: NDArray[np.float64],
    queue: Queue,
    job: Job | None,
) -> Hypercube:
    areas, units = order.shape
    total = float(rate.sum())
    # Area a sends its k-th unit in exactly those states that contain its first k-1 units and not the k-th:
    # sums over subsets give every state's dispatch rates at a cost that does not depend on the areas.
    before = np.zeros((areas, units), np.int64)
    before[:, 1:] = np.cumsum(1 << order[:, :-1].astype(np.int64), axis=1)
    up = np.zeros((units, 1 << units))
    np.add.at(up, (order, before), np.broadcast_to(rate[:, None], order.shape))
    for n in range(units):
        _add_subsets(up[n], [i for i in range(units) if i != n])
    level = np.zeros(1, np.uint8)
    for _ in range(units):
        level = np.concatenate([level, level + np.uint8(1)])
    p = np.full(1 << units, 1.0 / (1 << units))
    chunk = 8 if units > 14 else 64
    sweeps, change = 0, np.inf
    while change > _TOLERANCE and sweeps < _MAX_SWEEPS:
        if job is not None:
            job.check()
            job.update(note=f"change {change:.1e}")
        change = balance_sweeps(up, service, total, level, p, chunk, _TOLERANCE)
        sweeps += chunk
    del up
    capacity = float(service.sum())
    if queue == "infinite":
        p[-1] /= 1.0 - total / capacity
        p /= p.sum()
    all_busy = float(p[-1])
    contains = p.copy()
    _add_supersets(contains, units)
    workloads = contains[1 << np.arange(units)]
    at_once = contains[before] - contains[before | (1 << order.astype(np.int64))]
    immediate = np.zeros((areas, units))
    np.put_along_axis(immediate, order.astype(np.int64), np.maximum(at_once, 0.0), axis=1)
    return _result(
        rate, service, workloads, immediate, all_busy, queue, "exact", sweeps, float(change), states=p
    )


def _approximate(
    rate: NDArray[np.float64],
    order: NDArray[np.int32],
    service: NDArray[np.float64],
    queue: Queue,
    job: Job | None,
) -> Hypercube:
    r"""Larson's fixed point; his one service rate becomes the mean over dispatches where they differ.

    With :math:`V_n` the rate at which unit n would be sent if it were always free, over :math:`\mu_n`, and
    q what waiting calls add, :math:`w_n = V_n (1 - w_n) + q`; then all are scaled to the work that must be
    done. Each area's chances are finally scaled to the chance that somebody is free (Jarvis 1985).
    """
    areas, units = order.shape
    total, capacity = float(rate.sum()), float(service.sum())
    asked = np.empty((areas, units))
    workloads = np.full(units, min(total / capacity, 0.5))
    mean_rate, change, sweeps = capacity / units, np.inf, 0
    while change > _APPROXIMATE_TOLERANCE and sweeps < _MAX_SWEEPS:
        if job is not None:
            job.check()
        load = total / mean_rate
        if queue == "infinite":
            load = min(load, units * (1.0 - 1e-9))
        all_busy = float(busy_distribution(units, load, queue=queue == "infinite")[-1])
        chance_asked(order, workloads, correction_factors(units, load / units, queue), asked)
        intensity = rate @ asked / service
        waiting = total * all_busy / capacity if queue == "infinite" else 0.0
        new = (intensity + waiting) / (1.0 + intensity)
        served = total if queue == "infinite" else total * (1.0 - all_busy)
        new = np.minimum(new * served / (new @ service), 1.0 - 1e-9)
        change = float(np.abs(new - workloads).max())
        workloads = new
        mean_rate = float(new @ service / new.sum())
        sweeps += 1
    immediate = asked * (1.0 - workloads)
    immediate *= ((1.0 - all_busy) / immediate.sum(axis=1))[:, None]
    return _result(rate, service, workloads, immediate, all_busy, queue, "approximate", sweeps, change)


def _result(
    rate: NDArray[np.float64],
    service: NDArray[np.float64],
    workloads: NDArray[np.float64],
    immediate: NDArray[np.float64],
    all_busy: float,
    queue: str,
    method: str,
    sweeps: int,
    residual: float,
    states: NDArray[np.float64] | None = None,
) -> Hypercube:
    total, capacity = float(rate.sum()), float(service.sum())
    share = rate / total
    fractions = share[:, None] * immediate
    if queue == "infinite":
        # A waiting call is taken by the unit that becomes free first, wherever the call came from.
        dispatches = fractions + all_busy * share[:, None] * (service / capacity)[None, :]
        wait = all_busy / (capacity - total)
    else:
        fractions /= 1.0 - all_busy
        dispatches, wait = fractions, 0.0
    states = np.empty(0) if states is None else states
    for array in (workloads, dispatches, fractions, states):
        array.setflags(write=False)
    return Hypercube(
        workloads=workloads,
        dispatch_fractions=dispatches,
        immediate_fractions=fractions,
        p_queue=all_busy,
        mean_wait=wait,
        method=method,
        queue=queue,
        sweeps=sweeps,
        residual=residual,
        states=states,
    )


def _add_subsets(values: NDArray[np.float64], bits: list[int]) -> None:
    """Replace each entry by the sum over the subsets of its index that differ in ``bits`` only."""
    for i in bits:
        pair = values.reshape(-1, 2, 1 << i)
        pair[:, 1] += pair[:, 0]


def _add_supersets(values: NDArray[np.float64], units: int) -> None:
    """Replace each entry by the sum over the supersets of its index."""
    for i in range(units):
        pair = values.reshape(-1, 2, 1 << i)
        pair[:, 0] += pair[:, 1]


def _ratio(above: NDArray[np.float64], below: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.divide(above, below, out=np.full(below.shape, np.nan), where=below > 0)


def _times(times: ArrayLike, shape: tuple[int, ...], words: str) -> NDArray[np.float64]:
    array = np.asarray(times, np.float64)
    if array.shape != shape:
        raise AnlanError(
            f"times of shape {array.shape}",
            f"they are {words}, here {shape[0]} × {shape[1]}",
            "transpose or recompute them",
            code="shape",
        )
    return array


def _validated(
    call_rate: ArrayLike, preference: ArrayLike, service_rate: ArrayLike, queue: str, method: str
) -> tuple[NDArray[np.float64], NDArray[np.int32], NDArray[np.float64]]:
    rate = np.asarray(call_rate, np.float64)
    order: NDArray[Any] = np.asarray(preference)
    if rate.ndim != 1 or order.ndim != 2 or len(order) != len(rate) or order.size == 0:
        raise AnlanError(
            f"call_rate of shape {rate.shape} with preference of shape {order.shape}",
            "there is one rate and one row of preferences for each area",
            "give arrays of shape (areas,) and (areas, units)",
            code="shape",
        )
    units = order.shape[1]
    if not np.issubdtype(order.dtype, np.integer) or not np.array_equal(
        np.sort(order, axis=1), np.broadcast_to(np.arange(units), order.shape)
    ):
        raise AnlanError(
            "preference",
            f"each row lists all {units} units once, as whole numbers 0 to {units - 1}, best first",
            "sort the units of each area by travel time, for example with np.argsort(times, axis=1)",
            code="preference",
        )
    if not np.isfinite(rate).all() or (rate < 0).any() or rate.sum() <= 0:
        raise AnlanError(
            f"call_rate from {rate.min():g} to {rate.max():g}",
            "rates are finite, not negative, and at least one is positive",
            "drop areas of unknown rate or give them 0",
            code="call_rate",
        )
    service = np.asarray(service_rate, np.float64)
    if service.shape not in ((), (units,)) or not np.isfinite(service).all() or (service <= 0).any():
        raise AnlanError(
            f"service_rate of shape {service.shape}",
            f"it is one positive rate, or one for each of the {units} units",
            "give calls completed per unit of time: 1 / mean busy time",
            code="service_rate",
        )
    service = np.ascontiguousarray(np.broadcast_to(service, (units,)))
    if queue not in ("infinite", "loss"):
        raise AnlanError(
            f"queue = {queue!r}", "it is infinite or loss", "choose one of the two", code="queue"
        )
    if method not in ("auto", "exact", "approximate"):
        raise AnlanError(
            f"method = {method!r}",
            "it is auto, exact or approximate",
            "leave it out to let the number of units decide",
            code="method",
        )
    if method == "exact" and units > EXACT_UNITS:
        raise AnlanError(
            f"method = 'exact' with {units} units",
            f"2**units states fit for at most {EXACT_UNITS} units",
            "use the approximation, or split the city",
            code="too_many_units",
        )
    if queue == "infinite" and rate.sum() >= service.sum():
        raise AnlanError(
            f"{rate.sum():g} calls per unit of time",
            f"all {units} units together serve only {service.sum():g}, so the queue never ends",
            "add units, shorten the service time, or use queue='loss'",
            code="overload",
        )
    return np.ascontiguousarray(rate), np.ascontiguousarray(order, dtype=np.int32), service
