"""Two runs over the same calls: paired differences with confidence intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from anlan.core.errors import AnlanError
from anlan.evaluation.response import Outcomes
from anlan.simulation.batches import batches, interval
from anlan.simulation.run import Run


@dataclass(frozen=True)
class Difference:
    """One figure in two runs.

    Attributes
    ----------
    measure : str
        ``mean_s``, ``p90_s``, ``queued_s`` or ``within_300_s``…
    a, b : float
        The figure in each run.
    difference : float
        b minus a.
    interval : (float, float)
        95 % confidence interval of the difference.
    p_value : float
        Of no difference.
    """

    measure: str
    a: float
    b: float
    difference: float
    interval: tuple[float, float]
    p_value: float

    @property
    def real(self) -> bool:
        """Whether the interval excludes zero."""
        return self.interval[0] > 0.0 or self.interval[1] < 0.0


@dataclass(frozen=True)
class Comparison:
    """Two runs beside each other.

    Attributes
    ----------
    a, b : str
        Names of the runs.
    rows : tuple of Difference
    batches : int
        How many independent batches the intervals rest on, and ``batch`` what one is.
    """

    a: str
    b: str
    rows: tuple[Difference, ...]
    batches: int
    batch: str

    def __getitem__(self, measure: str) -> Difference:
        for row in self.rows:
            if row.measure == measure:
                return row
        raise KeyError(measure)


def compare(run_a: Run, run_b: Run) -> Comparison:
    """Paired differences of two runs of the same calls, seed and replications (b minus a).

    Calls are paired one by one and averaged in batches: a replication where each drew its own calls, a day where
    the calls are a past trace (the same in every replication, so days are what varies). The interval is
    Student's over the batches (batch means, Law 2015, *Simulation Modeling and Analysis*, 9.5). A call that
    nobody served counts as late in the rings; in the means, pairs that were served in both runs are compared.

    Raises
    ------
    AnlanError
        If the runs are not of the same calls.
    """
    o, p = run_a.outcomes, run_b.outcomes
    same = (
        len(o) == len(p)
        and np.array_equal(o.id, p.id)
        and np.array_equal(o.replication, p.replication)
        and np.array_equal(o.received, p.received)
    )
    if not same:
        raise AnlanError(
            f"runs {run_a.name!r} and {run_b.name!r}",
            "only runs over the same calls can be compared call by call",
            "simulate both with the same calls, seed and replications",
            code="runs_differ",
        )
    rows = []
    both = np.isfinite(o.response_s) & np.isfinite(p.response_s)
    measures: list[tuple[str, NDArray[Any], NDArray[Any]]] = [
        ("mean_s", _where(both, o.response_s), _where(both, p.response_s)),
        ("travel_s", _where(both, o.travel_s), _where(both, p.travel_s)),
        ("queued_s", _where(both, o.queued_s), _where(both, p.queued_s)),
    ]
    measures += [
        (f"within_{ring:g}_s", (o.response_s <= ring).astype(float), (p.response_s <= ring).astype(float))
        for ring in run_a.rings_s
    ]
    n = 0
    for name, a, b in measures:
        values = batches(b - a, o, run_a.synthetic)
        n = len(values)
        rows.append(
            Difference(
                name,
                float(np.nanmean(a)),
                float(np.nanmean(b)),
                float(np.nanmean(b - a)),
                interval(values),
                _p_value(values),
            )
        )
    return Comparison(run_a.name, run_b.name, tuple(rows), n, "replication" if _own(run_a, o) else "day")


def _own(run: Run, outcomes: Outcomes) -> bool:
    return run.synthetic and len(np.unique(outcomes.replication)) >= 5


def _p_value(values: NDArray[np.float64]) -> float:
    n = len(values)
    if n < 2:
        return 1.0
    spread = values.std(ddof=1) / np.sqrt(n)
    if spread == 0.0:
        return 1.0 if values.mean() == 0.0 else 0.0
    return float(2.0 * stats.t.sf(abs(values.mean()) / spread, n - 1))


def _where(keep: NDArray[np.bool_], values: NDArray[Any]) -> NDArray[Any]:
    return np.where(keep, values, np.nan)
