"""A table in a file, whatever kind of file: its column names first, its cells when they are wanted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from anlan.city.finding import Finding
from anlan.core.columns import Ints, Strings


@dataclass(frozen=True)
class Origin:
    """How a file was understood.

    Attributes
    ----------
    kind : str
        csv, excel or parquet.
    encoding, delimiter : str
        Of a CSV file; else empty.
    sheets : tuple of str
        The Excel sheets that are read.
    header_row : int
        The row with the column names, as a spreadsheet numbers rows; 0 where there is none.
    """

    kind: str
    encoding: str = ""
    delimiter: str = ""
    sheets: tuple[str, ...] = ()
    header_row: int = 1


@dataclass(frozen=True, eq=False)
class Cells:
    """Some columns of a table, in full.

    Attributes
    ----------
    columns : mapping of str to pyarrow.Array
        Text, or the type that the file stores.
    row : ndarray of int64
        Number of each row in the file, from 1, as a spreadsheet numbers them.
    sheet : ndarray of str
        Sheet of each row; empty text outside Excel.
    rejected : tuple of (int, str)
        Number and reason of the rows that do not fit the columns.
    notes : tuple of Finding
    """

    columns: dict[str, Any]
    row: Ints
    sheet: Strings
    rejected: tuple[tuple[int, str], ...] = ()
    notes: tuple[Finding, ...] = ()

    def __len__(self) -> int:
        return len(self.row)


@dataclass(frozen=True, eq=False)
class Table:
    """A table that has been opened.

    Attributes
    ----------
    names : tuple of str
        Its columns; unique, none empty.
    preview : mapping of str to list of str
        Each column's first filled cells as text.
    origin : Origin
    load : callable
        Reads the named columns in full.
    notes : tuple of Finding
    """

    names: tuple[str, ...]
    preview: dict[str, list[str]]
    origin: Origin
    load: Callable[[Sequence[str]], Cells]
    notes: tuple[Finding, ...] = field(default=())


def no_sheet(n: int) -> Strings:
    """The sheet column of a file without sheets."""
    out: NDArray[np.object_] = np.empty(n, dtype=object)
    out[:] = ""
    return out


def text_array(values: Sequence[str]) -> Any:
    """A pyarrow array of texts."""
    return pa.array(values, type=pa.string())


def previews(names: Sequence[str], rows: Sequence[Sequence[str]], most: int = 200) -> dict[str, list[str]]:
    """The first filled cells of each column."""
    out: dict[str, list[str]] = {name: [] for name in names}
    for row in rows:
        for name, cell in zip(names, row, strict=False):
            if cell.strip() and len(out[name]) < most:
                out[name].append(cell.strip())
    return out
