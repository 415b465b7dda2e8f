"""Compliance table: with so many free units, these posts are held."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from anlan.core.text import Text
from anlan.kernels.policies import select
from anlan.policy.checks import known
from anlan.policy.rule import Rule

COMPLIANCE = Rule(
    name="compliance",
    number=select.LADDER,
    text=Text(
        "按空闲警力数查表，决定占守哪些待命点；空出的由最近的富余警力补位。",
        "A table says which posts are held with so many free units; the nearest spare unit fills a vacancy.",
    ),
    source="Gendreau, Laporte & Semet (2006), Journal of the Operational Research Society 57, 22-28",
    settings=("table", "rebalance"),
    aliases=("compliance_table", "ladder"),
)


def rungs(table: Mapping[int, Sequence[str]], hubs: Sequence[str], n_units: int) -> NDArray[np.int64]:
    """Posts to hold with 0 … n units free.

    A number of units that the table leaves out holds what the next smaller one does.

    Returns
    -------
    ndarray of int64, shape (1, 1 + n_units, width)
        Rows of ``hubs``, -1 after the last.
    """
    row_of = {hub: row for row, hub in enumerate(hubs)}
    width = max([n_units, 1, *(len(v) for v in table.values())])
    out = np.full((1, n_units + 1, width), -1, np.int64)
    for free in range(1, n_units + 1):
        given = [k for k in table if k <= free]
        listed = table[max(given)] if given else ()
        known(f"standby.table.{max(given, default=0)}", listed, row_of, "posts")
        out[0, free, : len(listed)] = [row_of[p] for p in listed]
    return out
