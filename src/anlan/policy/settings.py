"""What a policy's configuration may say of dispatch and standby, checked once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from anlan.core.errors import AnlanError
from anlan.policy import redispatch
from anlan.policy.catalogue import DISPATCH_RULES, STANDBY_RULES, get
from anlan.policy.checks import by_priority, names, number, section, whole
from anlan.policy.patrol import STOP_S
from anlan.policy.rule import Rule


@dataclass(frozen=True)
class Dispatch:
    """Who is sent: the table ``[dispatch]``.

    Attributes
    ----------
    rule : str
        ``closest``: the free unit that can be there first, turnout included, standing or driving.
        ``jurisdiction``: a unit of the call's own area, unless another is much sooner. ``coverage``: of those
        that come in time, the one whose leaving costs least expected coverage. ``preference``: the first of a
        fixed order.
    redispatch : tuple of (int, int)
        Pairs (from priority, to priority): a unit on its way to a call of the first may be taken for one of
        the second, which is the more urgent. Empty: never.
    reserve : mapping of int to int
        Free units kept back from calls of a priority; 0 where not given.
    modes : mapping of int to str
        Travel mode out to calls of a priority; ``lights`` to priority 1 and ``ordinary`` to the others where
        not given.
    tolerance_s : float
        ``jurisdiction``: how much later than the closest of all an own unit may come.
    areas : mapping of str to tuple of str
        ``jurisdiction``: codes of the areas that a station answers for; a station that is not named answers
        for the area it lies in.
    within_s : float
        ``coverage``: the standard within which any unit will do. Coverage itself is counted with the busy
        fraction and the reach of `Standby`.
    order : mapping of str to tuple of str
        ``preference``: units by area, first choice first; ``"*"`` for the other areas.
    """

    rule: str = "closest"
    redispatch: tuple[tuple[int, int], ...] = ()
    reserve: Mapping[int, int] = field(default_factory=dict)
    modes: Mapping[int, str] = field(default_factory=dict)
    tolerance_s: float = 60.0
    areas: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    within_s: float = 300.0
    order: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        put = _putter(self)
        put("rule", get(self.rule, DISPATCH_RULES, "dispatch").name)
        put("redispatch", redispatch.pairs(self.redispatch))
        reserve = by_priority("dispatch.reserve", self.reserve)
        put("reserve", {k: whole(f"dispatch.reserve.{k}", v) for k, v in reserve.items()})
        put("modes", {k: str(v) for k, v in by_priority("dispatch.modes", self.modes).items()})
        put("tolerance_s", number("dispatch.tolerance_s", self.tolerance_s))
        put("within_s", number("dispatch.within_s", self.within_s))
        put("areas", _lists("dispatch.areas", self.areas))
        put("order", _lists("dispatch.order", self.order))

    @property
    def declared(self) -> Rule:
        """The declaration of its rule."""
        return get(self.rule, DISPATCH_RULES, "dispatch")


@dataclass(frozen=True)
class Standby:
    """Where free units wait: the table ``[standby]``.

    Attributes
    ----------
    rule : str
        ``home``: each at its own station. ``posts``: at the plan's posts of the hour. ``compliance``: where a
        table says for so many free units. ``dmexclp``: where it adds most expected coverage. ``patrol``: on
        timed rounds.
    busy : float or None
        The busy fraction q that coverage-minded rules assume.
    reach_s : float
        Seconds in which a post covers a place.
    indoors : float
        Share of the turnout time that a unit standing by at a post which is not its home still needs: 1 as
        at a station, 0 with the crew in the car.
    table : mapping of int to tuple of str
        ``compliance``: with so many free units, these sites are held, a site as often as units stand there.
    rebalance : bool
        ``posts`` and ``compliance``: whether whenever the number of free units changes the nearest spare unit
        moves to a vacancy, or only a unit that has just become free.
    beats : mapping of str to tuple of str
        ``patrol``: hot places (sites) by unit, by station, or ``"*"`` for the rest.
    stop_s : float
        ``patrol``: how long a patrol stays at a hot place; 13 minutes, the middle of Koper's (1995) 10-16, is
        an assumption that reports name.
    """

    rule: str = "home"
    busy: float | None = None
    reach_s: float = 300.0
    indoors: float = 1.0
    table: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    rebalance: bool = True
    beats: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    stop_s: float = STOP_S

    def __post_init__(self) -> None:
        put = _putter(self)
        put("rule", get(self.rule, STANDBY_RULES, "standby").name)
        if self.busy is not None:
            put("busy", number("standby.busy", self.busy, 0.0, 1.0))
        put("reach_s", number("standby.reach_s", self.reach_s))
        put("indoors", number("standby.indoors", self.indoors, 0.0, 1.0))
        table = _lists("standby.table", self.table)
        put("table", {whole("units in standby.table", k, 0): v for k, v in table.items()})
        put("beats", _lists("standby.beats", self.beats))
        put("stop_s", number("standby.stop_s", self.stop_s, 1.0, 86400.0))
        if not isinstance(self.rebalance, bool):
            raise AnlanError(
                f"standby.rebalance = {self.rebalance!r}",
                "it is true or false",
                "correct it",
                code="policy_setting",
            )
        for rule, name in (("compliance", "table"), ("patrol", "beats")):
            if self.rule == rule and not getattr(self, name):
                raise AnlanError(
                    f"standby rule {rule!r}",
                    f"it needs the setting {name}",
                    f"write [standby.{name}]",
                    code="policy_setting",
                )

    @property
    def declared(self) -> Rule:
        """The declaration of its rule."""
        return get(self.rule, STANDBY_RULES, "standby")


def read(kind: type[Any], given: Any, name: str) -> Any:
    """`Dispatch` or `Standby` from its table; a setting that its rule does not read is refused."""
    found = section(kind, given, name)
    rules = DISPATCH_RULES if kind is Dispatch else STANDBY_RULES
    for setting in given:
        readers = [r.name for r in rules if setting in r.settings]
        if readers and found.rule not in readers:
            raise AnlanError(
                f"[{name}] {setting}",
                f"the rule {found.rule!r} does not read it, only {' and '.join(readers)}",
                "remove it or choose another rule",
                code="policy_setting",
            )
    return found


def _putter(settings: Any) -> Any:
    return lambda name, value: object.__setattr__(settings, name, value)


def _lists(name: str, given: Any) -> dict[Any, tuple[str, ...]]:
    if not isinstance(given, Mapping):
        raise AnlanError(
            f"{name} = {given!r}", "it is a table of lists", f"write [{name}]", code="policy_setting"
        )
    return {k: names(f"{name}.{k}", v) for k, v in given.items()}
