"""Two layouts on the same calls: differences with intervals that respect that a bad day is bad for both.

Calls of one day share weather, events and busy units, so single calls are not independent: days are drawn
instead (block bootstrap, Künsch 1989; paired on common random numbers, Law 2015 §11.2). Replications are
drawn within each draw, so that the interval also holds what the simulated durations leave open.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from anlan.core.errors import AnlanError
from anlan.core.seed import stream

Floats = NDArray[np.float64]
_STEPS = 4096
MIN_BLOCKS = 5
"""An interval over fewer days or replications would be a guess."""


@dataclass(frozen=True)
class Change:
    """One measure under two layouts.

    Attributes
    ----------
    first, second : float
        The measure under each.
    difference : float
        ``second - first``.
    interval : tuple of float
        Of the difference, percentile bootstrap, closed.
    p_value : float
        Two-sided, of no difference: twice the share of draws beyond zero.
    real : bool
        Whether the interval leaves out zero.
    """

    first: float
    second: float
    difference: float
    interval: tuple[float, float]
    p_value: float = float("nan")

    @property
    def real(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.interval[0] > 0 or self.interval[1] < 0


Measure = tuple[Literal["mean", "share", "quantile"], float]
"""``("mean", 0)``; ``("share", limit)``, the share at or below a limit; ``("quantile", q)``."""


class Paired:
    """Paired values of the same calls under two layouts.

    Parameters
    ----------
    first, second : array, shape (n_replication, n_call)
        One value a call and replication, such as seconds to arrival; replication k of both used the same
        random numbers. Infinite where a call was never reached.
    block : array of int, shape (n_call,)
        The day (or other block) of each call.
    draws : int
        Bootstrap draws.
    level : float
    seed : int

    Raises
    ------
    AnlanError
        If there are fewer than five blocks.
    """

    def __init__(
        self,
        first: Floats,
        second: Floats,
        block: NDArray[np.int64],
        *,
        draws: int = 999,
        level: float = 0.95,
        seed: int = 0,
    ) -> None:
        if first.shape != second.shape or first.shape[1:] != block.shape:
            raise ValueError("the two layouts and the blocks must have the same calls")
        days, code = np.unique(block, return_inverse=True)
        if len(days) < MIN_BLOCKS:
            raise AnlanError(
                f"{len(days)} days",
                "an interval over days needs at least five",
                "compare over a longer time",
                code="few_blocks",
            )
        self._first, self._second, self._code, self._days = first, second, code, len(days)
        self._tail = (1 - level) / 2
        rng = stream(seed, "paired")
        # How often each day, and each replication, is drawn.
        self._day_draws = rng.multinomial(len(days), np.full(len(days), 1 / len(days)), size=draws)
        n_rep = len(first)
        self._rep_draws = rng.multinomial(n_rep, np.full(n_rep, 1 / n_rep), size=draws) / n_rep

    @classmethod
    def single(cls, values: Floats, block: NDArray[np.int64], **options: Any) -> Paired:
        """One layout alone, for `level`: values of shape (n_call,)."""
        return cls(values[None], values[None], block, **options)

    @staticmethod
    def figure(values: Floats, measure: Measure) -> float:
        """A measure of one layout, without an interval."""
        kind, at = measure
        if kind == "quantile":
            return float(np.quantile(values, at, method="inverted_cdf"))
        return float(values.mean() if kind == "mean" else (values <= at).mean())

    def change(self, measure: Measure, rows: NDArray[np.bool_] | None = None) -> Change:
        """The change of one measure, over all calls or some of them.

        Raises
        ------
        AnlanError
            If the measure is unknown.
        """
        kind, at = measure
        use = np.ones(len(self._code), bool) if rows is None else rows
        if not use.any():
            nan = float("nan")
            return Change(nan, nan, nan, (nan, nan))
        if kind == "quantile":
            return self._quantile(at, use)
        if kind == "mean":
            first, second = self._first[:, use], self._second[:, use]
        elif kind == "share":
            first = (self._first[:, use] <= at).astype(np.float64)
            second = (self._second[:, use] <= at).astype(np.float64)
        else:
            raise AnlanError(f"measure {kind!r}", "it is mean, share or quantile", "use one of them")
        code = self._code[use]
        size = np.bincount(code, minlength=self._days).astype(np.float64)
        sums = [
            np.stack([np.bincount(code, row, minlength=self._days) for row in side])
            for side in (first, second)
        ]
        drawn = self._day_draws @ size
        with np.errstate(invalid="ignore", divide="ignore"):
            # (draw, replication) means, then the drawn mix of replications.
            means = [np.einsum("dr,rd->d", self._rep_draws, s @ self._day_draws.T) / drawn for s in sums]
            differences = means[1] - means[0]
        return self._of(float(first.mean()), float(second.mean()), differences[np.isfinite(differences)])

    def all(self, measures: Mapping[str, Measure]) -> dict[str, Change]:
        """Several measures over all calls."""
        return {name: self.change(measure) for name, measure in measures.items()}

    def level(self, side: int, rows: NDArray[np.bool_]) -> tuple[float, float, float]:
        """Mean of one layout over some calls, with its own interval: (mean, low, high)."""
        values = (self._first, self._second)[side][:, rows]
        if not values.size:
            return float("nan"), float("nan"), float("nan")
        code = self._code[rows]
        sums = np.stack([np.bincount(code, row, minlength=self._days) for row in values])
        size = self._day_draws @ np.bincount(code, minlength=self._days).astype(np.float64)
        with np.errstate(invalid="ignore", divide="ignore"):
            means = np.einsum("dr,rd->d", self._rep_draws, sums @ self._day_draws.T) / size
        low, high = np.quantile(means[np.isfinite(means)], [self._tail, 1 - self._tail])
        return float(values.mean()), float(low), float(high)

    def _quantile(self, q: float, use: NDArray[np.bool_]) -> Change:
        code, n_rep = self._code[use], len(self._first)
        sides = (self._first[:, use], self._second[:, use])
        points = [float(np.quantile(side, q, method="inverted_cdf")) for side in sides]
        drawn = []
        for side in sides:
            edges = np.unique(side)
            if len(edges) > _STEPS:
                # A grid of observed values, so fine that a step is a small part of any interval.
                edges = np.unique(
                    np.append(
                        np.quantile(side, np.arange(1, _STEPS) / _STEPS, method="inverted_cdf"), edges[-1]
                    )
                )
            step = np.searchsorted(edges, side)
            passed = np.zeros((len(self._day_draws), len(edges)))
            for r in range(n_rep):
                count = np.bincount(code * len(edges) + step[r], minlength=self._days * len(edges))
                by_day = count.reshape(self._days, len(edges)).astype(np.float64)
                passed += (self._day_draws * self._rep_draws[:, r, None]) @ by_day
            np.cumsum(passed, axis=1, out=passed)
            total = passed[:, -1:]
            at = (passed < q * total * (1 - 1e-12)).sum(axis=1)
            drawn.append(np.where(total[:, 0] > 0, edges[np.minimum(at, len(edges) - 1)], np.nan))
        with np.errstate(invalid="ignore"):
            differences = drawn[1] - drawn[0]
        return self._of(points[0], points[1], differences[np.isfinite(differences)])

    def _of(self, first: float, second: float, differences: Floats) -> Change:
        if not len(differences):
            return Change(first, second, second - first, (float("nan"), float("nan")))
        low, high = np.quantile(differences, [self._tail, 1 - self._tail])
        beyond = min((differences <= 0).sum(), (differences >= 0).sum())
        p = min(1.0, 2.0 * (beyond + 1) / (len(differences) + 1))
        return Change(first, second, second - first, (float(low), float(high)), float(p))
