"""Duty: shifts and their ends, meal breaks, work of one's own, units out of service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from anlan.core.errors import AnlanError
from anlan.core.time import to_unix
from anlan.model.hours import Hours
from anlan.policy.checks import TOP_PRIORITY, number, section, whole


@dataclass(frozen=True)
class Shifts:
    """How shifts begin and end; the shifts themselves are in the plan's units (``shift``).

    A unit whose shift ends goes off duty at once if it is free (it drives home and takes no call on the way),
    and otherwise as soon as its call is done.

    Attributes
    ----------
    last_s : float
        In the last so many seconds of a shift only urgent calls are taken.
    last_priority : int
        Which ones: calls of at most this priority.
    change_over_s : float
        How long a crew that comes on duty is briefed and takes over before it is free.
    change_over_priority : int
        Calls of at most this priority interrupt that; 0 none.
    """

    last_s: float = 0.0
    last_priority: int = 1
    change_over_s: float = 0.0
    change_over_priority: int = 1

    def __post_init__(self) -> None:
        for name in ("last_s", "change_over_s"):
            object.__setattr__(self, name, number(f"shifts.{name}", getattr(self, name), 0.0, 86400.0))
        for name in ("last_priority", "change_over_priority"):
            object.__setattr__(self, name, whole(f"shifts.{name}", getattr(self, name), 0, TOP_PRIORITY))


@dataclass(frozen=True)
class Breaks:
    """Meal breaks.

    Attributes
    ----------
    windows : str
        When one may begin, local time, as `anlan.model.hours.Hours` reads it: ``"11:30-13:00,17:30-19:00"``.
        Each unit on duty then has one break per window; the units of a station take turns over it. A unit that
        is busy when it is its turn goes as soon as it is free, if the window is still open; a break that a call
        breaks off is not made up for.
    length_s : float
    interrupt : int
        Calls of at most this priority interrupt it; 0 none.
    """

    windows: str = ""
    length_s: float = 1800.0
    interrupt: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "length_s", number("breaks.length_s", self.length_s, 1.0, 86400.0))
        object.__setattr__(self, "interrupt", whole("breaks.interrupt", self.interrupt, 0, TOP_PRIORITY))
        _ = self.hours

    @property
    def hours(self) -> Hours | None:
        """The windows; None where there are no breaks."""
        return Hours.parse(self.windows) if self.windows.strip() else None


@dataclass(frozen=True)
class OwnWork:
    """Work that units find themselves (stops, checks, paper), which calls of lesser priority do not interrupt.

    Attributes
    ----------
    per_hour : float
        How often a unit on duty begins some, if it is free and standing; a Poisson stream.
    median_s, sigma : float
        Lognormal duration.
    interrupt : int
        Calls of at most this priority interrupt it; 0 none.
    """

    per_hour: float = 0.0
    median_s: float = 600.0
    sigma: float = 0.7
    interrupt: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "per_hour", number("own_work.per_hour", self.per_hour, 0.0, 60.0))
        object.__setattr__(self, "median_s", number("own_work.median_s", self.median_s, 1.0, 86400.0))
        object.__setattr__(self, "sigma", number("own_work.sigma", self.sigma, 0.0, 3.0))
        object.__setattr__(self, "interrupt", whole("own_work.interrupt", self.interrupt, 0, TOP_PRIORITY))


@dataclass(frozen=True)
class Outage:
    """A unit out of service from one instant to another (Unix seconds)."""

    unit: str
    since: float
    until: float


@dataclass(frozen=True)
class Duty:
    """Everything about when units are there.

    Attributes
    ----------
    shifts : Shifts
    breaks : Breaks
    own_work : OwnWork
    out_of_service : tuple of Outage
        In TOML ``[[out_of_service]]`` with ``unit``, ``since`` and ``until`` (times with their offset).
    """

    shifts: Shifts = field(default_factory=Shifts)
    breaks: Breaks = field(default_factory=Breaks)
    own_work: OwnWork = field(default_factory=OwnWork)
    out_of_service: tuple[Outage, ...] = ()

    @classmethod
    def of_tables(cls, config: Mapping[str, Any]) -> Duty:
        """Read ``[shifts]``, ``[breaks]``, ``[own_work]`` and ``[[out_of_service]]``."""
        return cls(
            section(Shifts, config.get("shifts", {}), "shifts"),
            section(Breaks, config.get("breaks", {}), "breaks"),
            section(OwnWork, config.get("own_work", {}), "own_work"),
            tuple(_outage(row) for row in config.get("out_of_service", ())),
        )


def _outage(row: Any) -> Outage:
    if not isinstance(row, Mapping) or set(row) != {"unit", "since", "until"}:
        raise AnlanError(
            f"out_of_service {row!r}",
            "it has unit, since and until",
            "write [[out_of_service]] with these three",
            code="policy_out_of_service",
        )
    since, until = (_instant(row[name]) for name in ("since", "until"))
    if not since < until:
        raise AnlanError(
            f"out_of_service of {row['unit']}, {row['since']} to {row['until']}",
            "it ends after it begins",
            "correct the times",
            code="policy_out_of_service",
        )
    return Outage(str(row["unit"]), since, until)


def _instant(value: Any) -> float:
    return to_unix(value) if isinstance(value, datetime) else number("a time of out_of_service", value, -1e12)
