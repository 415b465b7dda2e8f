"""How many units an hour needs, from its calls and a target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from anlan.core.errors import AnlanError
from anlan.core.job import Job
from anlan.siting.answer import Floats, Ints, Siting
from anlan.siting.busy import Workload
from anlan.siting.erlang import erlang_c
from anlan.siting.mexclp import mexclp
from anlan.siting.problem import checked_cost
from anlan.siting.reduce import nearest_two

_MOST = 100_000
"""More units than this are a mistake in the input."""


@dataclass(frozen=True, eq=False)
class Staffing:
    """Units needed hour by hour. Immutable.

    Attributes
    ----------
    units : ndarray of int64, shape (n_slot,)
        The fewest that keep the target; 0 where no calls come.
    load : ndarray of float64, shape (n_slot,)
        Offered load in erlangs: the units that are busy on average.
    p_wait : ndarray of float64, shape (n_slot,)
        Probability that a call finds all of these units busy (Erlang C).
    mean_wait_s : ndarray of float64, shape (n_slot,)
        Mean wait for a free unit over all calls.
    covered : ndarray of float64, shape (n_slot,)
        Share of calls that are sent a unit at once which is there within the reach, where that was asked;
        NaN otherwise.
    sitings : tuple of (Siting or None)
        Where the units stood for `covered`; empty where that was not asked.
    """

    units: Ints
    load: Floats
    p_wait: Floats
    mean_wait_s: Floats
    covered: Floats
    sitings: tuple[Siting | None, ...] = ()

    def __post_init__(self) -> None:
        for array in (self.units, self.load, self.p_wait, self.mean_wait_s, self.covered):
            array.setflags(write=False)

    def __len__(self) -> int:
        return len(self.units)


def staffing(
    calls_per_hour: ArrayLike,
    service_s: float | ArrayLike,
    *,
    p_wait: float | None = None,
    mean_wait_s: float | None = None,
    answered: tuple[float, float] | None = None,
    covered: float | None = None,
    cost: Any = None,
    reach: float | None = None,
    weight: ArrayLike | None = None,
    time_limit_s: float = 60.0,
    seed: int = 0,
    job: Job | None = None,
) -> Staffing:
    r"""Find the fewest units that keep every given target in each hour ("how many at 22:00?").

    Each slot is taken as steady and on its own (the stationary independent period-by-period approach; Green,
    Kolesar & Soares 2001, "Improving the SIPP approach for staffing service systems that have cyclic
    demands", *Operations Research* 49, 549-564): sound where a call takes less than a slot, a little too few
    units right after a steep peak otherwise. With n units and a load of a erlangs,

    .. math:: P(\text{wait}) = C(n, a),\quad E(W) = \frac{C(n, a)\, s}{n - a},\quad
              P(W \le t) = 1 - C(n, a)\, e^{-(n - a)\, t / s}

    (Erlang 1917). For a share within reach the units are placed by `mexclp` with a `Workload`, and the
    hypercube says what share that covers.

    Parameters
    ----------
    calls_per_hour : array (n_slot,)
        Calls per hour in each slot, such as the 168 hours of a week.
    service_s : float or array (n_slot,)
        Mean seconds a unit is busy with a call; with ``covered`` besides the way there.
    p_wait : float, optional
        Highest probability that a call waits for a free unit.
    mean_wait_s : float, optional
        Longest mean wait in seconds, over all calls.
    answered : (float, float), optional
        (seconds, share): at least this share of calls waits no longer than so many seconds for a free unit.
    covered : float, optional
        Least share of calls that are sent a unit at once which is there within ``reach``; needs ``cost`` and
        ``reach``.
    cost : array or sparse matrix (n_demand, n_site), optional
        Seconds from site to demand.
    reach : float, optional
        Seconds.
    weight : array (n_demand,) or (n_slot, n_demand), optional
        Where the calls come from; ones where left out.
    time_limit_s, seed, job
        For each placement, as in `anlan.siting.mclp`.

    Returns
    -------
    Staffing

    Raises
    ------
    AnlanError
        If an input is wrong, no target is given, or the share within reach cannot be had with any number.
    """
    calls, service = _checked_calls(calls_per_hour, service_s)
    _check_targets(p_wait, mean_wait_s, answered, covered)
    load = calls / 3600.0 * service
    n = len(calls)
    units, waits = np.zeros(n, np.int64), np.zeros(n)
    for t in range(n):
        units[t], waits[t] = _fewest(float(load[t]), float(service[t]), p_wait, mean_wait_s, answered)
    shares: Floats = np.full(n, np.nan)
    sitings: list[Siting | None] = []
    if covered is not None:
        matrix, weights = _checked_places(cost, reach, weight, n)
        assert reach is not None
        seen: dict[bytes, tuple[int, float, Siting | None]] = {}
        for t in range(n):
            if job is not None:
                job.check()
                job.update(note=f"{t} of {n}")
            key = np.array([calls[t], service[t]]).tobytes() + weights[t].tobytes()
            if key not in seen:
                place = _Place(matrix, weights[t], float(reach), float(service[t]), time_limit_s, seed, job)
                seen[key] = place.fewest(float(calls[t]), covered, max(1, int(units[t])))
            units[t], shares[t], siting = seen[key]
            sitings.append(siting)
        waits = np.array(
            [erlang_c(int(u), float(a)) if a > 0 else 0.0 for u, a in zip(units, load, strict=True)]
        )
    spare = np.where(units > load, units - load, np.inf)
    mean = np.where(units > 0, waits * service / spare, 0.0)
    return Staffing(units, load, waits, mean, shares, tuple(sitings))


def _fewest(
    load: float,
    service: float,
    p_wait: float | None,
    mean_wait_s: float | None,
    answered: tuple[float, float] | None,
) -> tuple[int, float]:
    """The fewest units that keep the waiting targets, and the probability of waiting with them."""
    if load <= 0.0:
        return 0, 0.0
    blocked, n = 1.0, 0
    while n < _MOST:
        n += 1
        blocked = load * blocked / (n + load * blocked)
        if n <= load:
            continue
        waits = blocked / (1.0 - load / n * (1.0 - blocked))
        if p_wait is not None and waits > p_wait:
            continue
        if mean_wait_s is not None and waits * service / (n - load) > mean_wait_s:
            continue
        if answered is not None:
            seconds, share = answered
            if 1.0 - waits * np.exp(-(n - load) * seconds / service) < share:
                continue
        return n, waits
    raise AnlanError(
        f"a load of {load:g} erlangs", f"it needs more than {_MOST} units", "check calls and service time"
    )


@dataclass(frozen=True, eq=False)
class _Place:
    """Placing units for one slot's calls."""

    cost: Any
    weight: Floats
    reach: float
    service_s: float
    time_limit_s: float
    seed: int
    job: Job | None

    def fewest(self, calls: float, share: float, least: int) -> tuple[int, float, Siting | None]:
        """The fewest units, at least ``least``, that cover the share; doubling, then halving the interval."""
        if calls <= 0.0:
            return 0, np.nan, None
        total = float(self.weight.sum())
        _, near, _, _ = nearest_two(self.cost, np.arange(self.cost.shape[1]))
        within = float(self.weight[near <= self.reach].sum()) / max(total, 1e-300)
        if within < share:
            raise AnlanError(
                f"covered = {share:g}",
                f"only {within:.4g} of the demand is within {self.reach:g} s of any site",
                "lower the share, enlarge the reach, or add candidate sites",
                code="covered_out_of_reach",
            )
        few, many, step = least - 1, least, 1
        best = self._covers(calls, many)
        while best is None or best[0] < share:
            few, step = many, 2 * step
            many += step
            if many > 64 + 64 * least:
                raise AnlanError(
                    f"covered = {share:g}",
                    f"{few} units cover {best[0] if best else 0.0:.4g} and more bring nothing",
                    "lower the share, enlarge the reach, or add candidate sites",
                    code="covered_out_of_reach",
                )
            best = self._covers(calls, many)
        while many - few > 1:
            middle = (few + many) // 2
            found = self._covers(calls, middle)
            if found is not None and found[0] >= share:
                many, best = middle, found
            else:
                few = middle
        return many, best[0], best[1]

    def _covers(self, calls: float, units: int) -> tuple[float, Siting] | None:
        """What so many units cover; None where they cannot serve all calls."""
        if calls / 3600.0 * self.service_s >= units:
            return None
        try:
            answer = mexclp(
                self.cost, units, self.reach, Workload(calls, self.service_s), self.weight,
                time_limit_s=self.time_limit_s, seed=self.seed, job=self.job,
            )  # fmt: skip
        except AnlanError as error:
            if error.code == "overload":  # the way there makes it too much
                return None
            raise
        return float(answer.details["hypercube_covered"]), answer


def _checked_calls(calls_per_hour: ArrayLike, service_s: float | ArrayLike) -> tuple[Floats, Floats]:
    calls = np.atleast_1d(np.asarray(calls_per_hour, np.float64))
    service = np.asarray(service_s, np.float64)
    if calls.ndim != 1 or not np.all((calls >= 0) & np.isfinite(calls)):
        raise AnlanError(
            f"calls_per_hour of shape {calls.shape}",
            "there is one finite rate, 0 or more, for each slot",
            "correct it",
        )
    if service.shape not in ((), calls.shape) or not np.all((service > 0) & np.isfinite(service)):
        raise AnlanError(
            f"service_s of shape {service.shape}",
            f"it is a positive number of seconds, one for all or one for each of the {len(calls)} slots",
            "correct it",
        )
    return calls, np.broadcast_to(service, calls.shape).astype(np.float64)


def _check_targets(
    p_wait: float | None,
    mean_wait_s: float | None,
    answered: tuple[float, float] | None,
    covered: float | None,
) -> None:
    if p_wait is None and mean_wait_s is None and answered is None and covered is None:
        raise AnlanError(
            "staffing without a target", "some service has to be asked for", "give p_wait, such as p_wait=0.1"
        )
    for name, share in (("p_wait", p_wait), ("covered", covered), ("answered", answered and answered[1])):
        if share is not None and not 0 < share < 1:
            raise AnlanError(f"{name} = {share}", "the share lies between 0 and 1", "give 0.1 for a tenth")
    for name, seconds in (("mean_wait_s", mean_wait_s), ("answered", answered and answered[0])):
        if seconds is not None and not (seconds >= 0 and (seconds > 0 or name == "answered")):
            raise AnlanError(f"{name} = {seconds}", "a wait is a positive number of seconds", "correct it")


def _checked_places(cost: Any, reach: float | None, weight: ArrayLike | None, n: int) -> tuple[Any, Floats]:
    if cost is None or reach is None:
        raise AnlanError(
            "covered", "a share within reach needs travel times and a reach", "give cost and reach"
        )
    matrix = checked_cost(cost)
    weights = np.ones(matrix.shape[0]) if weight is None else np.asarray(weight, np.float64)
    if weights.shape not in ((matrix.shape[0],), (n, matrix.shape[0])):
        raise AnlanError(
            f"weight of shape {weights.shape}",
            f"there is one weight for each of {matrix.shape[0]} demands, for all or for each of {n} slots",
            "correct it",
        )
    return matrix, np.broadcast_to(weights, (n, matrix.shape[0]))
