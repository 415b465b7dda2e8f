"""Speed profiles: how fast each class of road is driven, in which mode, at which hour of the week."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from anlan.core.columns import Floats, Strings
from anlan.core.errors import AnlanError
from anlan.core.time import SLOTS

MODES = ("lights", "ordinary", "walk")
"""Under lights and siren; as other traffic; on foot."""

CLASS_KMH: Mapping[str, float] = {
    "motorway": 90.0,
    "motorway_link": 75.0,
    "trunk": 85.0,
    "trunk_link": 70.0,
    "primary": 65.0,
    "primary_link": 60.0,
    "secondary": 55.0,
    "secondary_link": 50.0,
    "tertiary": 40.0,
    "tertiary_link": 30.0,
    "unclassified": 25.0,
    "residential": 25.0,
    "living_street": 10.0,
    "service": 15.0,
}
"""Free-flow km/h by OpenStreetMap's ``highway``: the OSRM car profile (``profiles/car.lua``)."""

OTHER_KMH = 25.0
"""A road of another class: as OSRM's ``unclassified``."""

WALK_KMH = 5.0
"""The OSRM foot profile's walking speed."""

ORDINARY = 0.615
"""Speed without lights and siren over speed with them.

Runs with them took 38.5 % less time than an escort on the same route without (64 urban runs):
Ho J, Casey B (1998), Time saved with use of emergency warning lights and sirens during response to requests
for emergency medical aid in an urban environment, Annals of Emergency Medicine 32(5):585-588.
"""

SOURCE = "road-class defaults: OSRM car profile; without lights x 0.615 (Ho & Casey 1998); walking 5 km/h"


def _modes() -> dict[str, float]:
    return {"lights": 1.0, "ordinary": ORDINARY}


@dataclass(frozen=True)
class SpeedProfile:
    """Speed of each edge by road class, mode and hour of the week.

    An edge is driven at ``(posted speed, or its class's) * class_factor * mode * week``, a walked one at
    ``walk_kmh``.

    Attributes
    ----------
    class_kmh : mapping of str to float
        Where the edge has no speed of its own.
    other_kmh : float
        For classes that ``class_kmh`` does not name.
    class_factor : mapping of str to float
        What calibration found: factor on posted and default speeds of a class, ``"*"`` for all others.
    mode : mapping of str to float
        Factor by vehicle mode.
    week : mapping of str to sequence of 168 float
        Factor by hour of the week, by road class; ``"*"`` for all others. The missing is 1.
    walk_kmh : float
    junction_s : float
        Seconds lost at the end of each edge, vehicle modes only.
    delay_s : float
        Start-up delay from dispatch to wheels turning; not part of travel times, for whoever adds them up.
    source : str
        Where the speeds come from, for provenance.

    Raises
    ------
    AnlanError
        If a speed or factor is not above zero, or a week has not 168 hours.
    """

    class_kmh: Mapping[str, float] = field(default_factory=lambda: dict(CLASS_KMH))
    other_kmh: float = OTHER_KMH
    class_factor: Mapping[str, float] = field(default_factory=dict)
    mode: Mapping[str, float] = field(default_factory=_modes)
    week: Mapping[str, Sequence[float]] = field(default_factory=dict)
    walk_kmh: float = WALK_KMH
    junction_s: float = 0.0
    delay_s: float = 0.0
    source: str = SOURCE

    def __post_init__(self) -> None:
        for table in ("class_kmh", "class_factor", "mode"):
            values = {str(k): _number(f"{table}.{k}", v) for k, v in getattr(self, table).items()}
            object.__setattr__(self, table, values)
        object.__setattr__(self, "mode", {**_modes(), **self.mode})
        for name in ("other_kmh", "walk_kmh"):
            object.__setattr__(self, name, _number(name, getattr(self, name)))
        for name in ("junction_s", "delay_s"):
            object.__setattr__(self, name, _number(name, getattr(self, name), zero=True))
        week = {}
        for road_class, hours in self.week.items():
            if len(hours) != SLOTS:
                raise AnlanError(
                    f"speed.week.{road_class} with {len(hours)} values",
                    f"a week has {SLOTS} hours, from Monday 00:00",
                    f"give {SLOTS} factors",
                    code="speed",
                )
            week[road_class] = tuple(_number(f"week.{road_class}", h) for h in hours)
        object.__setattr__(self, "week", week)

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> SpeedProfile:
        """Read the ``[speed]`` table of ``city.toml``; what it does not name keeps its default.

        Raises
        ------
        AnlanError
            If the table has an unknown key or an impossible value.
        """
        known = set(cls.__dataclass_fields__)
        unknown = sorted(set(table) - known)
        if unknown:
            raise AnlanError(
                f"speed.{unknown[0]}",
                f"the speed table has {', '.join(sorted(known))}",
                "correct the name",
                code="speed",
            )
        for name in ("class_kmh", "class_factor", "mode", "week"):
            if not isinstance(table.get(name, {}), Mapping):
                raise AnlanError(
                    f"speed.{name} = {table[name]!r}",
                    "it is a table of names and values",
                    f"write [speed.{name}]",
                    code="speed",
                )
        given = dict(table)
        given["class_kmh"] = {**CLASS_KMH, **table.get("class_kmh", {})}
        if "source" not in given and set(table) & {"class_kmh", "class_factor", "mode", "week"}:
            given["source"] = "the city's speed table, otherwise " + SOURCE
        return cls(**given)

    def to_table(self) -> dict[str, Any]:
        """The ``[speed]`` table of ``city.toml``; defaults are written out, so that they can be read."""
        return {
            "source": self.source,
            "other_kmh": self.other_kmh,
            "walk_kmh": self.walk_kmh,
            "junction_s": self.junction_s,
            "delay_s": self.delay_s,
            "class_kmh": dict(self.class_kmh),
            "class_factor": dict(self.class_factor),
            "mode": dict(self.mode),
            "week": {k: list(v) for k, v in self.week.items()},
        }

    def factors(self, classes: list[str], slot: int | None, mode: str) -> tuple[float, ...]:
        """Factor on the speed of each class in an hour of the week (None: the profile's base) and a mode.

        Equal factors mean equal travel times: this is what customised networks are kept by.

        Raises
        ------
        AnlanError
            If there is no such mode or hour.
        """
        if mode not in MODES:
            raise AnlanError(
                f"mode {mode!r}", f"a mode is one of {', '.join(MODES)}", "use one of them", code="mode"
            )
        if slot is not None and not 0 <= slot < SLOTS:
            raise AnlanError(
                f"slot {slot}",
                f"hours of the week are 0 … {SLOTS - 1}, from Monday 00:00",
                "give one of them, or None for the base speeds",
                code="slot",
            )
        if mode == "walk":
            return tuple(1.0 for _ in classes)
        out = []
        for name in classes:
            factor = self.mode[mode] * self.class_factor.get(name, self.class_factor.get("*", 1.0))
            if slot is not None and self.week:
                hours = self.week.get(name, self.week.get("*"))
                factor *= 1.0 if hours is None else hours[slot]
            out.append(factor)
        return tuple(out)

    def base_kmh(self, road_class: Strings, posted_kmh: Floats) -> Floats:
        """Each edge's own speed where it has one above zero, else its class's, shape (n_edges,)."""
        names, code = np.unique(road_class.astype(str), return_inverse=True)
        by_class = np.array([self.class_kmh.get(str(n), self.other_kmh) for n in names])
        default = by_class[code] if len(names) else np.empty(0)
        with np.errstate(invalid="ignore"):
            return np.where(posted_kmh > 0, posted_kmh, default)


def _number(name: str, value: Any, *, zero: bool = False) -> float:
    ok = isinstance(value, int | float | np.number) and not isinstance(value, bool) and np.isfinite(value)
    if ok and (value > 0 or (zero and value == 0)):
        return float(value)
    raise AnlanError(
        f"speed.{name} = {value!r}",
        "it is a number of zero or more" if zero else "it is a number above zero",
        "correct it",
        code="speed",
    )
