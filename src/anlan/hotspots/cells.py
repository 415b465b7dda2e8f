"""Cells: a square or hexagonal grid over the ground, anchored so that a cell keeps its id for ever."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anlan.core.columns import Floats, Strings
from anlan.core.errors import AnlanError
from anlan.model import Calls

SHAPES = ("square", "hexagon")
_MOST = 50_000_000


@dataclass(frozen=True)
class Cells:
    """A grid of cells over projected coordinates.

    Cell (row ``r``, column ``c``) of a square grid is ``[c, c + 1) * cell_m`` by ``[r, r + 1) * cell_m``.
    Hexagons stand on a point; rows are ``√3/2 * cell_m`` apart and odd rows are shifted by half a cell.
    Rows and columns count from the projected origin, not from the data, so that the id of a cell is the
    same in every run, window and city extract.

    Attributes
    ----------
    shape : str
        ``square`` or ``hexagon``.
    cell_m : float
        Distance between the centres of neighbouring cells, metres.
    column, row : int
        First column and row.
    n_column, n_row : int
        How many there are; cell index = row * n_column + column, counted from the first.
    """

    shape: str
    cell_m: float
    column: int
    row: int
    n_column: int
    n_row: int

    def __post_init__(self) -> None:
        if self.shape not in SHAPES:
            raise AnlanError(
                f"cell shape {self.shape!r}", "a cell is square or hexagon", "name one of these", code="cells"
            )
        if not (math.isfinite(self.cell_m) and self.cell_m > 0):
            raise AnlanError(
                f"cell_m = {self.cell_m}", "a cell has a positive size", "give metres, such as 250",
                code="cells",
            )  # fmt: skip
        if self.n_column * self.n_row > _MOST:
            raise AnlanError(
                f"cell_m = {self.cell_m:g}, {self.n_column * self.n_row} cells",
                f"at most {_MOST} cells are kept",
                "choose larger cells, or check for calls far outside the city",
                code="cells",
            )

    @classmethod
    def covering(
        cls, x: Floats, y: Floats, cell_m: float, shape: str = "square", margin_m: float = 0.0
    ) -> Cells:
        """The smallest grid of cells over points (NaN ignored), with a margin.

        Raises
        ------
        AnlanError
            If no point has coordinates, or the grid would be too large.
        """
        known = np.isfinite(x) & np.isfinite(y)
        if not known.any():
            raise AnlanError(
                "places of the calls",
                "none has projected coordinates",
                "give x and y in metres",
                code="no_places",
            )
        probe = cls(shape, float(cell_m), 0, 0, 1, 1)
        row, column = probe._locate(x[known], y[known])
        pad = math.ceil(margin_m / probe.row_m) if margin_m else 0
        c0, r0 = int(column.min()) - pad, int(row.min()) - pad
        return cls(
            shape,
            float(cell_m),
            c0,
            r0,
            int(column.max()) + pad - c0 + 1,
            int(row.max()) + pad - r0 + 1,
        )

    def __len__(self) -> int:
        return self.n_row * self.n_column

    @property
    def row_m(self) -> float:
        """Distance between rows, metres."""
        return self.cell_m if self.shape == "square" else self.cell_m * math.sqrt(3.0) / 2.0

    @property
    def area_m2(self) -> float:
        """Area of one cell."""
        return self.cell_m * self.row_m

    @property
    def measure(self) -> Floats:
        """What a budget is counted in: the area of each cell, m², shape (n_cell,)."""
        return np.full(len(self), self.area_m2)

    def index(self, x: Floats, y: Floats) -> NDArray[np.int64]:
        """Cell of each point, shape (n,); -1 outside the grid and where a coordinate is NaN."""
        known = np.isfinite(x) & np.isfinite(y)
        row, column = self._locate(np.where(known, x, 0.0), np.where(known, y, 0.0))
        row -= self.row
        column -= self.column
        inside = known & (row >= 0) & (row < self.n_row) & (column >= 0) & (column < self.n_column)
        return np.where(inside, row * self.n_column + column, -1)

    def of_calls(self, calls: Calls) -> NDArray[np.int64]:
        """Cell of each call, shape (n_call,); -1 outside."""
        return self.index(calls.x, calls.y)

    def ids(self, index: NDArray[np.integer] | None = None) -> Strings:
        """Ids of cells, ``s250_1042_2133`` (shape, size, column, row); all of them by default."""
        cell = np.arange(len(self)) if index is None else np.asarray(index)
        column, row = cell % self.n_column + self.column, cell // self.n_column + self.row
        head = f"{self.shape[0]}{self.cell_m:g}_"
        out = np.empty(len(cell), object)
        out[:] = [f"{head}{c}_{r}" for c, r in zip(column.tolist(), row.tolist(), strict=True)]
        return out

    def centre(self, index: NDArray[np.integer] | None = None) -> tuple[Floats, Floats]:
        """Centres of cells: two arrays, metres; all of them by default."""
        cell = np.arange(len(self)) if index is None else np.asarray(index)
        column, row = cell % self.n_column + self.column, cell // self.n_column + self.row
        shift_column = 0.5 if self.shape == "square" else 0.5 * (row % 2)
        shift_row = 0.5 if self.shape == "square" else 0.0
        x = (column + shift_column) * self.cell_m
        y = (row + shift_row) * self.row_m
        return x.astype(np.float64), y.astype(np.float64)

    def corners(self, index: NDArray[np.integer]) -> tuple[Floats, Floats]:
        """Corners of cells, counter-clockwise and open: two arrays (n, 4) or (n, 6), metres."""
        x, y = self.centre(index)
        if self.shape == "square":
            dx = np.array([-0.5, 0.5, 0.5, -0.5]) * self.cell_m
            dy = np.array([-0.5, -0.5, 0.5, 0.5]) * self.cell_m
        else:
            angle = np.radians(30.0 + 60.0 * np.arange(6))
            dx, dy = self.cell_m / math.sqrt(3.0) * np.array([np.cos(angle), np.sin(angle)])
        return x[:, None] + dx, y[:, None] + dy

    def _locate(self, x: Floats, y: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        if self.shape == "square":
            return (
                np.floor(y / self.cell_m).astype(np.int64),
                np.floor(x / self.cell_m).astype(np.int64),
            )
        # The nearest centre lies in the row of centres below or above the point.
        below = np.floor(y / self.row_m).astype(np.int64)
        best = None
        for row in (below, below + 1):
            shift = 0.5 * (row % 2)
            column = np.floor(x / self.cell_m - shift + 0.5).astype(np.int64)
            gap2 = (x - (column + shift) * self.cell_m) ** 2 + (y - row * self.row_m) ** 2
            if best is None:
                best = (gap2, row, column)
            else:
                nearer = gap2 < best[0]
                best = (gap2, np.where(nearer, row, best[1]), np.where(nearer, column, best[2]))
        assert best is not None
        return best[1], best[2]
