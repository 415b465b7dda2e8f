"""Sums of response times that come out the same whatever the order in which the calls are added.

Instants are rounded to whole microseconds, below which a float of Unix seconds says nothing, and added as
integers: addition of integers does not depend on the order, so a night heard event by event, and the same night
read as columns, give the same figures to the last digit. Quantiles come from counts of whole seconds, so that
memory grows with the longest response and not with the number of calls.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

MICRO = 1_000_000

SPANS = ("response", "after_dispatch", "turnout", "travel", "queued")
"""From the call to arrival; from the dispatch of the unit that arrived; its turnout; its way; the wait for it."""


@dataclass(frozen=True)
class Response:
    """Figures of a group of calls; times in seconds.

    Attributes
    ----------
    calls : int
    served_share : float
        Calls to which a unit came.
    mean_s, median_s, p90_s : float
        Response time from the call, over the calls that were served; quantiles to the whole second.
    dispatch_to_arrival_s : float
        Mean from the dispatch of the unit that arrived.
    turnout_s, travel_s, queued_s : float
        Means.
    queued_share : float
        Share of the served calls that waited for a unit.
    within : mapping of float to float
        Share of **all** calls answered within so many seconds; a call nobody came to is not.
    """

    calls: int
    served_share: float
    mean_s: float
    median_s: float
    p90_s: float
    dispatch_to_arrival_s: float
    turnout_s: float
    travel_s: float
    queued_s: float
    queued_share: float
    within: Mapping[float, float]


@dataclass
class Tally:
    """Calls, and integer sums over those that were served.

    Attributes
    ----------
    rings_s : tuple of float
    calls, served, waited : int
    sums : dict of str to int
        Microseconds, by `SPANS`.
    within : list of int
        Calls answered within each ring.
    seconds : Counter
        How many responses took so many whole seconds, rounded up.
    """

    rings_s: tuple[float, ...]
    calls: int = 0
    served: int = 0
    waited: int = 0
    sums: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SPANS, 0))
    within: list[int] = field(default_factory=list)
    seconds: Counter[int] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.within = self.within or [0] * len(self.rings_s)

    def add(self, spans: Mapping[str, int]) -> None:
        """One served call: microseconds by `SPANS`."""
        self.served += 1
        self.waited += spans["queued"] > 0
        for name in SPANS:
            self.sums[name] += spans[name]
        for k, ring in enumerate(self.rings_s):
            self.within[k] += spans["response"] <= micro(ring)
        self.seconds[-(-spans["response"] // MICRO)] += 1

    def add_many(self, spans: Mapping[str, NDArray[np.int64]]) -> None:
        """Many served calls: arrays of microseconds by `SPANS`."""
        response = spans["response"]
        self.served += len(response)
        self.waited += int((spans["queued"] > 0).sum())
        for name in SPANS:
            self.sums[name] += int(spans[name].sum())
        for k, ring in enumerate(self.rings_s):
            self.within[k] += int((response <= micro(ring)).sum())
        whole, count = np.unique(-(-response // MICRO), return_counts=True)
        self.seconds.update(dict(zip(whole.tolist(), count.tolist(), strict=True)))

    def quantile(self, q: float) -> float:
        """The least whole second by which a share q of the served calls was answered."""
        wanted, passed = q * self.served, 0
        for second in sorted(self.seconds):
            passed += self.seconds[second]
            if passed >= wanted - 1e-9:
                return float(second)
        return float("nan")

    def response(self) -> Response:
        """The figures."""
        nan = float("nan")
        mean = {k: v / MICRO / self.served if self.served else nan for k, v in self.sums.items()}
        return Response(
            calls=self.calls,
            served_share=self.served / self.calls if self.calls else nan,
            mean_s=mean["response"],
            median_s=self.quantile(0.5),
            p90_s=self.quantile(0.9),
            dispatch_to_arrival_s=mean["after_dispatch"],
            turnout_s=mean["turnout"],
            travel_s=mean["travel"],
            queued_s=mean["queued"],
            queued_share=self.waited / self.served if self.served else nan,
            within={
                ring: n / self.calls if self.calls else nan
                for ring, n in zip(self.rings_s, self.within, strict=True)
            },
        )


def micro(seconds: float) -> int:
    """Whole microseconds of an instant or a span."""
    return round(seconds * MICRO)


def micros(seconds: NDArray[np.float64]) -> NDArray[np.int64]:
    """Whole microseconds of many; half to even, as `micro` rounds. NaN is left out beforehand."""
    return np.rint(seconds * MICRO).astype(np.int64)


def tally_of(rings_s: Sequence[float]) -> Tally:
    """An empty tally for these rings."""
    return Tally(tuple(float(r) for r in rings_s))
