"""Covering rows that matter: a row that contains another one is covered whenever that one is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anlan.siting.answer import Ints
from anlan.siting.reduce import Column, Start


def essential_rows(start: Start, column: Column, columns: int) -> Ints:
    """Rows that contain no other row (of equal rows the first), ascending.

    Parameters
    ----------
    start, column : ndarray
        Row → columns; no row is empty.
    columns : int
        Number of columns.
    """
    size = np.diff(start)
    kept: list[int] = []
    inside: list[list[int]] = [[] for _ in range(columns)]
    kept_size: NDArray[np.int64] = np.empty(len(size), np.int64)
    for row in np.argsort(size, kind="stable"):
        mine = column[start[row] : start[row + 1]]
        # How many of its columns each kept row shares with this one: all of them means it is contained.
        shared = np.bincount(np.concatenate([np.asarray(inside[c], np.int64) for c in mine]))
        if len(shared) and np.any(shared == kept_size[: len(shared)]):
            continue
        kept_size[len(kept)] = size[row]
        for c in mine:
            inside[c].append(len(kept))
        kept.append(int(row))
    return np.sort(np.array(kept, np.int64))
