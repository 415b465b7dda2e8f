"""Waterways and shores from a layer of lines or of water polygons."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray

from anlan.city.projection import read_crs, to_lonlat
from anlan.city.readers.vector import read_features
from anlan.city.streets import Reading
from anlan.core.errors import AnlanError
from anlan.model.line import Lines

_GUESSES = {"id": ("id", "osm_id", "编号"), "kind": ("kind",), "name": ("name", "名称")}


def read_water(
    path: Path, *, kind: str = "waterway", columns: Mapping[str, str] | None = None, crs: str | None = None
) -> tuple[Lines, Reading]:
    """Read lines; the outlines of polygons become shores.

    Parameters
    ----------
    path : Path
    kind : str
        Of lines where no column ``kind`` says it.
    columns : mapping of str to str, optional
        ``id``, ``kind``, ``name`` → column.
    crs : str, optional
        Of the layer, where the file states none or a wrong one.

    Raises
    ------
    AnlanError
        If the file cannot be read or holds neither lines nor polygons.
    """
    features = read_features(Path(path))
    lower = {c.lower(): c for c in reversed(list(features.columns))}
    names = {f: lower[g] for f, guesses in _GUESSES.items() for g in reversed(guesses) if g in lower}
    names.update(columns or {})
    shape = np.array(features.geometry)
    polygon = np.isin(shapely.get_type_id(shape), (3, 6))
    shape[polygon] = shapely.boundary(shape[polygon])
    parts, row = shapely.get_parts(shape, return_index=True)
    line = (np.isin(shapely.get_type_id(parts), (1, 2))) & ~shapely.is_empty(parts)
    if not line.any():
        raise AnlanError(
            f"{path}", "it holds neither lines nor polygons", "give a layer of water", code="no_lines"
        )
    parts, row = parts[line], row[line]
    system = read_crs(crs) if crs is not None else features.crs
    if system is not None:

        def degrees(xy: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.column_stack(to_lonlat(system, xy[:, 0], xy[:, 1]))

        parts = shapely.transform(parts, degrees)
    given = {f: features.columns[c][row].astype(str) for f, c in names.items()}
    ids = given.get("id", row.astype(str))
    again = np.arange(len(row)) - np.searchsorted(row, row)
    kinds = np.where(polygon[row], "shore", given.get("kind", np.full(len(row), kind)))
    lines = Lines.make(
        id=[i if k == 0 else f"{i}:{k}" for i, k in zip(ids.tolist(), again.tolist(), strict=True)],
        kind=kinds.astype(object),
        name=given.get("name", np.full(len(row), "")).astype(object),
        geometry=np.asarray(parts, dtype=object),
    )
    lost = len(features) - len(np.unique(row))
    counts = {"left out: neither a line nor a polygon": lost} if lost else {}
    return lines, Reading(str(path), len(features), len(features) - lost, counts)
