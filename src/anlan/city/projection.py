"""Between degrees (WGS-84) and the city's metres."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from pyproj import CRS, Proj, Transformer
from pyproj.exceptions import CRSError

from anlan.core.columns import Floats
from anlan.core.errors import AnlanError

LONLAT = "OGC:CRS84"
"""WGS-84 with longitude first: the coordinates of every geometry in a city folder."""

_MAX_SCALE_ERROR = 0.01
"""A metre of the map may differ from a metre on the ground by this much at the city; UTM stays within 0.4 %
in its own zone, Web Mercator is 18 % off at Wuhan."""


class Projection:
    """A projected coordinate system in metres.

    Parameters
    ----------
    crs : str
        Anything PROJ reads: ``EPSG:32650``, a WKT text.

    Raises
    ------
    AnlanError
        If it cannot be read, is not projected, or does not count in metres.
    """

    def __init__(self, crs: str) -> None:
        self.crs = crs
        system = read_crs(crs)
        if not system.is_projected or any(axis.unit_name != "metre" for axis in system.axis_info[:2]):
            raise AnlanError(
                f"crs {crs!r} ({system.name})",
                "a city is measured in a projected coordinate system with metres",
                "use the UTM zone of the city, such as EPSG:32650, or leave it out to have it chosen",
                code="crs",
            )
        self._system = system

    @classmethod
    def utm(cls, lon: float, lat: float) -> Projection:
        """The UTM zone of a place."""
        zone = int(np.clip(np.floor((lon + 180.0) / 6.0) + 1, 1, 60))
        return cls(f"EPSG:{(32600 if lat >= 0 else 32700) + zone}")

    @cached_property
    def _transformer(self) -> Transformer:
        return Transformer.from_crs(LONLAT, self._system, always_xy=True)

    def forward(self, lon: ArrayLike, lat: ArrayLike) -> tuple[Floats, Floats]:
        """Metres of degrees; NaN where a coordinate is NaN or cannot be projected."""
        return _transform(self._transformer, lon, lat, "FORWARD")

    def inverse(self, x: ArrayLike, y: ArrayLike) -> tuple[Floats, Floats]:
        """Degrees of metres."""
        return _transform(self._transformer, x, y, "INVERSE")

    def scale_at(self, lon: float, lat: float) -> float:
        """Metres of the map per metre on the ground, averaged over directions, at a place."""
        factors = Proj(self._system).get_factors(lon, lat)
        return float(np.sqrt(factors.meridional_scale * factors.parallel_scale))

    def check(self, west: float, south: float, east: float, north: float) -> None:
        """Refuse data that lies where this coordinate system does not hold.

        Raises
        ------
        AnlanError
            If the middle of the data is outside the system's area of use (by more than a degree) or its
            metres are off by more than one percent there.
        """
        lon, lat = (west + east) / 2, (south + north) / 2
        what = f"crs {self.crs!r} for roads around longitude {lon:.3f}, latitude {lat:.3f}"
        remedy = (
            f"use {self.utm(lon, lat).crs}, or leave crs out; if the place is wrong, check that the layer's "
            "own coordinate system is stated and that longitude and latitude are not swapped"
        )
        area = self._system.area_of_use
        if area is not None and not in_area_of_use(self._system, lon, lat, slack=1.0):
            raise AnlanError(
                what,
                f"it holds from {area.west:g}, {area.south:g} to {area.east:g}, {area.north:g}",
                remedy,
                code="crs_area",
            )
        scale = self.scale_at(lon, lat)
        if not abs(scale - 1) <= _MAX_SCALE_ERROR:
            raise AnlanError(
                what,
                f"its metres are {scale:.3f} of the metres on the ground there, and 1 % is allowed",
                remedy,
                code="crs_scale",
            )


def read_crs(crs: Any) -> CRS:
    """A coordinate system from what a user or a file states; a sentence if it cannot be read."""
    try:
        return CRS.from_user_input(crs)
    except CRSError:
        raise AnlanError(
            f"crs {str(crs)[:80]!r}",
            "a coordinate system is a code or text that PROJ knows",
            "use a code such as EPSG:4326 or EPSG:32650",
            code="crs",
        ) from None


def in_area_of_use(crs: CRS, lon: float, lat: float, slack: float) -> bool:
    """Whether a place lies where a system is meant to be used, within ``slack`` degrees; True if unstated."""
    area = crs.area_of_use
    if area is None:
        return True
    width = area.east - area.west + (360.0 if area.west > area.east else 0.0)
    inside_lon = (lon - (area.west - slack)) % 360.0 <= width + 2 * slack
    return bool(inside_lon and area.south - slack <= lat <= area.north + slack)


def to_lonlat(crs: CRS, x: ArrayLike, y: ArrayLike) -> tuple[Floats, Floats]:
    """Degrees (WGS-84) of coordinates in any system."""
    if crs == CRS.from_user_input(LONLAT) or crs.equals(CRS.from_epsg(4326), ignore_axis_order=True):
        return np.asarray(x, np.float64), np.asarray(y, np.float64)
    return _transform(Transformer.from_crs(crs, LONLAT, always_xy=True), x, y, "FORWARD")


def _transform(transformer: Transformer, a: ArrayLike, b: ArrayLike, way: str) -> tuple[Floats, Floats]:
    first, second = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if first.size == 0:
        return first.copy(), second.copy()
    one, two = transformer.transform(first, second, direction=way)
    one, two = np.asarray(one, np.float64), np.asarray(two, np.float64)
    bad = ~(np.isfinite(one) & np.isfinite(two))
    if bad.any():
        one, two = np.where(bad, np.nan, one), np.where(bad, np.nan, two)
    return one, two
