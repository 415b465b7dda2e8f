"""Covering rows that matter: a row that contains another one is covered whenever that one is."""

from __future__ import annotations

import numpy as np

from anlan.kernels.siting.cover import transpose
from anlan.kernels.siting.lscp import dominated
from anlan.siting.answer import Floats, Ints
from anlan.siting.reduce import Column, Start


def essential_rows(start: Start, column: Column, columns: int, need: Floats | None = None) -> Ints:
    """Rows that contain no other row (of equal rows the first), ascending.

    Parameters
    ----------
    start, column : ndarray
        Row → columns, ascending in each row; no row is empty.
    columns : int
        Number of columns.
    need : ndarray of float64, shape (n_row,), optional
        How many columns each row needs; a row then goes only for one that needs as many.
    """
    count = len(start) - 1
    back, owner = transpose(start, column, columns)
    gone = np.zeros(count, bool)
    dominated(start, column, back, owner, np.ones(count) if need is None else need, True, gone)
    return np.flatnonzero(~gone)
