"""Travel times beside SciPy, pandana and routingkit-cch: `./run bench travel [--nodes 1040000] [--no-wuhan]`.

Everything runs in one process on one graph at a time, peers on the same arcs. Wall seconds are medians; CPU
seconds are the processor time of all threads together, which a busy machine disturbs less. Memory is the
growth of the peak of a process of its own that loads the graph and builds.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.csgraph import dijkstra

from anlan.city.ticks import to_ticks
from anlan.city.travel import Travel
from anlan.city.warm import warm
from anlan.kernels.routing import hierarchy
from benchmarks._graphs import Graph, country, wuhan
from benchmarks._table import human, table

Array = NDArray[Any]
REACH_S = 600.0


@dataclass(frozen=True)
class Measure:
    """Median wall and CPU seconds of one unit of work, and what it gave."""

    wall_s: float
    cpu_s: float
    result: Any


def measure(work: Callable[[], Any], runs: int, units: float = 1.0, warm_up: bool = True) -> Measure:
    """Median of some runs, divided by the units of work in each."""
    if warm_up:
        work()
    walls, cpus = [], []
    result: Any = None
    for _ in range(runs):
        result = None  # its memory serves the next run
        wall, cpu = time.perf_counter(), time.process_time()
        result = work()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return Measure(statistics.median(walls) / units, statistics.median(cpus) / units, result)


def row(what: str, who: str, m: Measure, ours: Measure, note: str = "") -> list[str]:
    """A line of the table; ratios say how many times Anlan's figure the line's is."""
    ratio = ("1", "1") if m is ours else (f"{m.wall_s / ours.wall_s:.3g}", f"{m.cpu_s / ours.cpu_s:.3g}")
    return [what, who, human(m.wall_s), ratio[0], human(m.cpu_s), ratio[1], note]


def compare(g: Graph, runs: int) -> None:
    """All questions on one graph."""
    rng = np.random.default_rng(7)
    n, large = g.n_nodes, g.n_nodes > 300_000
    peer_runs = 1 if large else runs
    out: list[list[str]] = []
    peers = Peers(g)
    csr = g.csr()

    travel = Travel.from_arcs(n, g.tail, g.head, g.seconds)
    build = measure(lambda: Travel.from_arcs(n, g.tail, g.head, g.seconds).prepare(), peer_runs, 1.0, False)
    out.append(row("build, first speeds included", "anlan", build, build, f"tick {travel.tick_s:g} s"))
    rk_build = measure(peers.routingkit, 1, 1.0, False)
    out.append(row("", "routingkit-cch", rk_build, build, "inertial order"))
    pn_build = measure(peers.pandana, 1, 1.0, False)
    out.append(row("", "pandana", pn_build, build))
    rk, (metric, weights), pn = peers.cch, rk_build.result, pn_build.result

    travel.prepare()
    shape, slot = travel.router._topology
    faster = g.seconds * rng.uniform(0.8, 1.2, len(g.seconds))

    def recustomise() -> Any:
        ticks, _ = to_ticks(n, travel.router.tail, travel.router.head, faster)
        return hierarchy.customised(shape, slot, ticks)

    again = measure(recustomise, runs)
    out.append(row("customise for new speeds", "anlan", again, again))
    reset = measure(lambda: metric.reset(weights), peer_runs)
    out.append(row("", "routingkit-cch", reset, again))

    many = rng.integers(0, n, 64)
    all_ = measure(lambda: travel.from_all(many), runs, 64)
    out.append(row("one to all", "anlan", all_, all_, "in sweeps of 32"))
    few = many[: 4 if large else 16]
    sp = measure(lambda: dijkstra(csr, indices=few), peer_runs, len(few), not large)
    error = float(np.abs(all_.result[: len(few)] - sp.result).max())
    out.append(row("", "scipy", sp, all_, f"largest difference {error * 1e3:.2g} ms"))
    assert error < 0.5, error
    pinned = rk.CCHOneToMany(metric, list(range(n)))
    one = measure(lambda: pinned.distances_from(int(many[0])), peer_runs, 1.0, not large)
    out.append(row("", "routingkit-cch", one, all_, "one to many, all nodes as targets"))

    a, b = rng.integers(0, n, 1000), rng.integers(0, n, 1000)
    square = measure(lambda: travel.matrix(a, b), max(runs, 5))
    out.append(row("1,000 × 1,000 matrix", "anlan", square, square))
    part = 100 if large else 1000
    sample = "" if part == 1000 else "measured on 100 origins, times 10"
    pa, pb = np.repeat(a[:part], 1000), np.tile(b, part)
    pnm = measure(lambda: pn.shortest_path_lengths(pa, pb), 1, part / 1000.0, False)
    out.append(row("", "pandana", pnm, square, sample))
    pinned = rk.CCHOneToMany(metric, b.tolist())
    rkm = measure(
        lambda: [pinned.distances_from(s) for s in a[:part].tolist()], peer_runs, part / 1000.0, not large
    )
    out.append(row("", "routingkit-cch", rkm, square, sample or "pinned targets"))
    reference = min(part, 20)
    spm = measure(lambda: dijkstra(csr, indices=a[:reference])[:, b], 1, reference / 1000.0, False)
    out.append(row("", "scipy", spm, square, f"measured on {reference} origins, times {1000 // reference}"))
    np.testing.assert_allclose(square.result[:reference], spm.result, atol=0.5)

    sites = a[:100]
    travel.within(sites[:1], REACH_S)
    near = measure(lambda: travel.within(sites, REACH_S), runs, 100)
    size = f"{near.result.nnz / 100:,.0f} nodes a site"
    out.append(row("everything within 10 minutes", "anlan", near, near, size))
    k = 10 if large else 50
    spn = measure(lambda: dijkstra(csr, indices=sites[:k], limit=REACH_S), peer_runs, k)
    out.append(row("", "scipy", spn, near, "dense rows"))
    pnn = measure(lambda: pn.nodes_in_range(sites[:k], REACH_S), peer_runs, k)
    out.append(row("", "pandana", pnn, near))

    pairs = measure(lambda: travel.pairs(a, b), runs, 1000)
    out.append(row("one to one, time only", "anlan", pairs, pairs, "1,000 in one call"))
    query = rk.CCHQuery(metric)
    rkq = measure(
        lambda: [query.run(s, t).distance for s, t in zip(a.tolist(), b.tolist(), strict=True)], runs, 1000
    )
    out.append(row("", "routingkit-cch", rkq, pairs))
    paths = measure(lambda: [travel.path(s, t) for s, t in zip(a[:100], b[:100], strict=True)], runs, 100)
    out.append(row("one to one, with its path", "anlan", paths, paths))
    rkp = measure(
        lambda: [query.run(s, t).node_path for s, t in zip(a[:100].tolist(), b[:100].tolist(), strict=True)],
        runs,
        100,
    )
    out.append(row("", "routingkit-cch", rkp, paths))
    units = rng.integers(0, n, 200)
    best = measure(lambda: [travel.nearest(p, units, 5) for p in a[:100]], runs, 100)
    out.append(row("nearest 5 of 200 units", "anlan", best, best))

    header = ["question", "router", "wall", "× anlan", "CPU", "× anlan", "note"]
    table(f"{g.name}: {n:,} nodes, {len(g.tail):,} arcs", header, out)
    memory(g)


class Peers:
    """The other routers, built on the same arcs."""

    def __init__(self, g: Graph) -> None:
        self.g = g

    @property
    def cch(self) -> Any:
        """The routingkit-cch module."""
        import routingkit_cch

        return routingkit_cch

    def routingkit(self) -> Any:
        """A customised hierarchy in whole milliseconds, and its weights."""
        g, rk = self.g, self.cch
        tail, head = g.tail.tolist(), g.head.tolist()
        weights = np.rint(g.seconds * 1000).astype(int).tolist()
        order = rk.compute_order_inertial(g.n_nodes, tail, head, g.xy[:, 1].tolist(), g.xy[:, 0].tolist())
        return rk.CCHMetric(rk.CCH(order, tail, head, False), weights), weights

    def pandana(self) -> Any:
        """A network with its contraction hierarchy."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import pandana
            import pandas as pd

            g = self.g
            x, y = (pd.Series(g.xy[:, k]) for k in range(2))
            weights = pd.DataFrame({"seconds": g.seconds})
            return pandana.Network(x, y, pd.Series(g.tail), pd.Series(g.head), weights, twoway=False)


def memory(g: Graph) -> None:
    """Peak memory of building, each router in a process of its own."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "graph.npz"
        np.savez(path, n=g.n_nodes, tail=g.tail, head=g.head, seconds=g.seconds, xy=g.xy)
        for who in ("anlan", "routingkit-cch", "pandana"):
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                before, after = pool.apply(_peak, (str(path), who))
            rows.append([who, f"{after - before:,.0f} MB", f"{after:,.0f} MB"])
    table(f"{g.name}: peak memory of building", ["router", "growth", "whole process"], rows)


def _peak(path: str, who: str) -> tuple[float, float]:
    with np.load(path) as z:
        g = Graph("", int(z["n"]), z["tail"], z["head"], z["seconds"], z["xy"])
    before = _peak_mb()
    if who == "anlan":
        Travel.from_arcs(g.n_nodes, g.tail, g.head, g.seconds).prepare()
    elif who == "pandana":
        Peers(g).pandana()
    else:
        Peers(g).routingkit()
    return before, _peak_mb()


def _peak_mb() -> float:
    status = Path("/proc/self/status")
    if status.exists():  # ru_maxrss remembers the parent's size across exec
        line = next(x for x in status.read_text().splitlines() if x.startswith("VmHWM"))
        return float(line.split()[1]) / 1024.0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="./run bench travel", description=__doc__)
    parser.add_argument("--nodes", type=int, default=1_040_000, help="size of the synthetic country")
    parser.add_argument("--no-wuhan", action="store_true", help="leave Wuhan out")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args(argv)
    begin = time.perf_counter()
    compiled = warm()
    print(f"{os.cpu_count()} processors; {compiled} kernels compiled in {time.perf_counter() - begin:.1f} s")
    if not options.no_wuhan:
        g = wuhan()
        if g is None:
            print("Wuhan is left out: ANLAN_DATA names no folder with wuhan/roads_original.parquet")
        else:
            compare(g, options.runs)
    if options.nodes:
        compare(country(options.nodes), options.runs)
