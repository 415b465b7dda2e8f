"""Numbers as people type them: thousands separators, decimal commas, degrees with minutes and letters."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from anlan.city.readers.cells import as_mask, clean, filled, is_text
from anlan.core.columns import Bools, Floats

_PLAIN = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?$"
# 1,234,567.8 · 1.234.567,8 · 1 234 567,8 · 1'234'567.8
_ENGLISH = r"^[+-]?\d{1,3}([, '’]\d{3})+\.\d*$"
_GERMAN = r"^[+-]?\d{1,3}([. '’]\d{3})+,\d*$"
_GROUPS = r"^[+-]?\d{1,3}([,]\d{3})+$"
_SPACES = r"^[+-]?\d{1,3}([ '’]\d{3})+$"
_COMMA = r"^[+-]?\d*,\d+$"

_DEGREES = re.compile(
    r"(?P<before>[NSEWnsew东西南北]?[经纬]?)[:\s]*(?P<sign>[+-]?)(?P<d>\d+(?:[.,]\d+)?)\s*[°度º˚d]?\s*"
    r"(?:(?P<m>\d+(?:[.,]\d+)?)\s*['′’分m]\s*)?(?:(?P<s>\d+(?:[.,]\d+)?)\s*(?:[\"″”秒s]|''|′′)?\s*)?"
    r"(?P<after>[NSEWnsew]?)"
)


def parse_numbers(column: Any, *, thousands: bool = False) -> tuple[Floats, Bools]:
    """Numbers of a column.

    Parameters
    ----------
    column : pyarrow.Array
        Numbers or text.
    thousands : bool
        What a lone comma before three digits is: a thousands separator (``531,350`` metres) or, by
        default, a decimal comma (``114,305`` degrees).

    Returns
    -------
    values : ndarray of float64
        NaN where there is none.
    unreadable : ndarray of bool
        Where something stands that is no number.
    """
    if not is_text(column):
        return _typed(column)
    text = clean(column)
    there = filled(text)
    try:
        values = _cast(pc.if_else(pc.equal(text, ""), None, text))
    except pa.ArrowInvalid:
        values = _cast(_plain(text, thousands))
    finite = np.isfinite(values)
    return np.where(finite, values, np.nan), there & ~finite


def parse_degrees(column: Any) -> tuple[Floats, Bools]:
    """Degrees of a column: numbers, ``114°18'20.5"E``, ``东经114.3``; see `parse_numbers`."""
    values, unreadable = parse_numbers(column)
    if not unreadable.any():
        return values, unreadable
    text = clean(column)
    words = text.filter(pa.array(unreadable)).to_pylist()
    known: dict[str, float] = {}
    for word in words:
        if word not in known:
            known[word] = _degrees(word)
    read = np.array([known[word] for word in words])
    values[unreadable] = read
    unreadable[unreadable] = np.isnan(read)
    return values, unreadable


def _typed(column: Any) -> tuple[Floats, Bools]:
    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type) or _is_decimal(column)):
        return np.full(len(column), np.nan), as_mask(column.is_valid())
    values = np.asarray(column.cast(pa.float64()).to_numpy(zero_copy_only=False), np.float64)
    return np.where(np.isfinite(values), values, np.nan), np.isinf(values)


def _is_decimal(column: Any) -> bool:
    return bool(pa.types.is_decimal(column.type))


def _cast(text: Any) -> Floats:
    return np.array(pc.cast(text, pa.float64()).to_numpy(zero_copy_only=False), np.float64)


def _plain(text: Any, thousands: bool) -> Any:
    """The numbers in English spelling without separators; null where there is none."""
    result = pc.if_else(pc.match_substring_regex(text, _PLAIN), text, None)
    no_groups = pc.replace_substring_regex(text, r"[, '’]", "")
    spelt_german = pc.replace_substring(pc.replace_substring_regex(text, r"[. '’]", ""), ",", ".")
    decimal = pc.replace_substring(text, ",", ".")
    for pattern, spelling in (
        (_ENGLISH, no_groups),
        (_GERMAN, spelt_german),
        (_SPACES, no_groups),
        (_GROUPS, no_groups if thousands else None),
        (_COMMA, decimal),
    ):
        if spelling is not None:
            fits = pc.and_(pc.is_null(result), pc.match_substring_regex(text, pattern))
            result = pc.if_else(fits, spelling, result)
    return result


def _degrees(text: str) -> float:
    match = _DEGREES.fullmatch(text)
    if match is None:
        return np.nan

    def part(name: str) -> float:
        return float(match[name].replace(",", ".")) if match[name] else 0.0

    minutes, seconds = part("m"), part("s")
    if minutes >= 60 or seconds >= 60 or (match["s"] and not match["m"]):
        return np.nan
    value = part("d") + minutes / 60 + seconds / 3600
    side = (match["before"] + match["after"]).upper()
    west_or_south = match["sign"] == "-" or any(c in side for c in "SW西南")
    return -value if west_or_south else value
