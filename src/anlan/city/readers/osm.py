"""Streets, waterways and shores from OpenStreetMap files (.osm.pbf, .osm, .osm.gz, .osm.bz2)."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import osmium
import shapely
from numpy.typing import NDArray

from anlan.city.readers.osm_tags import Street, is_water_area, street, water
from anlan.city.roads import Edges
from anlan.city.streets import Reading, Streets
from anlan.core.columns import Floats
from anlan.core.errors import AnlanError
from anlan.core.job import Job
from anlan.model.line import Lines

ATTRIBUTION = "© OpenStreetMap contributors"
LICENCE = "ODbL-1.0"

_KEYS = ("highway", "waterway", "natural", "landuse", "route")
_REPORT_EVERY = 20_000


@dataclass(frozen=True, eq=False)
class OsmReading:
    """What one file gave: streets, lines, and what was left out of the lines."""

    streets: Streets
    lines: Lines
    lines_reading: Reading


def read_osm(path: Path, job: Job | None = None) -> OsmReading:
    """Read an OpenStreetMap file.

    Streets are split where ways share a node. What is closed to motor vehicles stays, marked so; ferries,
    areas and roads that do not exist yet are left out; everything is counted. Turn restrictions and barriers
    are not used. See `anlan.city.readers.osm_tags` for the rules.

    Raises
    ------
    AnlanError
        If the file does not exist, is cut off, is not OpenStreetMap data, or has no streets.
    """
    path = Path(path)
    if not path.exists():
        raise AnlanError(f"{path}", "the file does not exist", "check the name", code="file_missing")
    job = job or Job()
    ways, waters = _Ways(), _Waters()
    with _readable(path):
        members = _water_members(path, ways.counts)
        job.check()
        store = _scan(path, ways, waters, members, job)
        _scan_members(path, waters, members, store)
    if not ways.way:
        raise AnlanError(
            f"{path}",
            "it has no streets (ways with a highway tag)",
            "give an extract with roads",
            code="no_lines",
        )
    lines = Lines.make(
        id=waters.id,
        kind=waters.kind,
        name=waters.name,
        geometry=np.array([*waters.shape, None], object)[:-1],
    )
    return OsmReading(
        ways.streets(str(path)), lines, Reading(str(path), waters.rows, len(lines), dict(waters.counts))
    )


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except (RuntimeError, ValueError, OSError) as error:
        raise AnlanError(
            f"{path}",
            f"it is cut off or not OpenStreetMap data ({str(error)[:120]})",
            "download it again, or give another .osm.pbf",
            code="osm_unreadable",
        ) from None


def _water_members(path: Path, counts: Counter[str]) -> dict[int, str]:
    """Ways that bound water multipolygons → name of the water; counts the turn restrictions."""
    members: dict[int, str] = {}
    relation: Any
    for relation in osmium.FileProcessor(path, osmium.osm.RELATION):
        tags = dict(relation.tags)
        if tags.get("type") == "restriction":
            counts["turn restrictions, not used"] += 1
        if tags.get("type") == "multipolygon" and is_water_area(tags):
            name = tags.get("name", "")
            for member in relation.members:
                if member.type == "w":
                    members[member.ref] = members.get(member.ref) or name
    return members


def _scan(path: Path, ways: _Ways, waters: _Waters, members: dict[int, str], job: Job) -> Any:
    processor = osmium.FileProcessor(path, osmium.osm.NODE | osmium.osm.WAY).with_locations()
    processor.with_filter(osmium.filter.EntityFilter(osmium.osm.WAY)).with_filter(
        osmium.filter.KeyFilter(*_KEYS)
    )
    way: Any
    for number, way in enumerate(processor):
        if number % _REPORT_EVERY == 0:
            job.check()
            job.update(note=f"{number:,} ways" if number else "")
        tags = dict(way.tags)
        if "highway" in tags or tags.get("route") == "ferry":
            ways.add(way, tags)
        kind, why = water(tags)
        if kind or why:
            name = tags.get("name") or members.pop(way.id, "")
            waters.add(way.id, kind, why, name, [(n.lon, n.lat) for n in way.nodes if n.location.valid()])
    job.update(note=f"{len(ways.way):,} ways")
    return processor.node_location_storage


def _scan_members(path: Path, waters: _Waters, members: dict[int, str], store: Any) -> None:
    """Shores drawn by ways without tags of their own."""
    missing = {way for way in members if way not in waters.seen}
    if not missing:
        return
    processor = osmium.FileProcessor(path, osmium.osm.WAY)
    way: Any
    for way in processor.with_filter(osmium.filter.IdFilter(missing)):
        points = []
        for node in way.nodes:
            try:
                place = store.get(node.ref)
            except KeyError:
                continue
            points.append((place.lon, place.lat))
        waters.add(way.id, "shore", "", members[way.id], points)


@dataclass
class _Waters:
    """Lines as they are read."""

    id: list[str] = field(default_factory=list)
    kind: list[str] = field(default_factory=list)
    name: list[str] = field(default_factory=list)
    shape: list[Any] = field(default_factory=list)
    seen: set[int] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)
    rows: int = 0

    def add(self, way: int, kind: str, why: str, name: str, points: list[tuple[float, float]]) -> None:
        self.rows += 1
        self.seen.add(way)
        if not why and len(points) < 2:
            why = "water outside the extract"
        self.counts[why or kind] += 1
        if not why:
            self.id.append(f"way/{way}")
            self.kind.append(kind)
            self.name.append(name)
            self.shape.append(shapely.LineString(points))


@dataclass
class _Ways:
    """Streets as they are read: one entry per unbroken run of located nodes."""

    way: list[int] = field(default_factory=list)
    what: list[Street] = field(default_factory=list)
    name: list[str] = field(default_factory=list)
    name_en: list[str] = field(default_factory=list)
    nodes: array[int] = field(default_factory=lambda: array("q"))
    lon: array[float] = field(default_factory=lambda: array("d"))
    lat: array[float] = field(default_factory=lambda: array("d"))
    length: list[int] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    dropped: list[tuple[str, str]] = field(default_factory=list)
    rows: int = 0
    kept: int = 0

    def add(self, way: Any, tags: dict[str, str]) -> None:
        self.rows += 1
        what = street(tags)
        if isinstance(what, str):
            self.counts[f"left out: {what}"] += 1
            self.dropped.append((f"way/{way.id}", what))
            return
        runs = _runs(_points(way))
        if not runs:
            self.counts["left out: outside the extract"] += 1
            self.dropped.append((f"way/{way.id}", "outside the extract"))
            return
        self.kept += 1
        if what.note:
            self.counts[what.note] += 1
        for run in runs:
            ref, lon, lat = zip(*run, strict=True)
            self.nodes.extend(ref)
            self.lon.extend(lon)
            self.lat.extend(lat)
            self.length.append(len(run))
            self.way.append(way.id)
            self.what.append(what)
            self.name.append(tags.get("name") or tags.get("name:zh") or "")
            self.name_en.append(tags.get("name:en", ""))

    def streets(self, source: str) -> Streets:
        """Split at shared nodes and number the junctions."""
        lon, lat = np.frombuffer(self.lon), np.frombuffer(self.lat)
        nodes = np.frombuffer(self.nodes, np.int64)
        run, first, last, u, v = split_at_shared_nodes(nodes, np.array(self.length))
        counts = last - first + 1
        start = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        rows = np.arange(start[-1]) - np.repeat(start[:-1] - first, counts)
        way = np.array(self.way)[run]
        piece = np.arange(len(way)) - np.maximum.accumulate(
            np.where(np.r_[True, way[1:] != way[:-1]], np.arange(len(way)), 0)
        )
        pick = {f: [getattr(w, f) for w in self.what] for f in ("road_class", "forward", "backward", "foot")}
        edges = Edges.make(
            id=[f"way/{w}:{p}" for w, p in zip(way.tolist(), piece.tolist(), strict=True)],
            u=u,
            v=v,
            road_class=np.array(pick["road_class"], dtype=object)[run],
            forward=np.array(pick["forward"])[run],
            backward=np.array(pick["backward"])[run],
            foot=np.array(pick["foot"])[run],
            speed_kmh=np.array([w.speed_kmh for w in self.what])[run],
            length_m=np.full(len(run), np.nan),
            name=np.array(self.name, dtype=object)[run],
            name_en=np.array(self.name_en, dtype=object)[run],
        )
        reading = Reading(source, self.rows, self.kept, dict(self.counts.most_common()), tuple(self.dropped))
        return Streets(edges, start, _at(lon, rows), _at(lat, rows), reading).ordered()


def split_at_shared_nodes(
    nodes: NDArray[np.int64], length: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[np.int32], NDArray[np.int32]]:
    """Cut ways where they meet.

    Parameters
    ----------
    nodes : ndarray of int64
        Node ids of all ways, one after another.
    length : ndarray of int
        Number of nodes of each way, at least 2.

    Returns
    -------
    way : ndarray
        Of each piece.
    first, last : ndarray
        Its nodes are ``nodes[first:last + 1]``.
    u, v : ndarray of int32
        Junction at each end, numbered from 0.
    """
    end = np.cumsum(length)
    begin = end - length
    _, inverse, times = np.unique(nodes, return_inverse=True, return_counts=True)
    inverse = inverse.reshape(-1)
    junction = times > 1
    junction[inverse[begin]] = junction[inverse[end - 1]] = True
    cuts = np.flatnonzero(junction[inverse])
    way_of = np.repeat(np.arange(len(length)), length)
    inside = way_of[cuts[1:]] == way_of[cuts[:-1]]
    first, last = cuts[:-1][inside], cuts[1:][inside]
    number = np.cumsum(junction, dtype=np.int64) - 1
    u, v = number[inverse[first]].astype(np.int32), number[inverse[last]].astype(np.int32)
    return way_of[first], first, last, u, v


def _points(way: Any) -> list[tuple[int, float, float] | None]:
    """Id and place of each node, None where the place is not in the file."""
    try:
        return [(n.ref, n.lon, n.lat) for n in way.nodes]
    except osmium.InvalidLocationError:
        return [(n.ref, n.lon, n.lat) if n.location.valid() else None for n in way.nodes]


def _runs(
    points: list[tuple[int, float, float] | None],
) -> list[list[tuple[int, float, float]]]:
    """Unbroken runs of at least two different nodes."""
    runs: list[list[tuple[int, float, float]]] = [[]]
    for point in points:
        if point is None:
            runs.append([])
        elif not runs[-1] or runs[-1][-1][0] != point[0]:
            runs[-1].append(point)
    return [run for run in runs if len(run) > 1]


def _at(values: Floats, rows: NDArray[Any]) -> Floats:
    return np.ascontiguousarray(values[rows])
