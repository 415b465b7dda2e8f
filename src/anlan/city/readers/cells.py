"""Cells as people type them: full-width digits, stray spaces, many ways to write nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from anlan.core.columns import Bools, Strings

NOTHING = (
    "", "-", "--", "—", "——", "/", "\\", "\\N", "N/A", "n/a", "NA", "#N/A", "NULL", "Null", "null", "None",
    "none", "NaN", "nan", "NaT", "无", "空", "未知", "不详", "?", "？",
)  # fmt: skip
"""What stands in a cell where nothing is known."""


def is_text(column: Any) -> bool:
    """Whether an Arrow column holds text."""
    return bool(pa.types.is_string(column.type) or pa.types.is_large_string(column.type))


def as_text(column: Any) -> Any:
    """Any column as text; nulls as empty text."""
    if not is_text(column):
        column = column.cast(pa.string())
    return pc.fill_null(column, "")


def clean(column: Any) -> Any:
    """Text without full-width forms, without space around it, and empty where it means nothing.

    Full-width forms become plain ones by Unicode normalisation NFKC: ``１２：３０`` is ``12:30``.
    """
    text = as_text(column)
    if not pc.all(pc.string_is_ascii(text), min_count=0).as_py():
        text = pc.utf8_normalize(text, "NFKC")
    text = pc.utf8_trim_whitespace(text)
    # Excel writes ='0012' or '0012 to keep a text a text.
    text = pc.utf8_ltrim(text, "'")
    nothing = pc.is_in(text, value_set=pa.array(NOTHING))
    return pc.if_else(nothing, "", text)


def filled(text: Any) -> Bools:
    """Which cells of cleaned text hold something."""
    return as_mask(pc.not_equal(text, ""))


def as_mask(column: Any) -> Bools:
    """An Arrow column of booleans as NumPy; nulls are False."""
    return np.asarray(pc.fill_null(column, False).to_numpy(zero_copy_only=False), bool)


def as_objects(text: Any) -> Strings:
    """Text as an object array; equal words share one Python string where they repeat."""
    out: NDArray[np.object_] = np.asarray(text.to_numpy(zero_copy_only=False), dtype=object)
    return out


def by_word(text: Any) -> tuple[list[str], NDArray[np.int64]]:
    """The distinct texts and each row's index among them."""
    encoded = text.dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    return encoded.dictionary.to_pylist(), np.asarray(
        encoded.indices.to_numpy(zero_copy_only=False), np.int64
    )


def share_words(words: list[str], index: NDArray[np.int64]) -> Strings:
    """`by_word` undone: one shared Python string for each word."""
    table = np.empty(len(words), dtype=object)
    table[:] = words
    return table[index] if len(words) else np.empty(len(index), dtype=object)
