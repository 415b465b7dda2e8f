"""A run: what was simulated, what came of it, and what it took for granted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anlan.core.text import Text
from anlan.evaluation.response import RINGS_S, Outcomes, Response, respond, respond_by
from anlan.model.event import Events
from anlan.simulation.batches import interval_of_mean


@dataclass(frozen=True, eq=False)
class Workload:
    """What the run asked of each unit; one row per unit, means over the replications.

    Attributes
    ----------
    id : ndarray of str
    calls : ndarray of float64
        Calls cleared per duty day.
    busy_share : ndarray of float64
        Share of the duty time from dispatch to clearing.
    driving_share : ndarray of float64
        Share of the duty time on the road, to calls and back.
    moves : ndarray of float64
        Moves to a post that is not its home, per duty hour.
    km : ndarray of float64
        Kilometres driven per duty day, estimated: the seconds driven in each mode and kind of hour, at the mean
        speeds of a sample of ways from the stations to the calls.
    duty_s : ndarray of float64
        Time on duty.
    """

    id: NDArray[Any]
    calls: NDArray[np.float64]
    busy_share: NDArray[np.float64]
    driving_share: NDArray[np.float64]
    moves: NDArray[np.float64]
    km: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    duty_s: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))


@dataclass(frozen=True)
class Summary:
    """The run in a few figures.

    Attributes
    ----------
    response : Response
    busy_share, driving_share, moves_per_hour : float
        Means over the units.
    interval_s : (float, float)
        95 % confidence interval of the mean response time.
    """

    response: Response
    busy_share: float
    driving_share: float
    moves_per_hour: float
    interval_s: tuple[float, float]


@dataclass(frozen=True, eq=False)
class Run:
    """The result of `anlan.simulation.simulate`.

    Attributes
    ----------
    name : str
        Of the plan and the policy.
    outcomes : Outcomes
        The warm-up is left out.
    workload : Workload
    assumptions : tuple of Text
        What was taken for granted; to be printed wherever a figure of the run is.
    left_out : int
        Calls that could not be simulated because they are not on the network.
    synthetic : bool
        Whether each replication drew its own calls.
    seed, replications : int
    rings_s : tuple of float
        The response standard.
    """

    name: str
    outcomes: Outcomes
    workload: Workload
    assumptions: tuple[Text, ...]
    left_out: int
    synthetic: bool
    seed: int
    replications: int
    rings_s: tuple[float, ...] = RINGS_S
    replayer: Callable[[], Events] | None = field(default=None, repr=False)

    @cached_property
    def events(self) -> Events:
        """Every event of every replication; played again, because a log of everything is large."""
        return Events.empty() if self.replayer is None else self.replayer()

    def by(self, column: str) -> dict[Any, Response]:
        """Figures by ``area``, ``category``, ``priority``, ``slot`` or ``hour``."""
        return respond_by(self.outcomes, column, self.rings_s)

    def summary(self) -> Summary:
        """The run in a few figures."""
        w = self.workload
        return Summary(
            response=respond(self.outcomes, self.rings_s),
            busy_share=float(w.busy_share.mean()),
            driving_share=float(w.driving_share.mean()),
            moves_per_hour=float(w.moves.mean()),
            interval_s=interval_of_mean(self.outcomes.response_s, self.outcomes, self.synthetic),
        )
