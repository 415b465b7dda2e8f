"""How long things take besides driving: given by the calls, fitted, or assumed and said so."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anlan.core.seed import stream
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
        draws: NDArray[np.float64] = self.median_s * np.exp(self.sigma * random.standard_normal(n))
        return draws


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
    """

    on_scene: Lognormal = Lognormal(900.0, 0.7)
    turnout_s: float = 60.0
    handling_s: float = 0.0

    def on_scene_s(
        self, calls: Calls, seed: int, replication: int
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Seconds at the scene of each call, and whether they were drawn rather than known.

        The draw of a call depends on the seed, the replication and the call's row only, so that runs under
        different plans and policies meet the same work (common random numbers).
        """
        known = calls.cleared - calls.arrived
        drawn = ~(np.isfinite(known) & (known >= 0))
        sampled = self.on_scene.sample(len(calls), stream(seed, "on scene", replication))
        return np.where(drawn, sampled, known), drawn
