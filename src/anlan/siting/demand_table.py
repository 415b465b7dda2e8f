"""Demand from a table of counts, for places where calls are only known by area or by point."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from anlan.city.areas import assign
from anlan.core.columns import Floats
from anlan.core.errors import AnlanError
from anlan.core.time import SLOTS
from anlan.model import Demand, Positions

if TYPE_CHECKING:
    from anlan.city.city import City

PLACE = ("area", "code", "辖区", "代码")
COUNT = ("calls", "count", "weight", "警情数", "数量")
LON, LAT = ("lon", "lng", "longitude", "经度"), ("lat", "latitude", "纬度")


def read_demand(city: City, path: Path | str, *, weeks: float = 1.0) -> tuple[Demand, float]:
    """Read a table with a count for each area or point.

    A table with ``area, calls`` spreads the calls of each of the city's areas evenly over the length of its
    streets in the connected core; one with ``lon, lat, calls`` puts them on the nearest street. There is no
    weekly rhythm in such a table: every hour of the week has the same share.

    Parameters
    ----------
    city : City
    path : Path
        CSV in UTF-8.
    weeks : float
        Over how many weeks the calls were counted.

    Returns
    -------
    demand : Demand
        In calls a week.
    lost : float
        Calls a week of areas without a street, or points away from any.

    Raises
    ------
    AnlanError
        If columns are missing, a count is not a number of 0 or more, or nothing lies on the network.
    """
    path = Path(path)
    if not weeks > 0:
        raise AnlanError(f"weeks = {weeks}", "it is a number above 0", "say over how many weeks was counted")
    try:
        with path.open(encoding="utf-8-sig", newline="") as source:
            rows = list(csv.DictReader(source))
    except FileNotFoundError:
        raise AnlanError(
            f"{path}", "a table of demand is a CSV file", "check the path", code="file_missing"
        ) from None
    names = {name.strip().lower(): name for name in (rows[0] if rows else {})}
    count = _column(names, COUNT)
    area, lon, lat = _column(names, PLACE), _column(names, LON), _column(names, LAT)
    if count is None or (area is None and (lon is None or lat is None)):
        raise AnlanError(
            f"{path} with columns {', '.join(names) or 'none'}",
            "a table of demand has calls and either area or lon and lat",
            "name its columns so",
            code="column_missing",
        )
    calls = _numbers(path, rows, count)
    if np.any(calls < 0):
        raise AnlanError(
            f"{path}, row {int(np.flatnonzero(calls < 0)[0]) + 1}",
            "a count is 0 or more",
            "correct it",
            code="weight_negative",
        )
    if area is not None:
        place, positions, codes, volume = _on_streets(city, [str(r[area]).strip() for r in rows], calls)
    else:
        assert lon is not None
        assert lat is not None
        degrees = _numbers(path, rows, lon), _numbers(path, rows, lat)
        positions, _ = city.snap(*degrees)
        place = np.array([f"row-{k + 1}" for k in range(len(rows))], dtype=object)
        codes = assign(city.areas, *degrees) if len(city.areas) else np.full(len(rows), "", object)
        on = positions.edge >= 0
        place, positions, codes, volume = place[on], positions.take(on), codes[on], calls[on]
    if not volume.sum() > 0:
        raise AnlanError(
            f"{path}",
            "none of its calls lies on the city's streets",
            "check that codes or coordinates are those of this city",
            code="no_places",
        )
    x, y = city.locate(positions)
    demand = Demand(
        ("all",), place, x, y, positions, codes, volume[None, :] / weeks, np.full((1, SLOTS), 1.0 / SLOTS),
        volume[None, :], float(weeks),
    )  # fmt: skip
    return demand, float(calls.sum() - volume.sum()) / weeks


def _on_streets(
    city: City, codes: list[str], calls: Floats
) -> tuple[NDArray[np.object_], Positions, NDArray[np.object_], Floats]:
    """Middles of street pieces with their share of their area's calls, by length."""
    unknown = [code for code, row in zip(codes, city.areas.index_of(codes).tolist(), strict=True) if row < 0]
    if unknown:
        raise AnlanError(
            f"area {unknown[0]}",
            "demand is given for areas of the city",
            "correct the code, or add the area to the city",
            code="area_unknown",
        )
    level = str(city.areas.level[city.areas.index_of(codes[:1])[0]])
    edges = city.roads.edges
    row = np.flatnonzero(city.network.core_edges)
    positions = Positions(row.astype(np.int32), edges.length_m[row] / 2)
    lon, lat = city.unproject(*city.locate(positions))
    where = assign(city.areas, lon, lat, level=level)
    number = {code: k for k, code in enumerate(codes)}
    owner = np.array([number.get(code, -1) for code in where.tolist()], np.int64)
    inside = owner >= 0
    row, owner, positions, where = row[inside], owner[inside], positions.take(inside), where[inside]
    total = np.bincount(owner, weights=edges.length_m[row], minlength=len(codes))
    volume = calls[owner] * edges.length_m[row] / total[owner]
    names = np.array([f"edge-{k}" for k in row.tolist()], dtype=object)
    some = volume > 0
    return names[some], positions.take(some), where[some], volume[some]


def _column(names: dict[str, str], wanted: tuple[str, ...]) -> str | None:
    return next((names[w] for w in wanted if w in names), None)


def _numbers(path: Path, rows: list[dict[str, str]], column: str) -> Floats:
    out = np.empty(len(rows))
    for k, row in enumerate(rows):
        try:
            out[k] = float(row[column])
        except (TypeError, ValueError):
            out[k] = np.nan
        if not np.isfinite(out[k]):
            raise AnlanError(
                f"{path}, row {k + 1}, {column} = {row[column]!r}",
                "it is a number",
                "correct it or leave the row out",
                code="not_a_number",
            )
    return out
