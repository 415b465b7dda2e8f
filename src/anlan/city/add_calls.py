"""Adding a table of calls to a city: placed on its roads, in its areas, nothing doubled, nothing lost."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from anlan.city.city import City
from anlan.city.finding import Finding
from anlan.city.readers.calls import read_calls
from anlan.city.readers.identity import content_keys
from anlan.city.readers.mapping import find_saved
from anlan.city.readers.places import Bounds, refuse_elsewhere, within
from anlan.city.readers.read import CallsRead, DroppedRows, ReadSummary
from anlan.city.readers.reasons import reason_text
from anlan.city.settings import Provenance
from anlan.city.shift import Shift, find_shift
from anlan.core.columns import Bools, Floats, Ints, Strings
from anlan.core.coordinates import distance_m
from anlan.core.errors import AnlanError
from anlan.core.files import replacing
from anlan.core.job import Job
from anlan.core.time import DAY_S
from anlan.model.call import Calls

LOADS, MAPPINGS, DROPPED = "loads", "mappings", "dropped"
"""Folders inside a city: the account of each file that was added, saved column mappings, dropped rows."""

MARGIN_M = 5000.0
"""A call farther than this outside the roads' bounding box is not in the city."""

# A row with a known id whose time or place is this far from the known call's is another call.
_OTHER_S = 7 * DAY_S
_OTHER_M = 2000.0
_COMPARED = ("category", "priority", "source", "disposition")
_COMPARED_TIMES = ("received", "dispatched", "en_route", "arrived", "cleared", "start", "end")


@dataclass(frozen=True)
class AddReport:
    """What adding a table did.

    Attributes
    ----------
    name : str
        Under which its mapping, dropped rows and account are kept in the city.
    read : ReadSummary
        How the table was understood, and what became of its rows.
    added : int
        Calls that are new to the city.
    updated : int
        Calls that the city had and of which the table says something else; they take its word.
    already_there : int
        Calls that the city had just so.
    dropped : mapping of str to int
        Reason → rows, the reader's and those outside the city.
    off_network : int
        Calls (added or updated) farther than a kilometre from every road; kept, but not routed to.
    without_area : int
        Calls (added or updated) that lie in no area, if the city has areas.
    shift : Shift or None
        Whether the points sit off the roads.
    findings : tuple of Finding
    """

    name: str
    read: ReadSummary
    added: int
    updated: int
    already_there: int
    dropped: Mapping[str, int]
    off_network: int
    without_area: int
    shift: Shift | None
    findings: tuple[Finding, ...]

    def lines(self, language: str = "en") -> list[str]:
        """How the table was understood and what was done to the city, as lines of plain text."""
        done = (
            f"新增 {self.added:,}，更新 {self.updated:,}，已有 {self.already_there:,}"
            if language.startswith("zh")
            else f"{self.added:,} calls added, {self.updated:,} updated, {self.already_there:,} already there"
        )
        out = [*self.read.understood(language), done]
        out += [f"  {n:,} × {reason_text(r, language)}" for r, n in self.dropped.items()]
        return out + [f.line(language) for f in self.findings]

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for ``--json`` and the city's own record."""
        return {
            "format": 1,
            "name": self.name,
            "read": self.read.to_dict(),
            "added": self.added,
            "updated": self.updated,
            "already_there": self.already_there,
            "dropped": dict(self.dropped),
            "off_network": self.off_network,
            "without_area": self.without_area,
            "shift": None if self.shift is None else self.shift.to_dict(),
            "findings": [f.to_dict() for f in self.findings],
        }


@dataclass(frozen=True, eq=False)
class Added:
    """The calls to give to `City.with_calls`, the rows left out, and the account of both."""

    calls: Calls
    dropped: DroppedRows
    report: AddReport


def city_bounds(city: City, margin_m: float = MARGIN_M) -> Bounds:
    """West, south, east, north of the roads in degrees, with a margin."""
    west, south, east, north = city.bounds
    up = margin_m / 111_195.0  # metres in a degree of latitude, mean Earth radius
    aside = up / max(np.cos(np.radians((south + north) / 2)), 0.01)
    return west - aside, south - up, east + aside, north + up


def add_calls(city: City, read: CallsRead, name: str | None = None) -> tuple[Calls, AddReport]:
    """Prepare a table of calls for a city: project, snap, find the area, leave out what it has already.

    Parameters
    ----------
    city : City
    read : CallsRead
    name : str, optional
        Of the load; by default the file's.

    Returns
    -------
    calls : Calls
        New and changed ones, for `City.with_calls`.
    report : AddReport

    Raises
    ------
    AnlanError
        If the table lies elsewhere, or its ids are those of other calls.
    """
    added = prepare(city, read, name)
    return added.calls, added.report


def add_calls_file(
    city: City,
    path: Path | str,
    *,
    name: str | None = None,
    mapping: Any = None,
    job: Job | None = None,
    **options: Any,
) -> tuple[City, AddReport]:
    """Read a table, add its calls to a city and, where the city has a folder, write it all there.

    The city's time zone and bounds hold unless others are given; the mapping that an earlier file with the
    same header was read by is used again. Beside the calls are written ``mappings/NAME.toml``,
    ``dropped/NAME.csv`` (if rows were dropped) and ``loads/NAME.json``.

    Parameters
    ----------
    city : City
    path : Path
    name : str, optional
        Of the load; by default the file's.
    mapping, **options
        As for `anlan.city.readers.calls.read_calls`.

    Returns
    -------
    city : City
        With the calls; saved if it has a folder.
    report : AddReport
    """
    job = job or Job()
    path = Path(path)
    folder = city.folder
    saved = None if folder is None else folder / MAPPINGS
    read = read_calls(
        path,
        mapping=mapping or None,
        job=job,
        saved=saved,
        **{
            "tz": city.settings.time_zone,
            "bounds": city_bounds(city),
            "city_crs": city.settings.crs,
            **{key: value for key, value in options.items() if value is not None},
        },
    )
    with job.stage("roads and areas"):
        added = prepare(city, read, name or path.stem)
    report = added.report
    job.check()
    city = city.with_calls(added.calls) if len(added.calls) else city
    origin = city.settings.layers.get("calls", Provenance())
    if path.name not in origin.source:
        source = ", ".join(filter(None, (origin.source, path.name)))
        city = city.replaced(city.settings.with_layer("calls", replace(origin, source=source)))
    if folder is not None:
        number = 1 + max((load["number"] for load in read_loads(folder)), default=0)
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        # One mapping for each header: what was learnt last is what holds next week.
        before = find_saved(folder / MAPPINGS, read.mapping.header)
        read.mapping.save(folder / MAPPINGS, before.name if before is not None else report.name)
        if len(added.dropped):
            added.dropped.write_csv(folder / DROPPED / f"{report.name}.csv")
        city = city.save()
        with replacing(folder / LOADS / f"{report.name}.json") as out:
            account = {**report.to_dict(), "number": number, "sha256": digest}
            text = json.dumps(account, ensure_ascii=False, indent=1)
            out.write_text(text + "\n", encoding="utf-8")
    return city, report


def read_loads(folder: Path | None) -> list[dict[str, Any]]:
    """The accounts of the files added to a city, as they came; those of other versions left aside."""
    out: list[dict[str, Any]] = []
    for path in sorted((folder / LOADS).glob("*.json")) if folder is not None else []:
        try:
            account = json.loads(path.read_text(encoding="utf-8"))
            if account["format"] == 1:
                out.append({"number": 0, "sha256": "", **account})
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return sorted(out, key=lambda account: account["number"])


def prepare(city: City, read: CallsRead, name: str | None = None) -> Added:
    """`add_calls` with the rows that lie outside the city."""
    calls, row = read.calls, np.arange(len(read.calls))
    bounds = city_bounds(city)
    inside = within(calls.lon, calls.lat, bounds)
    refuse_elsewhere(calls.lon, calls.lat, inside, bounds, read.summary.file)
    dropped = _with_outside(read, ~inside)
    calls, row = calls.take(inside), row[inside]
    strange = _strange_areas(city, calls)
    calls = _with_city_words(city, calls, "priority" in read.mapping.columns)
    shift = calls_shift(city, calls, read.mapping.coordinate_system if not read.mapping.crs else "wgs84")
    calls = city.placed(calls)
    known, same = _compare(city.calls, calls, read)
    fresh = calls.take(~(known & same))
    off = int(np.sum(fresh.edge < 0))
    nowhere = int(np.sum(fresh.area == "")) if len(city.areas) else 0
    findings = [*read.summary.findings, *strange]
    if shift is not None and (loud := shift.finding()) is not None:
        findings.insert(0, loud)
    findings += _findings(city, read, ~inside, off, nowhere, len(fresh))
    report = AddReport(
        name=_free_name(city.folder, name or Path(read.summary.file).stem),
        read=read.summary,
        added=int(np.sum(~known)),
        updated=int(np.sum(known & ~same)),
        already_there=int(np.sum(known & same)),
        dropped=dropped.counts,
        off_network=off,
        without_area=nowhere,
        shift=shift,
        findings=tuple(findings),
    )
    return Added(fresh, dropped, report)


def calls_shift(city: City, calls: Calls, given: str = "wgs84") -> Shift | None:
    """`find_shift` for calls and the roads of a city."""

    def snap(lon: Floats, lat: Floats) -> Floats:
        return city.snap(lon, lat, max_distance_m=np.inf)[1]

    return find_shift(calls.lon, calls.lat, snap, given)


def _with_outside(read: CallsRead, outside: Bools) -> DroppedRows:
    gone = np.flatnonzero(outside)
    if not len(gone):
        return read.dropped
    reason: Strings = np.full(len(gone), "outside_city", dtype=object)
    return DroppedRows.concat(
        [read.dropped, DroppedRows(read.row[gone], read.sheet[gone], reason, read.original_text(gone))]
    )


def _area_codes(city: City) -> dict[str, str]:
    """Code or name → code of the city's areas."""
    codes = {code: code for code in city.areas.code.tolist()}
    for names in (city.areas.name_en, city.areas.name_zh):
        codes |= {name: code for name, code in zip(names, city.areas.code, strict=True) if name}
    return codes


def _strange_areas(city: City, calls: Calls) -> list[Finding]:
    """Say which words of the table name no area of the city."""
    if not len(city.areas):
        return []
    codes = _area_codes(city)
    strange = [word for word in calls.area.tolist() if word and word not in codes]
    if not strange:
        return []
    shown = ", ".join(repr(word) for word in list(dict.fromkeys(strange))[:5])
    return [
        Finding(
            "warning",
            "areas_unknown",
            f"Calls that name an area the city does not have ({shown}): {len(strange)}; they take the area in"
            " which they lie.",
            f"有 {len(strange)} 条警情所写辖区（{shown}）不在城市中，已按其位置归入辖区。",
            len(strange),
        )
    ]


def _with_city_words(city: City, calls: Calls, has_priority: bool) -> Calls:
    """Areas by code where the table names them, and the category's usual priority where it states none."""
    if len(city.areas) and any(calls.area):
        codes = _area_codes(city)
        words = {word: codes.get(word, "") for word in set(calls.area.tolist())}
        calls = calls.replaced(area=[words[word] for word in calls.area.tolist()])
    if city.settings.categories and not has_priority:
        usual = {key: category.priority for key, category in city.settings.categories.items()}
        for category in city.settings.categories.values():
            usual |= {name: category.priority for name in (category.zh, category.en) if name}
        default = Calls.DEFAULTS["priority"]
        by_code = np.array([usual.get(name, default) for name in calls.categories], np.int8)
        if len(calls):
            calls = calls.replaced(priority=by_code[calls.category_code])
    return calls


def _compare(old: Calls, new: Calls, read: CallsRead) -> tuple[Bools, Bools]:
    """Which new calls the city has by id, and which of these just so."""
    known, same = np.zeros(len(new), bool), np.zeros(len(new), bool)
    if not len(old) or not len(new):
        return known, same
    at: Ints = old.index_of(new.id.tolist())
    known = at >= 0
    mine, theirs = new.take(known), old.take(at[known])
    _refuse_other_calls(theirs, mine, read)
    equal = content_keys(mine) == content_keys(theirs)
    for name in _COMPARED:
        equal &= getattr(mine, name) == getattr(theirs, name)
    for name in _COMPARED_TIMES:
        a, b = getattr(mine, name), getattr(theirs, name)
        equal &= (a == b) | (np.isnan(a) & np.isnan(b))
    same[known] = equal
    return known, same


def _refuse_other_calls(old: Calls, new: Calls, read: CallsRead) -> None:
    """A running number that begins anew each week must not overwrite last week's calls."""
    with np.errstate(invalid="ignore"):
        apart = distance_m(old.lon, old.lat, new.lon, new.lat) > _OTHER_M
        other = (np.abs(old.received - new.received) > _OTHER_S) | apart
    n = int(other.sum())
    if n < 3 or n < 0.2 * len(new):
        return
    column = read.mapping.columns.get("id", ("id",))[0]
    raise AnlanError(
        f"{read.summary.file}, column {column!r}",
        f"{n} of its ids, such as {str(new.id[np.flatnonzero(other)[0]])!r}, are in the city for calls of"
        " another time or place, so they do not name calls for good",
        "map a column that does (--map id=COLUMN), or pass mapping={'id': None} from Python",
        code="id_reused",
    )


def _findings(
    city: City, read: CallsRead, outside: Bools, off: int, nowhere: int, total: int
) -> list[Finding]:
    out: list[Finding] = []
    n = int(outside.sum())
    if n:
        out.append(
            Finding(
                "warning",
                "outside_city",
                f"Calls more than {MARGIN_M / 1000:.0f} km outside the city's roads: {n}, dropped.",
                f"有 {n} 条警情在城市路网范围 {MARGIN_M / 1000:.0f} 公里之外，已剔除。",
                n,
            )
        )
    if off:
        out.append(
            Finding(
                "warning",
                "off_network",
                f"Calls more than a kilometre from every road: {off} of {total}; kept, but no unit can be"
                " routed to them.",
                f"{total} 条警情中有 {off} 条距所有道路超过一公里；保留，但无法计算路径。",
                off,
            )
        )
    if nowhere:
        out.append(
            Finding(
                "warning",
                "without_area",
                f"Calls in none of the city's areas: {nowhere} of {total}.",
                f"{total} 条警情中有 {nowhere} 条不在任何辖区内。",
                nowhere,
            )
        )
    if city.settings.state == "SAMPLED":
        out.append(
            Finding(
                "warning",
                "state_sampled",
                "The city's state is SAMPLED and now holds calls from a file too; everything derived from it"
                " still says SAMPLED. Build a city of your own for real work.",
                "该城市标记为 SAMPLED（抽样），现混入文件中的警情，所有结果仍标注 SAMPLED；"
                "实际工作请另建城市。",
            )
        )
    if read.mapping.columns.get("id") is None and len(read.calls):
        out.append(
            Finding(
                "note",
                "ids_made",
                "The table has no ids, so calls are the same where time, place and category are.",
                "表中没有编号，按时间、地点和类别相同认定为同一警情。",
            )
        )
    return out


def _free_name(folder: Path | None, wanted: str) -> str:
    """A name for the load that no earlier one has, fit for a file."""
    plain = re.sub(r"[^\w.-]+", "-", wanted).strip("-.") or "calls"
    name, number = plain, 1
    while folder is not None and (folder / LOADS / f"{name}.json").exists():
        number += 1
        name = f"{plain}-{number}"
    return name
