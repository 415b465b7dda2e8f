"""CSV and its relatives: delimiter, encoding, titles, ragged rows and stray quotation marks sorted out."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pv

from anlan.city.finding import Finding, some
from anlan.city.readers.header import find_header
from anlan.city.readers.table import Cells, Origin, Table, no_sheet, previews, text_array
from anlan.city.readers.text import Decoded, decode
from anlan.core.errors import AnlanError

_DELIMITERS = (",", ";", "\t", "|", "，")
_HEAD_BYTES = 1 << 18
_HEAD_ROWS = 300
_MOST_BLOCK_BYTES = 1 << 30
_DECLARED = re.compile(rb"sep=(.)\n")
_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar", "，": "full-width comma"}

csv.field_size_limit(1 << 24)


def open_csv(
    path: Path,
    knows: Callable[[str], str | None],
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    header: int | None = None,
    wanted: Sequence[str] = (),
) -> Table:
    """Open a delimited text file.

    Parameters
    ----------
    path : Path
    knows, header, wanted
        See `anlan.city.readers.header.find_header`.
    encoding, delimiter : str, optional
        Detected where not given.

    Raises
    ------
    AnlanError
        If the file is empty or has no header.
    """
    decoded = decode(path.read_bytes(), encoding)
    data = decoded.data
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if not data[:_HEAD_BYTES].strip() and not data.strip():
        raise AnlanError(
            f"{path.name}", "the file is empty", "export the table again, with its header row", code="empty"
        )
    skipped = 0
    declared = _DECLARED.match(data)
    if declared:
        delimiter, data, skipped = declared[1].decode(), data[declared.end() :], 1
    delimiter = delimiter or _sniff(data)
    if delimiter == "，":
        # No parser takes a delimiter of three bytes; the narrow comma must then not occur in the cells.
        data = data.replace(b",", b" ").replace("，".encode(), b",")
    parser = "," if delimiter == "，" else delimiter
    rows, ends = _head(data, parser)
    found = find_header(rows, knows, wanted, header, path.name)
    names = found.names
    body = data[ends[found.index] :] if found.index >= 0 else data
    first_row = found.index + 2 + skipped
    origin = Origin("csv", decoded.encoding, delimiter, header_row=found.index + 1 + skipped)

    def load(wanted_names: Sequence[str]) -> Cells:
        return _load(body, parser, names, wanted_names, first_row)

    return Table(names, previews(names, rows[found.index + 1 :]), origin, load, tuple(_notes(decoded)))


def delimiter_name(delimiter: str) -> str:
    """``comma`` for ``,``."""
    return _NAMES.get(delimiter, delimiter)


def _notes(decoded: Decoded) -> list[Finding]:
    notes = [
        Finding(
            "warning",
            "mixed_encodings",
            f"Lines in {kind} while the others are in {decoded.encoding}: {len(lines)} (lines {some(lines)});"
            " each was read in its own.",
            f"有 {len(lines)} 行是 {kind} 编码，其余为 {decoded.encoding}；"
            f"已逐行按各自编码读取（第 {some(lines)} 行）。",
            len(lines),
        )
        for kind, lines in decoded.others.items()
    ]
    if decoded.damaged:
        n = len(decoded.damaged)
        notes.append(
            Finding(
                "warning",
                "damaged_text",
                f"Lines with bytes that are no text in any encoding: {n} (lines {some(decoded.damaged)});"
                " they show as \ufffd.",
                f"有 {n} 行含无法解码的字节，显示为 \ufffd（第 {some(decoded.damaged)} 行）。",
                n,
            )
        )
    return notes


def _sniff(data: bytes) -> str:
    """The delimiter that splits the first lines into equally many cells."""
    lines = list(islice(io.StringIO(data[:_HEAD_BYTES].decode("utf-8", "ignore"), newline=""), _HEAD_ROWS))
    lines = [line for line in (lines[:-1] or lines) if line.strip()]
    best, best_score = ",", 0.0
    for delimiter in _DELIMITERS:
        if delimiter == "，":
            widths = [line.count("，") + 1 for line in lines]
        else:
            widths = [len(row) for row in csv.reader(lines, delimiter=delimiter) if row]
        if not widths:
            continue
        width, times = Counter(widths).most_common(1)[0]
        if width < 2:
            continue
        # Agreement among the rows counts most, then the number of cells.
        score = times / len(widths) + min(width, 50) / 1000
        if score > best_score:
            best, best_score = delimiter, score
    return best


def _head(data: bytes, delimiter: str) -> tuple[list[list[str]], list[int]]:
    """The first records, and the byte at which each ends."""
    chunk = data[:_HEAD_BYTES]
    if len(chunk) < len(data):
        chunk = chunk[: chunk.rfind(b"\n") + 1] or chunk
    taken = 0

    def feed() -> Any:
        nonlocal taken
        for line in io.StringIO(chunk.decode("utf-8", "ignore"), newline=""):
            taken += len(line.encode())
            yield line

    rows, ends = [], []
    for row in islice(csv.reader(feed(), delimiter=delimiter), _HEAD_ROWS):
        rows.append(row)
        ends.append(taken)
    return rows, ends


def _load(body: bytes, delimiter: str, names: tuple[str, ...], wanted: Sequence[str], first: int) -> Cells:
    notes: list[Finding] = []
    if _quotes_run_on(body, delimiter, len(names)):
        body, torn = _without_torn_quotes(body)
        notes.append(
            Finding(
                "warning",
                "quotes_unclosed",
                f"Lines with a quotation mark that is not closed: {len(torn)} (lines"
                f" {some([first + n for n in torn])}); their quotation marks were left out.",
                f"有 {len(torn)} 行的引号未闭合，已略去这些引号（第 {some([first + n for n in torn])} 行）。",
                len(torn),
            )
        )
    table, odd = _parse(body, delimiter, names, wanted)
    columns = {name: _one(table[name]) for name in wanted}
    total = table.num_rows + len(odd)
    numbers = np.delete(np.arange(total), [number - 1 for number, _ in odd]) + first
    mended, rejected = _mend(odd, delimiter, names, wanted)
    if mended:
        for name in wanted:
            columns[name] = pa.concat_arrays([columns[name], text_array([row[name] for _, row in mended])])
        numbers = np.concatenate([numbers, [number - 1 + first for number, _ in mended]])
        order = np.argsort(numbers, kind="stable")
        numbers = numbers[order]
        columns = {name: column.take(pa.array(order)) for name, column in columns.items()}
    return Cells(
        columns,
        numbers.astype(np.int64),
        no_sheet(len(numbers)),
        tuple((number - 1 + first, "cells_too_many") for number in rejected),
        tuple(notes),
    )


def _parse(
    body: bytes, delimiter: str, names: tuple[str, ...], wanted: Sequence[str]
) -> tuple[Any, list[tuple[int, str]]]:
    """The records with the right number of cells, and number (from 1) and text of the others."""
    odd: list[tuple[int, str]] = []

    def other(row: Any) -> str:
        odd.append((row.number, row.text))
        return "skip"

    if not body[:_HEAD_BYTES].strip() and not body.strip():
        return pa.table({name: text_array([]) for name in wanted}), odd
    # One block makes one piece of memory for each column.
    block = min(len(body) + 1, _MOST_BLOCK_BYTES)
    table = pv.read_csv(
        pa.BufferReader(body),
        # One thread: only then do odd rows carry their number.
        read_options=pv.ReadOptions(use_threads=False, column_names=list(names), block_size=block),
        parse_options=pv.ParseOptions(
            delimiter=delimiter,
            newlines_in_values=True,
            ignore_empty_lines=False,
            invalid_row_handler=other,
        ),
        convert_options=pv.ConvertOptions(
            column_types={name: pa.string() for name in names},
            include_columns=list(wanted),
            strings_can_be_null=False,
            check_utf8=False,
        ),
    )
    return table, odd


def _mend(
    odd: list[tuple[int, str]], delimiter: str, names: tuple[str, ...], wanted: Sequence[str]
) -> tuple[list[tuple[int, dict[str, str]]], list[int]]:
    """Pad rows with too few cells, cut empty ones off rows with too many; the rest cannot be understood."""
    places = [names.index(name) for name in wanted]
    mended: list[tuple[int, dict[str, str]]] = []
    rejected: list[int] = []
    for number, text in odd:
        cells = next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), [])
        if any(cell.strip() for cell in cells[len(names) :]):
            rejected.append(number)
            continue
        values = [cells[place] if place < len(cells) else "" for place in places]
        mended.append((number, dict(zip(wanted, values, strict=True))))
    return mended, rejected


def _quotes_run_on(body: bytes, delimiter: str, width: int) -> bool:
    """Whether an unclosed quotation mark swallows lines: then more lines than records have all the cells."""
    if body.count(b'"') % 2 == 0:
        return False
    text = body.decode("utf-8", "replace")
    lines = text.split("\n")
    whole = sum(1 for line in lines if len(next(csv.reader([line], delimiter=delimiter), [])) == width)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    return whole > sum(1 for row in reader if len(row) == width)


def _without_torn_quotes(body: bytes) -> tuple[bytes, list[int]]:
    lines = body.split(b"\n")
    torn = [number for number, line in enumerate(lines) if line.count(b'"') % 2]
    for number in torn:
        lines[number] = lines[number].replace(b'"', b"")
    return b"\n".join(lines), torn


def _one(column: Any) -> Any:
    whole = column.combine_chunks()
    if isinstance(whole, pa.ChunkedArray):
        whole = pa.concat_arrays(whole.chunks) if whole.num_chunks else pa.array([], type=column.type)
    return whole
