"""What reading a call table gives: calls, the rows that were dropped, and an account of both."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from anlan.city.finding import Finding
from anlan.city.readers.cells import as_objects, as_text
from anlan.city.readers.csv_table import delimiter_name
from anlan.city.readers.mapping import CallMapping
from anlan.city.readers.reasons import reason_text
from anlan.city.readers.table import Origin
from anlan.core.columns import Ints, Strings
from anlan.core.files import replacing
from anlan.core.time import to_datetime, zone
from anlan.model.call import Calls


@dataclass(frozen=True, eq=False)
class DroppedRows:
    """Rows of a call table that became no call.

    Attributes
    ----------
    row : ndarray of int64, shape (n,)
        Number in the file, as a spreadsheet numbers rows.
    sheet : ndarray of str
        Empty outside Excel.
    reason : ndarray of str
        A key of `anlan.city.readers.reasons.REASONS`.
    cells : mapping of str to ndarray of str
        The original text of the columns that are read; others may hold personal data and are not kept.
    """

    row: Ints
    sheet: Strings
    reason: Strings
    cells: Mapping[str, Strings]

    def __len__(self) -> int:
        return len(self.row)

    @property
    def counts(self) -> dict[str, int]:
        """Rows by reason, most frequent first."""
        return dict(Counter(self.reason.tolist()).most_common())

    @property
    def text(self) -> Strings:
        """Each row's original text: ``column=cell``, joined by ``; ``."""
        out: Strings = np.full(len(self), "", dtype=object)
        for index in range(len(self)):
            out[index] = "; ".join(f"{name}={cells[index]}" for name, cells in self.cells.items())
        return out

    def write_csv(self, path: Path) -> None:
        """Write the rows with their reasons, so that they can be put right and read again."""
        with replacing(path) as part, part.open("w", encoding="utf-8-sig", newline="") as out:
            writer = csv.writer(out)
            sheets = any(self.sheet.tolist())
            writer.writerow(["row", *(["sheet"] if sheets else []), "reason", "原因", *self.cells])
            columns = [self.row.tolist(), *([self.sheet.tolist()] if sheets else [])]
            columns += [
                [reason_text(r) for r in self.reason.tolist()],
                [reason_text(r, "zh") for r in self.reason.tolist()],
                *(cells.tolist() for cells in self.cells.values()),
            ]
            writer.writerows(zip(*columns, strict=True))

    @classmethod
    def concat(cls, parts: list[DroppedRows]) -> DroppedRows:
        """All rows of several tables with the same columns, in the file's order."""
        names = list(parts[0].cells)
        row = np.concatenate([p.row for p in parts])
        sheet = np.concatenate([p.sheet for p in parts])
        order = np.lexsort((row, sheet.astype(str)))
        return cls(
            row[order],
            sheet[order],
            np.concatenate([p.reason for p in parts])[order],
            {name: np.concatenate([p.cells[name] for p in parts])[order] for name in names},
        )


@dataclass(frozen=True, eq=False)
class ReadSummary:
    """How a call table was understood, and what became of its rows.

    Attributes
    ----------
    file : str
        Its name.
    origin : Origin
    mapping : CallMapping
        With the time zone, date order and coordinate system that were used.
    formats : mapping of str to mapping of str to int
        Time field → way of writing → rows.
    rows, kept, blank : int
        Rows read (blank ones not counted), of those kept as calls, and blank rows passed over.
    dropped : mapping of str to int
        Reason → rows; ``rows`` is ``kept`` and these together.
    times : mapping of str to mapping of str to int
        Time field → missing, or why times were set to missing → calls.
    sources : mapping of str to int
        Who noticed it → calls.
    first, last : float
        Unix seconds of the first and last call received; NaN where there is none.
    findings : tuple of Finding
    """

    file: str
    origin: Origin
    mapping: CallMapping
    formats: Mapping[str, Mapping[str, int]]
    rows: int
    kept: int
    blank: int
    dropped: Mapping[str, int]
    times: Mapping[str, Mapping[str, int]]
    sources: Mapping[str, int]
    first: float
    last: float
    findings: tuple[Finding, ...]

    @property
    def duplicates(self) -> int:
        """Rows that repeat an earlier one."""
        return self.dropped.get("duplicate", 0) + self.dropped.get("duplicate_id", 0)

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for ``--json`` and the city's record of its loads."""
        mapping = self.mapping
        return {
            "file": self.file,
            "kind": self.origin.kind,
            "encoding": self.origin.encoding,
            "delimiter": self.origin.delimiter,
            "sheets": list(self.origin.sheets),
            "header_row": self.origin.header_row,
            "columns": {k: list(v) for k, v in mapping.columns.items()},
            "unread_columns": list(mapping.unread),
            "time_zone": mapping.tz,
            "date_order": mapping.date_order,
            "coordinate_system": mapping.coordinate_system,
            "crs": mapping.crs,
            "formats": {k: dict(v) for k, v in self.formats.items()},
            "rows": self.rows,
            "kept": self.kept,
            "blank": self.blank,
            "dropped": dict(self.dropped),
            "duplicates": self.duplicates,
            "times": {k: dict(v) for k, v in self.times.items()},
            "sources": dict(self.sources),
            "first": None if np.isnan(self.first) else self.first,
            "last": None if np.isnan(self.last) else self.last,
            "findings": [f.to_dict() for f in self.findings],
        }

    def understood(self, language: str = "en") -> list[str]:
        """How the table was understood, as lines of plain text in ``zh`` or ``en``."""
        zh = language.startswith("zh")
        o, m = self.origin, self.mapping
        form = [o.kind.upper() if o.kind == "csv" else o.kind.capitalize()]
        if o.encoding:
            form.append(o.encoding)
        if o.delimiter:
            form.append(f"分隔符 {o.delimiter!r}" if zh else delimiter_name(o.delimiter))
        if o.sheets:
            form.append(("工作表 " if zh else "sheet ") + ", ".join(o.sheets))
        if o.header_row > 1:
            form.append(f"表头在第 {o.header_row} 行" if zh else f"header in row {o.header_row}")
        head = f"{self.file}: " + ", ".join(form)
        columns = ", ".join(f"{k} ← {' + '.join(v)}" for k, v in m.columns.items())
        out = [head, ("列：" if zh else "columns: ") + columns]
        for name, ways in self.formats.items():
            if ways:
                written = ", ".join(f"{way} × {rows:,}" for way, rows in list(ways.items())[:4])
                out.append(("时间 " if zh else "times ") + f"{name}: {written}")
        where = m.crs or m.coordinate_system
        out.append(
            f"时区 {m.tz or '—'}，坐标系 {where}" if zh else f"time zone {m.tz or '—'}, coordinates {where}"
        )
        if np.isfinite(self.first):
            tz = zone(m.tz or "UTC")
            span = (
                f"{to_datetime(self.first, tz):%Y-%m-%d %H:%M} – {to_datetime(self.last, tz):%Y-%m-%d %H:%M}"
            )
            out.append(("起止 " if zh else "from – to ") + span)
        return out

    def lines(self, language: str = "en") -> list[str]:
        """The whole account as lines of plain text in ``zh`` or ``en``."""
        zh = language.startswith("zh")
        out = self.understood(language)
        gone = self.rows - self.kept
        out.append(
            f"读取 {self.rows:,} 行，保留 {self.kept:,}，剔除 {gone:,}"
            if zh
            else f"{self.rows:,} rows read, {self.kept:,} kept, {gone:,} dropped"
        )
        out += [f"  {n:,} × {reason_text(r, language)}" for r, n in self.dropped.items()]
        return out + [f.line(language) for f in self.findings]

    def render(self, language: str = "en") -> str:
        """`lines` as one text."""
        return "\n".join(self.lines(language))


@dataclass(frozen=True, eq=False)
class CallsRead:
    """A call table as it was read; not yet part of a city.

    Attributes
    ----------
    calls : Calls
        With degrees (WGS-84), neither projected nor snapped, no two alike, in order of time.
    row : ndarray of int64, shape (n_calls,)
        Number of each call's row in the file.
    own_id : ndarray of bool, shape (n_calls,)
        Whether the id is the table's; else it is made of time, place and category.
    original : mapping of str to pyarrow.Array
        The columns that were read, for each call.
    sheet : ndarray of str, shape (n_calls,)
    dropped : DroppedRows
    summary : ReadSummary
    """

    calls: Calls
    row: Ints
    own_id: Any
    original: Mapping[str, Any]
    sheet: Strings
    dropped: DroppedRows
    summary: ReadSummary

    def original_text(self, rows: Any) -> dict[str, Strings]:
        """The text, by column, from which some of the calls were made."""
        picked = pa.array(np.asarray(rows, np.int64))
        return {name: as_objects(as_text(column.take(picked))) for name, column in self.original.items()}

    @property
    def mapping(self) -> CallMapping:
        """How the table was read, to be saved and used for the next one."""
        return self.summary.mapping
