"""Reading a table of calls: CSV, Excel or Parquet, as messy as it comes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from anlan.city.finding import Finding, some
from anlan.city.readers.cells import as_objects, as_text, by_word, clean, filled, share_words
from anlan.city.readers.csv_table import open_csv
from anlan.city.readers.excel_table import open_excel
from anlan.city.readers.identity import content_ids, repeated
from anlan.city.readers.mapping import (
    CallMapping,
    Given,
    find_columns,
    find_saved,
    with_settings,
)
from anlan.city.readers.moments import Moments, read_moments
from anlan.city.readers.parquet_table import geometry_column, open_parquet, stated_crs
from anlan.city.readers.places import Bounds, Places, read_places
from anlan.city.readers.read import CallsRead, DroppedRows, ReadSummary
from anlan.city.readers.table import Cells, Table
from anlan.city.readers.values import read_dispositions, read_priorities, read_sources
from anlan.city.readers.words import meaning_of
from anlan.core.columns import Bools, Strings
from anlan.core.coordinates import system
from anlan.core.errors import AnlanError
from anlan.core.job import Job
from anlan.core.time import DAY_S, zone
from anlan.model.call import Calls

_TOTALS = (
    r"^(合计|总计|小计|共计|总数|合 计|总 计|total|grand total|sum|subtotal|备注|说明|注)\s*[:：]?.{0,12}$"
)
"""First cells of rows that sum up or comment; such a row counts as one only if it has no place either."""


def read_calls(
    path: Path | str,
    *,
    tz: str | ZoneInfo | None = None,
    mapping: Given | CallMapping | Path | None = None,
    coordinate_system: str | None = None,
    crs: str | None = None,
    sheet: str | int | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    header: int | None = None,
    date_order: str | None = None,
    swap: bool = False,
    source: str | None = None,
    sources: Mapping[str, str] | None = None,
    saved: Path | None = None,
    bounds: Bounds | None = None,
    city_crs: str | None = None,
    job: Job | None = None,
) -> CallsRead:
    """Read a table of calls.

    What is not given is detected and said in the summary. Rows that cannot become a call are handed back
    with their reason; a value that cannot be is set to missing and counted, and its row is kept.

    Parameters
    ----------
    path : Path
        CSV, Excel (.xlsx, .xls, .xlsb, .ods) or Parquet, told apart by content.
    tz : str or ZoneInfo, optional
        Time zone of times that state no offset; needed if there are any.
    mapping : mapping, CallMapping or Path, optional
        Which column means what: ``{"received": "接警时间", "lon": "X"}``; a date and a time of day apart are
        ``{"received": ["日期", "时间"]}``; None leaves a field out. Fields not given are found by name.
    coordinate_system : str, optional
        wgs84 (the default), cgcs2000, gcj02 or bd09.
    crs : str, optional
        Coordinate system of projected coordinates, such as EPSG:27700.
    sheet : str or int, optional
        Of an Excel file, by name or number; ``"*"`` for all with the same header.
    encoding, delimiter : str, optional
    header : int, optional
        Row of the column names, from 1; 0 where there is none.
    date_order : str, optional
        dmy, mdy or ymd.
    swap : bool
        Exchange longitude and latitude where a row fits only so.
    source : str, optional
        Who noticed the calls of a table that does not say: reported, discovered or device.
    sources : mapping of str to str, optional
        The table's words for who noticed it → reported, discovered, device or unknown.
    saved : Path, optional
        Folder of saved mappings; the one for this header is used where ``mapping`` is not given.
    bounds : tuple of float, optional
        West, south, east, north in degrees: rows outside are dropped as outside the city.
    city_crs : str, optional
        The city's projected coordinate system, proposed where metres come without one.
    job : Job, optional

    Raises
    ------
    AnlanError
        If the file cannot be read as a table of calls at all.
    """
    path = Path(path)
    job = job or Job()
    with job.stage(path.name):
        remembered = _remembered(mapping)
        wanted = _wanted(mapping, remembered)
        table = _open(path, sheet=sheet, encoding=encoding, delimiter=delimiter, header=header, wanted=wanted)
        reused = None
        if mapping is None and saved is not None:
            remembered = reused = find_saved(saved, table.names)
        chosen = _mapping(table, mapping, remembered, path)
        chosen = with_settings(
            chosen,
            tz=str(tz) if tz is not None else None,
            coordinate_system=system(coordinate_system) if coordinate_system else None,
            crs=crs or _geometry_crs(path, table, chosen),
            date_order=date_order,
            swap=swap or chosen.swap,
            source=source,
            sources={**chosen.sources, **(sources or {})},
        )
        job.check()
        cells = table.load(chosen.used)
        job.check()
        notes = list(table.notes) + list(cells.notes)
        if reused is not None:
            notes.append(_reused(reused))
        return _read(path, table, chosen, cells, notes, bounds, city_crs)


def _open(path: Path, **options: Any) -> Table:
    """Open a file by what it is, not by what it is called."""
    if path.is_dir():
        raise AnlanError(f"{path}", "it is a folder", "name a file of calls", code="not_a_file")
    try:
        with path.open("rb") as file:
            start = file.read(512)
    except FileNotFoundError:
        raise AnlanError(
            f"{path}", "the file does not exist", "check the name", code="file_missing"
        ) from None
    except OSError as error:
        raise AnlanError(
            f"{path}",
            f"it cannot be read ({error.strerror})",
            "check the permissions",
            code="file_unreadable",
        ) from None
    sheet, header, wanted = options["sheet"], options["header"], options["wanted"]
    if start.startswith(b"PAR1"):
        return open_parquet(path)
    if start.startswith((b"PK\x03\x04", b"PK\x05\x06", b"\xd0\xcf\x11\xe0")):
        return open_excel(path, meaning_of, sheet=sheet, header=header, wanted=wanted)
    if start.lstrip(b"\xef\xbb\xbf \r\n\t").lower().startswith((b"<html", b"<!doctype", b"<table", b"<?xml")):
        raise AnlanError(
            f"{path.name}",
            "it is a web page or XML, whatever its name says",
            "open it in Excel or LibreOffice and save it as .xlsx or .csv",
            code="wrong_format",
        )
    if start.lstrip(b"\xef\xbb\xbf \r\n\t").startswith((b"{", b"[")) or _is_binary(start):
        raise AnlanError(
            f"{path.name}",
            "it is neither CSV, Excel nor Parquet",
            "export the calls as one of these",
            code="wrong_format",
        )
    return open_csv(
        path,
        meaning_of,
        encoding=options["encoding"],
        delimiter=options["delimiter"],
        header=header,
        wanted=wanted,
    )


def _is_binary(start: bytes) -> bool:
    controls = sum(1 for byte in start if byte < 9 or 13 < byte < 32)
    zeros = start.count(0)
    # UTF-16 text has zeros in every other byte, other binary data control bytes of all kinds.
    return controls - zeros > 0.02 * len(start) or (zeros > 0 and zeros < 0.2 * len(start))


def _remembered(mapping: Any) -> CallMapping | None:
    if isinstance(mapping, CallMapping):
        return mapping
    return CallMapping.load(Path(mapping)) if isinstance(mapping, (str, Path)) else None


def _wanted(mapping: Any, remembered: CallMapping | None) -> list[str]:
    """The column names that the caller speaks of, by which a header is recognised."""
    if remembered is not None:
        return [name for columns in remembered.columns.values() for name in columns]
    names: list[str] = []
    for key, value in (mapping or {}).items():
        names += [key, *([value] if isinstance(value, str) else value or [])]
    return names


def _mapping(table: Table, given: Any, remembered: CallMapping | None, path: Path) -> CallMapping:
    if remembered is not None:
        columns = find_columns(table.names, table.preview, dict(remembered.columns), path.name)
        known = {k: v for k, v in columns.items() if k in remembered.columns}
        chosen = replace(remembered, columns=known, header=table.names)
    else:
        chosen = CallMapping(find_columns(table.names, table.preview, given, path.name), table.names)
    seen = ", ".join(repr(name) for name in table.names[:40]) + (" …" if len(table.names) > 40 else "")
    if not ({"lon", "x", "point"} & set(chosen.columns)):
        raise AnlanError(
            f"{path.name} with the columns {seen}",
            "none of them is known to hold coordinates",
            "pass --map lon=COLUMN --map lat=COLUMN (or x and y with --calls-crs, or point; from Python"
            " mapping={'lon': COLUMN, 'lat': COLUMN}, crs=); addresses alone must be turned into coordinates"
            " first",
            code="coordinates_missing",
        )
    if not ({"received", "start"} & set(chosen.columns)):
        raise AnlanError(
            f"{path.name} with the columns {seen}",
            "none of them is known to hold the time of a call",
            "pass --map received=COLUMN (mapping={'received': COLUMN} from Python)",
            code="time_missing",
        )
    return chosen


def _geometry_crs(path: Path, table: Table, chosen: CallMapping) -> str | None:
    """The coordinate system that a GeoParquet file states for the geometry that is read."""
    if table.origin.kind != "parquet" or "point" not in chosen.columns or "lon" in chosen.columns:
        return None
    geometry = geometry_column(pq.read_schema(path))
    return stated_crs(path) if chosen.columns["point"] == (geometry,) else None


def _read(
    path: Path,
    table: Table,
    mapping: CallMapping,
    cells: Cells,
    notes: list[Finding],
    bounds: Bounds | None,
    city_crs: str | None,
) -> CallsRead:
    cells, blank = _without_blank(cells, mapping)
    if not len(cells):
        raise AnlanError(
            f"{path.name}",
            "the table has a header but no calls",
            "check the filter of the export, or the sheet",
            code="empty",
        )
    places = read_places(cells.columns, mapping, bounds=bounds, city_crs=city_crs, what=path.name)
    tz = zone(mapping.tz) if mapping.tz else None
    moments = read_moments(cells.columns, mapping, tz, path.name)
    reason = _reasons(cells, places, moments)
    kept = reason == ""
    calls, own_id, more = _calls(cells, mapping, places, moments, kept)
    notes += [*places.notes, *moments.notes, *more]
    rows = np.flatnonzero(kept)
    again, other = repeated(calls, own_id)
    _refuse_false_ids(mapping, own_id, other, path)
    reason[rows[again]], reason[rows[other]] = "duplicate", "duplicate_id"
    stays = np.flatnonzero(~again & ~other)
    stays = stays[np.argsort(calls.received[stays], kind="stable")]
    calls, own_id, rows = calls.take(stays), own_id[stays], rows[stays]
    dropped = _dropped(cells, mapping, reason)
    mapping = replace(
        mapping,
        date_order=moments.date_order or mapping.date_order,
        coordinate_system=places.coordinate_system,
    )
    received = calls.received[np.isfinite(calls.received)]
    summary = ReadSummary(
        file=path.name,
        origin=table.origin,
        mapping=mapping,
        formats=moments.formats,
        rows=len(cells) + len(cells.rejected),
        kept=len(calls),
        blank=blank,
        dropped=dropped.counts,
        times=_times(moments, calls),
        sources={word: int(np.sum(calls.source == word)) for word in sorted(set(calls.source.tolist()))},
        first=float(received.min()) if len(received) else np.nan,
        last=float(received.max()) if len(received) else np.nan,
        findings=tuple(notes + _findings(mapping, moments, dropped, calls)),
    )
    original = {name: cells.columns[name].take(pa.array(rows)) for name in mapping.used}
    return CallsRead(calls, cells.row[rows], own_id, original, cells.sheet[rows], dropped, summary)


def _without_blank(cells: Cells, mapping: CallMapping) -> tuple[Cells, int]:
    """Pass over rows with nothing in any column that is read."""
    places = [mapping.columns[name][0] for name in ("lon", "x", "point") if name in mapping.columns]
    suspects = np.flatnonzero(~filled(clean(cells.columns[places[0]])))
    if not len(suspects):
        return cells, 0
    something: Bools = np.zeros(len(suspects), bool)
    for column in cells.columns.values():
        something |= filled(clean(column.take(pa.array(suspects))))
    keep: Bools = np.ones(len(cells), bool)
    keep[suspects] = something
    mask = pa.array(keep)
    columns = {name: column.filter(mask) for name, column in cells.columns.items()}
    left = replace(cells, columns=columns, row=cells.row[keep], sheet=cells.sheet[keep])
    return left, int((~keep).sum())


def _reasons(cells: Cells, places: Places, moments: Moments) -> Strings:
    """Why each row becomes no call; empty where it does."""
    reason = places.reason.copy()
    known = np.zeros(len(cells), bool)
    for name in ("received", "start"):
        if name in moments.seconds:
            known |= np.isfinite(moments.seconds[name])
    reason[(reason == "") & ~known & moments.unreadable] = "time_unreadable"
    reason[(reason == "") & ~known] = "time_missing"
    nowhere = (places.reason == "coordinates_missing") | (places.reason == "coordinates_unreadable")
    first_cell: Strings = np.full(len(cells), "", dtype=object)
    lost = np.flatnonzero(nowhere & ~known)
    if len(lost):
        for column in cells.columns.values():
            words = clean(column.take(pa.array(lost))).to_pylist()
            for row, word in zip(lost, words, strict=True):
                first_cell[row] = first_cell[row] or word
        total = pc.match_substring_regex(
            pa.array(first_cell[lost].tolist(), type=pa.string()), _TOTALS, ignore_case=True
        )
        reason[lost[np.asarray(total.to_numpy(zero_copy_only=False), bool)]] = "total_row"
    return reason


def _calls(
    cells: Cells, mapping: CallMapping, places: Places, moments: Moments, kept: Bools
) -> tuple[Calls, Bools, list[Finding]]:
    mask = pa.array(kept)
    notes: list[Finding] = []

    def column(name: str) -> Any:
        return clean(cells.columns[mapping.columns[name][0]].filter(mask))

    n = int(kept.sum())
    fields: dict[str, Any] = {"lon": places.lon[kept], "lat": places.lat[kept]}
    fields |= {name: seconds[kept] for name, seconds in moments.seconds.items()}
    fields |= _whole_days(moments, kept)
    for name in ("category", "area"):
        if name in mapping.columns:
            words, which = by_word(column(name))
            fields[name] = share_words([" ".join(word.split()) for word in words], which)
    if "priority" in mapping.columns:
        fields["priority"], found = read_priorities(column("priority"))
        notes += found
    fields["source"], found = read_sources(
        column("source") if "source" in mapping.columns else None,
        n,
        mapping.sources,
        mapping.source or "unknown",
    )
    notes += found
    if "disposition" in mapping.columns:
        fields["disposition"], found = read_dispositions(column("disposition"))
        notes += found
    fields["id"] = as_objects(column("id")) if "id" in mapping.columns else np.full(n, "", dtype=object)
    calls = Calls.make(n, **fields)
    own = np.array([bool(value) for value in calls.id.tolist()], bool)
    if not own.all():
        ids = calls.id.copy()
        ids[~own] = content_ids(calls.take(~own))
        calls = calls.replaced(id=ids)
    return calls, own, notes


def _whole_days(moments: Moments, kept: Bools) -> dict[str, Any]:
    """The day as interval, for calls whose hour is not known."""
    days = moments.dated_only
    if not days.any() or "start" in moments.seconds:
        return {}
    received = moments.seconds["received"]
    start = np.where(days, received, np.nan)
    return {"start": start[kept], "end": (start + DAY_S)[kept]}


def _refuse_false_ids(mapping: CallMapping, own_id: Bools, other: Bools, path: Path) -> None:
    """A column of ids that repeat with other content is not one of ids."""
    n = int(own_id.sum())
    if n >= 4 and other.sum() > 0.5 * n:
        raise AnlanError(
            f"{path.name}, column {mapping.columns['id'][0]!r}",
            f"{int(other.sum())} of {n} rows repeat the id of an earlier row with other content",
            "map the column with the call's own number as id, or pass mapping={'id': None}",
            code="id_not_unique",
        )


def _dropped(cells: Cells, mapping: CallMapping, reason: Strings) -> DroppedRows:
    gone = np.flatnonzero(reason != "")
    picked = pa.array(gone)
    text = {name: as_objects(as_text(cells.columns[name].take(picked))) for name in mapping.used}
    dropped = DroppedRows(cells.row[gone], cells.sheet[gone], reason[gone], text)
    if not cells.rejected:
        return dropped
    n = len(cells.rejected)
    empty: Strings = np.full(n, "", dtype=object)
    rejected = DroppedRows(
        np.array([row for row, _ in cells.rejected], np.int64),
        empty,
        np.array([why for _, why in cells.rejected], dtype=object),
        dict.fromkeys(mapping.used, empty),
    )
    return DroppedRows.concat([dropped, rejected])


def _times(moments: Moments, calls: Calls) -> dict[str, dict[str, int]]:
    out: dict[str, dict[str, int]] = {}
    for name in moments.seconds:
        missing = int(np.isnan(getattr(calls, name)).sum())
        out[name] = {"missing": missing, **moments.set_aside.get(name, {})}
    return out


def _reused(mapping: CallMapping) -> Finding:
    return Finding(
        "note",
        "mapping_reused",
        f"The columns were read as the last time, by the mapping {mapping.name!r}.",
        f"已按上次的列映射“{mapping.name}”读取。",
    )


def _findings(mapping: CallMapping, moments: Moments, dropped: DroppedRows, calls: Calls) -> list[Finding]:
    out: list[Finding] = []
    impossible = sum(n for of in moments.set_aside.values() for why, n in of.items() if why != "unreadable")
    if impossible:
        out.append(
            Finding(
                "warning",
                "times_impossible",
                "Times that came before the call or the step before, or more than a day after the call:"
                f" {impossible}, set to missing; the calls are kept.",
                f"有 {impossible} 个时间早于接警或前一环节，或晚于接警一天以上；已置为缺失，警情保留。",
                impossible,
            )
        )
    unreadable = sum(of.get("unreadable", 0) for name, of in moments.set_aside.items() if name != "received")
    if unreadable:
        out.append(
            Finding(
                "warning",
                "times_unreadable",
                f"Times other than the call's own that could not be read: {unreadable}, set to missing.",
                f"有 {unreadable} 个环节时间无法识别，已置为缺失。",
                unreadable,
            )
        )
    if len(dropped):
        rows = dropped.row.tolist()
        out.append(
            Finding(
                "warning",
                "rows_dropped",
                f"Rows that became no call: {len(rows)} (rows {some(rows)}); a city keeps them with the reason"
                " in its folder `dropped`.",
                f"有 {len(rows)} 行未成为警情（第 {some(rows)} 行），连同原因存入城市的 dropped 文件夹。",
                len(rows),
            )
        )
    if mapping.personal:
        names = ", ".join(mapping.personal)
        out.append(
            Finding(
                "note",
                "personal_not_read",
                f"The columns {names} were not read: calls hold no personal data.",
                f"未读取列 {names}：警情数据不含个人信息。",
            )
        )
    mangled = [value for value in calls.id.tolist()[:10000] if _is_mangled(value)]
    if mangled:
        out.append(
            Finding(
                "warning",
                "ids_mangled",
                f"Ids such as {mangled[0]} were shortened by a spreadsheet, so different calls may share one;"
                " export the column as text.",
                f"编号（如 {mangled[0]}）已被电子表格缩写，不同警情可能同号；请以文本格式导出该列。",
                len(mangled),
            )
        )
    if len(calls) and not any(calls.source == "reported"):
        out.append(
            Finding(
                "warning",
                "source_unknown",
                "No call is known to be reported by the public, and hot spots learn from those only; if all"
                " are, pass --source reported (source='reported' from Python).",
                "没有一条警情标明为群众报警，而热点分析只依据群众报警；若全部是，"
                "请用 --source reported（Python 中为 source='reported'）。",
            )
        )
    return out


def _is_mangled(value: str) -> bool:
    head, exponent, power = value.upper().partition("E+")
    return bool(exponent) and power.isdigit() and head.replace(".", "").isdigit()
