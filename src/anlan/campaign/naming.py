"""What areas, categories, places and days are called."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from anlan.city.areas import assign
from anlan.city.city import City
from anlan.core.text import Text
from anlan.model import Positions


def area_name(city: City, code: str) -> Text:
    """An area's name; its code where it has none."""
    row = int(city.areas.index_of([code])[0]) if code else -1
    if row < 0:
        return Text("（未划入辖区）", "(no area)") if not code else Text(code, code)
    return Text(city.areas.name(row, "zh"), city.areas.name(row, "en"))


def category_name(city: City, name: str) -> Text:
    """A category's name; its code where it has none."""
    known = city.settings.categories.get(name)
    return Text(known.label("zh"), known.label("en")) if known else Text(name, name)


def street_name(city: City, positions: Positions, row: int) -> str:
    """The street of a position; empty where it has no name."""
    edge = int(positions.edge[row])
    return str(city.roads.edges.name[edge]) if edge >= 0 else ""


def place_name(city: City, positions: Positions, row: int, area: str) -> Text:
    """A street where it has a name, with the area, and the coordinates that always are there."""
    x, y = city.locate(positions.take(np.array([row])))
    lon, lat = city.unproject(x, y)
    return _place(street_name(city, positions, row), area_name(city, area), float(lon[0]), float(lat[0]))


def point_names(city: City, x: NDArray[np.float64], y: NDArray[np.float64]) -> list[Text]:
    """Names of points (projected metres), by the nearest street and the area they lie in."""
    if not len(x):
        return []
    lon, lat = city.unproject(x, y)
    positions, _ = city.snap(x=x, y=y)
    codes = assign(city.areas, lon, lat, None)
    return [
        _place(
            street_name(city, positions, k),
            area_name(city, str(codes[k])) if codes[k] else None,
            float(lon[k]),
            float(lat[k]),
        )
        for k in range(len(x))
    ]


def _place(street: str, area: Text | None, lon: float, lat: float) -> Text:
    where = f"{lon:.4f}, {lat:.4f}"
    if area is None:
        return Text(f"{street}（{where}）", f"{street} ({where})") if street else Text(where, where)
    head = f"{street} · " if street else ""
    return Text(f"{head}{area.zh}（{where}）", f"{head}{area.en} ({where})")


def days(window: tuple[float, float], tz: ZoneInfo) -> tuple[str, str]:
    """First and last day of a half-open window, as dates."""
    begin = datetime.fromtimestamp(window[0], tz).date()
    end = datetime.fromtimestamp(max(window[1] - 1.0, window[0]), tz).date()
    return begin.isoformat(), end.isoformat()
