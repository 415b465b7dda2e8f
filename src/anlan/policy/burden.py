"""Burden: how often and how far a free unit may be moved."""

from __future__ import annotations

from dataclasses import dataclass, fields

from anlan.policy.checks import number


@dataclass(frozen=True)
class Burden:
    """Limits on moves of free units to posts that are not their home; a unit over a limit goes home or stays.

    Attributes
    ----------
    moves_per_hour : float
        Moves per hour on duty; the first hour counts as whole.
    drive_s : float
        The longest drive that a move may take.
    stay_s : float
        The least time between a unit's moves.
    """

    moves_per_hour: float = float("inf")
    drive_s: float = float("inf")
    stay_s: float = 0.0

    def __post_init__(self) -> None:
        for f in fields(self):
            object.__setattr__(self, f.name, number(f"burden.{f.name}", getattr(self, f.name)))
