"""What ``city.toml`` says: names, time zone, coordinate system, standards, categories, provenance."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import tomli_w

from anlan.core.errors import AnlanError
from anlan.core.time import zone

FORMAT = 1
"""Version of the folder's format; a folder of a newer one is refused, an older one is read."""

STATES = {
    "LIVE": "calls come in as they happen",
    "HISTORY": "calls are past records",
    "SAMPLED": "calls are drawn from a model; no real place is described",
}
"""State words: everything derived from the city carries its word on screen and in print."""


@dataclass(frozen=True, slots=True)
class Category:
    """A kind of call: its name in both languages and how urgent it usually is (1 is the most urgent)."""

    zh: str
    en: str
    priority: int = 2

    def label(self, language: str) -> str:
        """The name in ``zh`` or ``en``, falling back to the other."""
        return (self.zh or self.en) if language == "zh" else (self.en or self.zh)


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a layer came from.

    Attributes
    ----------
    source : str
        File, publisher or rule.
    licence : str
        SPDX name or title.
    attribution : str
        The line that must be shown wherever the layer is.
    note : str
        What was done to it.
    """

    source: str = ""
    licence: str = ""
    attribution: str = ""
    note: str = ""


@dataclass(frozen=True)
class Settings:
    """The city's facts.

    Attributes
    ----------
    name_zh, name_en : str
        At least one is given.
    time_zone : str
        IANA name.
    crs : str
        Projected coordinate system in metres, as PROJ reads it.
    state : str
        One of `STATES`.
    rings_s : tuple of float
        The response standard: seconds, ascending.
    speed : mapping
        The speed profile as it was written (see `anlan.city.speed`); empty means road-class defaults.
    categories : mapping of str to Category
    layers : mapping of str to Provenance
        By layer: roads, areas, sites, lines, calls.
    extra : mapping
        Tables this version does not know; kept as they are.

    Raises
    ------
    AnlanError
        If a value is missing or impossible.
    """

    name_zh: str
    name_en: str
    time_zone: str
    crs: str
    state: str = "HISTORY"
    rings_s: tuple[float, ...] = (60.0, 180.0, 300.0)
    speed: Mapping[str, Any] = field(default_factory=dict)
    categories: Mapping[str, Category] = field(default_factory=dict)
    layers: Mapping[str, Provenance] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not (self.name_zh or self.name_en):
            raise AnlanError(
                "a city without a name",
                "it is called something in Chinese, in English or in both",
                "give name_zh or name_en",
                code="name_missing",
            )
        if not self.time_zone:
            raise AnlanError(
                f"{self.name_en or self.name_zh} without a time zone",
                "hours of the week are local, so the zone must be known",
                "give an IANA name such as Asia/Shanghai",
                code="time_zone",
            )
        zone(self.time_zone)
        if self.state not in STATES:
            raise AnlanError(
                f"state {self.state!r}", f"it is one of {', '.join(STATES)}", "use one of them", code="state"
            )
        rings = tuple(float(r) for r in self.rings_s)
        if not rings or rings[0] <= 0 or any(a >= b for a, b in pairwise(rings)):
            raise AnlanError(
                f"rings_s = {list(self.rings_s)}",
                "the response rings are positive seconds in ascending order",
                "write for example [60, 180, 300]",
                code="rings",
            )
        object.__setattr__(self, "rings_s", rings)

    @property
    def tz(self) -> ZoneInfo:
        """The time zone as an object."""
        return zone(self.time_zone)

    def name(self, language: str = "en") -> str:
        """The city's name in ``zh`` or ``en``, falling back to the other."""
        return (self.name_zh or self.name_en) if language.startswith("zh") else (self.name_en or self.name_zh)

    def with_layer(self, layer: str, provenance: Provenance) -> Settings:
        """The same settings with one layer's provenance."""
        return replace(self, layers={**self.layers, layer: provenance})

    def dumps(self) -> str:
        """The text of ``city.toml``."""
        document: dict[str, Any] = {
            "format": FORMAT,
            "name_zh": self.name_zh,
            "name_en": self.name_en,
            "time_zone": self.time_zone,
            "crs": self.crs,
            "state": self.state,
            "standard": {"rings_s": [int(r) if r.is_integer() else r for r in self.rings_s]},
            "speed": dict(self.speed),
            "categories": {
                key: {"zh": c.zh, "en": c.en, "priority": c.priority} for key, c in self.categories.items()
            },
            "layers": {
                layer: {
                    "source": p.source,
                    "licence": p.licence,
                    "attribution": p.attribution,
                    "note": p.note,
                }
                for layer, p in self.layers.items()
            },
            **self.extra,
        }
        return tomli_w.dumps(document)

    @classmethod
    def loads(cls, text: str, where: str = "city.toml") -> Settings:
        """Read the text of ``city.toml``.

        Raises
        ------
        AnlanError
            If it is not TOML, of a newer format, or lacks something.
        """
        try:
            document = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise AnlanError(
                where, f"it is not TOML ({error})", "put the named place right", code="city_toml"
            ) from None
        version = document.pop("format", FORMAT)
        if not isinstance(version, int) or version > FORMAT:
            raise AnlanError(
                f"{where}, format {version}",
                f"this version of anlan reads city format {FORMAT} and older",
                "update anlan",
                code="format_newer",
            )
        take = document.pop
        try:
            return cls(
                name_zh=str(take("name_zh", "")),
                name_en=str(take("name_en", "")),
                time_zone=str(take("time_zone", "")),
                crs=str(take("crs")),
                state=str(take("state", "HISTORY")),
                rings_s=tuple(take("standard", {}).get("rings_s", (60.0, 180.0, 300.0))),
                speed=take("speed", {}),
                categories={key: Category(**value) for key, value in take("categories", {}).items()},
                layers={key: Provenance(**value) for key, value in take("layers", {}).items()},
                extra=document,
            )
        except KeyError as error:
            raise AnlanError(
                where, f"{error.args[0]!r} is missing", "add it, or build the city again", code="city_toml"
            ) from None
        except (TypeError, AttributeError, ValueError) as error:
            raise AnlanError(
                where, f"a value is not of the kind expected ({error})", "see docs/city-folder.md",
                code="city_toml",
            ) from None  # fmt: skip

    @classmethod
    def load(cls, folder: Path) -> Settings:
        """Read a city folder's ``city.toml``."""
        path = Path(folder) / "city.toml"
        try:
            text = path.read_text(encoding="utf-8")
        except (FileNotFoundError, NotADirectoryError):
            raise AnlanError(
                f"{folder}",
                "a city is a folder with a city.toml in it",
                "name such a folder, or make one with `anlan city build` or `anlan city demo`",
                code="city_missing",
            ) from None
        except UnicodeDecodeError:
            raise AnlanError(
                f"{path}", "it is not UTF-8 text", "save it as UTF-8", code="city_toml"
            ) from None
        return cls.loads(text, str(path))
