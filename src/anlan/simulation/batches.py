"""What varies independently in a run: days of a past trace, replications of drawn calls."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anlan.core.time import DAY_S
from anlan.evaluation.paired import MIN_BLOCKS, Paired
from anlan.evaluation.response import Outcomes


def blocks(outcomes: Outcomes, synthetic: bool) -> NDArray[np.int64]:
    """The block of each row: calls of one block share weather, events and busy units.

    A past trace is the same in every replication, so its days are what varies. Where each replication drew its
    own calls, replications are independent; with fewer than five of them their days are taken.
    """
    replication = outcomes.replication.astype(np.int64)
    if synthetic and len(np.unique(replication)) >= MIN_BLOCKS:
        return replication
    day = np.floor(outcomes.received / DAY_S).astype(np.int64)
    return day + replication * 1_000_000 if synthetic else day


def interval_of_mean(values: NDArray[np.float64], outcomes: Outcomes, synthetic: bool) -> tuple[float, float]:
    """95 % interval of a mean over the rows that have a value; infinite with fewer than five blocks."""
    known = np.isfinite(values)
    block = blocks(outcomes, synthetic)[known]
    if len(np.unique(block)) < MIN_BLOCKS:
        return (-np.inf, np.inf)
    _, low, high = Paired.single(values[known], block).level(0, np.ones(len(block), bool))
    return low, high
