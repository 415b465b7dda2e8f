"""Jurisdiction first: a unit of the area's own station goes, unless another would be much sooner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anlan.core.text import Text
from anlan.kernels.policies import select
from anlan.policy.rule import Rule

JURISDICTION = Rule(
    name="jurisdiction",
    number=select.JURISDICTION,
    text=Text(
        "先派本辖区的警力；除非别处警力能早到超过 tolerance_s 秒。",
        "Send a unit of the call's own area unless another is more than tolerance_s seconds sooner.",
    ),
    source="common practice of police precincts",
    settings=("tolerance_s", "areas"),
    aliases=("jurisdiction_first",),
)


def districts(
    areas: Mapping[str, Sequence[str]], call_area: NDArray[Any], home: Sequence[str], home_area: Sequence[str]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which district each call and each unit belongs to, as numbers that are equal where they match.

    Parameters
    ----------
    areas : mapping of str to sequence of str
        Areas that each station answers for; a station that is not named answers for the area it lies in.
    call_area : ndarray of str, shape (n_calls,)
    home : sequence of str, shape (n_units,)
        Station of each unit.
    home_area : sequence of str, shape (n_units,)
        Area that station lies in; empty where unknown.

    Returns
    -------
    call, unit : ndarray of int64
        -1 and -2 where nobody owns the call's area, and where the unit owns none.
    """
    owner = {area: station for station, listed in areas.items() for area in listed}
    number: dict[str, int] = {}
    unit = np.full(len(home), -2, np.int64)
    for u, (station, area) in enumerate(zip(home, home_area, strict=True)):
        if station in areas or area:
            name = f"station {station}" if station in areas else f"area {area}"
            unit[u] = number.setdefault(name, len(number))
    codes, row = np.unique(np.asarray(call_area).astype(str), return_inverse=True)
    of_code = [number.get(f"station {owner[c]}" if c in owner else f"area {c}", -1) for c in codes.tolist()]
    return np.array(of_code, np.int64)[row.ravel()] if len(codes) else np.empty(0, np.int64), unit
