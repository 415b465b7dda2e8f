"""Sites from points: GeoJSON, GeoPackage, shapefile, GeoParquet, or CSV with longitude and latitude."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from anlan.city.projection import read_crs, to_lonlat
from anlan.city.readers.plain_text import read_csv
from anlan.city.readers.vector import read_features
from anlan.city.streets import Reading
from anlan.core.columns import Floats
from anlan.core.errors import AnlanError
from anlan.model.hours import Hours
from anlan.model.site import Sites

GUESSES: dict[str, tuple[str, ...]] = {
    "id": ("id", "site", "code", "facility_id", "编号", "代码"),
    "kind": ("kind", "type", "类型", "类别"),
    "name_zh": ("name_zh", "名称", "单位名称"),
    "name_en": ("name_en", "name", "common_name"),
    "lon": ("lon", "lng", "longitude", "x", "经度"),
    "lat": ("lat", "latitude", "y", "纬度"),
    "capacity": ("capacity", "容量"),
    "hours": ("hours", "opening_hours", "营业时间", "开放时间"),
    "status": ("status", "状态"),
}
"""Column names that are recognised, by field; case does not matter."""


def read_sites(
    path: Path, *, kind: str = "station", columns: Mapping[str, str] | None = None, crs: str | None = None
) -> tuple[Sites, Reading]:
    """Read sites.

    Parameters
    ----------
    path : Path
    kind : str
        Kind of the sites where no column says it.
    columns : mapping of str to str, optional
        Field of `GUESSES` → column.
    crs : str, optional
        Of the coordinates, where the file states none; by default degrees.

    Raises
    ------
    AnlanError
        If there are no coordinates, a mapped column does not exist, or opening hours cannot be read.
    """
    path = Path(path)
    if path.suffix.lower() in (".csv", ".tsv", ".txt"):
        wanted = [columns["lon"].lower()] if columns and "lon" in columns else GUESSES["lon"]
        table: dict[str, Any] = dict(read_csv(path, lambda names: any(w in names for w in wanted)))
        names = _mapping(table, columns or {}, path)
        lon, lat = (_numbers(path, table, names, field) for field in ("lon", "lat"))
        system = crs
    else:
        features = read_features(path)
        points = shapely.centroid(features.geometry)
        table, lon, lat = features.columns, shapely.get_x(points), shapely.get_y(points)
        names = _mapping(table, columns or {}, path)
        stated = features.crs.to_wkt() if features.crs is not None else None
        system = crs if crs is not None else stated
    if system is not None:
        lon, lat = to_lonlat(read_crs(system), lon, lat)
    n = len(lon)
    good = np.isfinite(lon) & np.isfinite(lat) & (np.abs(lon) <= 180) & (np.abs(lat) <= 90)
    if n and not good.any():
        raise AnlanError(
            f"{path} with coordinates such as {lon[0]:g}, {lat[0]:g}",
            "a site has a longitude (-180 to 180) and a latitude (-90 to 90)",
            "check that they are not swapped, or state their coordinate system",
            code="lonlat_swapped",
        )
    text = {f: [_text(v) for v in list(table[c])] for f, c in names.items() if f not in ("lon", "lat")}
    ids = text.pop("id", [str(row + 1) for row in range(n)])
    for hours in set(text.get("hours", [])):
        Hours.parse(hours)
    capacity = [_number(c) for c in text.pop("capacity", [""] * n)]
    kinds = [k or kind for k in text.pop("kind", [""] * n)]
    sites = Sites.make(id=ids, kind=kinds, lon=lon, lat=lat, capacity=capacity, **text).take(good)
    dropped = tuple((ids[row], "without a possible place") for row in np.flatnonzero(~good).tolist())
    counts = {"left out: without a possible place": len(dropped)} if dropped else {}
    return sites, Reading(str(path), n, len(sites), counts, dropped)


def _mapping(table: Mapping[str, Any], given: Mapping[str, str], path: Path) -> dict[str, str]:
    lower = {str(c).lower(): c for c in reversed(list(table))}
    out = {f: lower[g] for f, guesses in GUESSES.items() for g in reversed(guesses) if g in lower}
    for field, column in given.items():
        if field not in GUESSES or column.lower() not in lower:
            raise AnlanError(
                f"{path}, column {column!r} for {field!r}",
                f"sites have {', '.join(GUESSES)}, and the file has {', '.join(map(str, table))}",
                "map one of the first to one of the second",
                code="column_missing",
            )
        out[field] = lower[column.lower()]
    return out


def _numbers(path: Path, table: Mapping[str, NDArray[Any]], names: Mapping[str, str], field: str) -> Floats:
    if field not in names:
        raise AnlanError(
            f"{path} without a column for {field!r}",
            "a site needs a longitude and a latitude",
            f"name them {GUESSES[field][0]}, or give a mapping",
            code="column_missing",
        )
    return np.array([_number(v) for v in table[names[field]]])


def _number(text: object) -> float:
    try:
        return float(str(text))
    except ValueError:
        return float("nan")


def _text(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None or value != value else str(value).strip()
