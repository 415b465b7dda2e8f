"""The hypercube model: exact states for up to 20 units, Larson's approximation for hundreds."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from anlan.core.seed import stream
from anlan.siting.hypercube import hypercube
from benchmarks._table import human, table, timed

Floats = NDArray[np.float64]


def city(areas: int, units: int, load: float) -> tuple[Floats, NDArray[Any], Floats]:
    """Calls in a unit square, units at random posts, the nearest free one is sent."""
    rng = stream(units, "hypercube-bench")
    apart = rng.random((areas, 1, 2)) - rng.random((1, units, 2))
    times = np.hypot(apart[..., 0], apart[..., 1])
    rate = rng.random(areas)
    return rate * load * units / rate.sum(), np.argsort(times, axis=1), times


def main(argv: list[str]) -> None:
    rows = []
    for areas, units, runs in ((200, 8, 3), (200, 12, 3), (200, 16, 3), (200, 20, 1), (2000, 200, 3)):
        if "quick" in argv and units == 20:
            continue
        rate, preference, _ = city(areas, units, 0.5)
        for queue in ("infinite", "loss"):
            timing = timed(lambda r=rate, p=preference, q=queue: hypercube(r, p, 1.0, q), runs)  # type: ignore[misc]
            answer = timing.result
            rows.append(
                [
                    f"{units} units, {areas} areas",
                    queue,
                    answer.method,
                    human(timing.seconds),
                    str(answer.sweeps),
                    f"{answer.residual:.0e}",
                ]
            )
    table("Hypercube, load 0.5", ["instance", "queue", "method", "median", "sweeps", "last change"], rows)
    rows = []
    for units in (6, 9, 12):
        for load in (0.2, 0.5, 0.8):
            rate, preference, times = city(200, units, load)
            exact = hypercube(rate, preference, 1.0)
            near = hypercube(rate, preference, 1.0, method="approximate")
            rows.append(
                [
                    str(units),
                    f"{load}",
                    f"{np.abs(near.workloads - exact.workloads).max():.4f}",
                    f"{np.abs(near.dispatch_fractions - exact.dispatch_fractions).sum() / 2:.4f}",
                    f"{near.mean_travel(times) / exact.mean_travel(times) - 1:+.2%}",
                ]
            )
    table(
        "Larson's approximation beside the exact model (200 areas, infinite queue)",
        ["units", "load", "largest workload error", "dispatches sent otherwise", "mean travel"],
        rows,
    )
