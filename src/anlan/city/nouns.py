"""The city's nouns as the columns and geometry of its files, and back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from anlan.city.layers import GEOMETRY
from anlan.city.projection import Projection
from anlan.city.roads import Edges, Roads
from anlan.city.streets import linestrings, roads_of, vertices
from anlan.core.columns import Columns
from anlan.core.errors import AnlanError
from anlan.model.area import Areas
from anlan.model.call import Calls
from anlan.model.line import Lines
from anlan.model.site import Sites

_LINE = 1
"""Shapely's number of the type LineString."""


class _NoRoads:
    """Stands for the one layer that may not be missing."""

    @staticmethod
    def empty() -> Roads:
        none = np.empty(0)
        return Roads(Edges.empty(), np.zeros(1, np.int64), none, none, none, none)


LAYERS: dict[str, Any] = {"roads": _NoRoads, "areas": Areas, "sites": Sites, "lines": Lines, "calls": Calls}
"""The layers of a city folder, each a file ``NAME.parquet``."""

SHAPED = ("roads", "areas", "lines")
"""Layers whose geometry says more than their columns; the others are points at ``lon``, ``lat``."""


def to_columns(
    layer: str, noun: Any, projection: Projection
) -> tuple[dict[str, NDArray[Any]], NDArray[np.object_], dict[str, Any]]:
    """A noun's columns, its geometry in degrees, and notes for the file's footer."""
    if layer == "roads":
        lon, lat = projection.inverse(noun.x, noun.y)
        notes = {
            "nodes": noun.n_nodes,
            "length_km": round(float(noun.edges.length_m.sum()) / 1e3, 3),
            "drivable_km": round(float(noun.edges.length_m[noun.drivable].sum()) / 1e3, 3),
        }
        return noun.edges.columns(), linestrings(noun.start, lon, lat), notes
    columns = dict(noun.columns())
    if layer in SHAPED:
        return columns, columns.pop(GEOMETRY), {}
    points = np.full(len(noun), None, dtype=object)
    known = np.isfinite(noun.lon) & np.isfinite(noun.lat)
    points[known] = shapely.points(noun.lon[known], noun.lat[known])
    return columns, points, {}


def from_columns(layer: str, columns: Mapping[str, NDArray[Any]], projection: Projection, path: Path) -> Any:
    """A noun of a file's columns; columns this version does not know are left aside.

    Raises
    ------
    AnlanError
        If a column without a default is missing.
    """
    if layer != "roads":
        return _make(LAYERS[layer], columns, path)
    shape = columns[GEOMETRY]
    broken = np.flatnonzero((shapely.get_type_id(shape) != _LINE) | (shapely.get_num_coordinates(shape) < 2))
    if len(broken):
        raise AnlanError(
            f"{path}, row {broken[0] + 1}",
            "the shape of a street is one line of two points or more",
            "split lines with several parts, and remove rows without a shape",
            code="layer_unreadable",
        )
    start, lon, lat = vertices(shape)
    x, y = projection.forward(lon, lat)
    return roads_of(_make(Edges, columns, path), start, x, y)


def _make(noun: type[Columns], columns: Mapping[str, NDArray[Any]], path: Path) -> Any:
    n = len(next(iter(columns.values())))
    known = {name: _filled(noun, name, columns[name]) for name in noun.DTYPES if name in columns}
    try:
        return noun.make(n, **known)
    except AnlanError as error:
        raise AnlanError(f"{path}", error.rule, error.remedy, code=error.code) from None


def _filled(noun: type[Columns], name: str, values: NDArray[Any]) -> NDArray[Any]:
    """Whole numbers and marks that are null take the noun's default."""
    whole = np.dtype(noun.DTYPES[name]).kind in "iub"
    if whole and values.dtype.kind == "f" and name in noun.DEFAULTS:
        return np.where(np.isnan(values), noun.DEFAULTS[name], values)
    return values
