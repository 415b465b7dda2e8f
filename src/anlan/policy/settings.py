"""What a policy's configuration may say, checked once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from anlan.core.errors import AnlanError

DISPATCH_RULES = ("closest",)
STANDBY_RULES = ("home", "dmexclp")
ALIASES = {"closest_idle": "closest", "nearest": "closest", "station": "home", "return_home": "home"}


@dataclass(frozen=True)
class Dispatch:
    """Who is sent.

    Attributes
    ----------
    rule : str
        ``closest``: the free unit that can be there first, turnout included, standing or driving.
    redispatch : tuple of (int, int)
        Pairs (from priority, to priority): a unit on its way to a call of the first may be taken for one of
        the second. Empty: never.
    reserve : mapping of int to int
        Free units kept back from calls of a priority; 0 where not given.
    modes : mapping of int to str
        Travel mode out to calls of a priority; ``lights`` to priority 1 and ``ordinary`` to the others where
        not given.
    """

    rule: str = "closest"
    redispatch: tuple[tuple[int, int], ...] = ()
    reserve: Mapping[int, int] = field(default_factory=dict)
    modes: Mapping[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "rule", _rule(self.rule, DISPATCH_RULES, "dispatch"))
        object.__setattr__(self, "redispatch", _pairs(self.redispatch))
        object.__setattr__(self, "reserve", {int(k): int(v) for k, v in self.reserve.items()})
        object.__setattr__(self, "modes", {int(k): str(v) for k, v in self.modes.items()})
        if any(v < 0 for v in self.reserve.values()):
            raise AnlanError(
                f"reserve = {dict(self.reserve)}",
                "units kept back are zero or more",
                "correct the number",
                code="policy_reserve",
            )


@dataclass(frozen=True)
class Standby:
    """Where free units wait.

    Attributes
    ----------
    rule : str
        ``home``: each at its own station. ``dmexclp``: where it adds most expected coverage.
    busy : float or None
        The busy fraction q that ``dmexclp`` assumes.
    reach_s : float
        Seconds in which a post covers a place.
    indoors : float
        Share of the turnout time that a unit standing by at a post which is not its home still needs: 1 as
        at a station, 0 with the crew in the car.
    """

    rule: str = "home"
    busy: float | None = None
    reach_s: float = 300.0
    indoors: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "rule", _rule(self.rule, STANDBY_RULES, "standby"))
        for name, low, high in (("busy", 0.0, 1.0), ("indoors", 0.0, 1.0), ("reach_s", 0.0, float("inf"))):
            value = getattr(self, name)
            if value is not None and not low <= float(value) <= high:
                raise AnlanError(
                    f"standby {name} = {value}",
                    f"it lies between {low:g} and {high:g}",
                    "correct the number",
                    code="policy_number",
                )


def section(kind: type[Any], given: Mapping[str, Any], name: str) -> Any:
    """A settings object from a table of the configuration."""
    known = {f.name for f in fields(kind)}
    unknown = set(given) - known
    if unknown:
        raise AnlanError(
            f"[{name}] {sorted(unknown)[0]}",
            "it is not a setting of a policy",
            f"the settings are {', '.join(sorted(known))}",
            code="policy_setting",
        )
    return kind(**given)


def _rule(name: str, known: tuple[str, ...], what: str) -> str:
    rule = ALIASES.get(name, name)
    if rule not in known:
        raise AnlanError(
            f"{what} rule {name!r}",
            "it is not one of this version's rules",
            f"use one of {', '.join(known)}",
            code="policy_rule",
        )
    return rule


def _pairs(given: Any) -> tuple[tuple[int, int], ...]:
    if isinstance(given, Mapping):
        given = given.items()
    if not isinstance(given, Iterable):
        given = ()
    return tuple((int(a), int(b)) for a, b in given)
