"""Backup coverage: a second unit within reach, in case the first one is away."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from anlan.core.errors import AnlanError
from anlan.core.job import Job
from anlan.siting.answer import Siting
from anlan.siting.problem import Watch
from anlan.siting.unit_cover import stacked
from anlan.siting.unit_model import solve_units, unit_layers, unit_limits


def backup(
    cost: Any,
    units: int,
    reach: float,
    first: float = 0.5,
    weight: ArrayLike | None = None,
    *,
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
    r"""Backup coverage: value a first unit within reach, and a second one.

    .. math:: \max \sum_i w_i \bigl(\theta\,[k_i \ge 1] + (1 - \theta)\,[k_i \ge 2]\bigr),\quad
              k_i = \sum_{j: c_{ij} \le R} x_j

    Hogan & ReVelle (1986), "Concepts and applications of backup coverage", *Management Science* 32,
    1434-1444 (BACOP2).

    Parameters
    ----------
    first : float
        θ, the share of a demand's weight that its first unit brings; at least ½, because a second unit is
        not worth more than the first (`dsm` is for that).
    cost, units, reach, weight, capacity, fixed, existing, forbidden, site_cost, budget, areas, minimum
        As in `anlan.siting.mexclp`.
    gap, time_limit_s, seed, job
        As in `anlan.siting.mclp`.
    """
    watch = Watch(float(time_limit_s), job)
    problem, lower, upper, total = unit_limits(
        "backup", cost, units, capacity=capacity, existing=existing, weight=weight, fixed=fixed,
        forbidden=forbidden, site_cost=site_cost, budget=budget, seed=seed, time_limit_s=time_limit_s,
        gap=gap,
    )  # fmt: skip
    if not 0.5 <= first <= 1.0:
        raise AnlanError(
            f"first = {first}",
            "the first unit brings at least half of a demand's weight and at most all of it",
            "use dsm where the second unit matters more",
        )
    layers, floor = unit_layers(problem, reach, areas, minimum)
    cover = stacked(
        layers, values=np.array([[0.0, first, 1.0]]), units=np.array([total]), lower=lower, upper=upper,
        side=problem.side, floor=floor,
    )  # fmt: skip
    return solve_units(problem, float(reach), cover, watch)
