"""Excel workbooks (.xlsx, .xls, .xlsb, .ods): which sheet, where its table begins, merged cells filled."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from python_calamine import (
    CalamineError,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
    ZipError,
)

from anlan.city.finding import Finding
from anlan.city.readers.header import Header, find_header
from anlan.city.readers.table import Cells, Origin, Table, previews, text_array
from anlan.core.columns import Strings
from anlan.core.errors import AnlanError

ALL = "*"
"""As ``sheet``: every sheet with the same header."""

_HEAD_ROWS = 300


@dataclass(frozen=True)
class _Sheet:
    name: str
    rows: list[list[str]]
    first_row: int
    merged: int
    header: Header | None
    score: int


def open_excel(
    path: Path,
    knows: Callable[[str], str | None],
    *,
    sheet: str | int | None = None,
    header: int | None = None,
    wanted: Sequence[str] = (),
) -> Table:
    """Open a workbook.

    Parameters
    ----------
    path : Path
    knows, header, wanted
        See `anlan.city.readers.header.find_header`.
    sheet : str or int, optional
        Name or number (from 1) of a sheet, or `ALL`; by default the visible sheet whose header the reader
        knows best, the first of equals.

    Raises
    ------
    AnlanError
        If it is no workbook, is locked, or has no such sheet or no table.
    """
    try:
        with CalamineWorkbook.from_path(str(path)) as book:
            chosen = _names(book, sheet, path)
            sheets = [_read(book, name, knows, header, wanted, path) for name in chosen]
    except PasswordError:
        raise AnlanError(
            f"{path.name}",
            "the workbook is locked with a password",
            "save it without one",
            code="workbook_locked",
        ) from None
    except (CalamineError, ZipError, OSError, ValueError) as error:
        raise AnlanError(
            f"{path.name}",
            f"it is not a whole Excel workbook ({str(error).splitlines()[0]})",
            "open it in Excel or LibreOffice and save it again as .xlsx",
            code="workbook_unreadable",
        ) from None
    tables = [s for s in sheets if s.header is not None]
    if not tables:
        # Say why, about the first sheet with anything in it.
        filled = next((s for s in sheets if s.rows), None)
        if filled is None:
            raise AnlanError(f"{path.name}", "the workbook is empty", "export the table again", code="empty")
        find_header(filled.rows, knows, wanted, header, f"{path.name}, sheet {filled.name!r}")
    best = max(tables, key=lambda s: s.score)
    assert best.header is not None
    names = best.header.names
    alike = [s for s in tables if s.header is not None and s.header.names == names]
    used = alike if sheet == ALL else [best]
    origin = Origin(
        "excel",
        sheets=tuple(s.name for s in used),
        header_row=best.header.index + best.first_row if best.header.index >= 0 else 0,
    )

    def load(wanted_names: Sequence[str]) -> Cells:
        return _load(used, names, wanted_names)

    notes = _notes(used, [s for s in tables if s not in used and s.score >= 2])
    head = best.rows[best.header.index + 1 : best.header.index + 1 + _HEAD_ROWS]
    return Table(names, previews(names, head), origin, load, tuple(notes))


def _names(book: CalamineWorkbook, sheet: str | int | None, path: Path) -> list[str]:
    names = list(book.sheet_names)
    if sheet is None or sheet == ALL:
        return [
            about.name
            for about in book.sheets_metadata
            if about.typ == SheetTypeEnum.WorkSheet and about.visible == SheetVisibleEnum.Visible
        ] or names
    if isinstance(sheet, int) and 1 <= sheet <= len(names):
        return [names[sheet - 1]]
    if sheet in names:
        return [str(sheet)]
    raise AnlanError(
        f"sheet {sheet!r}",
        f"{path.name} has the sheets {', '.join(names)}",
        "name one of these, or '*' for all with the same header",
        code="sheet",
    )


def _read(
    book: CalamineWorkbook,
    name: str,
    knows: Callable[[str], str | None],
    header: int | None,
    wanted: Sequence[str],
    path: Path,
) -> _Sheet:
    sheet = book.get_sheet_by_name(name)
    cells: list[list[Any]] = sheet.to_python(skip_empty_area=False)
    merged = 0
    for (top, left), (bottom, right) in sheet.merged_cell_ranges or []:
        # A merge may reach beyond the last cell that holds something.
        if top >= len(cells) or left >= len(cells[top]):
            continue
        for row in cells[top : bottom + 1]:
            row[left : right + 1] = [cells[top][left]] * (min(right + 1, len(row)) - left)
        merged += 1
    rows = [[_text(cell) for cell in row] for row in cells]
    found: Header | None = None
    score = 0
    try:
        if rows:
            found = find_header(rows[:_HEAD_ROWS], knows, wanted, header, f"{path.name}, sheet {name!r}")
            score = len({m for n in found.names if (m := knows(n))}) + 2 * len(set(wanted) & set(found.names))
    except AnlanError:
        found = None
    return _Sheet(name, rows, 1, merged, found, score)


def _text(cell: Any) -> str:
    """A cell as text: whole numbers without a fraction, times as ISO 8601."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, int):
        return str(cell)
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, dt.datetime):
        # Excel counts days in floating point: 08:05:00 may come as 08:04:59.999997.
        cell = _to_milliseconds(cell)
        return cell.isoformat(" ", "milliseconds" if cell.microsecond else "seconds")
    if isinstance(cell, (dt.date, dt.time)):
        return cell.isoformat()
    if isinstance(cell, dt.timedelta):
        seconds = round(cell.total_seconds())
        return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return "" if cell is None else str(cell)


def _to_milliseconds(when: dt.datetime) -> dt.datetime:
    extra = when.microsecond % 1000
    return when + dt.timedelta(microseconds=1000 - extra if extra >= 500 else -extra)


def _load(sheets: Sequence[_Sheet], names: tuple[str, ...], wanted: Sequence[str]) -> Cells:
    places = [names.index(name) for name in wanted]
    values: list[list[str]] = [[] for _ in wanted]
    numbers: list[int] = []
    labels: list[str] = []
    for sheet in sheets:
        assert sheet.header is not None
        below = sheet.rows[sheet.header.index + 1 :]
        for column, place in zip(values, places, strict=True):
            column.extend([row[place] if place < len(row) else "" for row in below])
        first = sheet.header.index + 1 + sheet.first_row
        numbers.extend(range(first, first + len(below)))
        labels.extend([sheet.name] * len(below))
    label: Strings = np.empty(len(labels), dtype=object)
    label[:] = labels
    columns = {name: text_array(column) for name, column in zip(wanted, values, strict=True)}
    return Cells(columns, np.array(numbers, np.int64), label)


def _notes(used: Sequence[_Sheet], unread: Sequence[_Sheet]) -> list[Finding]:
    notes: list[Finding] = []
    merged = sum(s.merged for s in used)
    if merged:
        notes.append(
            Finding(
                "note",
                "merged_cells",
                f"Merged cells: {merged}, each filled with its value in every row and column it covers.",
                f"有 {merged} 处合并单元格，已将其值填入所覆盖的每一格。",
                merged,
            )
        )
    if unread:
        names = ", ".join(s.name for s in unread)
        notes.append(
            Finding(
                "warning",
                "sheets_not_read",
                f"Only sheet {used[0].name} was read; {names} look like calls too: pass --sheet '*' to read all"
                " sheets with the same header, or --sheet NAME (sheet= from Python).",
                f"只读取了工作表 {used[0].name}；{names} 看来也是警情表："
                "用 --sheet '*' 读取所有同表头的工作表，或用 --sheet 名称 指定（Python 中为 sheet=）。",
                len(unread),
            )
        )
    return notes
