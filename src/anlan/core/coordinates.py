"""Coordinate systems of China and the world: WGS-84, CGCS2000, GCJ-02 and BD-09, in and out.

CGCS2000 (EPSG:4490) differs from WGS-84 by decimetres at most and is taken as the same. GCJ-02, the system
of Amap, Tencent and Google's Chinese maps, adds a smooth, deliberately irregular shift of 100–700 m to
WGS-84 inside China; BD-09, Baidu's, adds a second one to GCJ-02. The formulas were never published
officially; they are the ones in general use (eviltransform, coordtransform), which reproduce the map
services to about a metre. Their usual rectangle decides what is China: outside it GCJ-02 is the identity.

Inverses are found by fixed-point iteration, so a round trip is exact to well under a millimetre, except
within a shift's length of the rectangle's rim, where the forward step itself is not one-to-one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anlan.core.columns import Bools, Floats
from anlan.core.errors import AnlanError

SYSTEMS = ("wgs84", "cgcs2000", "gcj02", "bd09")

_NAMES = {
    "wgs84": "wgs84",
    "epsg4326": "wgs84",
    "gps": "wgs84",
    "cgcs2000": "cgcs2000",
    "epsg4490": "cgcs2000",
    "国家2000": "cgcs2000",
    "gcj02": "gcj02",
    "gcj": "gcj02",
    "mars": "gcj02",
    "火星坐标": "gcj02",
    "bd09": "bd09",
    "bd09ll": "bd09",
    "baidu": "bd09",
    "百度坐标": "bd09",
}

# Krasovsky 1940, on which the GCJ-02 shift is computed.
_AXIS_M = 6378245.0
_ECCENTRICITY2 = 0.00669342162296594323
_CHINA = (72.004, 0.8293, 137.8347, 55.8271)  # west, south, east, north
_BD_PI = np.pi * 3000.0 / 180.0
_EARTH_RADIUS_M = 6371008.8  # mean radius, IUGG

# The shifts' derivatives are below 0.03, so each pass gains more than one and a half digits.
_PASSES = 12

Pair = tuple[Floats, Floats]


def system(name: str) -> str:
    """The canonical name of a coordinate system: one of `SYSTEMS`, however it is spelt (``GCJ-02``).

    Raises
    ------
    AnlanError
        If there is no such system.
    """
    plain = "".join(c for c in name.lower() if c.isalnum())
    if plain not in _NAMES:
        raise AnlanError(
            f"coordinate system {name!r}",
            "it is not one of " + ", ".join(SYSTEMS),
            "name one of these, or give projected coordinates with crs='EPSG:…'",
            code="coordinate_system",
        )
    return _NAMES[plain]


def convert(lon: Any, lat: Any, source: str, target: str) -> Pair:
    """Convert degrees from one coordinate system to another.

    Parameters
    ----------
    lon, lat : array_like, any one shape
        Degrees; NaN stays NaN, and what is no place on earth becomes NaN where it would be shifted.
    source, target : str
        See `SYSTEMS`.

    Returns
    -------
    lon, lat : ndarray of float64
    """
    x, y = np.asarray(lon, np.float64), np.asarray(lat, np.float64)
    start, end = _LADDER[system(source)], _LADDER[system(target)]
    if start != end:
        on_earth = (np.abs(x) <= 360.0) & (np.abs(y) <= 90.0)
        if not on_earth.all():
            x, y = np.where(on_earth, x, np.nan), np.where(on_earth, y, np.nan)
    for step in range(start, end):
        x, y = _UP[step](x, y)
    for step in range(start, end, -1):
        x, y = _DOWN[step - 1](x, y)
    return x, y


def to_wgs84(lon: Any, lat: Any, source: str) -> Pair:
    """Convert degrees of a coordinate system to WGS-84; see `convert`."""
    return convert(lon, lat, source, "wgs84")


def from_wgs84(lon: Any, lat: Any, target: str) -> Pair:
    """Convert WGS-84 degrees to another coordinate system; see `convert`."""
    return convert(lon, lat, "wgs84", target)


def in_china(lon: Any, lat: Any) -> Bools:
    """Whether points lie in the rectangle within which GCJ-02 shifts; False for NaN."""
    x, y = np.asarray(lon, np.float64), np.asarray(lat, np.float64)
    west, south, east, north = _CHINA
    return (x >= west) & (x <= east) & (y >= south) & (y <= north)


def distance_m(lon_a: Any, lat_a: Any, lon_b: Any, lat_b: Any) -> Floats:
    """Great-circle distance in metres between WGS-84 points (haversine, mean Earth radius)."""
    xa, ya, xb, yb = (np.radians(np.asarray(v, np.float64)) for v in (lon_a, lat_a, lon_b, lat_b))
    half = np.sin((yb - ya) / 2) ** 2 + np.cos(ya) * np.cos(yb) * np.sin((xb - xa) / 2) ** 2
    return 2 * _EARTH_RADIUS_M * np.arcsin(np.sqrt(np.clip(half, 0.0, 1.0)))


def _gcj_shift(lon: Floats, lat: Floats) -> Pair:
    """The GCJ-02 shift in degrees at WGS-84 points."""
    x, y = lon - 105.0, lat - 35.0
    ripple = 20.0 * np.sin(6.0 * np.pi * x) + 20.0 * np.sin(2.0 * np.pi * x)
    root = np.sqrt(np.abs(x))
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root
    north += (ripple + 20.0 * np.sin(np.pi * y) + 40.0 * np.sin(np.pi * y / 3.0)) * 2.0 / 3.0
    north += (160.0 * np.sin(np.pi * y / 12.0) + 320.0 * np.sin(np.pi * y / 30.0)) * 2.0 / 3.0
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root
    east += (ripple + 20.0 * np.sin(np.pi * x) + 40.0 * np.sin(np.pi * x / 3.0)) * 2.0 / 3.0
    east += (150.0 * np.sin(np.pi * x / 12.0) + 300.0 * np.sin(np.pi * x / 30.0)) * 2.0 / 3.0
    phi = np.radians(lat)
    curvature = 1.0 - _ECCENTRICITY2 * np.sin(phi) ** 2
    meridian_m = _AXIS_M * (1.0 - _ECCENTRICITY2) / (curvature * np.sqrt(curvature))
    parallel_m = _AXIS_M / np.sqrt(curvature) * np.cos(phi)
    return np.degrees(east / parallel_m), np.degrees(north / meridian_m)


def _gcj_from_wgs(lon: Floats, lat: Floats) -> Pair:
    inside = in_china(lon, lat)
    east, north = _gcj_shift(np.where(inside, lon, 105.0), np.where(inside, lat, 35.0))
    return np.where(inside, lon + east, lon), np.where(inside, lat + north, lat)


def _wgs_from_gcj(lon: Floats, lat: Floats) -> Pair:
    inside = in_china(lon, lat)
    x0, y0 = np.where(inside, lon, 105.0), np.where(inside, lat, 35.0)
    x, y = _inverse(_gcj_shift, x0, y0)
    return np.where(inside, x, lon), np.where(inside, y, lat)


def _bd_from_gcj(lon: Floats, lat: Floats) -> Pair:
    east, north = _bd_shift(lon, lat)
    return lon + east, lat + north


def _gcj_from_bd(lon: Floats, lat: Floats) -> Pair:
    return _inverse(_bd_shift, lon, lat)


def _bd_shift(lon: Floats, lat: Floats) -> Pair:
    """The BD-09 shift in degrees at GCJ-02 points."""
    radius = np.hypot(lon, lat) + 0.00002 * np.sin(lat * _BD_PI)
    angle = np.arctan2(lat, lon) + 0.000003 * np.cos(lon * _BD_PI)
    return radius * np.cos(angle) + 0.0065 - lon, radius * np.sin(angle) + 0.006 - lat


def _inverse(shift: Callable[[Floats, Floats], Pair], lon: Floats, lat: Floats) -> Pair:
    """The points which ``shift`` moves to ``lon, lat``: iterate p ← target - shift(p)."""
    x, y = lon, lat
    for _ in range(_PASSES):
        east, north = shift(x, y)
        moved: NDArray[np.float64] = np.abs(lon - east - x) + np.abs(lat - north - y)
        x, y = lon - east, lat - north
        # 1e-12 degrees is a ten-thousandth of a millimetre.
        if not np.any(moved > 1e-12):
            break
    return x, y


# The systems form a ladder: each step up adds one shift.
_LADDER = {"wgs84": 0, "cgcs2000": 0, "gcj02": 1, "bd09": 2}
_UP = (_gcj_from_wgs, _bd_from_gcj)
_DOWN = (_wgs_from_gcj, _gcj_from_bd)
