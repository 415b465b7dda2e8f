"""Text files in the encodings that Chinese and other offices write."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

from anlan.core.errors import AnlanError

_HEADER_WITHIN = 20
_DELIMITERS = ",;\t|"


def read_text(path: Path) -> str:
    """A file's text: UTF-8 (with or without mark), UTF-16 with mark, else GB18030.

    Raises
    ------
    AnlanError
        If the file does not exist or is in none of these.
    """
    try:
        raw = Path(path).read_bytes()
    except (FileNotFoundError, IsADirectoryError):
        raise AnlanError(f"{path}", "there is no such file", "check the name", code="file_missing") from None
    encodings = ("utf-16",) if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "gb18030")
    for encoding in encodings:
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise AnlanError(f"{path}", "it is neither UTF-8 nor GB18030 text", "save it as UTF-8", code="encoding")


def read_csv(path: Path, is_header: Callable[[list[str]], bool]) -> dict[str, list[str]]:
    """Columns of a CSV file as text, by lower-case name.

    Lines before the header are skipped, empty lines too; short rows are filled with empty text.

    Parameters
    ----------
    is_header : callable
        Tells from a line's lower-case cells whether it is the header; sought in the first 20 lines.

    Raises
    ------
    AnlanError
        If no line is the header, or the file is no CSV.
    """
    text = read_text(path)
    for delimiter in sorted(_DELIMITERS, key=lambda d: -text[:4096].count(d)):
        try:
            # newline=None: a carriage return alone ends a line too, as old spreadsheets write it.
            rows = list(csv.reader(io.StringIO(text, newline=None), delimiter=delimiter))
        except csv.Error as error:
            raise AnlanError(
                f"{path}", f"it cannot be read as CSV ({error})", "export the table again", code="format"
            ) from None
        for number, row in enumerate(rows[:_HEADER_WITHIN]):
            names = [cell.strip().lower() for cell in row]
            if is_header(names):
                body = [r + [""] * (len(names) - len(r)) for r in rows[number + 1 :] if any(r)]
                return {name: [r[i].strip() for r in body] for i, name in enumerate(names) if name}
    raise AnlanError(
        f"{path}",
        "none of its first lines names the columns that are needed",
        "see docs/city-folder.md for the names, or give a mapping",
        code="header_missing",
    )
