"""Fixed preference: each area has its order of units, and the first that can come goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anlan.core.text import Text
from anlan.kernels.policies import select
from anlan.policy.checks import known
from anlan.policy.rule import Rule

PREFERENCE = Rule(
    name="preference",
    number=select.PREFERENCE,
    text=Text(
        "每个辖区有固定的派警次序，派次序中第一个可派的警力。",
        "Each area has a fixed order of units; the first of it that can come is sent.",
    ),
    source="Larson (1974), Computers & Operations Research 1, 67-95",
    settings=("order",),
    aliases=("fixed_preference",),
)


def orders(
    order: Mapping[str, Sequence[str]], units: Sequence[str], call_area: NDArray[Any]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The table of orders, and which of its rows each call goes by.

    Parameters
    ----------
    order : mapping of str to sequence of str
        Units by area, first choice first; ``"*"`` is for areas that are not named, by default all units as
        they are listed. A unit that an order does not name is never sent there.

    Returns
    -------
    table : ndarray of int64, shape (n_orders, n_units)
        Rows of units, -1 after the last.
    group : ndarray of int64, shape (n_calls,)
    """
    row_of = {unit: row for row, unit in enumerate(units)}
    named = {"*": tuple(units), **order}
    table = np.full((len(named), max(len(units), 1)), -1, np.int64)
    for row, (area, listed) in enumerate(named.items()):
        known(f"dispatch.order.{area}", listed, row_of, "units")
        rows = [row_of[u] for u in dict.fromkeys(listed)]
        table[row, : len(rows)] = rows
    number = {area: row for row, area in enumerate(named)}
    codes, inverse = np.unique(np.asarray(call_area).astype(str), return_inverse=True)
    of_code = np.array([number.get(c, number["*"]) for c in codes.tolist()], np.int64)
    return table, of_code[inverse.ravel()] if len(codes) else np.empty(0, np.int64)
