"""Which row of a sheet names its columns: people put titles, notes and blank rows above it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from anlan.core.errors import AnlanError

SEARCHED_ROWS = 40
"""How far down a header is looked for."""

_DATA = re.compile(r"[\s\d０-９:：/.,，+\-年月日号时点分秒TZ%]+|(?i:nan|null|none|true|false|point\s*\(.*)")


@dataclass(frozen=True)
class Header:
    """The row that names the columns.

    Attributes
    ----------
    index : int
        Which of the rows, from 0; -1 where the table has no such row.
    names : tuple of str
        Unique; a nameless column is called ``column_7`` after its place.
    """

    index: int
    names: tuple[str, ...]


def find_header(
    rows: Sequence[Sequence[str]],
    knows: Callable[[str], str | None],
    wanted: Sequence[str] = (),
    number: int | None = None,
    what: str = "the table",
) -> Header:
    """Find the row that names the columns.

    The row with most names that the reader knows (at least two of different meaning), else the one that
    holds the names the user gave, else the first row of words alone.

    Parameters
    ----------
    rows : sequence of sequence of str
        The first rows of the table.
    knows : callable
        What a column name means, or None.
    wanted : sequence of str
        Names that the user's mapping speaks of.
    number : int, optional
        The header's row as the user counts, from 1; 0 where there is no header.
    what : str
        The file, for the sentence.

    Raises
    ------
    AnlanError
        If no row looks like one.
    """
    if number == 0:
        return Header(-1, _unique([], rows))
    if number is not None:
        if number > len(rows):
            raise AnlanError(
                f"header = {number}",
                f"{what} has {len(rows)} rows within sight",
                "give the number of the row with the column names, from 1",
                code="header",
            )
        return Header(number - 1, _unique(rows[number - 1], rows[number:]))
    best, best_score = -1, 0
    for index, row in enumerate(rows[:SEARCHED_ROWS]):
        cells = [cell.strip() for cell in row]
        given = sum(1 for name in set(wanted) if name in cells)
        score = 2 * given + len({meaning for cell in cells if cell and (meaning := knows(cell))})
        if score > best_score:
            best, best_score = index, score
    if best_score >= 2:
        return Header(best, _unique(rows[best], rows[best + 1 :]))
    width = max((len(row) for row in rows), default=0)
    for index, row in enumerate(rows[:SEARCHED_ROWS]):
        filled = [cell.strip() for cell in row if cell.strip()]
        if len(filled) >= max(2, 0.6 * width) and not any(_DATA.fullmatch(cell) for cell in filled):
            return Header(index, _unique(row, rows[index + 1 :]))
    if best >= 0 and width == 1:
        return Header(best, _unique(rows[best], rows[best + 1 :]))
    first = ", ".join(repr(cell) for cell in (rows[0] if rows else [])[:5])
    raise AnlanError(
        f"{what}, first row {first}",
        "no row names the columns",
        "add a header row, or pass --header ROW (--header 0, or header=0 from Python, where there is none: the"
        " columns are then called column_1, column_2 …, and the mapping says what each is)",
        code="header_missing",
    )


def _unique(cells: Sequence[str], below: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """One name a column: the header's, as many as the rows below it usually have cells."""
    widths = Counter(len(row) for row in below if any(cell.strip() for cell in row))
    width = widths.most_common(1)[0][0] if widths else len(cells)
    named = max((place for place, cell in enumerate(cells, 1) if cell.strip()), default=0)
    width = max(width, named)
    names: list[str] = []
    seen: dict[str, int] = {}
    for place, cell in enumerate([*cells[:width], *[""] * (width - len(cells))], 1):
        name = " ".join(cell.split()) or f"column_{place}"
        seen[name] = seen.get(name, 0) + 1
        names.append(name if seen[name] == 1 else f"{name}.{seen[name]}")
    return tuple(names)
