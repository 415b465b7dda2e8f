"""DMEXCLP: a unit that becomes free goes where it adds most expected coverage."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anlan.core.text import Text
from anlan.kernels.policies import select
from anlan.policy.rule import Rule

DMEXCLP = Rule(
    name="dmexclp",
    number=select.DMEXCLP,
    text=Text(
        "警力空闲时，去能增加最多期望覆盖的待命点。",
        "A unit that becomes free goes to the post where it adds most expected coverage.",
    ),
    source="Jagtenberg, Bhulai & van der Mei (2015), Operations Research for Health Care 4, 27-35",
    demand=True,
)

DEFAULT_BUSY = 0.5
"""Busy fraction where none is given: an assumption, to be replaced by what a run measures."""

COUNTED = 64
"""Beyond so many units around a place one more adds what the last one did."""


def gain(busy: float | None) -> NDArray[np.float64]:
    """Worth of one more unit at a place that k others cover, ``(1 - q) q^k``."""
    q = DEFAULT_BUSY if busy is None else busy
    return np.asarray((1.0 - q) * q ** np.arange(COUNTED), np.float64)


def cover_sets(
    reached: NDArray[np.bool_], weight: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Places that the same posts reach in time, merged.

    Parameters
    ----------
    reached : ndarray of bool, shape (n_places, n_posts)
    weight : ndarray of float64, shape (n_profiles, n_places)

    Returns
    -------
    start, sets : ndarray of int64
        CSR: the sets that each post reaches.
    merged : ndarray of float64, shape (n_profiles, n_sets)
    """
    n_posts = reached.shape[1]
    packed = np.packbits(reached, axis=1)
    _, first, member = np.unique(packed, axis=0, return_index=True, return_inverse=True)
    pattern = reached[first]
    merged = np.zeros((len(weight), len(first)))
    for out, row in zip(merged, weight, strict=True):
        out[:] = np.bincount(member.ravel(), row, minlength=len(first))
    post, sets = np.nonzero(pattern.T)
    start = np.concatenate([[0], np.cumsum(np.bincount(post, minlength=n_posts))]).astype(np.int64)
    return start, sets.astype(np.int64), merged


def reached_by(
    start: NDArray[np.int64], sets: NDArray[np.int64], n_sets: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The inverse of `cover_sets`'s CSR: the posts that reach each set."""
    post = np.repeat(np.arange(len(start) - 1), np.diff(start))
    order = np.argsort(sets, kind="stable")
    begin = np.concatenate([[0], np.cumsum(np.bincount(sets, minlength=n_sets))]).astype(np.int64)
    return begin, post[order].astype(np.int64)
