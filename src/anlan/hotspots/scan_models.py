"""The three null models of a scan, in the form the kernels take: cases, measures, and new worlds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anlan.core.columns import Floats
from anlan.core.errors import AnlanError
from anlan.kernels import scan_circles as kernel
from anlan.kernels import scan_replicate as replicate

Model = Literal["permutation", "poisson", "bernoulli"]
Cases = tuple[NDArray[np.int32], NDArray[np.int32]]


@dataclass(frozen=True, eq=False)
class World:
    """Cases in places and slots, and what a window of them is measured against.

    Attributes
    ----------
    model : str
    place, slot : ndarray of int32, shape (n_case,)
    n_place, n_slot : int
    spatial : ndarray of float64, shape (n_place,)
        Measure of each place over the whole time.
    temporal : ndarray of float64, shape (n_slot,)
        Share of each slot; the measure of a cell is ``spatial × temporal`` unless `measure` says otherwise.
    measure : ndarray of float64, shape (n_place, n_slot), or None
        Where it is not such a product.
    total : float
        Sum of the measure: the cases (Poisson, permutation) or the individuals (Bernoulli).
    """

    model: Model
    place: NDArray[np.int32]
    slot: NDArray[np.int32]
    n_place: int
    n_slot: int
    spatial: Floats
    temporal: Floats
    measure: Floats | None
    total: float

    @property
    def cases(self) -> int:
        """All cases."""
        return len(self.place)

    @property
    def ratio(self) -> int:
        """Which log likelihood ratio the kernels use."""
        return int(self.model == "bernoulli")

    def anew(self, seed: int) -> Cases:
        """Deal the same number of cases out under the null model."""
        number = np.uint64(seed)
        if self.model == "permutation":
            return self.place, replicate.shuffled(self.slot, number)
        cells = self.cells().ravel()
        if self.model == "poisson":
            return replicate.spread(cells, self.cases, self.n_slot, number)
        return replicate.drawn(np.rint(cells).astype(np.int32), self.cases, self.n_slot, number)

    def cells(self) -> Floats:
        """Measure of each place and slot, shape (n_place, n_slot)."""
        if self.measure is not None:
            return self.measure
        return np.ascontiguousarray(self.spatial[:, None] * self.temporal[None, :])


def permutation(place: NDArray[np.int32], slot: NDArray[np.int32], n_place: int, n_slot: int) -> World:
    """Space-time permutation: places and times as they are, their pairing free.

    Expected in a window: cases of its places × cases of its slots / all cases (Kulldorff, M., Heffernan, R.,
    Hartman, J., Assunção, R. and Mostashari, F. (2005), "A space-time permutation scan statistic for
    disease outbreak detection", *PLoS Medicine* 2, e59).
    """
    n = float(len(place))
    spatial = np.bincount(place, minlength=n_place).astype(float)
    temporal = np.bincount(slot, minlength=n_slot) / n
    if np.count_nonzero(temporal) < 2 or np.count_nonzero(spatial) < 2:
        raise AnlanError(
            f"{len(place)} calls in {np.count_nonzero(spatial)} places and {np.count_nonzero(temporal)} slots",
            "a permutation of times over places needs two places and two slots that hold calls",
            "take smaller places or slots, or a longer window",
            code="no_variation",
        )
    return World("permutation", place, slot, n_place, n_slot, spatial, temporal, None, n)


def poisson(
    place: NDArray[np.int32], slot: NDArray[np.int32], n_slot: int, population: ArrayLike, n_place: int
) -> World:
    """Poisson: cases in proportion to a population (Kulldorff 1997; 2001 in space and time).

    ``population`` is (n_place,), the same in every slot, or (n_place, n_slot); only its proportions matter.
    """
    given = np.asarray(population, float)
    if given.shape not in ((n_place,), (n_place, n_slot)):
        raise AnlanError(
            f"population of shape {given.shape}",
            f"there are {n_place} places and {n_slot} slots",
            "give one figure for each place, or for each place and slot",
            code="population",
        )
    if not np.isfinite(given).all() or given.min() < 0 or not given.sum() > 0:
        raise AnlanError(
            f"population, smallest {given.min():g}, sum {given.sum():g}",
            "a population is zero or more, and not zero everywhere",
            "give residents, households, or expected calls",
            code="population",
        )
    empty = (given == 0)[place] if given.ndim == 1 else (given == 0)[place, slot]
    if empty.any():
        where = int(np.flatnonzero(empty)[0])
        raise AnlanError(
            f"{int(empty.sum())} calls without population, the first in place {int(place[where])}",
            "a call cannot come from nobody",
            "correct the population, or leave these places out",
            code="population",
        )
    n = float(len(place))
    scaled = given * (n / given.sum())
    if given.ndim == 1:
        share = np.full(n_slot, 1.0 / n_slot)
        return World("poisson", place, slot, n_place, n_slot, scaled, share, None, n)
    by_slot = scaled.sum(axis=0) / n
    return World("poisson", place, slot, n_place, n_slot, scaled.sum(axis=1), by_slot, scaled, n)


def bernoulli(cases: Cases, controls: Cases, n_place: int, n_slot: int) -> World:
    """Bernoulli: each individual, case or control, is a case with the same probability (Kulldorff 1997)."""
    both = np.zeros((n_place, n_slot))
    np.add.at(both, cases, 1.0)
    np.add.at(both, controls, 1.0)
    n = len(cases[0]) + len(controls[0])
    if len(controls[0]) == 0:
        raise AnlanError(
            "controls", "there are none", "give the calls against which these are compared", code="controls"
        )
    measure = None if n_slot == 1 else both
    return World(
        "bernoulli", *cases, n_place, n_slot, both.sum(axis=1), both.sum(axis=0) / n, measure, float(n)
    )


def poisson_llr(observed: float, expected: float, total: float) -> float:
    """Log likelihood ratio of a window under the Poisson model, 0 where no more than expected was seen.

        c ln(c / μ) + (C - c) ln((C - c) / (C - μ))

    (Kulldorff, M. (1997), "A spatial scan statistic", *Communications in Statistics: Theory and Methods*
    26, 1481-1496.)

    Parameters
    ----------
    observed : float
        c, cases in the window.
    expected : float
        μ, expected under the null, on the scale on which all windows together expect C.
    total : float
        C, all cases.

    Raises
    ------
    AnlanError
        If a figure is negative, or more is observed or expected than there is.

    Examples
    --------
    >>> round(poisson_llr(10, 1, 1175), 6)
    14.060437
    """
    if not (0 <= observed <= total and 0 <= expected <= total and total > 0):
        raise AnlanError(
            f"observed {observed:g}, expected {expected:g} of {total:g}",
            "both lie between nothing and all cases",
            "correct the counts",
            code="count",
        )
    return float(kernel.llr(0, float(observed), float(expected), float(total), float(total)))


def bernoulli_llr(cases: float, individuals: float, total_cases: float, total: float) -> float:
    """Log likelihood ratio of a window under the Bernoulli model, 0 where the share inside is not higher.

    Parameters
    ----------
    cases, individuals : float
        In the window.
    total_cases, total : float
        In all.

    Raises
    ------
    AnlanError
        If there are more cases than individuals, inside, outside or in all.
    """
    outside = total - individuals
    if not (0 <= cases <= individuals and 0 <= total_cases - cases <= outside and total > 0):
        raise AnlanError(
            f"{cases:g} cases of {individuals:g}, {total_cases:g} of {total:g} in all",
            "cases are some of the individuals, inside and outside",
            "correct the counts",
            code="count",
        )
    return float(kernel.llr(1, float(cases), float(individuals), float(total_cases), float(total)))
