"""Checks that every comparison of counts shares."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anlan.core.errors import AnlanError


def counts(values: ArrayLike, name: str, ndim: int = 1) -> NDArray[np.float64]:
    """Counts as float64.

    Raises
    ------
    AnlanError
        If a value is negative or not a number, or the number of dimensions is another.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != ndim:
        raise AnlanError(
            f"{name} with {array.ndim} dimensions", f"{ndim} is expected", "pass an array of that shape"
        )
    if not np.isfinite(array).all():
        raise AnlanError(f"{name} with a value that is not a number", "counts are numbers", "fill or drop it")
    if (array < 0).any():
        raise AnlanError(
            f"{name} = {array[array < 0].flat[0]:g}", "a count cannot be negative", "correct the figure"
        )
    return array


def pair(values: Sequence[float] | ArrayLike, name: str) -> tuple[float, float]:
    """A (before, after) pair of counts."""
    array = counts(values, name)
    if len(array) != 2:
        raise AnlanError(
            f"{name} with {len(array)} figures", "it is a pair (before, after)", "give both, in that order"
        )
    return float(array[0]), float(array[1])


def positive(value: float, name: str) -> float:
    """A number above zero."""
    if not (np.isfinite(value) and value > 0):
        raise AnlanError(f"{name} = {value:g}", "it must be above zero", "give a positive number")
    return float(value)
