"""`./run bench siting [--large] [--slow-peers] [--only NAME]`: siting models beside spopt in the same run.

spopt builds its model in PuLP and hands it to HiGHS, the same solver version that is used here. Demands and
candidate sites lie at random in a unit square, weights are whole numbers from 1 to 99, times are distances,
and the reach is such that a site reaches the named share of the demands on average.
"""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.spatial import KDTree

from anlan.core.seed import stream
from anlan.siting import Siting, lscp, mclp, p_center
from benchmarks._table import human, table

Floats = NDArray[np.floating[Any]]
HEADER = ["instance", "anlan", "objective", "proven gap", "spopt", "objective", "status", "ratio", "agree"]
BLOCK = 50_000
"""Demands whose times are computed in one go."""


class Town(NamedTuple):
    """Times (dense or sparse), weights, and the reach of which a share was asked."""

    cost: Any
    weight: Floats
    reach: float


def town(demands: int, sites: int, share: float, *, thin: bool = False) -> Town:
    """Demands and sites at random in a unit square; ``thin``: only the times within reach, sparse."""
    rng = stream(0, f"siting-bench {demands} {sites}")
    at = rng.random((demands, 2)).astype(np.float32)
    post = rng.random((sites, 2)).astype(np.float32)
    sample = np.hypot(at[:2000, :1] - post[:, 0], at[:2000, 1:] - post[:, 1])
    reach = float(np.quantile(sample, share))
    weight = rng.integers(1, 100, demands).astype(np.float64)
    if thin:
        tree = KDTree(at)
        near = [np.sort(np.asarray(tree.query_ball_point(xy, reach), np.int32)) for xy in post]
        times = [np.hypot(*(at[rows] - xy).T) for rows, xy in zip(near, post, strict=True)]
        start = np.concatenate([[0], np.cumsum([len(rows) for rows in near])])
        columns = sparse.csc_matrix((np.concatenate(times), np.concatenate(near), start), (demands, sites))
        return Town(columns.tocsr(), weight, reach)
    cost = np.empty((demands, sites), np.float32)
    for a in range(0, demands, BLOCK):
        here = at[a : a + BLOCK]
        cost[a : a + BLOCK] = np.hypot(here[:, :1] - post[:, 0], here[:, 1:] - post[:, 1])
    return Town(cost, weight, reach)


class Peer(NamedTuple):
    """spopt's answer: seconds from building to answer, objective, status, seconds of building alone."""

    seconds: float
    objective: float
    status: str
    building: float


def spopt(build: Callable[[Any], Any], limit_s: float | None = None) -> Peer:
    """Build and solve a spopt model with HiGHS."""
    import pulp
    from spopt import locate

    begin = time.perf_counter()
    model = build(locate)
    built = time.perf_counter() - begin
    model.solve(pulp.HiGHS(msg=False, timeLimit=limit_s), results=False)
    seconds = time.perf_counter() - begin
    status = pulp.LpStatus[model.problem.status]
    return Peer(seconds, float(pulp.value(model.problem.objective)), status, built)


def line(name: str, work: Callable[[], Siting], peer: Peer | None, *, larger: bool = True) -> list[str]:
    """One row of the table: our answer, its certificate, and whether the peer's agrees with it."""
    begin = time.perf_counter()
    mine = work()
    seconds = time.perf_counter() - begin
    row = [name, human(seconds), f"{mine.objective:.9g}", f"{100 * mine.gap:.3f} % ({mine.status})"]
    if peer is None:
        return [*row, "", "", "", "", ""]
    sign = 1.0 if larger else -1.0
    near = 1e-6 * abs(mine.objective)
    if mine.status == "optimal" and peer.status == "Optimal":
        agree = "same" if abs(mine.objective - peer.objective) <= near else "NO"
    else:
        within = sign * peer.objective <= sign * mine.bound + near
        better = sign * (mine.objective - peer.objective) >= -near
        agree = ("ours is as good" if better else "ours is worse") if within else "NO: beyond our bound"
    return [
        *row, f"{human(peer.seconds)} (building {human(peer.building)})", f"{peer.objective:.9g}",
        peer.status, f"{peer.seconds / seconds:.0f} ×", agree,
    ]  # fmt: skip


def covering(
    demands: int, sites: int, p: int, share: float, limits: list[float], peer: bool
) -> list[list[str]]:
    """Maximal covering, within each of some time limits."""
    t = town(demands, sites, share)
    theirs = None
    if peer:
        theirs = spopt(
            lambda locate: locate.MCLP.from_cost_matrix(t.cost, t.weight, t.reach, p_facilities=p), 60.0
        )
    name = f"mclp {demands:,} × {sites:,}, p = {p}, share {share:g}"
    return [
        line(
            f"{name}, {limit:g} s",
            lambda s=limit: mclp(t.cost, p, t.reach, t.weight, time_limit_s=s),  # type: ignore[misc]
            theirs,
        )
        for limit in limits
    ]


def set_covering(demands: int, sites: int, share: float, peer: bool) -> list[list[str]]:
    """Set covering of the demands that some site reaches."""
    t = town(demands, sites, share)
    reached = t.cost.min(axis=1) <= t.reach
    cost = t.cost[reached]
    theirs = None
    if peer:
        theirs = spopt(lambda locate: locate.LSCP.from_cost_matrix(cost, t.reach), 60.0)
    name = f"lscp {len(cost):,} × {sites:,}, share {share:g}, 60 s"
    return [line(name, lambda: lscp(cost, t.reach, time_limit_s=60), theirs, larger=False)]


def center(demands: int, sites: int, p: int, peer: bool) -> list[list[str]]:
    """p-center."""
    t = town(demands, sites, 0.05)
    theirs = None
    if peer:
        theirs = spopt(lambda locate: locate.PCenter.from_cost_matrix(t.cost.astype(float), p_facilities=p))
    return [line(f"p-center {demands} × {sites}, p = {p}", lambda: p_center(t.cost, p), theirs, larger=False)]


def millions() -> list[list[str]]:
    """Ten million demands from a sparse reach."""
    t = town(10_000_000, 1_000, 0.005, thin=True)
    name = f"mclp 10,000,000 × 1,000, p = 100, sparse, {t.cost.nnz:,} pairs, 120 s"
    return [line(name, lambda: mclp(t.cost, 100, t.reach, t.weight, gap=0.01, time_limit_s=120), None)]


def main(argv: list[str]) -> None:
    """Run the table."""
    large, slow = "--large" in argv, "--slow-peers" in argv
    only = argv[argv.index("--only") + 1] if "--only" in argv else ""
    for thin in (False, True):  # the kernels are compiled beforehand
        t = town(400, 80, 0.06, thin=thin)
        near = t.cost.min(axis=1) <= t.reach if not thin else np.diff(t.cost.indptr) > 0
        mclp(t.cost, 6, t.reach, t.weight), lscp(t.cost, t.reach, weight=near.astype(float), time_limit_s=5)
    p_center(town(60, 60, 0.1).cost, 5)
    parts: list[tuple[str, bool, Callable[[], list[list[str]]]]] = [
        ("mclp-1k", True, lambda: covering(1_000, 1_000, 20, 0.03, [60.0], peer=True)),
        ("lscp-1k", True, lambda: set_covering(1_000, 200, 0.05, peer=True)),
        ("p-center-100", True, lambda: center(100, 100, 10, peer=True)),
        ("p-center-200", True, lambda: center(200, 200, 10, peer=slow)),
        ("mclp-10k", True, lambda: covering(10_000, 1_000, 40, 0.03, [2.0, 60.0], peer=slow)),
        ("lscp-10k", True, lambda: set_covering(10_000, 1_000, 0.03, peer=slow)),
        ("mclp-1M", large, lambda: covering(1_000_000, 500, 60, 0.01, [3.0, 30.0], peer=False)),
        ("mclp-100k", large, lambda: covering(100_000, 2_000, 80, 0.015, [120.0], peer=False)),
        ("mclp-10M", large, millions),
    ]
    rows = []
    for name, wanted, part in parts:
        if name == only or (wanted and not only):
            print(f"{name} …", file=sys.stderr, flush=True)
            rows += part()
    table("Siting, start to answer", HEADER, rows)
    if only:
        return
    try:
        units = importlib.import_module("benchmarks._siting_units")
    except ModuleNotFoundError as missing:
        if missing.name != "benchmarks._siting_units":
            raise
        return
    units.rows(table, argv)
