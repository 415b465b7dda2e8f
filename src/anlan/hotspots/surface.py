"""A surface: one value per square cell, as density estimation and cell statistics give it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anlan.core.columns import Floats, Strings
from anlan.hotspots.cells import Cells


@dataclass(frozen=True, eq=False)
class Surface:
    """Values over a grid of square cells.

    Attributes
    ----------
    cells : Cells
    value : ndarray of float64, shape (n_row, n_column)
        Row 0 is the southernmost; NaN where there is no data.
    unit : str
        What the value is in.
    """

    cells: Cells
    value: NDArray[np.float64]
    unit: str

    def __post_init__(self) -> None:
        if self.value.shape != (self.cells.n_row, self.cells.n_column):
            raise ValueError("a surface has one value per cell")
        self.value.flags.writeable = False

    def at(self, x: Floats, y: Floats) -> Floats:
        """Value of the cell that each point lies in, shape (n,); NaN outside."""
        index = self.cells.index(x, y)
        return np.where(index >= 0, self.value.ravel()[index], np.nan)


@dataclass(frozen=True, eq=False)
class TopCells:
    """The highest cells of a surface, the highest first.

    Attributes
    ----------
    place : ndarray of str, shape (n,)
    index : ndarray of int64, shape (n,)
        Cells of the surface's grid.
    x, y : ndarray of float64, shape (n,)
        Centres, metres.
    value : ndarray of float64, shape (n,)
    """

    place: Strings
    index: NDArray[np.int64]
    x: Floats
    y: Floats
    value: Floats


def top_cells(surface: Surface, n: int | None = None, *, area_m2: float | None = None) -> TopCells:
    """The ``n`` highest cells, or as many as fit an area; equal values in order of cell.

    Cells of value 0 or without data are never among them.
    """
    if (n is None) == (area_m2 is None):
        raise ValueError("give n or area_m2")
    if n is None:
        assert area_m2 is not None
        n = int(area_m2 / surface.cells.area_m2 + 1e-9)
    flat = surface.value.ravel()
    live = np.flatnonzero(flat > 0)
    best = live[np.argsort(-flat[live], kind="stable")[:n]]
    x, y = surface.cells.centre(best)
    return TopCells(surface.cells.ids(best), best, x, y, flat[best])
