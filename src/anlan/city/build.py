"""Building a city: sources in; settings, nouns and an account of what was left out back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from anlan.city.areas import check_tree
from anlan.city.projection import Projection
from anlan.city.report import BuildReport, NetworkReport
from anlan.city.roads import Roads
from anlan.city.settings import Provenance, Settings
from anlan.city.streets import Reading, Streets
from anlan.core.errors import AnlanError
from anlan.core.job import Job
from anlan.model.area import Areas
from anlan.model.call import Calls
from anlan.model.line import Lines
from anlan.model.site import Sites

# Readers are imported where they are used: opening a city should not wait for GDAL and osmium.

OSM = (".pbf", ".osm", ".osm.gz", ".osm.bz2", ".osm.xml")
Path_ = Path | str
RoadSource = Path_ | tuple[Path_, Path_] | Roads


@dataclass
class Parts:
    """What a city is made of, while it is built."""

    settings: Settings
    layers: dict[str, Any] = field(default_factory=dict)
    readings: dict[str, Reading] = field(default_factory=dict)

    @property
    def report(self) -> BuildReport:
        """The account, with the network measured."""
        return BuildReport(NetworkReport.of(self.layers["roads"]), self.readings)

    def note_off_network(self, layer: str, n: int, limit_m: float) -> None:
        """Count what could not be put on a street."""
        if n:
            reading = self.readings.get(layer, Reading())
            why = f"farther than {limit_m:.0f} m from every street"
            self.readings[layer] = replace(reading, counts={**reading.counts, why: n})

    def add(self, layer: str, noun: Any, reading: Reading, origin: Provenance | None = None) -> None:
        """Take a layer; its provenance is the source's unless the user stated another."""
        self.layers[layer] = noun
        if not reading.source:
            return
        self.readings[layer] = reading
        if layer not in self.settings.layers:
            names = " and ".join(Path(p).name for p in reading.source.split(" and "))
            self.settings = self.settings.with_layer(layer, replace(origin or Provenance(), source=names))


def refuse_missing(*sources: Any) -> None:
    """Refuse a file that does not exist before anything is read; nouns and None pass.

    Raises
    ------
    AnlanError
    """
    for source in sources:
        for path in source if isinstance(source, (tuple, list)) else (source,):
            if isinstance(path, (str, Path)) and not Path(path).exists():
                raise AnlanError(f"{path}", "the file does not exist", "check the name", code="file_missing")


def gather(
    settings: Settings,
    roads: RoadSource,
    areas: Path_ | Areas | None,
    sites: Path_ | Sites | None,
    lines: Path_ | Lines | None,
    options: Mapping[str, Mapping[str, Any]],
    job: Job,
) -> Parts:
    """Read all sources but the calls; see `anlan.city.City.build` for the parameters.

    Raises
    ------
    AnlanError
        If a source cannot be read, the coordinate system does not hold at the place, or the layers do not
        lie in one place.
    """
    parts = Parts(settings)
    with job.stage("roads"):
        if isinstance(roads, Roads):
            _take_roads(parts, roads)
        else:
            _read_roads(parts, roads, dict(options.get("roads", {})), job)
    with job.stage("areas, lines and sites"):
        if isinstance(areas, Areas):
            check_tree(areas)
            parts.add("areas", areas, Reading())
        elif areas is not None:
            from anlan.city.readers.area_layer import read_areas

            root = {"root": (settings.name_zh, settings.name_en)}
            parts.add("areas", *read_areas(Path(areas), **{**root, **options.get("areas", {})}))
        if isinstance(lines, Lines):
            parts.add("lines", lines, Reading())
        elif lines is not None:
            from anlan.city.readers.water_layer import read_water

            parts.add("lines", *read_water(Path(lines), **options.get("lines", {})))
        if isinstance(sites, Sites):
            parts.add("sites", sites, Reading())
        elif sites is not None:
            from anlan.city.readers.site_layer import read_sites

            parts.add("sites", *read_sites(Path(sites), **options.get("sites", {})))
    return parts


def _take_roads(parts: Parts, roads: Roads) -> None:
    if not parts.settings.crs:
        raise AnlanError(
            "roads without a coordinate system",
            "their metres mean a place only with it",
            "give crs, for example EPSG:32650",
            code="crs_missing",
        )
    projection = Projection(parts.settings.crs)
    lon, lat = projection.inverse(roads.node_x, roads.node_y)
    check_bounds(projection, float(lon.min()), float(lat.min()), float(lon.max()), float(lat.max()))
    parts.add("roads", roads, Reading())


def _read_roads(parts: Parts, source: Path_ | tuple[Path_, Path_], options: dict[str, Any], job: Job) -> None:
    origin = None
    if not isinstance(source, tuple) and str(source).lower().endswith(OSM):
        from anlan.city.readers import osm

        read = osm.read_osm(Path(source), job, **options)
        streets = read.streets
        origin = Provenance(licence=osm.LICENCE, attribution=osm.ATTRIBUTION)
        if len(read.lines):
            parts.add("lines", read.lines, read.lines_reading, origin)
    else:
        streets = read_streets(source, job, options)
    crs = parts.settings.crs
    projection = Projection(crs) if crs else Projection.utm(*streets.centre())
    check_bounds(projection, *streets.bounds)
    parts.settings = replace(parts.settings, crs=projection.crs)
    parts.add("roads", streets.roads(projection), streets.reading, origin)


def read_streets(source: Path_ | tuple[Path_, Path_], job: Job, options: Mapping[str, Any]) -> Streets:
    """Streets of a line layer, or of a pair of tables (junctions, arcs) or a folder that holds them."""
    if not isinstance(source, tuple):
        folder = Path(source)
        if (folder / "nodes.csv").exists() and (folder / "arcs.csv").exists():
            source = (folder / "nodes.csv", folder / "arcs.csv")
    if isinstance(source, tuple):
        from anlan.city.readers.node_arc import read_node_arc

        return read_node_arc(Path(source[0]), Path(source[1]), job=job, **options)
    from anlan.city.readers.line_layer import read_lines

    return read_lines(Path(source), job=job, **options)


def read_calls(parts: Parts, calls: Path_ | Calls, options: Mapping[str, Any], job: Job) -> Calls:
    """Calls of a table, with an account of its rows; a noun is taken as it is."""
    if isinstance(calls, Calls):
        return calls
    from anlan.city.readers.calls import read_calls as read_table

    settings = parts.settings
    read = read_table(
        Path(calls), **{"tz": settings.time_zone, "city_crs": settings.crs, "job": job, **options}
    )
    rows = zip(read.dropped.row.tolist(), read.dropped.reason.tolist(), strict=True)
    parts.add(
        "calls",
        read.calls,
        Reading(
            str(calls), read.summary.rows, read.summary.kept, dict(read.summary.dropped),
            tuple((f"row {row}", str(why)) for row, why in rows),
        ),
    )  # fmt: skip
    return read.calls


def check_bounds(projection: Projection, west: float, south: float, east: float, north: float) -> None:
    """Refuse coordinates that are no place on earth, or where the projection does not hold."""
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise AnlanError(
            f"roads from {west:g}, {south:g} to {east:g}, {north:g}",
            "longitude is -180 to 180 and latitude -90 to 90 degrees",
            "state the layer's coordinate system, and check that longitude and latitude are not swapped",
            code="lonlat_swapped",
        )
    projection.check(west, south, east, north)
