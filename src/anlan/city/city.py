"""A city: a folder with ``city.toml`` and GeoParquet layers, and what one asks of it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import ArrayLike

from anlan.city import build as building
from anlan.city.layers import column_range, layer_info, read_layer, write_layer
from anlan.city.nouns import LAYERS, from_columns, to_columns
from anlan.city.projection import Projection
from anlan.city.roads import Roads
from anlan.city.settings import Category, Provenance, Settings
from anlan.city.snap import MAX_DISTANCE_M, Snapper, locate
from anlan.core.columns import Floats
from anlan.core.errors import AnlanError
from anlan.core.files import replacing, replacing_folder
from anlan.core.job import Job
from anlan.model.area import Areas
from anlan.model.call import Calls
from anlan.model.line import Lines
from anlan.model.position import Positions
from anlan.model.site import Sites

if TYPE_CHECKING:
    from anlan.city.travel import Travel

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
        report: building.BuildReport | None = None,
        **layers: Any,
    ) -> None:
        unknown = set(layers) - set(LAYERS)
        if unknown:
            raise TypeError(f"a city has no layer {sorted(unknown)[0]!r}; it has {', '.join(LAYERS)}")
        self.settings = settings
        self.folder = folder
        self.report = report
        self._changed = dict(layers)
        self._read: dict[str, Any] = {}
        self._snappers: dict[bool, Snapper] = {}

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
        if not (folder / "roads.parquet").exists():
            raise AnlanError(
                f"{folder}",
                "a city needs its roads.parquet",
                "restore the file or build the city again",
                code="roads_missing",
            )
        return cls(settings, folder)

    @classmethod
    def build(
        cls,
        roads: Path | str | Roads,
        *,
        name_zh: str = "",
        name_en: str = "",
        tz: str | None = None,
        crs: str | None = None,
        areas: Areas | None = None,
        sites: Sites | None = None,
        lines: Lines | None = None,
        calls: Calls | None = None,
        state: str = "HISTORY",
        categories: Mapping[str, Category] | None = None,
        rings_s: tuple[float, ...] = (60.0, 180.0, 300.0),
        speed: Mapping[str, Any] | None = None,
        provenance: Mapping[str, Provenance] | None = None,
        job: Job | None = None,
        **options: Any,
    ) -> City:
        """Build a city from sources; nothing is written until `save`.

        Parameters
        ----------
        roads : path or Roads
            A file, or a noun in the coordinate system ``crs``.
        name_zh, name_en : str
            At least one.
        tz : str
            IANA time zone of the place, such as Asia/Shanghai.
        crs : str, optional
            Projected coordinate system in metres; by default the UTM zone of the roads.
        areas, sites, lines, calls
            Nouns; sites and calls are put on the network where they are not yet.
        state : str
            HISTORY, LIVE or SAMPLED.
        categories, rings_s, speed, provenance
            As in `Settings`.
        **options
            For the roads' reader, such as ``columns``.

        Raises
        ------
        AnlanError
            If a source cannot be read or something needed is missing.
        """
        if not tz:
            raise AnlanError(
                f"{name_en or name_zh or 'the city'} without a time zone",
                "hours of the week are local, so the zone must be known",
                "give tz, an IANA name such as Asia/Shanghai",
                code="time_zone",
            )
        settings = Settings(
            name_zh, name_en, tz, crs or "", state, tuple(rings_s), dict(speed or {}), dict(categories or {}),
            dict(provenance or {}),
        )  # fmt: skip
        job = job or Job()
        with job.stage("roads"):
            network, projection, reading = building.read_roads(roads, crs, job, **options)
        settings = replace(settings, crs=projection.crs)
        if reading.source and "roads" not in settings.layers:
            settings = settings.with_layer("roads", Provenance(source=Path(reading.source).name))
        report = building.BuildReport(building.network_report(network), {"roads": reading})
        given = {"areas": areas, "lines": lines}
        city = cls(settings, None, report, roads=network, **{k: v for k, v in given.items() if v is not None})
        with job.stage("sites and calls"):
            if sites is not None:
                city = city.with_sites(sites)
            if calls is not None:
                city = city.with_calls(calls)
        return city

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
            path = None if self.folder is None else self.folder / f"{name}.parquet"
            noun = LAYERS[name]
            if path is None or not path.exists():
                self._read[name] = noun.empty()
            else:
                self._read[name] = from_columns(name, read_layer(path), self.projection, path)
        return self._read[name]

    # -- facts --------------------------------------------------------------------------------------------

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
            about = self._about(name)
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

    def _about(self, name: str) -> dict[str, Any] | None:
        if name in self._changed or self.folder is None:
            noun = self._layer(name)
            if not len(noun):
                return None
            columns, _, notes = to_columns(name, noun, self.projection)
            span = None
            if name == "calls" and np.isfinite(columns["received"]).any():
                span = float(np.nanmin(columns["received"])), float(np.nanmax(columns["received"]))
            about: dict[str, Any] = {"rows": len(noun), **notes}
        else:
            path = self.folder / f"{name}.parquet"
            if not path.exists():
                return None
            footer = layer_info(path)
            about = {"rows": footer.rows, "bytes": footer.bytes, "bounds": footer.bounds, **footer.notes}
            span = column_range(path, "received") if name == "calls" else None
        if span is not None:
            about["first_received"], about["last_received"] = span
        return about

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
        if walk not in self._snappers:
            self._snappers[walk] = Snapper(self.roads, self.roads.edges.foot if walk else None)
        return self._snappers[walk].snap(x, y, max_distance_m)

    def locate(self, positions: Positions) -> tuple[Floats, Floats]:
        """Metres (x, y) of positions on the network; NaN for edge -1."""
        return locate(self.roads, positions)

    def placed(self, things: Placed, *, max_distance_m: float = MAX_DISTANCE_M) -> Placed:
        """Calls or sites with both coordinates and their position on the network.

        Degrees are filled from metres and metres from degrees where one is missing; whatever has no edge
        yet is snapped.
        """
        x, y, lon, lat = (np.array(c) for c in (things.x, things.y, things.lon, things.lat))
        need = ~np.isfinite(x) & np.isfinite(lon)
        x[need], y[need] = self.project(lon[need], lat[need])
        back = ~np.isfinite(lon) & np.isfinite(x)
        lon[back], lat[back] = self.unproject(x[back], y[back])
        edge, offset = np.array(things.edge), np.array(things.offset_m)
        loose = edge < 0
        if loose.any():
            positions, _ = self.snap(x=x[loose], y=y[loose], max_distance_m=max_distance_m)
            edge[loose], offset[loose] = positions.edge, positions.offset_m
        return things.replaced(x=x, y=y, lon=lon, lat=lat, edge=edge, offset_m=offset)

    # -- travel -------------------------------------------------------------------------------------------

    def travel(self, slot: int | None = None, mode: str = "ordinary") -> Travel:
        """Travel times on the network.

        Parameters
        ----------
        slot : int, optional
            Hour of the week (0–167); None for the whole week's mean.
        mode : str
            ``lights``, ``ordinary`` or ``walk`` (footways included, one-ways ignored).
        """
        travel: Travel = self._network.travel(slot, mode)
        return travel

    @cached_property
    def _network(self) -> Any:
        from anlan.city.network import Network
        from anlan.city.speed import SpeedProfile

        return Network(self.roads, SpeedProfile.from_dict(self.settings.speed))

    # -- new values and writing ---------------------------------------------------------------------------

    def replaced(self, settings: Settings | None = None, **layers: Any) -> City:
        """The same city with other settings or layers (nouns by name)."""
        city = City(settings or self.settings, self.folder, self.report, **{**self._changed, **layers})
        city._read = {k: v for k, v in self._read.items() if k not in layers}
        same_roads = "roads" not in layers and city.settings.crs == self.settings.crs
        if same_roads:
            city._snappers = self._snappers
            if "_network" in self.__dict__ and city.settings.speed == self.settings.speed:
                city.__dict__["_network"] = self._network
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
            with ExitStack() as stack:
                for name, noun in self._changed.items():
                    self._write(name, noun, stack.enter_context(replacing(target / f"{name}.parquet")))
                toml = stack.enter_context(replacing(target / "city.toml"))
                toml.write_text(self.settings.dumps(), encoding="utf-8")
        else:
            _check_target(target)
            with replacing_folder(target) as out:
                self._write_all(out)
        saved = City(self.settings, target, self.report)
        saved._read = {**self._read, **self._changed}
        saved._snappers = self._snappers
        return saved

    def _write_all(self, out: Path) -> None:
        for name in LAYERS:
            own = None if self.folder is None else self.folder / f"{name}.parquet"
            if name in self._changed:
                if len(self._changed[name]):
                    self._write(name, self._changed[name], out / f"{name}.parquet")
            elif own is not None and own.exists():
                shutil.copyfile(own, out / own.name)
        (out / "city.toml").write_text(self.settings.dumps(), encoding="utf-8")

    def _write(self, name: str, noun: Any, path: Path) -> None:
        columns, geometry, notes = to_columns(name, noun, self.projection)
        write_layer(path, columns, geometry, {"layer": name, **notes})


def _check_target(folder: Path) -> None:
    if folder.is_dir() and any(folder.iterdir()) and not (folder / "city.toml").exists():
        raise AnlanError(
            f"{folder}",
            "it holds something that is not a city, and would be replaced",
            "choose a new or empty folder",
            code="not_a_city",
        )
    if folder.exists() and not folder.is_dir():
        raise AnlanError(f"{folder}", "it is a file", "name a folder", code="not_a_city")
