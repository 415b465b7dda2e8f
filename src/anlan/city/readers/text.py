"""Bytes as text: which encoding, line by line where a file mixes several."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, field

from anlan.core.errors import AnlanError

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# A byte order mark that was itself decoded as Latin-1 and written again, once or twice.
_MOJIBAKE_BOM = re.compile("^(?:\ufeff|ï»¿|Ã¯Â»Â¿)+")
_HIGH_RUN = re.compile(rb"[\x80-\xff]+")
_SAMPLE = 1 << 16


@dataclass(frozen=True)
class Decoded:
    """A file's text.

    Attributes
    ----------
    data : bytes
        The text in UTF-8, without a byte order mark.
    encoding : str
        The encoding of most lines, by Python's name: utf-8, utf-8-sig, utf-16, gb18030, cp1252…
    others : mapping of str to tuple of int
        Numbers (from 1) of the lines that were in another encoding, by encoding.
    damaged : tuple of int
        Numbers of the lines with bytes that no encoding explains; these became U+FFFD.
    """

    data: bytes
    encoding: str
    others: dict[str, tuple[int, ...]] = field(default_factory=dict)
    damaged: tuple[int, ...] = ()


def decode(raw: bytes, encoding: str | None = None) -> Decoded:
    """Decode a text file.

    A byte order mark decides; then UTF-8 if all of it is; then, line by line, UTF-8 or GB18030 (or
    Windows-1252, where the high bytes stand alone as accented letters do).

    Parameters
    ----------
    raw : bytes
    encoding : str, optional
        Taken for all lines when given.

    Raises
    ------
    AnlanError
        If ``encoding`` is not one Python knows.
    """
    if encoding is not None:
        return _given(raw, encoding)
    for mark, name in _BOMS:
        if raw.startswith(mark):
            return _whole(raw, name) or _by_line(raw.removeprefix(mark), "utf-8")
    wide = _unmarked_utf16(raw)
    if wide is not None:
        return _whole(raw, wide) or _by_line(raw, "utf-8")
    return _whole(raw, "utf-8") or _by_line(raw, _legacy(raw))


def _given(raw: bytes, encoding: str) -> Decoded:
    try:
        name = codecs.lookup(encoding).name
        text = raw.decode(name, "replace")
    except (LookupError, ValueError):
        raise AnlanError(
            f"encoding {encoding!r}",
            "it is not a text encoding Python knows",
            "use utf-8, gb18030, utf-16 or leave it out to have it detected",
            code="encoding",
        ) from None
    damaged = tuple(number for number, line in enumerate(text.split("\n"), 1) if "\ufffd" in line)
    return Decoded(_clean(text), name, damaged=damaged)


def _whole(raw: bytes, encoding: str) -> Decoded | None:
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError:
        return None
    if encoding == "utf-8" and not _MOJIBAKE_BOM.match(text) and "\x00" not in text:
        return Decoded(raw, encoding)
    return Decoded(_clean(text), encoding)


def _clean(text: str) -> bytes:
    return _MOJIBAKE_BOM.sub("", text).replace("\x00", "").encode("utf-8", "replace")


def _unmarked_utf16(raw: bytes) -> str | None:
    """UTF-16 without its mark: delimiters, digits and line ends leave every other byte zero."""
    sample = raw[:_SAMPLE]
    if len(sample) < 4:
        return None
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if max(even, odd) < 0.2 * len(sample) / 2 or min(even, odd) > 0.02 * len(sample):
        return None
    return "utf-16-le" if odd > even else "utf-16-be"


def _legacy(raw: bytes) -> str:
    """GB18030 or Windows-1252: Chinese characters are pairs of high bytes, accented letters single ones."""
    runs = [len(m[0]) for m, _ in zip(_HIGH_RUN.finditer(raw), range(20_000), strict=False)]
    alone = sum(1 for length in runs if length == 1)
    return "cp1252" if alone > 0.7 * len(runs) else "gb18030"


def _by_line(raw: bytes, legacy: str) -> Decoded:
    """Decode each line by itself: UTF-8 where it is, else ``legacy``."""
    lines = raw.split(b"\n")
    kinds: list[str] = ["utf-8" if _is_utf8(line) else legacy for line in lines]
    spoken = [kind for kind, line in zip(kinds, lines, strict=True) if not line.isascii()]
    main = max(set(spoken), key=spoken.count) if spoken else "utf-8"
    settled = [_settled(line, kind, main) for line, kind in zip(lines, kinds, strict=True)]
    if all(kind == main or line.isascii() for kind, line in zip(settled, lines, strict=True)):
        whole = _whole(raw, main)
        if whole is not None:
            return whole
    out: list[str] = []
    others: dict[str, list[int]] = {}
    damaged: list[int] = []
    for number, (line, kind) in enumerate(zip(lines, settled, strict=True), 1):
        try:
            text = line.decode(kind)
            if kind != main and not line.isascii():
                others.setdefault(kind, []).append(number)
        except UnicodeDecodeError:
            text = line.decode(main, "replace")
            damaged.append(number)
        out.append(text)
    return Decoded(
        _clean("\n".join(out)), main, {kind: tuple(rows) for kind, rows in others.items()}, tuple(damaged)
    )


def _settled(line: bytes, kind: str, main: str) -> str:
    """Take a line that is UTF-8 by accident for what the others are.

    A few characters of GB18030 may happen to be valid UTF-8; they then read as Latin, Greek or Arabic
    letters, never as East Asian ones.
    """
    if main == "gb18030" and kind == "utf-8" and not line.isascii():
        accident = all(ord(c) < 0x0800 for c in line.decode("utf-8"))
        return "gb18030" if accident else "utf-8"
    return kind


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
