"""What OpenStreetMap's tags mean for driving, walking and water.

The rules follow the OSM wiki's pages "Key:highway", "Key:access" (the more specific key wins), "Key:oneway"
(roundabouts and motorways are one-way unless tagged otherwise) and "Key:maxspeed".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from anlan.city.readers.tags import directions, speed_kmh

DRIVEN = frozenset(
    f"{name}{link}"
    for name in ("motorway", "trunk", "primary", "secondary", "tertiary")
    for link in ("", "_link")
) | {"unclassified", "residential", "living_street", "service", "road"}
"""Classes open to motor vehicles unless a tag says otherwise."""

WALKED = frozenset({"footway", "path", "steps", "pedestrian", "bridleway", "cycleway", "track"})
"""Classes for walking; a track or a pedestrian street is driven where a tag opens it."""

_OPENED = frozenset({"track", "pedestrian"})
_NO_WALKING = frozenset({"motorway", "motorway_link"})
_DENIED = frozenset(
    {"no", "private", "agricultural", "forestry", "agricultural;forestry", "forestry;agricultural",
     "military", "emergency", "bus", "psv", "permit", "restricted", "closed", "hov"}
)  # fmt: skip
_GRANTED = frozenset({"yes", "designated", "permissive", "destination", "public", "official", "customers"})
_MOTOR_KEYS = ("motorcar", "motor_vehicle", "vehicle", "access")

WATERWAYS = frozenset({"river", "canal", "stream", "ditch", "drain", "tidal_channel", "wadi"})


@dataclass(frozen=True, slots=True)
class Street:
    """What one way is for.

    Attributes
    ----------
    road_class : str
        Value of ``highway``.
    forward, backward, foot : bool
    speed_kmh : float
        NaN where not posted or given by a country's default (``RU:urban``).
    note : str
        Why it is not driven, or what was assumed; empty for the ordinary case.
    """

    road_class: str
    forward: bool
    backward: bool
    foot: bool
    speed_kmh: float
    note: str = ""


_READ = (
    "highway", "route", "area", *_MOTOR_KEYS, "tracktype", "foot", "motorroad", "oneway", "junction",
    "maxspeed", "maxspeed:forward", "maxspeed:backward",
)  # fmt: skip


def street(tags: Mapping[str, str]) -> Street | str:
    """The street a way is, or the reason why it is left out."""
    # A city has a few thousand combinations of these tags on its hundreds of thousands of ways.
    return _street(tuple(tags.get(key) for key in _READ))


@lru_cache(maxsize=65_536)
def _street(values: tuple[str | None, ...]) -> Street | str:
    tags = {key: value for key, value in zip(_READ, values, strict=True) if value is not None}
    kind = tags.get("highway", "")
    if tags.get("route") == "ferry":
        return "ferry"
    if tags.get("area") == "yes":
        return f"an area, not a line (highway={kind})"
    if kind not in DRIVEN and kind not in WALKED:
        return f"highway={kind}"
    foot = _foot(kind, tags)
    motor, decided_by = _motor(tags)
    if kind in WALKED:
        opened = kind in _OPENED and (
            (motor in _GRANTED and decided_by != "access")
            or (kind == "track" and tags.get("tracktype") == "grade1" and motor not in _DENIED)
        )
        if not opened:
            return Street(kind, False, False, foot, np.nan, f"for walking only (highway={kind})")
    elif motor in _DENIED:
        why = "private" if motor == "private" else "closed to motor vehicles"
        return Street(kind, False, False, foot, _speed(tags), f"{why}, kept out of driving")
    forward, backward, note = _directions(kind, tags)
    return Street(kind, forward, backward, foot, _speed(tags), note)


def water(tags: Mapping[str, str]) -> tuple[str, str]:
    """Kind of line (waterway or shore) a way is, and the reason where it is left out; both may be empty."""
    waterway = tags.get("waterway", "")
    if waterway in WATERWAYS:
        if tags.get("tunnel", "no") != "no" or tags.get("covered") == "yes":
            return "", "waterway under ground"
        return "waterway", ""
    if tags.get("natural") == "coastline" or is_water_area(tags):
        return "shore", ""
    return "", ""


def is_water_area(tags: Mapping[str, str]) -> bool:
    """Whether a closed way or a multipolygon is a body of water."""
    return (
        tags.get("natural") == "water"
        or tags.get("waterway") == "riverbank"
        or tags.get("landuse") == "reservoir"
    )


def _motor(tags: Mapping[str, str]) -> tuple[str, str]:
    for key in _MOTOR_KEYS:
        if key in tags:
            return tags[key].strip().lower(), key
    return "", ""


def _foot(kind: str, tags: Mapping[str, str]) -> bool:
    explicit = tags.get("foot", "").lower()
    if explicit in _GRANTED:
        return True
    if explicit in _DENIED or (not explicit and tags.get("access", "").lower() in _DENIED):
        return False
    return kind not in _NO_WALKING and tags.get("motorroad") != "yes"


def _directions(kind: str, tags: Mapping[str, str]) -> tuple[bool, bool, str]:
    oneway = tags.get("oneway", "").lower()
    if oneway in ("reversible", "alternating"):
        return True, True, f"oneway={oneway}, taken as two-way"
    if oneway:
        return *directions(oneway), ""
    implied = tags.get("junction") in ("roundabout", "circular") or kind == "motorway"
    return True, not implied, ""


def _speed(tags: Mapping[str, str]) -> float:
    speeds = [speed_kmh(tags.get(key)) for key in ("maxspeed", "maxspeed:forward", "maxspeed:backward")]
    return next((s for s in speeds if s == s), np.nan)
