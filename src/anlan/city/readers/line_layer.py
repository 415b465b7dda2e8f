"""Streets from a layer of lines with attributes: GeoParquet, GeoPackage, shapefile, GeoJSON, CSV with WKT."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from anlan.city.projection import in_area_of_use, read_crs, to_lonlat
from anlan.city.readers.tags import directions, speed_kmh
from anlan.city.readers.vector import Features, read_features
from anlan.city.roads import Edges
from anlan.city.streets import Reading, Streets, merge_directions, vertices
from anlan.core.columns import Floats
from anlan.core.errors import AnlanError
from anlan.core.job import Job

JOIN_M = 0.1
"""Ends of lines nearer than this are one junction: more than rounding, less than any real gap."""

DISAGREE = "junctions made from the lines' ends (columns u and v do not agree with the shapes)"

_EARTH_M_PER_DEGREE = 111_320.0
_NOT_WALKED = ("motorway", "motorway_link")
_FOOT_ONLY = ("footway", "path", "steps", "pedestrian", "bridleway", "cycleway", "corridor")

GUESSES: dict[str, tuple[str, ...]] = {
    "id": ("id", "osm_id", "osmid", "way_id", "cnn", "link_id", "linkid", "objectid", "fid", "编号"),
    "u": ("u", "from_node", "fromnode", "fnode", "start_node", "node_from", "起点", "起点编号"),
    "v": ("v", "to_node", "tonode", "tnode", "end_node", "node_to", "终点", "终点编号"),
    "road_class": (
        "road_class",
        "highway",
        "fclass",
        "roadclass",
        "class",
        "type",
        "道路等级",
        "等级",
        "道路类型",
    ),
    "oneway": ("oneway", "one_way", "dir_travel", "单行", "单行线", "单向"),
    "speed_kmh": ("speed_kmh", "maxspeed", "speed_limit", "speedlimit", "speed", "speed_mph", "限速"),
    "length_m": ("length_m", "长度_米"),
    "name": ("name", "street", "streetname", "road_name", "名称", "道路名称", "路名"),
    "name_en": ("name_en", "name:en", "english", "英文名"),
}
"""Column names that are recognised without being told, by the field they fill; case does not matter."""


def read_lines(
    path: Path,
    *,
    columns: Mapping[str, str] | None = None,
    crs: str | None = None,
    layer: str | None = None,
    join_m: float = JOIN_M,
    directed: bool | None = None,
    mph: bool | None = None,
    job: Job | None = None,
) -> Streets:
    """Read streets from a file of lines.

    Parameters
    ----------
    path : Path
    columns : mapping of str to str, optional
        Field → the file's column, for the fields of `GUESSES`; the others are guessed by name.
    crs : str, optional
        The layer's coordinate system, where the file states none or a wrong one.
    layer : str, optional
        Of a file with several layers.
    join_m, directed, mph
        See `streets_of`.
    job : Job, optional

    Raises
    ------
    AnlanError
        If the file cannot be read, a mapped column does not exist, or the coordinate system is unknown.
    """
    if job is not None:
        job.update(note=Path(path).name)
    return streets_of(
        read_features(path, layer), source=str(path), columns=columns, crs=crs, join_m=join_m,
        directed=directed, mph=mph,
    )  # fmt: skip


def streets_of(
    features: Features,
    *,
    source: str = "lines",
    columns: Mapping[str, str] | None = None,
    crs: str | None = None,
    join_m: float = JOIN_M,
    directed: bool | None = None,
    mph: bool | None = None,
) -> Streets:
    """Streets from lines in memory.

    Parameters
    ----------
    features : Features
        Line or multi-line geometry with attributes.
    join_m : float
        Ends of lines within this distance become one junction (0.01 to 5 m).
    directed : bool, optional
        Whether each row is one direction only, so that a two-way street is two rows with opposite shapes;
        by default, whether there is a column ``reversed`` (as OSMnx writes).
    mph : bool, optional
        Whether speeds without a unit are miles per hour; by default, whether the column's name says so.

    Notes
    -----
    Columns ``u`` and ``v`` are used where they agree with the shapes: each value stands at one place, as
    the first (u) or last (v) vertex. Where they do not and were only guessed, junctions are made from the
    ends of the shapes, and the reading says so.
    """
    if not 0.0 <= join_m <= 5.0:
        raise AnlanError(
            f"join_m = {join_m}", "ends are joined within 0 to 5 m", "use about 0.1", code="join_m"
        )
    names = _mapping(features.columns, columns or {}, source)
    geometry, row, counts, dropped = _lines(features, names)
    if not len(geometry):
        raise AnlanError(
            source,
            f"none of its {len(features)} rows is a line",
            "give a layer of street lines",
            code="no_lines",
        )
    start, x, y = vertices(geometry)
    lon, lat = _degrees(features, crs, x, y, source)
    place, ends = _junctions(start, lon, lat, join_m)
    given = {f: features.columns[c][row] for f, c in names.items()}
    u, v = place[: len(geometry)], place[len(geometry) :]
    if "u" in given and "v" in given:
        labelled = _labelled(given["u"], given["v"], u, v)
        if labelled is not None:
            u, v = labelled
        elif columns and {"u", "v"} & set(columns):
            raise AnlanError(
                f"{source}, columns {names['u']!r} and {names['v']!r}",
                "each junction number must stand at one place: u at the first vertex, v at the last",
                "leave them out to have junctions made from the ends of the lines",
                code="nodes_disagree",
            )
        else:
            counts["junctions made from the lines' ends (columns u and v do not agree with the shapes)"] = (
                len(ends)
            )
    # Joined ends are moved onto their junction so that the network is closed to the last digit.
    first, last = start[:-1], start[1:] - 1
    lon[first], lat[first] = ends[place[: len(geometry)]].T
    lon[last], lat[last] = ends[place[len(geometry) :]].T
    by_mph = ("mph" in names.get("speed_kmh", "").lower()) if mph is None else mph
    edges = _edges(given, row, u, v, mph=by_mph, counts=counts)
    by_row = ("reversed" in {c.lower() for c in features.columns}) if directed is None else directed
    if by_row:
        # Every row is one direction, whatever its one-way mark says of the street as a whole.
        edges = edges.replaced(forward=np.ones(len(edges), bool), backward=np.zeros(len(edges), bool))
    streets = Streets(
        edges, start, lon, lat,
        Reading(source, len(features), len(np.unique(row)), counts, tuple(dropped)),
    )  # fmt: skip
    if by_row:
        streets = merge_directions(streets)
    return _footways_closed(streets).ordered()


def _mapping(have: Mapping[str, Any], given: Mapping[str, str], source: str) -> dict[str, str]:
    for name, column in given.items():
        if name not in GUESSES:
            raise AnlanError(
                f"field {name!r}",
                f"streets have {', '.join(GUESSES)}",
                "map one of these",
                code="column_unknown",
            )
        if column not in have:
            raise AnlanError(
                f"{source} without column {column!r}",
                f"it was named for {name!r}",
                f"name one of {', '.join(map(str, have))}",
                code="column_missing",
            )
    lower = {str(c).lower(): c for c in reversed(list(have))}
    out = dict(given)
    for name, guesses in GUESSES.items():
        found = next((lower[g] for g in guesses if g in lower), None)
        if name not in out and found is not None:
            out[name] = found
    return out


def _lines(
    features: Features, names: Mapping[str, str]
) -> tuple[NDArray[np.object_], NDArray[np.int64], dict[str, int], list[tuple[str, str]]]:
    """Single lines of positive length, their source rows, counts by reason, and the dropped rows."""
    counts: dict[str, int] = {}
    dropped: list[tuple[str, str]] = []

    def drop(rows: NDArray[np.int64], why: str) -> None:
        if len(rows):
            counts[why] = counts.get(why, 0) + len(rows)
            ids = features.columns[names["id"]] if "id" in names else np.arange(len(features))
            dropped.extend((str(i), why) for i in ids[rows].tolist())

    missing = shapely.is_missing(features.geometry) | shapely.is_empty(features.geometry)
    kind = shapely.get_type_id(features.geometry)
    line = np.isin(kind, (1, 2, 5)) & ~missing
    drop(np.flatnonzero(missing), "without geometry")
    drop(np.flatnonzero(~missing & ~line), "not a line")
    chosen = np.flatnonzero(line)
    parts, of = shapely.get_parts(features.geometry[chosen], return_index=True)
    row = chosen[of]
    long = (shapely.length(parts) > 0) & np.isfinite(shapely.bounds(parts)).all(axis=1)
    drop(row[~long], "a line of no length")
    parts, row = parts[long], row[long]
    pieces = len(row) - len(np.unique(row))
    if pieces:
        counts["further parts of multi-part lines"] = pieces
    return np.asarray(parts, dtype=object), row, counts, dropped


def _degrees(features: Features, crs: str | None, x: Floats, y: Floats, source: str) -> tuple[Floats, Floats]:
    system = read_crs(crs) if crs is not None else features.crs
    degrees = bool((np.abs(x) <= 180).all() and (np.abs(y) <= 90).all())
    if system is None and not degrees:
        raise AnlanError(
            f"{source} with coordinates such as {x[0]:g}, {y[0]:g}",
            "they are not degrees, and the file does not state their coordinate system",
            "state it, for example EPSG:32650",
            code="crs_missing",
        )
    if system is None or (system.is_geographic and degrees):
        lon, lat = (x, y) if system is None else to_lonlat(system, x, y)
        return lon.copy(), lat.copy()
    if system.is_geographic:
        swapped = bool((np.abs(x) <= 90).all() and (np.abs(y) <= 180).all())
        raise AnlanError(
            f"{source} with coordinates such as {x[0]:g}, {y[0]:g}",
            f"{system.name} is longitude (-180 to 180), then latitude (-90 to 90)",
            "swap longitude and latitude" if swapped else "state the layer's real coordinate system",
            code="lonlat_swapped" if swapped else "crs_mismatch",
        )
    lon, lat = to_lonlat(system, x, y)
    lost = ~(np.isfinite(lon) & np.isfinite(lat))
    if not lost.any():
        middle = float(np.median(lon)), float(np.median(lat))
        lost = np.array([not in_area_of_use(system, *middle, slack=1.0)])
    if lost.any():
        raise AnlanError(
            f"{source} with coordinates such as {x[0]:g}, {y[0]:g}",
            f"they lie outside the area of {system.name}",
            "state the layer's real coordinate system" + (", which looks like EPSG:4326" if degrees else ""),
            code="crs_mismatch",
        )
    return lon, lat


def _junctions(
    start: NDArray[np.int64], lon: Floats, lat: Floats, join_m: float
) -> tuple[NDArray[np.int64], Floats]:
    """Number of the junction at each line's first and last vertex, and the junctions' degrees (n, 2)."""
    at = np.concatenate([start[:-1], start[1:] - 1])
    points, inverse = np.unique(np.column_stack([lon[at], lat[at]]), axis=0, return_inverse=True)
    inverse = inverse.reshape(-1)
    if join_m > 0 and len(points) > 1:
        metres = points * _EARTH_M_PER_DEGREE
        metres[:, 0] *= np.cos(np.radians(points[:, 1]))
        pairs = cKDTree(metres).query_pairs(join_m, output_type="ndarray")
        if len(pairs):
            ones = np.ones(len(pairs), np.int8)
            graph = coo_matrix((ones, (pairs[:, 0], pairs[:, 1])), shape=(len(points), len(points)))
            _, group = connected_components(graph, directed=False)
            _, keep, number = np.unique(group, return_index=True, return_inverse=True)
            points, inverse = points[keep], number.reshape(-1)[inverse]
    return inverse, points


def _labelled(
    a: NDArray[Any], b: NDArray[Any], u: NDArray[np.int64], v: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """The source's own junctions, numbered from 0; None if one of them stands at two places."""
    labels = np.concatenate([a, b])
    if labels.dtype == object:
        labels = labels.astype(str)
    names, number = np.unique(labels, return_inverse=True)
    number = number.reshape(-1)
    place = np.concatenate([u, v])
    seen = np.full(len(names), -1)
    seen[number] = place
    if (seen[number] != place).any():
        return None
    return number[: len(u)], number[len(u) :]


def _edges(
    given: Mapping[str, NDArray[Any]],
    row: NDArray[np.int64],
    u: NDArray[np.int64],
    v: NDArray[np.int64],
    *,
    mph: bool,
    counts: dict[str, int],
) -> Edges:
    n = len(row)
    if "road_class" in given:
        road_class = np.array([_first(c).lower() for c in given["road_class"].tolist()], dtype=object)
    else:
        road_class = np.full(n, "", dtype=object)
        counts["without a road class (no such column)"] = n
    ways = [directions(o) for o in given["oneway"].tolist()] if "oneway" in given else [(True, True)] * n
    forward, backward = (np.array(side, bool) for side in zip(*ways, strict=True))
    speed = np.full(n, np.nan)
    if "speed_kmh" in given:
        speed = np.array([speed_kmh(s, mph=mph) for s in given["speed_kmh"].tolist()])
    length = np.full(n, np.nan)
    if "length_m" in given and len(np.unique(row)) == n:
        stated = np.asarray(given["length_m"], np.float64)
        length = np.where(stated > 0, stated, np.nan)
    return Edges.make(
        id=_ids(given, row),
        u=u.astype(np.int32),
        v=v.astype(np.int32),
        road_class=road_class,
        forward=forward,
        backward=backward,
        foot=~np.isin(road_class, _NOT_WALKED),
        speed_kmh=speed,
        length_m=length,
        **{f: [_text(t) for t in given[f].tolist()] for f in ("name", "name_en") if f in given},
    )


def _footways_closed(streets: Streets) -> Streets:
    """Keep motor vehicles off the classes that are for walking."""
    edges = streets.edges
    driven = ~np.isin(edges.road_class, _FOOT_ONLY)
    edges = edges.replaced(forward=edges.forward & driven, backward=edges.backward & driven)
    return replace(streets, edges=edges)


def _ids(given: Mapping[str, NDArray[Any]], row: NDArray[np.int64]) -> list[str]:
    """One id per edge; a source id that occurs again gets a number after a colon."""
    raw = [_first(i) for i in given["id"].tolist()] if "id" in given else [str(r) for r in row.tolist()]
    seen: dict[str, int] = {}
    out = []
    for name in raw:
        times = seen[name] = seen.get(name, -1) + 1
        out.append(name if times == 0 else f"{name}:{times}")
    return out


def _first(value: object) -> str:
    """A value as text; of a list written as text (OSMnx's ``['a', 'b']``) the first."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = _text(value)
    if text.startswith("["):
        text = text.strip("[]").split(",")[0].strip(" '\"")
    return text


def _text(value: object) -> str:
    return "" if value is None or value != value else str(value).strip()
