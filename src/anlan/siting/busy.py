"""How busy units are: given outright, for each site, or worked out from the calls by the hypercube."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from anlan.core.errors import AnlanError
from anlan.core.seed import stream
from anlan.siting.answer import Floats, Ints
from anlan.siting.erlang import erlang_b
from anlan.siting.hypercube import Hypercube, Queue, correction_factors, hypercube

_EXACT_INSIDE = 12
"""Inside an iteration the exact hypercube is used only where it takes milliseconds."""


@dataclass(frozen=True)
class Workload:
    """The calls that keep units busy.

    Attributes
    ----------
    calls_per_hour : float
        From all demand together; each demand's share is its weight.
    service_s : float
        Mean seconds a unit is busy with a call besides the way there: turn-out, on scene, way back.
    queue : str
        ``"infinite"``: calls wait for a free unit; ``"loss"``: somebody else takes them.
    """

    calls_per_hour: float
    service_s: float
    queue: Queue = "infinite"

    def __post_init__(self) -> None:
        if not (0 < self.calls_per_hour < np.inf and 0 < self.service_s < np.inf):
            raise AnlanError(
                f"{self.calls_per_hour:g} calls per hour of {self.service_s:g} s",
                "both are positive",
                "take the calls per hour from the demand and the seconds from past calls",
                code="workload",
            )
        if self.queue not in ("infinite", "loss"):
            raise AnlanError(f"queue = {self.queue!r}", "it is infinite or loss", "choose one of the two")


def checked_busy(busy: Any, n_site: int) -> float | Floats:
    """A busy fraction in [0, 1): one for all, or one for each site.

    Raises
    ------
    AnlanError
    """
    values = np.asarray(busy, np.float64)
    if values.shape not in ((), (n_site,)) or not np.all((values >= 0) & (values < 1)):
        raise AnlanError(
            f"busy of shape {values.shape}" if values.ndim else f"busy = {busy}",
            f"a busy fraction is at least 0 and below 1, one for all units or one for each of {n_site} sites",
            "correct it, or give a Workload to have it worked out",
            code="busy",
        )
    return values if values.ndim else float(values)


def corrected_values(units: int, busy: float, queue: Queue = "infinite") -> Floats:
    r"""Chance that one of k units within reach is free, for k = 0 … units, shape (units + 1,).

    Daskin's :math:`1 - q^k` takes units to be busy independently; with Larson's factors
    :math:`\sum_{l \le k} Q(N, q, l-1)\, q^{l-1}(1-q)` (Batta, Dolan & Krishnamurthy 1989, "The maximal
    expected covering location problem: revisited"). Its steps fall, so it is as good to optimise.

    Parameters
    ----------
    units : int
        All units of the system.
    busy : float
        Workload of one unit; in a loss system after losses.
    queue : {"infinite", "loss"}
    """
    if busy <= 0.0:
        return np.minimum(np.arange(units + 1.0), 1.0)
    offered = busy if queue == "infinite" else _offered(units, busy)
    steps = correction_factors(units, offered, queue) * busy ** np.arange(units) * (1.0 - busy)
    return np.concatenate([[0.0], np.cumsum(steps)])


def _offered(units: int, busy: float) -> float:
    """The load per unit that leaves a workload of ``busy`` after losses, by bisection."""
    low, high = busy, busy
    while high * (1.0 - erlang_b(units, high * units)) < busy:
        high *= 2.0
    for _ in range(100):
        middle = 0.5 * (low + high)
        low, high = (
            (middle, high) if middle * (1.0 - erlang_b(units, middle * units)) < busy else (low, middle)
        )
    return high


@dataclass(frozen=True, eq=False)
class Work:
    """What the calls make of some posts.

    Attributes
    ----------
    result : Hypercube
        Over groups of demand that prefer the same sites in the same order; units in site order.
    busy : ndarray, shape (n_open,)
        Workload of a unit at each site.
    travel_s : float
        Mean way to a call.
    covered : float
        Share of calls that are sent a unit at once which is there within the reach; lost calls count.
    """

    result: Hypercube
    busy: Floats
    travel_s: float
    covered: float


def work_of(
    times: Floats, weight: Floats, units: Ints, reach: float, workload: Workload, travel_s: float
) -> Work:
    """Run the hypercube over some posts.

    Parameters
    ----------
    times : ndarray, shape (n_demand, n_open)
        Seconds from each open site; infinite where unreachable.
    weight : ndarray, shape (n_demand,)
    units : ndarray, shape (n_open,)
    reach : float
        Seconds.
    workload : Workload
    travel_s : float
        Mean way to a call, counted as busy.
    """
    far = times[np.isfinite(times)].max(initial=0.0)
    reachable = np.where(np.isfinite(times), times, 2.0 * far)  # the last resort, but a finite one
    order = np.argsort(reachable, axis=1, kind="stable")
    key = stream(0, "preference").integers(0, 2**64, size=(len(units), len(units)), dtype=np.uint64)
    name = np.zeros(len(order), np.uint64)
    for rank in range(order.shape[1]):
        name += key[order[:, rank], rank]
    _, first, group = np.unique(name, return_index=True, return_inverse=True)
    rate = np.bincount(group, weight)
    keep = rate > 0

    def mean(values: Floats) -> Floats:
        """Of each group and unit, from a value for each demand and open site."""
        sums = [np.bincount(group, weight * column)[keep] for column in values.T]
        return np.repeat(np.stack(sums, axis=1) / rate[keep, None], units, axis=1)

    begin = np.concatenate([[0], np.cumsum(units)])
    mine = [np.arange(begin[j], begin[j + 1]) for j in range(len(units))]
    preference = np.array([np.concatenate([mine[j] for j in row]) for row in order[first[keep]]])
    result = hypercube(
        rate[keep] / rate.sum() * workload.calls_per_hour / 3600.0,
        preference,
        1.0 / (workload.service_s + travel_s),
        workload.queue,
        method="approximate" if units.sum() > _EXACT_INSIDE else "auto",
    )
    served = 1.0 - result.p_queue if workload.queue == "loss" else 1.0
    return Work(
        result,
        # Units at one site are interchangeable; which of them is listed first is an accident.
        np.add.reduceat(result.workloads, begin[:-1]) / units,
        result.mean_travel(mean(reachable)),
        float((result.immediate_fractions * mean((times <= reach).astype(np.float64))).sum() * served),
    )
