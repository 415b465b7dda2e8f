"""Timing and tables that every benchmark shares: median wall seconds, and the ratio to the peer."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Timing:
    """Median wall seconds of several runs, and the last run's result."""

    seconds: float
    runs: int
    result: Any = field(repr=False)


def timed(work: Callable[[], Any], runs: int = 3, warm_up: int = 1) -> Timing:
    """Run ``work`` a few times without counting, then ``runs`` times; give the median."""
    result: Any = None
    for _ in range(warm_up):
        result = work()
    seconds = []
    for _ in range(runs):
        begin = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - begin)
    return Timing(statistics.median(seconds), runs, result)


def table(title: str, header: list[str], rows: list[list[str]]) -> None:
    """Print a Markdown table, ready for docs/benchmarks.md."""
    print(f"\n### {title}\n")
    print("| " + " | ".join(header) + " |")
    print("| " + " | ".join("---" for _ in header) + " |")
    for row in rows:
        print("| " + " | ".join(row) + " |", flush=True)


def human(seconds: float) -> str:
    """``12 ms``, ``3.4 s``."""
    if seconds < 1e-3:
        return f"{seconds * 1e6:.0f} µs"
    return f"{seconds * 1e3:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"
