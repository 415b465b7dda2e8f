"""Two runs over the same calls: paired differences with confidence intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anlan.core.errors import AnlanError
from anlan.core.text import Text
from anlan.evaluation.paired import MIN_BLOCKS, Change, Measure, Paired
from anlan.simulation.batches import blocks
from anlan.simulation.run import Run

VERDICTS = {
    "better": Text("确有改善", "really better"),
    "worse": Text("确有变差", "really worse"),
    "unclear": Text("无法分辨", "cannot be told apart"),
}


@dataclass(frozen=True)
class Difference:
    """One figure in two runs.

    Attributes
    ----------
    measure : str
        ``mean_s``, ``median_s``, ``p90_s``, ``travel_s``, ``queued_s`` or ``within_300_s``…
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

    @property
    def verdict(self) -> str:
        """``better``, ``worse`` or ``unclear``, of b against a."""
        if not self.real:
            return "unclear"
        return "better" if (self.difference > 0) == self.measure.startswith("within") else "worse"


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
    unserved : int
        Calls (times replications) that only one of the runs or neither served; left out of times, late in the
        shares.
    """

    a: str
    b: str
    rows: tuple[Difference, ...]
    batches: int
    batch: str
    unserved: int = 0

    def __getitem__(self, measure: str) -> Difference:
        for row in self.rows:
            if row.measure == measure:
                return row
        raise KeyError(measure)

    def lines(self) -> list[str]:
        """A table that says whether each difference is real."""
        first, second = (max(13, len(name) + 2) for name in (self.a, self.b))
        out = [
            f"{self.b} against {self.a} (95 % intervals over {self.batches} {self.batch}s)",
            f"  {'measure':<14}{self.a:>{first}}{self.b:>{second}}{'difference':>13}{'interval':>22}  verdict",
        ]
        for row in self.rows:
            share = row.measure.startswith("within")
            scale, digits = (100.0, 1) if share else (1.0, 1)
            low, high = (scale * v for v in row.interval)
            out.append(
                f"  {row.measure:<14}{scale * row.a:>{first - 1}.{digits}f}{'%' if share else 's'}"
                f"{scale * row.b:>{second - 1}.{digits}f}{'%' if share else 's'}"
                f"{scale * row.difference:>+13.{digits}f}"
                f"{f'[{low:+.{digits}f}, {high:+.{digits}f}]':>22}  {VERDICTS[row.verdict].en}"
            )
        return out

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        return {
            "a": self.a,
            "b": self.b,
            "batches": self.batches,
            "batch": self.batch,
            "unserved": self.unserved,
            "rows": [
                {
                    "measure": r.measure,
                    "a": r.a,
                    "b": r.b,
                    "difference": r.difference,
                    "interval": list(r.interval),
                    "p_value": r.p_value,
                    "real": r.real,
                    "verdict": r.verdict,
                }
                for r in self.rows
            ],
        }


def compare(run_a: Run, run_b: Run) -> Comparison:
    """Paired differences of two runs of the same calls, seed and replications (b minus a).

    Calls are paired one by one, and what varies independently is drawn in blocks (see
    `anlan.evaluation.paired`): a replication where each drew its own calls, a day where the calls are a past
    trace. A call that nobody served counts as late in the rings; in the times, pairs that were served in both
    runs are compared.

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
    block = blocks(o, run_a.synthetic)
    both = np.isfinite(o.response_s) & np.isfinite(p.response_s)
    everything = np.ones(len(o), bool)
    rows = []
    wanted: tuple[tuple[str, Measure], ...] = (
        ("mean_s", ("mean", 0.0)),
        ("median_s", ("quantile", 0.5)),
        ("p90_s", ("quantile", 0.9)),
    )
    plan = [(name, "response_s", measure, both) for name, measure in wanted]
    plan += [(name, name, ("mean", 0.0), both) for name in ("travel_s", "queued_s")]
    plan += [(f"within_{ring:g}_s", "response_s", ("share", ring), everything) for ring in run_a.rings_s]
    for name, column, measure, use in plan:
        change = _change(getattr(o, column), getattr(p, column), block, measure, use)
        rows.append(
            Difference(name, change.first, change.second, change.difference, change.interval, change.p_value)
        )
    n = len(np.unique(block[both]))
    own = run_a.synthetic and run_a.replications >= MIN_BLOCKS
    return Comparison(
        run_a.name, run_b.name, tuple(rows), n, "replication" if own else "day", int((~both).sum())
    )


def _change(
    a: NDArray[Any], b: NDArray[Any], block: NDArray[np.int64], measure: Measure, use: NDArray[np.bool_]
) -> Change:
    """A change with its interval; an infinite one where there are too few blocks to say."""
    first, second = (np.where(np.isfinite(v[use]), v[use], np.inf) for v in (a, b))
    if len(np.unique(block[use])) >= MIN_BLOCKS:
        return Paired(first[None], second[None], block[use]).change(measure)
    figures = [Paired.figure(side, measure) if len(side) else float("nan") for side in (first, second)]
    return Change(figures[0], figures[1], figures[1] - figures[0], (-np.inf, np.inf), 1.0)
