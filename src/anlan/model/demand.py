"""Demand: how many calls are to be expected where, at which hour of the week, of which category."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anlan.core.columns import Floats, Strings
from anlan.core.time import SLOTS
from anlan.model.position import Positions


@dataclass(frozen=True, eq=False)
class Demand:
    """Expected calls by category, place and hour of week.

    The rate of a category at a place in a slot is ``volume[c, p] * profile[c, s]``: volumes are estimated
    per place, the weekly rhythm per category, because a single cell has too few calls for a rhythm of its
    own.

    Attributes
    ----------
    categories : tuple of str
    place : ndarray of str, shape (n_place,)
        Ids of the places (cells, street segments or areas).
    x, y : ndarray of float64, shape (n_place,)
        Where each place's calls come from on average, metres, projected.
    positions : Positions
        The same, snapped.
    area : ndarray of str, shape (n_place,)
        Code of the area the place lies in; empty where unknown.
    volume : ndarray of float64, shape (n_category, n_place)
        Expected calls per week.
    profile : ndarray of float64, shape (n_category, 168)
        Share of the week's calls in each slot; each row sums to 1.
    count : ndarray of float64, shape (n_category, n_place)
        The calls that were seen, from which the uncertainty comes.
    weeks : float
        Over how many weeks they were seen.
    """

    categories: tuple[str, ...]
    place: Strings
    x: Floats
    y: Floats
    positions: Positions
    area: Strings
    volume: NDArray[np.float64]
    profile: NDArray[np.float64]
    count: NDArray[np.float64]
    weeks: float

    def __post_init__(self) -> None:
        n, c = len(self.place), len(self.categories)
        if self.volume.shape != (c, n) or self.count.shape != (c, n) or self.profile.shape != (c, SLOTS):
            raise ValueError("demand arrays do not match its categories and places")

    def __len__(self) -> int:
        return len(self.place)

    def weight(
        self, slot: int | NDArray[np.int64] | None = None, category: str | None = None
    ) -> NDArray[np.float64]:
        """Expected calls per week at each place, shape (n_place,).

        Parameters
        ----------
        slot : int or ndarray of int, optional
            Only these hours of the week (0–167).
        category : str, optional
            Only this category.
        """
        volume, profile = self.volume, self.profile
        if category is not None:
            row = self.categories.index(category)
            volume, profile = volume[row : row + 1], profile[row : row + 1]
        if slot is None:
            return volume.sum(axis=0)
        share = profile[:, np.atleast_1d(slot)].sum(axis=1)
        return share @ volume

    def interval(self, level: float = 0.95) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Credible interval of each place's calls per week, all categories: two arrays (n_place,).

        Gamma posterior of a Poisson rate with Jeffreys' prior (shape ½), from the calls that were seen.
        """
        from scipy.stats import gamma

        shape = self.count.sum(axis=0) + 0.5
        tail = (1.0 - level) / 2.0
        return gamma.ppf(tail, shape) / self.weeks, gamma.ppf(1.0 - tail, shape) / self.weeks
