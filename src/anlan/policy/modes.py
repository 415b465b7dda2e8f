"""Which travel mode goes out to which priority, and how fast it is in which hour of the week."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from anlan.core.errors import AnlanError
from anlan.core.time import SLOTS
from anlan.policy.settings import Dispatch


def out_and_back(dispatch: Dispatch, modes: Sequence[str], top: int) -> tuple[NDArray[np.int64], int]:
    """The mode out to each priority (0 … top) and the mode back, as rows of ``modes``.

    Raises
    ------
    AnlanError
        If the settings name a mode that there is not.
    """
    back = modes.index("ordinary") if "ordinary" in modes else len(modes) - 1
    urgent = modes.index("lights") if "lights" in modes else 0
    out = np.full(top + 1, back, np.int64)
    if top >= 1:
        out[1] = urgent
    for priority, name in dispatch.modes.items():
        if name not in modes:
            raise AnlanError(
                f"mode {name!r} for priority {priority}",
                "there is no such travel mode",
                f"use one of {', '.join(modes)}",
                code="mode_unknown",
            )
        if priority <= top:
            out[priority] = modes.index(name)
    return out, back


def by_slot(
    dispatch: Dispatch, modes: Sequence[str], top: int, rows: NDArray[np.int64] | None = None
) -> NDArray[np.int64]:
    """The travel times to use: out to each priority by hour of the week; row 0 is the way back.

    Parameters
    ----------
    rows : ndarray of int64, shape (n_modes, 168), optional
        Which set of travel times a mode has in each hour; the mode's own row, always, where not given.

    Returns
    -------
    ndarray of int64, shape (1 + top, 168)
    """
    out, back = out_and_back(dispatch, modes, top)
    if rows is None:
        rows = np.repeat(np.arange(len(modes))[:, None], SLOTS, axis=1)
    table = rows[out]
    table[0] = rows[back]
    return np.ascontiguousarray(table, np.int64)
