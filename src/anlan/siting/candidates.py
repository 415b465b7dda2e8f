"""Candidate places along waterways, shores and streets, every so many metres."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from anlan.core.errors import AnlanError
from anlan.siting.answer import Floats, Ints


@dataclass(frozen=True, eq=False)
class Candidates:
    """Places along lines.

    Attributes
    ----------
    line : ndarray of int64, shape (n,)
        The line each place is on.
    at_m : ndarray of float64, shape (n,)
        Metres from the line's beginning; ascending within each line.
    length_m : ndarray of float64, shape (n_line,)
    closed : ndarray of bool, shape (n_line,)
        Whether the line is a ring, such as the shore of a lake.
    xy : ndarray of float64, shape (n, 2)
        Metres; empty where only chainages are known.
    """

    line: Ints
    at_m: Floats
    length_m: Floats
    closed: NDArray[np.bool_]
    xy: Floats

    def __post_init__(self) -> None:
        n, lines = len(self.line), len(self.length_m)
        after = (np.diff(self.line) > 0) | ((np.diff(self.line) == 0) & (np.diff(self.at_m) > 0))
        inside = n == 0 or (self.line.min() >= 0 and self.line.max() < lines)
        if len(self.at_m) != n or len(self.closed) != lines or not inside or not after.all():
            raise AnlanError(
                f"{n} candidates on {lines} lines",
                "they are in order of line and metres along it, each place once",
                "make them with candidates_along, or sort them",
            )
        if not np.all(self.length_m > 0) or (
            n and not np.all((self.at_m >= 0) & (self.at_m <= self.length_m[self.line] * (1 + 1e-9)))
        ):
            raise AnlanError(
                "at_m", "every place lies between 0 and the positive length of its line", "correct it"
            )

    def __len__(self) -> int:
        return len(self.line)

    @classmethod
    def on_chainage(cls, line: Sequence[int], at_m: Sequence[float], length_m: Sequence[float]) -> Candidates:
        """From plain chainages on open lines."""
        return cls(
            np.asarray(line, np.int64), np.asarray(at_m, np.float64), np.asarray(length_m, np.float64),
            np.zeros(len(length_m), bool), np.empty((0, 2)),
        )  # fmt: skip


def candidates_along(
    lines: Sequence[shapely.LineString], every_m: float, *, merge: bool = True
) -> tuple[Candidates, list[shapely.LineString]]:
    """Places at most ``every_m`` apart along lines, evenly, both ends included.

    Parameters
    ----------
    lines : sequence of LineString
        In metres, such as `Lines.geometry` projected.
    every_m : float
    merge : bool
        Join pieces that continue each other (a river comes in many); where three meet, lines end.

    Returns
    -------
    candidates : Candidates
    lines : list of LineString
        The lines they lie on, merged.

    Raises
    ------
    AnlanError
        If there is no line, or ``every_m`` is not positive.
    """
    if not every_m > 0:
        raise AnlanError(f"every_m = {every_m}", "it is a distance above 0", "give for example 50")
    parts = [part for line in lines for part in shapely.get_parts(line)]
    if merge and parts:
        parts = list(shapely.get_parts(shapely.line_merge(shapely.multilinestrings(parts))))
    parts = [part for part in parts if part.length > 0]
    if not parts:
        raise AnlanError(
            "lines", "there must be a line of some length", "check that the line layer was loaded"
        )
    line, at, length, closed = [], [], [], []
    for number, part in enumerate(parts):
        pieces = max(1, int(np.ceil(part.length / every_m - 1e-9)))
        ring = bool(part.is_closed)
        places = np.linspace(0.0, part.length, pieces + 1)[: pieces if ring else None]
        line.append(np.full(len(places), number))
        at.append(places)
        length.append(part.length)
        closed.append(ring)
    where = [shapely.line_interpolate_point(part, m) for part, m in zip(parts, at, strict=True)]
    candidates = Candidates(
        np.concatenate(line), np.concatenate(at), np.array(length), np.array(closed),
        shapely.get_coordinates(np.concatenate(where)),
    )  # fmt: skip
    return candidates, parts
