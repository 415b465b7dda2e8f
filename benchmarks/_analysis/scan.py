"""Space-time permutation scans of 10⁵ calls in 1,660 places over a year."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from anlan.core.time import DAY_S
from anlan.hotspots import Circles, scan
from benchmarks._analysis.row import Row
from benchmarks._table import timed

PLACES, CALLS, DAYS = 1_660, 100_000, 365


def rows() -> list[Row]:
    rng = np.random.default_rng(0)
    side = math.isqrt(PLACES) + 1
    x, y = (g.ravel()[:PLACES] * 500.0 for g in np.meshgrid(np.arange(side), np.arange(side)))
    x, y = x + rng.uniform(-100, 100, PLACES), y + rng.uniform(-100, 100, PLACES)
    busy = rng.lognormal(0.0, 1.0, PLACES)
    place = rng.choice(PLACES, CALLS, p=busy / busy.sum())
    time = rng.uniform(0, DAYS * DAY_S, CALLS)
    circles = Circles.around(x, y)
    window = (0.0, DAYS * DAY_S)
    # Compiled on a small part first.
    for when in ("prospective", "retrospective"):
        scan(place[:2000], time[:2000], circles, when=when, window=window, replications=2)
    ahead = timed(
        lambda: scan(place, time, circles, when="prospective", window=window, replications=999), 1, 0
    )
    back = timed(
        lambda: scan(place, time, circles, when="retrospective", window=window, replications=9), 1, 0
    )
    return [
        Row(
            f"space-time permutation scan, prospective, {CALLS:,} calls, {PLACES:,} places, 999 worlds",
            ahead.seconds,
            15.0,
            agreement=_agrees("prospective"),
        ),
        Row(
            "the same, retrospective, 9 worlds",
            back.seconds,
            20.0,
            agreement=_agrees("retrospective") + "; printed ratios of single windows (tested)",
        ),
    ]


def _agrees(when: str) -> str:
    """Difference from trying every window of 40 small towns."""
    worst = 0.0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        x, y = rng.uniform(0, 1000, (2, 12))
        place, day = rng.integers(0, 12, 150), rng.integers(0, 20, 150)
        told = scan(
            place,
            day * DAY_S + 1.0,
            Circles.around(x, y),
            when=when,  # type: ignore[arg-type]
            window=(0.0, 20 * DAY_S),
            replications=0,
        )
        found = told.clusters[0].llr if told.clusters else 0.0
        worst = max(worst, abs(found - _every_window(x, y, place, day, when == "prospective")))
    return f"largest ratio within {worst:.0e} of trying every window, 40 towns of 12 places"


def _every_window(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    place: NDArray[np.int64],
    day: NDArray[np.int64],
    only_last: bool,
) -> float:
    count = np.zeros((12, 20))
    np.add.at(count, (place, day), 1)
    n, best = count.sum(), 0.0
    for centre in range(12):
        order = np.argsort(np.hypot(x - x[centre], y - y[centre]))
        for size in range(1, 13):
            inside = count[order[:size]].sum(axis=0)
            if inside.sum() > n / 2:
                break
            for end in (20,) if only_last else range(1, 21):
                for begin in range(max(0, end - 10), end):
                    c = inside[begin:end].sum()
                    m = inside.sum() * count[:, begin:end].sum() / n
                    if c >= 2 and c > m:
                        ratio = c * math.log(c / m) + (n - c) * math.log((n - c) / (n - m))
                        best = max(best, ratio)
    return best
