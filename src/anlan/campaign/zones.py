"""Which areas a campaign is about: codes, names or shapes that people give, to areas that calls carry."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from anlan.campaign.naming import area_name
from anlan.city.city import City
from anlan.city.readers.area_layer import degrees
from anlan.city.readers.vector import read_features
from anlan.core.errors import AnlanError
from anlan.core.text import Text
from anlan.hotspots import Cells
from anlan.model import Calls

NEXT_TO_M = 100.0
"""Areas at most this far apart are next to each other: borders drawn twice seldom match exactly."""

SHAPES = (".geojson", ".json", ".gpkg", ".shp", ".parquet")
_CELL_M = 1000.0


@dataclass(frozen=True, eq=False)
class Zones:
    """Calls with the areas that a comparison counts, and the shapes of these areas.

    Attributes
    ----------
    calls : Calls
        Their ``area`` is the one that counts.
    names : mapping of str to Text
        By code.
    shapes : mapping of str to shapely geometry
        By code, projected metres; areas without a shape are not in it.
    """

    calls: Calls
    names: Mapping[str, Text]
    shapes: Mapping[str, Any]

    def named(self, code: str) -> Text:
        """The name of an area."""
        return self.names.get(code, Text(code, code))

    def next_to(self, codes: Iterable[str]) -> tuple[str, ...]:
        """Areas next to some areas, themselves excluded."""
        own = set(codes)
        here = [self.shapes[c] for c in sorted(own) if c in self.shapes]
        if not here:
            return ()
        ground = shapely.union_all(here)
        shapely.prepare(ground)
        return tuple(
            c
            for c in sorted(self.shapes)
            if c not in own and shapely.dwithin(self.shapes[c], ground, NEXT_TO_M)
        )


def zones_of(city: City, calls: Calls) -> Zones:
    """The city's own areas as zones; a grid of hexagons, 1 km wide, where the calls carry none."""
    if (calls.area != "").any():
        codes = sorted(set(calls.area.tolist()) - {""})
        rows = city.areas.index_of(codes)
        shapes = {
            code: _projected(city, city.areas.geometry[row])
            for code, row in zip(codes, rows.tolist(), strict=True)
            if row >= 0 and city.areas.geometry[row] is not None
        }
        return Zones(calls, {code: area_name(city, code) for code in codes}, shapes)
    cells = Cells.covering(calls.x, calls.y, _CELL_M, "hexagon")
    index = cells.of_calls(calls)
    used = np.unique(index[index >= 0])
    x, y = cells.corners(used)
    ids = cells.ids(used).tolist()
    area = np.full(len(calls), "", dtype=object)
    area[index >= 0] = cells.ids(index[index >= 0])
    shapes = {code: shapely.Polygon(np.column_stack([x[k], y[k]])) for k, code in enumerate(ids)}
    return Zones(
        calls.replaced(area=area), {c: Text(f"网格 {c}", f"cell {c}") for c in ids}, shapes
    )  # fmt: skip


def resolve(city: City, zones: Zones, given: str, option: str) -> tuple[Zones, tuple[str, ...]]:
    """Areas from what a person gave: codes or names with commas between them, or a file of shapes.

    An area of a coarser level stands for those within it. Shapes become areas of their own, and the calls
    inside them are theirs.

    Raises
    ------
    AnlanError
        If an area is unknown, has no calls, or a file cannot be read.
    """
    path = Path(given)
    if path.suffix.lower() in SHAPES:
        return _drawn(city, zones, path, option)
    carried = sorted(set(zones.calls.area.tolist()) - {""})
    parent = dict(zip(city.areas.code.tolist(), city.areas.parent.tolist(), strict=True))
    out: list[str] = []
    for text in (part.strip() for part in given.split(",")):
        if not text:
            continue
        code = _code(city, carried, text, option)
        within = [c for c in carried if code in _above(c, parent)]
        if not within:
            raise AnlanError(
                f"{option} {text}", "no call lies in this area", "name an area that has calls", code="area"
            )
        out += [c for c in within if c not in out]
    if not out:
        raise AnlanError(f"{option} {given!r}", "it names no area", "give one or more codes", code="area")
    return zones, tuple(out)


def _code(city: City, carried: Sequence[str], text: str, option: str) -> str:
    known: dict[str, str] = {code: code for code in carried}
    for code, zh, en in zip(
        city.areas.code.tolist(), city.areas.name_zh.tolist(), city.areas.name_en.tolist(), strict=True
    ):
        for name in (code, zh, en):
            if name:
                known.setdefault(str(name), str(code))
    if text in known:
        return known[text]
    near = difflib.get_close_matches(text, list(known), n=4, cutoff=0.4) or list(carried)[:4]
    there = ", ".join(near) or "none, because the calls carry no areas"
    raise AnlanError(
        f"{option} {text}",
        "there is no area of this code or name",
        f"name one that exists (such as {there}), or give a GeoJSON file of shapes",
        code="area",
    )


def _above(code: str, parent: Mapping[str, str]) -> list[str]:
    out = [code]
    while out[-1] in parent and parent[out[-1]] and len(out) < 20:
        out.append(parent[out[-1]])
    return out


def _drawn(city: City, zones: Zones, path: Path, option: str) -> tuple[Zones, tuple[str, ...]]:
    if not path.exists():
        raise AnlanError(f"{option} {path}", "there is no such file", "correct the path", code="file")
    try:
        features = read_features(path)
    except AnlanError as error:
        raise AnlanError(f"{option} {error.value}", error.rule, error.remedy, code="file") from None
    geometry = degrees(features, None, f"{option} {path}")
    rows = [k for k, s in enumerate(geometry) if s is not None and not s.is_empty]
    shapes = [geometry[k] for k in rows]
    if not shapes or not all(s.geom_type in ("Polygon", "MultiPolygon") for s in shapes):
        raise AnlanError(
            f"{option} {path}", "it must hold polygons", "draw each area as a polygon", code="file"
        )
    column = next((c for c in ("code", "id", "name", "name_zh", "name_en") if c in features.columns), None)
    calls = zones.calls
    area: NDArray[np.object_] = calls.area.copy()
    free = np.ones(len(calls), bool)
    names, forms, codes = dict(zones.names), dict(zones.shapes), []
    for k, shape in zip(rows, shapes, strict=True):
        label = str(features.columns[column][k]) if column else str(k + 1)
        code = f"{path.stem}:{label}"
        shapely.prepare(shape)
        inside = free & shapely.intersects_xy(shape, calls.lon, calls.lat)
        if not inside.any():
            raise AnlanError(
                f"{option} {path}, area {label}", "no call lies in it", "check its place and coordinates",
                code="area",
            )  # fmt: skip
        area[inside] = code
        free &= ~inside
        names[code], forms[code] = Text(label, label), _projected(city, shape)
        codes.append(code)
    left = set(area.tolist())
    forms = {c: s for c, s in forms.items() if c in left}
    return Zones(calls.replaced(area=area), names, forms), tuple(codes)


def _projected(city: City, shape: Any) -> Any:
    return shapely.transform(shape, lambda p: np.stack(city.project(p[:, 0], p[:, 1]), axis=1))
