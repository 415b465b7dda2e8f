"""What the main job can be told, with defaults that suit a city of a million."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from anlan.core.errors import AnlanError


@dataclass(frozen=True)
class PlanOptions:
    """Settings of `anlan plan`.

    Attributes
    ----------
    seed : int
        Of everything random.
    test_weeks : int
        Last weeks of the calls, held out: the design never sees them, the proof uses only them.
    train_weeks : int
        Weeks before them from which demand is learnt.
    replications : int
        Of the simulation.
    cell_m : float
        Demand cells, metres.
    bandwidth_m : float
        Of the density surface on the map.
    candidates : int
        At most so many places are considered for posts.
    gap : float
        Relative optimality gap at which siting may stop.
    siting_s : float
        Seconds after which it stops anyway, with the gap it has; only then can the answer depend on how
        fast the machine is.
    """

    seed: int = 1
    test_weeks: int = 4
    train_weeks: int = 52
    replications: int = 5
    cell_m: float = 250.0
    bandwidth_m: float = 400.0
    candidates: int = 1000
    gap: float = 0.015
    siting_s: float = 120.0

    def __post_init__(self) -> None:
        for name, low in (("test_weeks", 1), ("train_weeks", 4), ("replications", 2), ("candidates", 1)):
            if getattr(self, name) < low:
                raise AnlanError(
                    f"{name} = {getattr(self, name)}", f"it is at least {low}", f"use {low} or more"
                )

    def as_dict(self) -> dict[str, Any]:
        """For keys and provenance."""
        return asdict(self)
