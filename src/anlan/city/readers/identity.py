"""Which calls are the same: by id where the table has one, else by time, place and category."""

from __future__ import annotations

import zlib

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from anlan.city.readers.cells import by_word
from anlan.core.columns import Bools, Strings
from anlan.model.call import Calls

_PLACE_DEG = 1e-5  # about a metre
_TIME_S = 1e-3


def content_ids(calls: Calls) -> Strings:
    """Ids made of what a call is: the same time (to the millisecond), place (to a metre) and category.

    The same call read again, from whichever kind of file, gets the same id.
    """
    out: Strings = np.empty(len(calls), dtype=object)
    out[:] = [f"~{value:016x}" for value in content_keys(calls).tolist()]
    return out


def content_keys(calls: Calls) -> NDArray[np.uint64]:
    """A 64-bit number for each call's time, place and category, shape (n,); the same on every machine."""
    when = np.where(np.isfinite(calls.received), calls.received, calls.start)
    words, which = by_word(pa.array(calls.category, type=pa.string()))
    names = np.array([zlib.crc32(word.encode()) for word in words], np.uint64)
    key = np.full(len(calls), np.uint64(0x9E3779B97F4A7C15))
    for part in (_whole(when / _TIME_S), _whole(calls.lon / _PLACE_DEG), _whole(calls.lat / _PLACE_DEG)):
        key = _mix(key ^ part)
    return _mix(key ^ names[which]) if len(calls) else key


def repeated(calls: Calls, own_id: Bools) -> tuple[Bools, Bools]:
    """Rows that repeat the id of an earlier row: with the same content, and with other content."""
    ids, which = by_word(pa.array(calls.id, type=pa.string()))
    first = np.full(len(ids), len(calls), np.int64)
    np.minimum.at(first, which, np.arange(len(calls)))
    later = np.flatnonzero(first[which] < np.arange(len(calls)))
    alike = content_keys(calls.take(later)) == content_keys(calls.take(first[which][later]))
    alike |= ~own_id[later]
    same, other = np.zeros(len(calls), bool), np.zeros(len(calls), bool)
    same[later], other[later] = alike, ~alike
    return same, other


def _whole(values: NDArray[np.float64]) -> NDArray[np.uint64]:
    known = np.isfinite(values)
    whole = np.where(known, np.round(values), 0).astype(np.int64).astype(np.uint64)
    return np.where(known, whole, np.uint64(0xFFFFFFFFFFFFFFFF))


def _mix(key: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """SplitMix64's finaliser (Steele, Lea and Flood 2014)."""
    with np.errstate(over="ignore"):
        key = (key ^ (key >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        key = (key ^ (key >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return key ^ (key >> np.uint64(31))
