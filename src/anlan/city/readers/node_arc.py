"""Streets from a table of junctions and a table of arcs, as routing studies publish them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from anlan.city.projection import read_crs, to_lonlat
from anlan.city.readers.plain_text import read_csv
from anlan.city.readers.tags import directions, speed_kmh
from anlan.city.roads import Edges
from anlan.city.streets import Reading, Streets, merge_directions
from anlan.core.columns import Bools, Floats
from anlan.core.errors import AnlanError
from anlan.core.job import Job

GUESSES: dict[str, tuple[str, ...]] = {
    "node": ("id", "node", "node_id", "index", "编号", "节点"),
    "x": ("lon", "lng", "longitude", "x", "x_coord", "经度"),
    "y": ("lat", "latitude", "y", "y_coord", "纬度"),
    "tail": ("from", "fromnode", "from_node", "u", "tail", "source", "start", "起点"),
    "head": ("to", "tonode", "to_node", "v", "head", "target", "end", "终点"),
    "length_m": ("length_m", "length", "distance_m", "长度"),
    "seconds": ("seconds", "time_s", "travel_s", "duration_s"),
    "speed_kmh": ("speed_kmh", "speed", "maxspeed", "限速"),
    "road_class": ("road_class", "highway", "class", "type", "道路等级"),
    "oneway": ("oneway", "one_way", "单行"),
    "name": ("name", "street", "名称"),
}
"""Column names that are recognised, by field; case does not matter."""

_EARTH_RADIUS_M = 6_371_008.8


def read_node_arc(
    nodes: Path,
    arcs: Path,
    *,
    columns: Mapping[str, str] | None = None,
    crs: str | None = None,
    directed: bool = True,
    seconds_per_unit: float = 1.0,
    job: Job | None = None,
) -> Streets:
    """Read a network of junctions and arcs, each a straight line.

    Parameters
    ----------
    nodes : Path
        CSV: id, x or longitude, y or latitude. Lines before the header are skipped.
    arcs : Path
        CSV: from, to, and at best length_m, seconds or speed_kmh.
    columns : mapping of str to str, optional
        Field of `GUESSES` → column; ``seconds`` may name any column of travel times.
    crs : str, optional
        Of x and y; by default degrees.
    directed : bool
        Whether an arc is one direction only; opposite arcs of equal speed become one two-way edge.
    seconds_per_unit : float
        What a unit of the ``seconds`` column is: 60 for minutes, 86,400 for days.

    Raises
    ------
    AnlanError
        If a column is missing, or an arc names a junction that does not exist.
    """
    given = {field: name.lower() for field, name in (columns or {}).items()}
    node = _columns(nodes, ("node", "x", "y"), given)
    arc = _columns(arcs, ("tail", "head"), given)
    if job is not None:
        job.update(note=f"{len(arc['tail']):,} arcs")
    x, y = _numbers(nodes, "x", node["x"]), _numbers(nodes, "y", node["y"])
    lon, lat = _lonlat(nodes, crs, x, y)
    number = {_key(name): row for row, name in enumerate(node["node"])}
    if len(number) < len(node["node"]):
        raise AnlanError(f"{nodes}", "a junction's id occurs twice", "make the ids unique", code="id_twice")
    u, v = _ends(arcs, arc["tail"], number), _ends(arcs, arc["head"], number)
    loop = u == v
    u, v = u[~loop], v[~loop]
    n = len(u)
    text = {f: np.array(arc[f], dtype=object)[~loop] for f in arc}
    length = _numbers(arcs, "length_m", text["length_m"]) if "length_m" in text else np.full(n, np.nan)
    length = np.where(length >= 0, length, np.nan)
    speed = np.full(n, np.nan)
    if "speed_kmh" in text:
        speed = np.array([speed_kmh(s) for s in text["speed_kmh"]])
    if "seconds" in text:
        seconds = _numbers(arcs, "seconds", text["seconds"]) * seconds_per_unit
        straight = np.where(np.isnan(length), _great_circle_m(lon[u], lat[u], lon[v], lat[v]), length)
        with np.errstate(divide="ignore", invalid="ignore"):
            timed = np.where(seconds > 0, straight / seconds * 3.6, np.nan)
        speed = np.where(timed > 0, timed, speed)
    forward, backward = _ways(text.get("oneway"), n, directed=directed)
    used, compact = np.unique(np.concatenate([u, v]), return_inverse=True)
    edges = Edges.make(
        id=[f"{a}-{b}" for a, b in zip(text["tail"], text["head"], strict=True)],
        u=compact[:n].astype(np.int32),
        v=compact[n:].astype(np.int32),
        road_class=text.get("road_class", np.full(n, "", dtype=object)),
        forward=forward,
        backward=backward,
        speed_kmh=speed,
        length_m=length,
        name=text.get("name", np.full(n, "", dtype=object)),
    )
    ends = np.stack([u, v], axis=1).ravel()
    counts = {
        why: int(many)
        for why, many in (
            ("arcs from a junction to itself, left out", loop.sum()),
            ("junctions without an arc, left out", len(node["node"]) - len(used)),
        )
        if many
    }
    streets = Streets(
        edges, np.arange(0, 2 * n + 1, 2, dtype=np.int64), lon[ends], lat[ends],
        Reading(f"{nodes} and {arcs}", len(loop), n, counts),
    )  # fmt: skip
    return (merge_directions(streets) if directed else streets).ordered()


def _columns(path: Path, needed: tuple[str, ...], given: Mapping[str, str]) -> dict[str, list[str]]:
    def find(names: list[str], field: str) -> str | None:
        wanted = (given[field],) if field in given else GUESSES[field]
        return next((w for w in wanted if w in names), None)

    table = read_csv(path, lambda names: all(find(names, field) for field in needed))
    node_fields = ("node", "x", "y")
    fields = node_fields if needed == node_fields else [f for f in GUESSES if f not in node_fields]
    found = {field: find(list(table), field) for field in fields}
    for field, name in given.items():
        if field in fields and found.get(field) is None:
            raise AnlanError(
                f"{path} without column {name!r}",
                f"it was named for {field!r}",
                f"name one of {', '.join(table)}",
                code="column_missing",
            )
    return {field: table[name] for field, name in found.items() if name is not None}


def _numbers(path: Path, field: str, texts: object) -> Floats:
    values = np.asarray(texts, dtype=object)
    try:
        return np.array([float(t) if t else np.nan for t in values.tolist()])
    except ValueError as error:
        raise AnlanError(
            f"{path}, {field}", f"it holds numbers ({error})", "correct it", code="number"
        ) from None


def _lonlat(path: Path, crs: str | None, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    lon, lat = (x, y) if crs is None else to_lonlat(read_crs(crs), x, y)
    bad = ~((np.abs(lon) <= 180) & (np.abs(lat) <= 90))
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise AnlanError(
            f"{path}, row {row + 1}: {x[row]:g}, {y[row]:g}",
            "a junction has a longitude (-180 to 180) and a latitude (-90 to 90)",
            "check that they are not swapped, or state their coordinate system",
            code="lonlat_swapped",
        )
    return lon, lat


def _key(name: str) -> str:
    """``12.0`` and ``12`` are the same junction."""
    return name[:-2] if name.endswith(".0") else name


def _ends(
    path: Path, names: list[str], number: Mapping[str, int]
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    try:
        return np.array([number[_key(name)] for name in names], dtype=np.int64)
    except KeyError as error:
        raise AnlanError(
            f"{path}, junction {error.args[0]!r}",
            "an arc joins junctions of the table of junctions",
            "add the junction or drop the arc",
            code="node_unknown",
        ) from None


def _ways(marks: object, n: int, *, directed: bool) -> tuple[Bools, Bools]:
    if marks is None or directed:
        return np.ones(n, bool), np.full(n, not directed)
    pairs = [directions(mark) for mark in np.asarray(marks, dtype=object).tolist()]
    return np.array([p[0] for p in pairs], bool), np.array([p[1] for p in pairs], bool)


def _great_circle_m(lon0: Floats, lat0: Floats, lon1: Floats, lat1: Floats) -> Floats:
    a, b, c, d = (np.radians(v) for v in (lon0, lat0, lon1, lat1))
    h = np.sin((d - b) / 2) ** 2 + np.cos(b) * np.cos(d) * np.sin((c - a) / 2) ** 2
    return np.asarray(2 * _EARTH_RADIUS_M * np.arcsin(np.sqrt(h)))
