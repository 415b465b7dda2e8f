"""Maximum expected covering: several units may stand at one site, and each of them is sometimes busy."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from anlan.core.job import Job
from anlan.siting.answer import Floats, Ints, Siting
from anlan.siting.busy import Workload, checked_busy, corrected_values, work_of
from anlan.siting.problem import Problem, Watch
from anlan.siting.unit_cover import Layer, stacked
from anlan.siting.unit_model import solve_units, unit_layers, unit_limits

_ROUNDS = 12
"""Most turns between siting and hypercube; they settle in two to five."""


def mexclp(
    cost: Any,
    units: int,
    reach: float,
    busy: float | ArrayLike | Workload,
    weight: ArrayLike | None = None,
    *,
    corrected: bool = False,
    capacity: int | ArrayLike | None = None,
    fixed: ArrayLike = (),
    existing: ArrayLike = (),
    forbidden: ArrayLike = (),
    site_cost: ArrayLike | None = None,
    budget: float | None = None,
    areas: ArrayLike | None = None,
    minimum: float | ArrayLike = 0.0,
    gap: float = 0.0,
    time_limit_s: float = 60.0,
    seed: int = 0,
    job: Job | None = None,
) -> Siting:
    r"""Place units so that as much demand as possible is expected to have a free one within reach.

    .. math::
        \max \sum_i w_i F\Bigl(\sum_{j: c_{ij} \le R} x_j\Bigr) \quad\text{s.t.}\quad
        \sum_j x_j = U,\; 0 \le x_j \le k_j \text{ whole}

    with :math:`F(k) = 1 - q^k` (Daskin 1983, "A maximum expected covering location model", *Transportation
    Science* 17, 48-70): each of k units within reach is busy with probability q, independently. Three
    refinements:

    * ``corrected``: units share their calls, so they are not busy independently; Larson's factors put that
      right (Batta, Dolan & Krishnamurthy 1989).
    * ``busy`` with one fraction for each site: :math:`F = 1 - \prod_j q_j^{x_j}`.
    * ``busy`` a `Workload`: the fractions follow from the calls. Siting and hypercube take turns: place the
      units; let the hypercube say how busy a unit at each site is and how long the way is; place again with
      strengths :math:`s_j = \ln q_j / \ln q` in the corrected F; until nothing changes. The placement with
      the highest coverage by the hypercube is the answer; its bound holds for the busy fractions it was
      found with (``details["busy"]``).

    Parameters
    ----------
    cost : array (n_demand, n_site) or sparse matrix
        Seconds from site to demand; infinite or absent where unreachable.
    units : int
        Units to place, besides those that exist already.
    reach : float
        Seconds.
    busy : float, array (n_site,) or Workload
        Fraction of time a unit is busy.
    weight : array (n_demand,), optional
    corrected : bool
        With one busy fraction; a `Workload` always is.
    capacity : int or array (n_site,), optional
        Most units at a site, the existing ones among them; no limit where left out.
    fixed : sequence of int
        Sites that get at least one unit.
    existing : sequence of int
        Sites where a unit stands already and stays; twice for two. They do not count in ``units``.
    forbidden, site_cost, budget
        See `Problem.make`; a site's price is paid once, however many units it has.
    areas : array (n_demand,) of int, optional
        Area of each demand, 0, 1, …; -1 for none.
    minimum : float or array (n_area,)
        Share of each area's weight that must be expected to be covered.
    gap, time_limit_s, seed, job
        As in `anlan.siting.mclp`.

    Returns
    -------
    Siting
        ``units`` at each site; ``objective`` is the expected covered weight.

    Raises
    ------
    AnlanError
        If an input is wrong, or no demand is within reach of any site.
    """
    watch = Watch(float(time_limit_s), job)
    problem, lower, upper, total = unit_limits(
        "mexclp", cost, units, capacity=capacity, existing=existing, weight=weight, fixed=fixed,
        forbidden=forbidden, site_cost=site_cost, budget=budget, seed=seed, time_limit_s=time_limit_s,
        gap=gap,
    )  # fmt: skip
    layers, floor = unit_layers(problem, reach, areas, minimum)
    if isinstance(busy, Workload):
        return _in_turns(problem, float(reach), layers, floor, lower, upper, total, busy, watch)
    given = checked_busy(busy, problem.n_site)
    strength = None
    if isinstance(given, float):
        values = corrected_values(total, given) if corrected else 1.0 - given ** np.arange(total + 1.0)
    else:
        values, strength = np.empty(0), -np.log(np.maximum(given, 1e-12))
    cover = stacked(
        layers, values=values[None, :], units=np.array([total]), lower=lower, upper=upper, strength=strength,
        side=problem.side, floor=floor,
    )  # fmt: skip
    return solve_units(problem, float(reach), cover, watch)


def _in_turns(
    problem: Problem,
    reach: float,
    layers: list[Layer],
    floor: Floats,
    lower: Ints,
    upper: Ints,
    total: int,
    workload: Workload,
    watch: Watch,
) -> Siting:
    """Siting and hypercube in turns; see `mexclp`."""
    busy, travel = np.zeros(problem.n_site), 0.5 * reach
    best: Siting | None = None
    top, turns, seen = -1.0, [], set()
    start = None
    for turn in range(_ROUNDS):
        load = workload.calls_per_hour / 3600.0 * (workload.service_s + travel) / total
        mean = float(busy[busy > 0].mean()) if busy.any() else min(load, 0.9)
        strength = np.where(busy > 0, np.log(np.clip(busy, 1e-6, 1 - 1e-6)) / np.log(mean), 1.0)
        cover = stacked(
            layers, values=corrected_values(total, mean, workload.queue)[None, :], units=np.array([total]),
            lower=lower, upper=upper, strength=np.clip(strength, 0.1, 10.0), side=problem.side, floor=floor,
        )  # fmt: skip
        # All turns but the last one asked for share the first half of the time.
        share = Watch(max(watch.left / 3.0, 1e-3), watch.job, watch.moments if turn == 0 else [])
        answer = solve_units(problem, reach, cover, share, start)
        if not len(answer.sites):
            return answer if best is None else best
        work = work_of(
            _columns(problem.cost, answer.sites), problem.weight, answer.units, reach, workload, travel
        )
        travel, mean_busy = work.travel_s, float(work.result.workloads.mean())
        turns.append({"covered": work.covered, "busy": mean_busy, "travel_s": travel})
        if work.covered > top:
            top = work.covered
            used = busy.copy() if busy.any() else np.full(busy.size, mean)
            best = replace(answer, details={**answer.details, "busy": used})
        busy = np.full(problem.n_site, mean_busy)
        busy[answer.sites] = work.busy
        start = np.zeros_like(lower)
        start[0, answer.sites] = answer.units
        name = start.tobytes()
        if name in seen or watch.over:
            break
        seen.add(name)
    assert best is not None
    return replace(
        best, seconds=watch.seconds, details={**best.details, "turns": turns, "hypercube_covered": top}
    )


def _columns(cost: Any, sites: Ints) -> Floats:
    """Seconds from some sites to every demand, infinite where unreachable."""
    part: Any = cost[:, sites]
    if isinstance(part, np.ndarray):
        return part.astype(np.float64)
    cells = part.tocoo()
    out = np.full(part.shape, np.inf)
    out[cells.row, cells.col] = cells.data
    return out
