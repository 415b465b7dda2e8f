"""How long things take besides driving: given by the calls, fitted, or assumed and said so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from anlan.core.seed import stream
from anlan.core.time import hour_of_week
from anlan.model.call import Calls


@dataclass(frozen=True, slots=True)
class Lognormal:
    """A lognormal duration.

    Attributes
    ----------
    median_s : float
    sigma : float
        Standard deviation of the logarithm; 0 is a fixed duration.
    """

    median_s: float
    sigma: float

    @property
    def mean_s(self) -> float:
        """Mean in seconds."""
        return float(self.median_s * np.exp(self.sigma**2 / 2.0))

    def sample(self, n: int, random: np.random.Generator) -> NDArray[np.float64]:
        """Draw n durations, shape (n,)."""
        return self.at(random.standard_normal(n))

    def at(self, normal: NDArray[np.float64]) -> NDArray[np.float64]:
        """Durations for standard normal draws."""
        draws: NDArray[np.float64] = self.median_s * np.exp(self.sigma * normal)
        return draws

    def below(self, seconds: NDArray[np.float64]) -> NDArray[np.float64]:
        """Share of durations up to so many seconds."""
        log = np.log(np.maximum(seconds, 1e-9) / self.median_s)
        if not self.sigma:
            return np.asarray(log >= 0, np.float64)
        return np.asarray(ndtr(log / self.sigma), np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Empirical:
    """Durations as they were: quantiles of past ones, joined by straight lines.

    Attributes
    ----------
    seconds : ndarray of float64, shape (n,)
        Quantiles at 0, 1/(n-1) … 1, ascending.
    """

    seconds: NDArray[np.float64]

    @property
    def median_s(self) -> float:
        """Median in seconds."""
        return float(np.quantile(self.seconds, 0.5))

    @property
    def mean_s(self) -> float:
        """Mean in seconds."""
        return float((self.seconds[1:] + self.seconds[:-1]).mean() / 2.0)

    def at(self, normal: NDArray[np.float64]) -> NDArray[np.float64]:
        """Durations for standard normal draws."""
        steps = np.linspace(0.0, 1.0, len(self.seconds))
        return np.asarray(np.interp(ndtr(normal), steps, self.seconds), np.float64)

    def below(self, seconds: NDArray[np.float64]) -> NDArray[np.float64]:
        """Share of durations up to so many seconds."""
        steps = np.linspace(0.0, 1.0, len(self.seconds))
        return np.asarray(np.interp(seconds, self.seconds, steps, left=0.0, right=1.0), np.float64)


Duration = Lognormal | Empirical


@dataclass(frozen=True)
class Durations:
    """What a run takes for granted where the calls do not say.

    Attributes
    ----------
    on_scene : Lognormal
        The default, a median of 15 minutes with sigma 0.7 (mean 19 minutes), is an assumption and is named as
        one in the run's report; fit it from past calls with `anlan.simulation.fit`.
    turnout_s : float
        From dispatch to leaving a station.
    handling_s : float
        From the call to when it can be dispatched.
    off_road_kmh : float or None
        Speed between the road and places beside it, on the way there and on leaving; None counts no time for
        it.
    by : mapping of str to tuple of Lognormal or Empirical
        Time at the scene by category: one entry, or as many as the day is divided into (4: six hours each, from
        local midnight). Categories not named take ``on_scene``.
    tz : ZoneInfo or None
        For the hours of ``by``; needed where a category has more than one entry.
    first : int
        Number of the first replication; replication r draws as number ``first + r``, so that parts of a
        long job can be done apart.
    """

    on_scene: Lognormal = Lognormal(900.0, 0.7)
    turnout_s: float = 60.0
    handling_s: float = 0.0
    off_road_kmh: float | None = None
    by: Mapping[str, tuple[Duration, ...]] = field(default_factory=dict)
    tz: ZoneInfo | None = None
    first: int = 0

    def on_scene_s(
        self, calls: Calls, seed: int, replication: int
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Seconds at the scene of each call, and whether they were drawn rather than known.

        The draw of a call depends on the seed, the replication and the call's row only, so that runs under
        different plans and policies meet the same work (common random numbers).
        """
        known = calls.cleared - calls.arrived
        drawn = ~(np.isfinite(known) & (known >= 0))
        if not drawn.any():
            return known, drawn
        normal = stream(seed, "on scene", self.first + replication).standard_normal(len(calls))
        sampled = self.on_scene.at(normal)
        if self.by:
            self._by_category(calls, normal, sampled)
        return np.where(drawn, sampled, known), drawn

    def _by_category(self, calls: Calls, normal: NDArray[np.float64], sampled: NDArray[np.float64]) -> None:
        hour = np.zeros(len(calls), np.int64)
        if any(len(entries) > 1 for entries in self.by.values()):
            if self.tz is None:
                raise ValueError("durations by hour need a time zone")
            hour = np.maximum(hour_of_week(calls.received, self.tz), 0).astype(np.int64) % 24
        for code, name in enumerate(calls.categories):
            entries = self.by.get(name, ())
            for k, entry in enumerate(entries):
                rows = np.flatnonzero((calls.category_code == code) & (hour * len(entries) // 24 == k))
                sampled[rows] = entry.at(normal[rows])
