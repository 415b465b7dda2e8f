"""`./run bench detection [--seeds N] [--first S] [--jobs J]`: are planted effects found? docs/detection-power.md.

The demo's generator plants four hot places, a place that has been emerging for eight weeks and a category
that has stood out in one sector for four; it shares no code with what looks for them here. For each seed and
relative risk the calls are drawn anew, every detector runs as a user would run it, without being told what to
look for, and its findings are scored against ``truth.json``'s content.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from anlan import hotspots
from anlan.city.demo import KINDS, DemoModel, Planted, sample
from anlan.city.demo.ground import ground
from anlan.city.demo.plant import default_planted
from anlan.city.demo.precincts import precincts
from anlan.hotspots.holidays import china
from anlan.model import Calls
from benchmarks._table import table

TZ = ZoneInfo("Asia/Shanghai")
RISKS = (1.0, 1.25, 1.5, 2.0, 3.0)
LEVEL = 0.10
CELL_M = 250.0
SCAN_CELL_M = 250.0
SCAN_RADIUS_M = 600.0


@dataclass
class Score:
    """What one detector found of what was planted, and how much of what it said was false."""

    planted: int = 0
    found: int = 0
    said: int = 0
    false: int = 0
    shares: list[float] = field(default_factory=list)

    def add(self, planted: int, found: int, said: int, false: int) -> None:
        self.planted += planted
        self.found += found
        self.said += said
        self.false += false
        self.shares.append(false / max(said, 1))

    def merge(self, other: Score) -> Score:
        """Both together."""
        return Score(
            self.planted + other.planted,
            self.found + other.found,
            self.said + other.said,
            self.false + other.false,
            self.shares + other.shares,
        )


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="bench detection")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--risks", type=float, nargs="+", default=list(RISKS))
    parser.add_argument("--calls", type=int, default=300_000, help="background calls a year")
    asked = parser.parse_args(argv)
    risks = tuple(asked.risks)
    work = [
        (seed, risk, asked.calls) for seed in range(asked.first, asked.first + asked.seeds) for risk in risks
    ]
    with ProcessPoolExecutor(asked.jobs) as pool:
        told = list(pool.map(score, *zip(*work, strict=True), chunksize=len(risks)))
    scores: dict[tuple[float, str], Score] = {}
    for (_, risk, _), one in zip(work, told, strict=True):
        for name, part in one.items():
            scores[risk, name] = scores.get((risk, name), Score()).merge(part)
    names = list(dict.fromkeys(name for _, name in scores))
    table(
        f"Share of planted effects found, {asked.seeds} seeds, q = {LEVEL:g}",
        ["detector", *(f"relative risk {r:g}" for r in risks)],
        [[n, *(f"{scores[r, n].found / max(scores[r, n].planted, 1):.2f}" for r in risks)] for n in names],
    )
    table(
        "Realised false-discovery rate (mean over seeds of false findings / findings), and findings a seed",
        ["detector", *(f"relative risk {r:g}" for r in risks)],
        [
            [
                n,
                *(
                    f"{np.mean(scores[r, n].shares):.3f} ({scores[r, n].said / asked.seeds:.1f})"
                    for r in risks
                ),
            ]
            for n in names
        ],
    )


def score(seed: int, risk: float, n_calls: int = 300_000) -> dict[str, Score]:
    """All detectors on one sampled city, by name."""
    model = DemoModel(seed=seed, relative_risk=risk, n_calls=n_calls)
    calls, _ = sample(model)
    # Where nothing is planted, the places where it would have been say how often they are named anyway.
    planted = default_planted(replace(model, relative_risk=2.0))
    return {
        **prominent(calls, planted, risk),
        **emerging(calls, planted, risk),
        **hot(calls, planted, risk),
    }


def prominent(calls: Calls, planted: Iterable[Planted], risk: float) -> dict[str, Score]:
    """`prominence` over the whole city, its sectors and its precincts."""
    beats = precincts()
    sectors = hotspots.Districts.at_level(beats.areas(), "county")
    divisions = [sectors, hotspots.Districts.of(calls)]
    raised: set[tuple[str, str]] = set()
    wanted: list[set[tuple[str, str]]] = []
    fine: set[tuple[str, str]] = set()
    for effect in planted:
        if effect.planting not in ("prominent", "emerging"):
            continue
        inside = _inside(calls, effect, beats.sector_codes)
        places = {"", *np.unique(calls.area[inside]).tolist()}
        places |= {code.rpartition("-")[0] for code in places if code}
        pairs = {(kind, place) for kind in effect.kinds for place in places}
        if risk > 1:
            raised |= pairs
        if effect.planting == "prominent":
            wanted.append({(kind, effect.sector) for kind in effect.kinds})
            fine |= {(kind, place) for kind, place in pairs if place.count("-") == 2}
    out = {}
    for name, weeks in (("one week", 1), ("one and four weeks", (1, 4))):
        told = hotspots.prominence(
            calls,
            divisions,
            tz=TZ,
            holidays=china(),
            weeks=weeks,
            level=LEVEL,
        )
        stands = told.prominent
        said = set(zip(told.category[stands].tolist(), told.place[stands].tolist(), strict=True))
        coarse, part = Score(), Score()
        coarse.add(len(wanted), sum(bool(w & said) for w in wanted), len(said), len(said - raised))
        precinct = {s for s in said if s[1].count("-") == 2}
        part.add(len(fine), len(fine & said), len(precinct), len(precinct - raised))
        out[f"prominence, category × sector, {name}"] = coarse
        out[f"— of which category × precinct, {name}"] = part
    return out


def emerging(calls: Calls, planted: Iterable[Planted], risk: float) -> dict[str, Score]:
    """The scan of all categories together."""
    effects = [e for e in planted if e.planting in ("emerging", "prominent")]
    reported = hotspots.admit(calls).calls
    cells = hotspots.Cells.covering(reported.x, reported.y, SCAN_CELL_M)
    where = cells.of_calls(reported)
    live, place = np.unique(where, return_inverse=True)
    x, y = cells.centre(live)
    circles = hotspots.Circles.around(x, y, max_radius_m=SCAN_RADIUS_M)
    told = hotspots.scan_categories(place, reported.received, reported.category, circles, threads=1)
    named = []
    for cluster in told.clusters:
        if cluster.p_gumbel <= LEVEL:
            at = list(cluster.places)
            named.append(
                [
                    e.planting
                    for e in effects
                    if risk > 1 and set(e.kinds) & set(cluster.categories) and _touches(e, x[at], y[at])
                ]
            )
    one = Score()
    one.add(1, int(any("emerging" in h for h in named)), len(named), sum(not h for h in named))

    return {"emerging: scan of all categories together": one}


def hot(calls: Calls, planted: Iterable[Planted], risk: float) -> dict[str, Score]:
    """Gi* by category and all together, and targets for 2 % of the ground."""
    circles = [e for e in planted if e.planting == "hot"]
    reported = hotspots.admit(calls).calls
    cells = hotspots.Cells.covering(reported.x, reported.y, CELL_M)
    shape = (cells.n_row, cells.n_column)
    where = cells.of_calls(reported)
    inside = (np.bincount(where, minlength=len(cells)) > 0).reshape(shape)
    near = hotspots.Disk(1.0)
    cx, cy = cells.centre()
    within = [np.hypot(cx - e.x, cy - e.y) <= e.radius_m for e in circles]
    p, z, mean = [], [], []
    kinds = [k for k in KINDS if k.key in reported.categories]
    for kind in kinds:
        count = np.bincount(where[reported.category == kind.key], minlength=len(cells)).reshape(shape)
        found = hotspots.gi_star(count, near, inside=inside)
        p.append(found.p.ravel())
        z.append(found.z.ravel())
        mean.append(_true_sums(cells, kind.key, circles, risk, near, inside))
    q = hotspots.adjusted(np.concatenate(p)).reshape(len(kinds), -1)
    stands = (q <= LEVEL) & (np.array(z) > 0)
    false = stands & ~np.array(mean)
    rows = {k.key: r for r, k in enumerate(kinds)}
    found_circles = sum(
        bool(any(stands[rows[k]][w].any() for k in e.kinds if k in rows))
        for e, w in zip(circles, within, strict=True)
    )
    every = Score()
    every.add(len(circles), found_circles, int(stands.sum()), int(false.sum()))
    out = {"hot: Gi* by category, 250 m cells": every}
    for share in (0.02, 0.0025):
        chosen = hotspots.targets(calls, cells, tz=TZ, budget_share=share, held_out_weeks=0)
        picked = np.zeros(len(cells), bool)
        picked[chosen.index] = True
        budget = Score()
        budget.add(len(circles), sum(bool(picked[w].any()) for w in within), int(picked.sum()), 0)
        out[f"hot: in the targets for {share:.2%} of the ground"] = budget
    return out


def _inside(calls: Calls, effect: Planted, sectors: tuple[str, ...]) -> NDArray[np.bool_]:
    if effect.sector:
        return np.array([a.startswith(effect.sector + "-") for a in calls.area.tolist()])
    assert sectors
    inside: NDArray[np.bool_] = np.hypot(calls.x - effect.x, calls.y - effect.y) <= effect.radius_m
    return inside


def _touches(effect: Planted, x: NDArray[np.float64], y: NDArray[np.float64]) -> bool:
    """Whether a cluster of cells has a cell in common with an effect's place."""
    half = SCAN_CELL_M / 2
    if not effect.sector:
        dx = np.maximum(np.abs(x - effect.x) - half, 0.0)
        dy = np.maximum(np.abs(y - effect.y) - half, 0.0)
        return bool((np.hypot(dx, dy) <= effect.radius_m).any())
    beats = precincts()
    at = beats.sector[beats.of(x, y)]
    return bool((at == beats.sector_codes.index(effect.sector)).any())


def _true_sums(
    cells: hotspots.Cells,
    kind: str,
    circles: Iterable[Planted],
    risk: float,
    near: hotspots.Disk,
    inside: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """Where a neighbourhood's true rate lies above the city's mean: there a hot cell is no false finding."""
    land = ground()
    own = next(k for k in KINDS if k.key == kind)
    share = land.share(own, DemoModel().unevenness)
    for e in circles:
        if kind in e.kinds:
            share = np.where(np.hypot(land.mid_x - e.x, land.mid_y - e.y) <= e.radius_m, share * risk, share)
    where = cells.index(land.mid_x, land.mid_y)
    rate = np.bincount(where[where >= 0], share[where >= 0], len(cells)).reshape(inside.shape)
    rate = np.where(inside, rate, 0.0)
    foot = near.footprint()
    reach = foot.shape[0] // 2
    pad, live = np.pad(rate, reach), np.pad(inside.astype(float), reach)
    total, n = np.zeros(inside.shape), np.zeros(inside.shape)
    for r, c in np.argwhere(foot):
        total += pad[r : r + inside.shape[0], c : c + inside.shape[1]]
        n += live[r : r + inside.shape[0], c : c + inside.shape[1]]
    above: NDArray[np.bool_] = total / np.maximum(n, 1) > rate[inside].mean()
    return above.ravel()
