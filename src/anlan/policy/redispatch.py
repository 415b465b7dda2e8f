"""Redispatch: a unit on its way to a lesser call may be taken for a more urgent one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anlan.core.errors import AnlanError
from anlan.policy.checks import TOP_PRIORITY, whole


def pairs(given: Any) -> tuple[tuple[int, int], ...]:
    """Pairs (from priority, to priority) of ``[[3, 1], [2, 1]]`` or ``{"3" = 1}``."""
    if isinstance(given, Mapping):
        given = [(a, b) for a, listed in given.items() for b in (listed if _many(listed) else [listed])]
    rows = list(given) if _many(given) else [given]
    out = []
    for row in rows:
        pair = tuple(row) if _many(row) else ()
        if len(pair) != 2:
            raise AnlanError(
                f"dispatch.redispatch = {given!r}",
                "it is a list of pairs: from which priority, to which",
                "write for example [[2, 1], [3, 1]]",
                code="policy_redispatch",
            )
        a, b = (whole("a priority of dispatch.redispatch", v, 1, TOP_PRIORITY) for v in pair)
        if b >= a:
            raise AnlanError(
                f"dispatch.redispatch [{a}, {b}]",
                "a unit is only taken for a more urgent call (1 is the most urgent), or calls would take it from "
                "each other for ever",
                f"write [{b}, {a}]" if b > a else "leave the pair out",
                code="policy_redispatch",
            )
        out.append((a, b))
    return tuple(out)


def table(given: Iterable[tuple[int, int]], top: int) -> NDArray[np.bool_]:
    """Whether a unit on its way to a call of the first priority may be taken for one of the second.

    Returns
    -------
    ndarray of bool, shape (1 + top, 1 + top)
    """
    out = np.zeros((top + 1, top + 1), np.bool_)
    for a, b in given:
        if a <= top and b <= top:
            out[a, b] = True
    return out


def _many(value: Any) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, str)
