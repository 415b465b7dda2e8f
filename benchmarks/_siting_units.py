"""The siting benchmark's part on medians, units, periods and the hypercube, beside spopt where it can be built.

``--slow-peers`` lets spopt solve every instance up to 1,000 × 1,000, not only the small ones (minutes each);
``--large`` adds the longest runs.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.csgraph import shortest_path

from anlan.core.seed import stream
from anlan.siting import Siting, hypercube, p_median, periods
from benchmarks._table import human, timed

Floats = NDArray[np.float64]
Table = Callable[[str, list[str], list[list[str]]], None]
OPTIMA = {"pmed2": 4093, "pmed3": 4250, "pmed5": 1355, "pmed8": 4445}
HEADER = ["instance", "solver", "time", "objective", "proven gap", "status", "ratio"]


def rows(table: Table, args: list[str]) -> None:
    """Print the tables."""
    cost, weight = _town(0, 50, 20)
    p_median(cost, 3, weight)  # compile
    table("p-median", HEADER, _medians(args))
    table("Posts by hour, moves limited", [*HEADER[:6], "moves"], _periods(args))
    table("Hypercube, load 0.5", ["instance", "queue", "method", "median", "last change"], _hypercubes())


def _medians(args: list[str]) -> list[list[str]]:
    out: list[list[str]] = []
    for name, cost, p in _published():
        out += _beside(
            name, cost, np.ones(len(cost)), p, 60.0, peer="--slow-peers" in args or name == "pmed5"
        )
        assert p_median(cost, p).objective == OPTIMA[name]
    cost, weight = _town(1, 200, 200)
    out += _beside("200 × 200, p = 20", cost, weight, 20, 60.0, peer="--slow-peers" in args)
    for seed in (1, 2, 3):
        cost, weight = _town(seed, 1000, 1000)
        slow = "--slow-peers" in args and seed == 1
        out += _beside(f"1,000 × 1,000, p = 50 ({seed})", cost, weight, 50, 60.0, peer=slow)
    rng = stream(1, "hard")
    cost = rng.integers(0, 1000, (1000, 30)).astype(float)
    out += _beside("random costs, 1,000 × 30, p = 6", cost, np.ones(1000), 6, 20.0)
    if "--large" in args:
        cost = rng.integers(0, 1000, (1000, 200)).astype(float)
        out += _beside("random costs, 1,000 × 200, p = 20", cost, np.ones(1000), 20, 20.0)
        cost, weight = _town(4, 10_000, 1000)
        out += _beside("10,000 × 1,000, p = 100", cost, weight, 100, 60.0)
        cost, weight = _town(5, 300, 100)
        room = 1.2 * float(weight.sum()) / 15
        out.append(
            _row(
                "300 × 100, p = 15, capacities",
                p_median(cost, 15, weight, capacity=room, time_limit_s=30),
                1.0,
            )
        )
    return out


def _beside(
    name: str, cost: Floats, weight: Floats, p: int, limit: float, peer: bool = False
) -> list[list[str]]:
    """One instance; the peer's objective must be the same wherever both say optimal."""
    mine = p_median(cost, p, weight, time_limit_s=limit)
    if not peer:
        return [_row(name, mine, 1.0)]
    seconds, objective, status = _spopt(cost, weight, p)
    if status == "Optimal" and mine.status == "optimal":
        assert abs(objective - mine.objective) <= 1e-6 * mine.objective, (name, objective, mine.objective)
    ratio = f"{seconds / mine.seconds:.1f}"
    return [
        _row(name, mine, 1.0),
        [name, "spopt (HiGHS)", human(seconds), f"{objective:.6g}", "", f"says {status}", ratio],
    ]


def _row(name: str, answer: Siting, ratio: float) -> list[str]:
    return [
        name, "anlan", human(answer.seconds), f"{answer.objective:.6g}", f"{answer.gap:.2%}", answer.status,
        f"{ratio:g}",
    ]  # fmt: skip


def _spopt(cost: Floats, weight: Floats, p: int) -> tuple[float, float, str]:
    """Seconds from the matrix to the answer, objective, and what the solver says."""
    import pulp
    from spopt.locate import PMedian

    begin = time.perf_counter()
    # spopt divides by the sum of the weights where it reports a mean; its objective is the weighted sum.
    model: Any = PMedian.from_cost_matrix(cost, weight, p_facilities=p)
    model = model.solve(pulp.HiGHS(msg=False, timeLimit=600))
    seconds = time.perf_counter() - begin
    return seconds, float(model.problem.objective.value()), str(pulp.LpStatus[model.problem.status])


def _periods(args: list[str]) -> list[list[str]]:
    out = []
    kinds: list[tuple[str, int, dict[str, Any]]] = [
        ("mclp", 24, {"reach": 120.0, "moves": 2}),
        ("mexclp", 24, {"reach": 150.0, "moves": 1, "busy": 0.3}),
        ("p_median", 12, {"price": 500.0}),
    ]
    for model, slots, options in kinds:
        options["model"] = model
        demands, sites, p = (300, 60, 12) if model == "p_median" else (500, 100, 20)
        cost, weight = _town(7, demands, sites)
        phase = 6.0 * stream(7, "phase").random(demands)
        hours = np.arange(slots)[:, None] * 2 * np.pi / slots
        wave = 1 + 0.8 * np.sin(hours + phase)
        limit = 20.0 if "--large" in args else 10.0
        answer = periods(cost, p, wave * weight, cyclic=True, gap=1e-3, time_limit_s=limit, **options)
        name = f"{model}, {slots} periods, {demands} × {sites}, {p} units"
        out.append(
            [name, "anlan", human(answer.seconds), f"{answer.objective:.6g}", f"{answer.gap:.2%}",
             answer.status, str(int(answer.moves.sum()))]
        )  # fmt: skip
    return out


def _hypercubes() -> list[list[str]]:
    out = []
    for areas, units in ((200, 12), (200, 16), (2000, 200)):
        rng = stream(units, "hypercube-bench")
        apart = rng.random((areas, 1, 2)) - rng.random((1, units, 2))
        order = np.argsort(np.hypot(apart[..., 0], apart[..., 1]), axis=1)
        rate = rng.random(areas)
        rate *= 0.5 * units / rate.sum()
        for queue in ("infinite", "loss"):
            timing = timed(lambda r=rate, o=order, q=queue: hypercube(r, o, 1.0, q))  # type: ignore[misc]
            result = timing.result
            name = f"{units} units, {areas} areas"
            out.append([name, queue, result.method, human(timing.seconds), f"{result.residual:.0e}"])
    return out


def _town(seed: int, demands: int, sites: int) -> tuple[Floats, Floats]:
    rng = stream(seed, "siting-bench")
    apart = rng.random((demands, 1, 2)) - rng.random((1, sites, 2))
    return 1000 * np.hypot(apart[..., 0], apart[..., 1]), rng.integers(1, 100, demands).astype(float)


def _published() -> list[tuple[str, Floats, int]]:
    """OR-Library's instances that are at hand."""
    found = []
    for name in sorted(OPTIMA):
        file = Path(os.environ.get("ANLAN_DATA", "/nowhere")) / "pmedian" / f"{name}.txt"
        if file.is_file():
            numbers = np.array(file.read_text().split(), np.int64)
            n, _, p = numbers[:3].tolist()
            graph = np.zeros((n, n))
            for i, j, d in numbers[3:].reshape(-1, 3).tolist():
                graph[i - 1, j - 1] = graph[j - 1, i - 1] = d
            found.append((name, shortest_path(graph, directed=False), p))
    return found
