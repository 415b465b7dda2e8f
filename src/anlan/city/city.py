"""A city: a folder with ``city.toml`` and GeoParquet layers, and what one asks of it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar
from zoneinfo import ZoneInfo

import numpy as np
import shapely
from numpy.typing import ArrayLike

from anlan.city import build as building
from anlan.city.areas import assign
from anlan.city.folder import check_folder, describe_file, describe_noun, read_noun, write_changed, write_new
from anlan.city.nouns import LAYERS
from anlan.city.projection import Projection
from anlan.city.report import BuildReport
from anlan.city.roads import Roads
from anlan.city.settings import Category, Provenance, Settings
from anlan.city.snap import MAX_DISTANCE_M, Snapper, locate
from anlan.core.columns import Floats
from anlan.core.errors import AnlanError
from anlan.core.job import Job
from anlan.model.area import Areas
from anlan.model.call import Calls
from anlan.model.line import Lines
from anlan.model.position import Positions
from anlan.model.site import Sites

if TYPE_CHECKING:
    from anlan.city.network import Network
    from anlan.city.travel import Travel

CORE_WITHIN_M = 50.0
"""Calls and sites beside a street that cannot be reached (a stub cut off by a gap in the map, a car park) are
put on the connected network if it is at most this much farther: a carriageway's width away, not a river's."""

Placed = TypeVar("Placed", Calls, Sites)


class City:
    """The ground of all work: roads, areas, sites, lines and calls of one place.

    Layers are read from the folder when they are first asked for. A city is a value: the ``with_…`` methods
    publish a new one, and only `save` writes.

    Parameters
    ----------
    settings : Settings
    folder : Path, optional
        Where layers that are not given are read from.
    report : BuildReport, optional
        What building it left out.
    **layers
        ``roads``, ``areas``, ``sites``, ``lines``, ``calls`` as nouns.
    """

    def __init__(
        self,
        settings: Settings,
        folder: Path | None = None,
        report: BuildReport | None = None,
        **layers: Any,
    ) -> None:
        unknown = set(layers) - set(LAYERS)
        if unknown:
            raise TypeError(f"a city has no layer {sorted(unknown)[0]!r}; it has {', '.join(LAYERS)}")
        self.settings = settings
        self.folder = folder
        self._report = report
        self._changed = dict(layers)
        self._read: dict[str, Any] = {}
        self._snappers: dict[str, Snapper] = {}

    # -- making one ---------------------------------------------------------------------------------------

    @classmethod
    def load(cls, folder: Path | str) -> City:
        """Open a city folder.

        Raises
        ------
        AnlanError
            If it is not a city folder, is of a newer format, or has no roads.
        """
        folder = Path(folder)
        settings = Settings.load(folder)
        check_folder(folder)
        return cls(settings, folder)

    @classmethod
    def build(
        cls,
        roads: building.RoadSource,
        *,
        name_zh: str = "",
        name_en: str = "",
        tz: str | None = None,
        crs: str | None = None,
        areas: Path | str | Areas | None = None,
        sites: Path | str | Sites | None = None,
        lines: Path | str | Lines | None = None,
        calls: Path | str | Calls | None = None,
        state: str = "HISTORY",
        categories: Mapping[str, Category] | None = None,
        rings_s: tuple[float, ...] = (60.0, 180.0, 300.0),
        speed: Mapping[str, Any] | None = None,
        provenance: Mapping[str, Provenance] | None = None,
        options: Mapping[str, Mapping[str, Any]] | None = None,
        job: Job | None = None,
    ) -> City:
        """Build a city from sources; nothing is written until `save`.

        Parameters
        ----------
        roads : path, pair of paths or Roads
            OpenStreetMap (``.osm.pbf``), a layer of lines (GeoParquet, GeoPackage, shapefile, GeoJSON, CSV
            with WKT), a pair of CSV tables (junctions, arcs), or a noun in the coordinate system ``crs``,
            which is taken in its own order.
        name_zh, name_en : str
            At least one.
        tz : str
            IANA time zone of the place, such as Asia/Shanghai.
        crs : str, optional
            Projected coordinate system in metres; by default the UTM zone of the roads.
        areas, sites, lines : path or noun, optional
            From OpenStreetMap roads, waterways and shores come along when ``lines`` is not given.
        calls : path or Calls, optional
            Put on the network and into areas where they are not yet.
        state : str
            HISTORY, LIVE or SAMPLED.
        categories, rings_s, speed, provenance
            As in `Settings`.
        options : mapping of str to mapping, optional
            Keyword arguments of the readers by layer: ``{"roads": {"columns": {"speed_kmh": "limit"}}}``.

        Raises
        ------
        AnlanError
            If a source cannot be read, something needed is missing, or the layers lie in different places.
        """
        job = job or Job()
        settings = Settings(
            name_zh, name_en, tz or "", crs or "", state, tuple(rings_s), dict(speed or {}),
            dict(categories or {}), dict(provenance or {}),
        )  # fmt: skip
        building.refuse_missing(roads, areas, sites, lines, calls)
        parts = building.gather(settings, roads, areas, sites, lines, options or {}, job)
        given_sites = parts.layers.pop("sites", None)
        city = cls(parts.settings, None, **parts.layers)
        city._check_overlap()
        with job.stage("placing sites and calls"):
            if given_sites is not None:
                city = city.with_sites(given_sites)
                parts.note_off_network("sites", int((city.sites.edge < 0).sum()), MAX_DISTANCE_M)
            if calls is not None:
                city = city.with_calls(
                    building.read_calls(parts, calls, (options or {}).get("calls", {}), job)
                )
                parts.note_off_network("calls", int((city.calls.edge < 0).sum()), MAX_DISTANCE_M)
        city = city.replaced(parts.settings)
        city._report = parts.report
        return city

    def _check_overlap(self) -> None:
        west, south, east, north = self.bounds
        for name, noun in (("areas", self.areas), ("lines", self.lines)):
            if not len(noun):
                continue
            box = shapely.total_bounds(noun.geometry)
            if np.isfinite(box).all() and (
                box[0] > east or box[2] < west or box[1] > north or box[3] < south
            ):
                raise AnlanError(
                    f"{name} from {box[0]:.3f}, {box[1]:.3f} to {box[2]:.3f}, {box[3]:.3f}",
                    "they must lie where the roads are, "
                    f"from {west:.3f}, {south:.3f} to {east:.3f}, {north:.3f}",
                    "give layers of one place, and check that longitude and latitude are not swapped",
                    code="layers_apart",
                )

    # -- layers -------------------------------------------------------------------------------------------

    @property
    def roads(self) -> Roads:
        """The street network."""
        roads: Roads = self._layer("roads")
        return roads

    @property
    def areas(self) -> Areas:
        """The jurisdiction tree; empty where the folder has none."""
        areas: Areas = self._layer("areas")
        return areas

    @property
    def sites(self) -> Sites:
        """Stations, posts, safe houses, equipment…; empty where the folder has none."""
        sites: Sites = self._layer("sites")
        return sites

    @property
    def lines(self) -> Lines:
        """Waterways and shores; empty where the folder has none."""
        lines: Lines = self._layer("lines")
        return lines

    @property
    def calls(self) -> Calls:
        """Calls in order of time; empty where the folder has none."""
        calls: Calls = self._layer("calls")
        return calls

    def _layer(self, name: str) -> Any:
        if name in self._changed:
            return self._changed[name]
        if name not in self._read:
            self._read[name] = read_noun(self.folder, name, self.projection)
        return self._read[name]

    # -- facts --------------------------------------------------------------------------------------------

    @property
    def report(self) -> BuildReport | None:
        """What building the city left out; None where that is not known."""
        if self._report is None and self.folder is not None:
            self._report = BuildReport.load(self.folder)
        return self._report

    @cached_property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north of the roads in degrees."""
        lon, lat = self.unproject(self.roads.x, self.roads.y)
        return float(lon.min()), float(lat.min()), float(lon.max()), float(lat.max())

    @property
    def tz(self) -> ZoneInfo:
        """The time zone."""
        return self.settings.tz

    def name(self, language: str = "en") -> str:
        """The city's name in ``zh`` or ``en``."""
        return self.settings.name(language)

    def info(self) -> dict[str, Any]:
        """What the city holds, from the settings and the layers' footers; reads no rows from disk."""
        s = self.settings
        layers: dict[str, Any] = {}
        for name in LAYERS:
            if name in self._changed or self.folder is None:
                about = describe_noun(name, self._layer(name), self.projection)
            else:
                about = describe_file(self.folder, name)
            if about is not None:
                origin = s.layers.get(name, Provenance())
                layers[name] = about | {"source": origin.source, "licence": origin.licence}
        return {
            "name_zh": s.name_zh,
            "name_en": s.name_en,
            "time_zone": s.time_zone,
            "crs": s.crs,
            "state": s.state,
            "rings_s": list(s.rings_s),
            "categories": list(s.categories),
            "folder": None if self.folder is None else str(self.folder),
            "layers": layers,
        }

    # -- places -------------------------------------------------------------------------------------------

    @cached_property
    def projection(self) -> Projection:
        """Between degrees and the city's metres."""
        return Projection(self.settings.crs)

    def project(self, lon: ArrayLike, lat: ArrayLike) -> tuple[Floats, Floats]:
        """Metres (x, y) of degrees (WGS-84)."""
        return self.projection.forward(lon, lat)

    def unproject(self, x: ArrayLike, y: ArrayLike) -> tuple[Floats, Floats]:
        """Degrees (longitude, latitude, WGS-84) of metres."""
        return self.projection.inverse(x, y)

    def snap(
        self,
        lon: ArrayLike | None = None,
        lat: ArrayLike | None = None,
        *,
        x: ArrayLike | None = None,
        y: ArrayLike | None = None,
        mode: str = "ordinary",
        max_distance_m: float = MAX_DISTANCE_M,
        core_within_m: float = 0.0,
    ) -> tuple[Positions, Floats]:
        """The nearest position on the network of each point, given in degrees or in metres.

        Parameters
        ----------
        lon, lat : array_like, optional
            Degrees.
        x, y : array_like, optional
            Metres in the city's projected coordinate system.
        mode : str
            ``lights`` and ``ordinary`` take drivable edges, ``walk`` those for walking.
        max_distance_m : float
            A point farther from every such edge gets edge -1.
        core_within_m : float
            How much farther than the nearest edge an edge of the connected core may be and still be taken
            instead of one that cannot be reached or left; 0 takes the nearest, whatever it is.

        Returns
        -------
        positions : Positions
        distance_m : ndarray of float64
            NaN where there is none.
        """
        if lon is not None and lat is not None:
            x, y = self.project(lon, lat)
        if x is None or y is None:
            raise TypeError("snap needs lon and lat, or x and y")
        walk = mode == "walk"
        positions, distance = self._snapper("walk" if walk else "drive").snap(x, y, max_distance_m)
        if core_within_m > 0 and not walk:
            x, y = np.atleast_1d(x), np.atleast_1d(y)
            lost = np.flatnonzero((positions.edge >= 0) & ~self.network.core_edges[positions.edge])
            near, far = self._snapper("core").snap(x[lost], y[lost], max_distance_m)
            better = far <= distance[lost] + core_within_m
            edge, offset = positions.edge.copy(), positions.offset_m.copy()
            edge[lost[better]], offset[lost[better]] = near.edge[better], near.offset_m[better]
            distance[lost[better]] = far[better]
            positions = Positions(edge, offset)
        return positions, distance

    def _snapper(self, edges: Literal["drive", "walk", "core"]) -> Snapper:
        if edges not in self._snappers:
            chosen = {
                "drive": lambda: self.roads.drivable,
                "walk": lambda: self.roads.edges.foot,
                "core": lambda: self.network.core_edges,
            }[edges]()
            self._snappers[edges] = Snapper(self.roads, chosen)
        return self._snappers[edges]

    def locate(self, positions: Positions) -> tuple[Floats, Floats]:
        """Metres (x, y) of positions on the network; NaN for edge -1."""
        return locate(self.roads, positions)

    def placed(self, things: Placed, *, max_distance_m: float = MAX_DISTANCE_M) -> Placed:
        """Calls or sites with both coordinates and their position on the network.

        Degrees are filled from metres and metres from degrees where one is missing. Whatever has no edge yet
        is snapped, with `CORE_WITHIN_M`. A call without an area gets the finest one
        that held its place when it was received.
        """
        x, y, lon, lat = (np.array(c) for c in (things.x, things.y, things.lon, things.lat))
        need = ~np.isfinite(x) & np.isfinite(lon)
        x[need], y[need] = self.project(lon[need], lat[need])
        back = ~np.isfinite(lon) & np.isfinite(x)
        lon[back], lat[back] = self.unproject(x[back], y[back])
        edge, offset = np.array(things.edge), np.array(things.offset_m)
        loose = edge < 0
        if loose.any():
            positions, _ = self.snap(
                x=x[loose], y=y[loose], max_distance_m=max_distance_m, core_within_m=CORE_WITHIN_M
            )
            edge[loose], offset[loose] = positions.edge, positions.offset_m
        things = things.replaced(x=x, y=y, lon=lon, lat=lat, edge=edge, offset_m=offset)
        if isinstance(things, Calls) and len(self.areas):
            area = np.array(things.area)
            nowhere = area == ""
            area[nowhere] = assign(self.areas, lon[nowhere], lat[nowhere], things.received[nowhere])
            things = things.replaced(area=area)
        return things

    # -- travel -------------------------------------------------------------------------------------------

    def travel(self, slot: int | None = None, mode: str = "lights") -> Travel:
        """Travel times on the network, see `anlan.city.travel.Travel`.

        Parameters
        ----------
        slot : int, optional
            Hour of the week (0 is Monday 00:00 local); None for the profile's base speeds.
        mode : {"lights", "ordinary", "walk"}
            ``walk`` keeps footways and ignores one-ways.
        """
        return self.network.travel(slot, mode)

    @cached_property
    def network(self) -> Network:
        """The streets with the city's speed profile, made routable."""
        from anlan.city.network import Network
        from anlan.city.speed import SpeedProfile

        return Network(self.roads, SpeedProfile.from_table(self.settings.speed))

    # -- new values and writing ---------------------------------------------------------------------------

    def replaced(self, settings: Settings | None = None, **layers: Any) -> City:
        """The same city with other settings or layers (nouns by name).

        New roads put sites and calls on the network anew. The coordinate system changes only with roads
        that are given in it.
        """
        settings = settings or self.settings
        moved = settings.crs != self.settings.crs
        if moved and "roads" not in layers:
            raise ValueError("a city's coordinate system changes only together with its roads")
        city = City(settings, self.folder, self._report, **{**self._changed, **layers})
        city._read = {name: noun for name, noun in self._read.items() if name not in layers}
        if "roads" not in layers:
            city._snappers = self._snappers
            if "network" in self.__dict__ and settings.speed == self.settings.speed:
                city.__dict__["network"] = self.network
            return city
        for name in ("sites", "calls"):
            noun = layers.get(name, self._layer(name))
            if name not in layers and len(noun):
                loose = noun.replaced(edge=np.full(len(noun), -1))
                if moved:
                    nowhere = np.full(len(noun), np.nan)
                    loose = loose.replaced(x=nowhere, y=nowhere)
                city._changed[name] = city.placed(loose)
        return city

    def with_sites(self, sites: Sites) -> City:
        """The city with these sites instead of its own, put on the network."""
        return self.replaced(sites=self.placed(sites))

    def with_calls(self, calls: Calls) -> City:
        """The city with further calls; one whose id it already has takes the old one's place.

        So next week's file can be added though it overlaps last week's: nothing is doubled, and what was
        still open is updated. Calls without an id are always added. They are put on the network and
        ordered by the time they were received.
        """
        new = self.placed(calls)
        old = self.calls
        last = {name: row for row, name in enumerate(new.id.tolist()) if name}
        if len(last) < len(new):
            keep = [not name or last[name] == row for row, name in enumerate(new.id.tolist())]
            new = new.take(np.array(keep, bool))
        if len(old):
            stays = np.array([not name or name not in last for name in old.id.tolist()], bool)
            new = Calls.concat([old.take(stays), new])
        return self.replaced(calls=new.take(np.argsort(new.received, kind="stable")))

    def save(self, folder: Path | str | None = None) -> City:
        """Write the city and give it back as one of that folder.

        A new folder is written beside its place and then renamed; in the city's own folder only the
        changed layers are written, all of them before any takes its place. A crash or a full disk leaves
        what was there before.

        Raises
        ------
        AnlanError
            If the folder holds something that is not a city, or cannot be written.
        """
        target = Path(folder) if folder is not None else self.folder
        if target is None:
            raise TypeError("a city that was built needs a folder to be saved in")
        if self.folder is not None and target.exists() and target.samefile(self.folder):
            write_changed(target, self.settings, self._changed, self.projection)
        else:
            write_new(target, self.settings, self._changed, self.projection, self._report, self.folder)
        saved = City(self.settings, target, self._report)
        saved._read = {**self._read, **self._changed}
        saved._snappers = self._snappers
        if "network" in self.__dict__:
            saved.__dict__["network"] = self.network
        return saved
