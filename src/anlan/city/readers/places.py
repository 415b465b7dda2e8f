"""Where rows of a call table are: degrees or metres, two columns or one, in whichever coordinate system."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow.compute as pc
from pyproj import CRS

from anlan.city.finding import Finding
from anlan.city.projection import read_crs, to_lonlat
from anlan.city.readers.cells import clean, filled
from anlan.city.readers.mapping import CallMapping
from anlan.city.readers.numbers import parse_degrees, parse_numbers
from anlan.city.readers.words import plain, system_of
from anlan.core.columns import Bools, Floats, Strings
from anlan.core.coordinates import system, to_wgs84
from anlan.core.errors import AnlanError

Bounds = tuple[float, float, float, float]
"""West, south, east, north in degrees, WGS-84."""

_PAIR = r"(?P<a>[+-]?\d+(?:\.\d+)?)\s*°?\s*[EeNn东北]?\s*[,;、\s]\s*(?P<b>[+-]?\d+(?:\.\d+)?)"
_LAT_FIRST = ("latlon", "latlng", "latlong", "纬经度")
_LON_FIRST = ("lonlat", "lnglat", "经纬度", "wkt", "geom", "geometry", "thegeom")
# BD-09 lies at most about 1.3 km off WGS-84; tests before conversion allow for it.
_SHIFT_DEG = 0.02
# Beyond every number of degrees, short of every metre coordinate in use.
_NO_DEGREES = 360.0


@dataclass(frozen=True, eq=False)
class Places:
    """Where each row is.

    Attributes
    ----------
    lon, lat : ndarray of float64, shape (n,)
        Degrees, WGS-84; NaN where `reason` says why.
    reason : ndarray of str, shape (n,)
        Empty, or a key of `anlan.city.readers.reasons.REASONS`.
    coordinate_system : str
        What the degrees were in; empty where ``crs`` says it.
    crs : str
    notes : tuple of Finding
    """

    lon: Floats
    lat: Floats
    reason: Strings
    coordinate_system: str
    crs: str
    notes: tuple[Finding, ...]


def read_places(
    columns: dict[str, Any],
    mapping: CallMapping,
    *,
    bounds: Bounds | None = None,
    city_crs: str | None = None,
    what: str = "the table",
) -> Places:
    """Read the coordinates of every row.

    Parameters
    ----------
    columns : mapping of str to pyarrow.Array
    mapping : CallMapping
        Its ``coordinate_system``, ``crs`` and ``swap`` say how coordinates are meant.
    bounds : tuple of float, optional
        Where calls can be, in degrees (WGS-84). By default only the limits of the earth, or of ``crs``.
    city_crs : str, optional
        The city's own projected system, proposed where metres come without one.
    what : str
        The file, for sentences.

    Raises
    ------
    AnlanError
        If metres come without ``crs``, or most rows have longitude and latitude exchanged.
    """
    kind, names = _kind(mapping)
    first, second, unreadable, missing, notes = _numbers(columns, kind, names, bounds)
    reason: Strings = np.full(len(first), "", dtype=object)
    reason[missing] = "coordinates_missing"
    reason[unreadable] = "coordinates_unreadable"
    present = reason == ""
    zero = present & (np.abs(first) < 1e-6) & (np.abs(second) < 1e-6)
    reason[zero] = "coordinates_zero"
    present &= ~zero
    projected = read_crs(mapping.crs) if mapping.crs else None
    spoken = "" if projected is not None else _system(mapping, names, notes)
    if projected is None:
        _refuse_metres(first, second, present, names, what, city_crs)
    limits = bounds if bounds is not None else _area_of_use(projected)
    lon, lat = _degrees(first, second, projected)
    turned_lon, turned_lat = _degrees(second, first, projected)
    fits = _fits(lon, lat, limits)
    turned = present & ~fits & _fits(turned_lon, turned_lat, limits)
    if mapping.swap and limits is None and not turned.any():
        turned = present.copy()  # nothing tells the rows apart: all are exchanged
    if turned.any():
        if mapping.swap:
            lon, lat = np.where(turned, turned_lon, lon), np.where(turned, turned_lat, lat)
            notes.append(_exchanged(int(turned.sum())))
        elif turned.sum() > 0.5 * present.sum():
            raise _swapped(first, second, turned, names, what, limits)
        else:
            reason[turned] = "lon_lat_swapped"
            present &= ~turned
    nowhere = present & ~((np.abs(lon) <= 180) & (np.abs(lat) <= 90))
    reason[nowhere] = "coordinates_out_of_range"
    if spoken and spoken != "wgs84":
        lon, lat = to_wgs84(lon, lat, spoken)
    if bounds is not None:
        inside = within(lon, lat, bounds)
        placed = reason == ""
        refuse_elsewhere(np.where(placed, lon, np.nan), lat, placed & inside, bounds, what)
        reason[placed & ~inside] = "outside_city"
    gone = reason != ""
    return Places(
        np.where(gone, np.nan, lon),
        np.where(gone, np.nan, lat),
        reason,
        spoken,
        mapping.crs,
        tuple(notes),
    )


def within(lon: Floats, lat: Floats, bounds: Bounds, margin_deg: float = 0.0) -> Bools:
    """Which points lie within bounds; False for NaN."""
    west, south, east, north = bounds
    inside_lon = (lon >= west - margin_deg) & (lon <= east + margin_deg)
    return inside_lon & (lat >= south - margin_deg) & (lat <= north + margin_deg)


def refuse_elsewhere(lon: Floats, lat: Floats, inside: Bools, bounds: Bounds, what: str) -> None:
    """Refuse a table of which nine tenths lie outside the city: it is another place's, or misread.

    Raises
    ------
    AnlanError
    """
    known = np.isfinite(lon) & np.isfinite(lat)
    if not known.any() or inside.sum() > 0.1 * known.sum():
        return
    west, south, east, north = bounds
    middle = float(np.median(lon[known])), float(np.median(lat[known]))
    raise AnlanError(
        f"{what} with calls around longitude {middle[0]:.4f}, latitude {middle[1]:.4f}",
        f"{int(known.sum() - inside.sum())} of {int(known.sum())} lie outside the city, which reaches from"
        f" {west:.4f}, {south:.4f} to {east:.4f}, {north:.4f}",
        "check that it is the right city, and the coordinate system (--coordinates, or --calls-crs for metres;"
        " coordinate_system= or crs= from Python)",
        code="outside_city",
    )


def _kind(mapping: CallMapping) -> tuple[str, tuple[str, ...]]:
    """Which of the mapped columns tell the place: metres where their system is given, else degrees."""
    has = mapping.columns
    if "x" in has and "y" in has and (mapping.crs or not ("lon" in has or "point" in has)):
        return "xy", has["x"] + has["y"]
    if "lon" in has and "lat" in has:
        return "lonlat", has["lon"] + has["lat"]
    if "point" in has:
        return "point", has["point"]
    raise TypeError("the mapping has no coordinates")


def _numbers(
    columns: dict[str, Any], kind: str, names: tuple[str, ...], bounds: Bounds | None
) -> tuple[Floats, Floats, Bools, Bools, list[Finding]]:
    """Two numbers a row, where they cannot be read, where there are none."""
    notes: list[Finding] = []
    if kind == "point":
        text = clean(columns[names[0]])
        pair = pc.extract_regex(text, _PAIR)
        first, _ = parse_numbers(pc.struct_field(pair, "a"))
        second, _ = parse_numbers(pc.struct_field(pair, "b"))
        there = filled(text)
        if _lat_first(names[0], text, first, second, bounds, notes):
            first, second = second, first
        return first, second, there & np.isnan(first), ~there, notes
    if kind == "xy":
        first, bad_first = parse_numbers(columns[names[0]], thousands=True)
        second, bad_second = parse_numbers(columns[names[1]], thousands=True)
    else:
        first, bad_first = parse_degrees(columns[names[0]])
        second, bad_second = parse_degrees(columns[names[1]])
    unreadable = bad_first | bad_second
    return first, second, unreadable, ~unreadable & (np.isnan(first) | np.isnan(second)), notes


def _lat_first(
    name: str, text: Any, first: Floats, second: Floats, bounds: Bounds | None, notes: list[Finding]
) -> bool:
    """Whether a column of pairs puts the latitude first."""
    if bounds is not None:
        as_is = int(within(first, second, bounds, _SHIFT_DEG).sum())
        turned = int(within(second, first, bounds, _SHIFT_DEG).sum())
        if as_is != turned:
            return turned > as_is
    far_first, far_second = int((np.abs(first) > 90).sum()), int((np.abs(second) > 90).sum())
    if far_first != far_second:
        return far_second > far_first
    if pc.any(pc.match_substring_regex(text, r"(?i)point|coordinates")).as_py():
        return False
    compared = plain(name)
    if any(word in compared for word in _LAT_FIRST):
        return True
    if not any(word in compared for word in _LON_FIRST):
        lat_first = bool(pc.any(pc.starts_with(text, "(")).as_py())
        order = ("latitude, longitude", "纬度在前") if lat_first else ("longitude, latitude", "经度在前")
        notes.append(
            Finding(
                "warning",
                "point_order_assumed",
                f"Column {name!r} was read as {order[0]}; nothing in it says so: --swap (swap=True from"
                " Python) reads it the other way.",
                f"列“{name}”按{order[1]}读取，数据本身未能说明顺序；用 --swap（Python 中为 swap=True）可反过来读取。",
            )
        )
        return lat_first
    return False


def _system(mapping: CallMapping, names: tuple[str, ...], notes: list[Finding]) -> str:
    if mapping.coordinate_system:
        return system(mapping.coordinate_system)
    said = {found for name in names if (found := system_of(name))}
    if len(said) == 1:
        (found,) = said
        if found != "wgs84":
            notes.append(
                Finding(
                    "note",
                    "system_from_name",
                    f"The coordinates were read as {found}, as their column names say ({', '.join(names)}).",
                    f"按列名（{'、'.join(names)}）将坐标作为 {found} 读取。",
                )
            )
        return found
    return "wgs84"


def _refuse_metres(
    first: Floats, second: Floats, present: Bools, names: tuple[str, ...], what: str, city_crs: str | None
) -> None:
    far = present & ((np.abs(first) > _NO_DEGREES) | (np.abs(second) > _NO_DEGREES))
    if far.sum() <= 0.5 * present.sum() or not far.any():
        return
    row = int(np.flatnonzero(far)[0])
    proposal = city_crs or "EPSG:4547 (CGCS2000, 114° E) or EPSG:27700 (Britain)"
    raise AnlanError(
        f"{what}, {' and '.join(names)} such as {first[row]:.10g}, {second[row]:.10g}",
        "these are metres of a projected coordinate system, and which one is not stated",
        f"pass --calls-crs (crs= from Python), for example {proposal}",
        code="crs_missing",
    )


def _area_of_use(crs: CRS | None) -> Bounds | None:
    if crs is None or crs.area_of_use is None:
        return None
    area = crs.area_of_use
    return (area.west, area.south, area.east, area.north) if area.west < area.east else None


def _degrees(first: Floats, second: Floats, crs: CRS | None) -> tuple[Floats, Floats]:
    return (first, second) if crs is None else to_lonlat(crs, first, second)


def _fits(lon: Floats, lat: Floats, limits: Bounds | None) -> Bools:
    return within(lon, lat, limits or (-180.0, -90.0, 180.0, 90.0), _SHIFT_DEG if limits else 0.0)


def _exchanged(n: int) -> Finding:
    return Finding(
        "note",
        "lon_lat_exchanged",
        f"Rows in which longitude and latitude were exchanged, as asked: {n}.",
        f"已按要求将 {n} 行的经纬度对调。",
        n,
    )


def _swapped(
    first: Floats, second: Floats, turned: Bools, names: tuple[str, ...], what: str, limits: Bounds | None
) -> AnlanError:
    row = int(np.flatnonzero(turned)[0])
    place = "the city" if limits else "the earth"
    return AnlanError(
        f"{what}, {' and '.join(names)} such as {first[row]:.9g}, {second[row]:.9g}",
        f"{int(turned.sum())} of {len(first)} rows lie on {place} only with the two exchanged",
        "pass --swap (swap=True from Python) to exchange them, or map the columns the other way round",
        code="lonlat_swapped",
    )
