"""Scan statistics: where, and from when to when, did more happen than chance explains?"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anlan.core.columns import Floats
from anlan.core.errors import AnlanError
from anlan.core.job import Job
from anlan.core.seed import stream
from anlan.core.time import DAY_S
from anlan.hotspots import scan_models as models
from anlan.hotspots.circles import Circles
from anlan.hotspots.gumbel import gumbel_tail
from anlan.hotspots.scan_models import Cases, Model, World, bernoulli_llr, poisson_llr
from anlan.hotspots.scan_search import Found, Plan, Search, plan_above_nothing

__all__ = ["Cluster", "Scan", "bernoulli_llr", "poisson_llr", "scan"]

When = Literal["retrospective", "prospective", "spatial"]
_TIE = 1e-9
_USUAL = 3.0
"""A ratio that the best of many windows nearly always exceeds."""


@dataclass(frozen=True)
class Cluster:
    """A window in which more happened than expected.

    Attributes
    ----------
    centre : int
        Place at its middle.
    places : tuple of int
        Its places, nearest to the centre first.
    radius : float
        Distance of the last of them, in the unit of the circles (metres, or seconds of travel).
    from_s, to_s : float
        Its time, [from, to), Unix seconds; NaN in a purely spatial scan.
    observed : int
    expected : float
        Under the null model.
    relative_risk : float
        Rate inside over rate outside; for the permutation model observed over expected.
    llr : float
        Log likelihood ratio.
    p_value : float
        Monte Carlo: (worlds at least as extreme + 1) / (worlds + 1), against the largest ratio of each
        world, so that it allows for all windows tried; NaN without replications.
    p_gumbel : float
        From a Gumbel distribution fitted to the largest ratios by moments; not bounded by 1/(worlds + 1).
        (Abrams, A. M., Kleinman, K. and Kulldorff, M. (2010), "Gumbel based p-value approximations for
        spatial scan statistics", *International Journal of Health Geographics* 9, 61.)
    recurrence_days : float
        How long a scan repeated every slot would run until chance alone gave such a cluster, slot / p
        (of the Gumbel p-value where the Monte Carlo one is at its smallest); NaN unless prospective.
    """

    centre: int
    places: tuple[int, ...]
    radius: float
    from_s: float
    to_s: float
    observed: int
    expected: float
    relative_risk: float
    llr: float
    p_value: float
    p_gumbel: float
    recurrence_days: float


@dataclass(frozen=True, eq=False)
class Scan:
    """Clusters, most likely first; no two share a place.

    Attributes
    ----------
    clusters : tuple of Cluster
        The most likely cluster and secondary ones.
    model, when : str
    cases : int
        Calls that were scanned.
    left_out : int
        Calls in no place or outside the window.
    window : (float, float)
        Study time [from, to), Unix seconds.
    null : ndarray of float64, shape (n_world,)
        Largest ratio of each world made under the null.
    asked : int
        Replications asked for; fewer were made where the scan stopped early or the job was cancelled.
    """

    clusters: tuple[Cluster, ...]
    model: Model
    when: When
    cases: int
    left_out: int
    window: tuple[float, float]
    null: Floats
    asked: int

    def significant(self, level: float = 0.05) -> tuple[Cluster, ...]:
        """The clusters whose Monte Carlo p-value is at most ``level``."""
        return tuple(c for c in self.clusters if c.p_value <= level)


def scan(
    place: ArrayLike,
    time: ArrayLike | None,
    circles: Circles,
    *,
    model: Model = "permutation",
    when: When = "retrospective",
    window: tuple[float, float] | None = None,
    slot_s: float = DAY_S,
    population: ArrayLike | None = None,
    controls: tuple[ArrayLike, ArrayLike | None] | None = None,
    max_share: float = 0.5,
    max_slots: int | None = None,
    min_cases: int = 2,
    replications: int = 999,
    stop_after: int | None = None,
    most: int = 10,
    seed: int = 0,
    threads: int = 2,
    job: Job | None = None,
) -> Scan:
    """Kulldorff's scan statistic in space, or in space and time.

    All circles around all places, times all runs of slots, are windows; the one with the largest log
    likelihood ratio is the most likely cluster, and worlds made under the null model say how large that
    would be by chance. (Kulldorff, M. (1997), "A spatial scan statistic", *Communications in Statistics:
    Theory and Methods* 26, 1481-1496; Kulldorff, M. (2001), "Prospective time periodic geographical disease
    surveillance using a scan statistic", *Journal of the Royal Statistical Society A* 164, 61-72;
    Kulldorff et al. (2005), *PLoS Medicine* 2, e59.) Only high rates are looked for. The search is exact:
    windows are passed over only where a bound shows that none can win.

    Parameters
    ----------
    place : array_like of int, shape (n_call,)
        Place of each call; -1 where it is in none (left out, and counted).
    time : array_like of float, shape (n_call,), or None
        Unix seconds; None for ``when="spatial"``.
    circles : Circles
        ``Circles.around(x, y)`` or, along the streets, ``Circles.along(travel.matrix(nodes, nodes))``.
    model : {"permutation", "poisson", "bernoulli"}
        Permutation asks for a pairing of place and time beyond what places and times alone explain and
        needs nothing else; Poisson compares with ``population``; Bernoulli with ``controls``.
    when : {"retrospective", "prospective", "spatial"}
        Windows in time: any run of slots, only those that last until the end, or the whole time.
    window : (float, float), optional
        Study time [from, to), a whole number of slots; by default the UTC slots that hold the calls.
    slot_s : float
        Length of a slot, seconds; a day by default.
    population : array_like of float, shape (n_place,) or (n_place, n_slot)
        For Poisson.
    controls : (place, time)
        For Bernoulli.
    max_share : float
        Largest share of the cases (permutation), population or individuals in a circle.
    max_slots : int, optional
        Longest window; by default half of the study time.
    min_cases : int
        Fewest cases of a cluster.
    replications : int
    stop_after : int, optional
        Stop once so many worlds were at least as extreme as the most likely cluster: (worlds extreme) /
        (worlds made) is then its p-value (Besag, J. and Clifford, P. (1991), "Sequential Monte Carlo
        p-values", *Biometrika* 78, 301-304).
    most : int
        Clusters told at most.
    seed : int
        The same seed gives the same result, whatever the number of threads.
    threads : int
    job : Job, optional
        A cancelled job gives what its worlds so far say.

    Returns
    -------
    Scan

    Raises
    ------
    AnlanError
        If there are fewer than two calls, all are in one place, or an argument makes no sense.
    """
    _check(max_share, max_slots, slot_s, replications, stop_after, min_cases)
    study, cases, left_out, other = _slots(place, time, len(circles), when, window, slot_s, controls)
    n_slot = 1 if when == "spatial" else round((study[1] - study[0]) / slot_s)
    world = _world(model, when, cases, other, population, len(circles), n_slot)
    longest = max(1, n_slot // 2) if max_slots is None else min(max_slots, n_slot)
    search = Search.of(world, circles, max_share, when != "retrospective", longest, min_cases)
    with ThreadPoolExecutor(threads) as pool:
        top, null = _null(search, replications, stop_after, seed, pool, threads, job)
        found = _observed(search, null, top, pool, threads)
    clusters = _clusters(search, found, null, study, slot_s, when, most, stop_after)
    return Scan(clusters, model, when, world.cases, left_out, study, null, replications)


def _check(
    max_share: float,
    max_slots: int | None,
    slot_s: float,
    replications: int,
    stop_after: int | None,
    min_cases: int,
) -> None:
    for name, value, good, rule in (
        ("max_share", max_share, 0 < max_share <= 1, "a share lies above 0 and at most at 1"),
        ("max_slots", max_slots, max_slots is None or max_slots >= 1, "a window has at least one slot"),
        ("slot_s", slot_s, math.isfinite(slot_s) and slot_s > 0, "a slot has a positive length"),
        ("replications", replications, replications >= 0, "worlds are counted from 0"),
        ("stop_after", stop_after, stop_after is None or stop_after >= 1, "at least one world is waited for"),
        ("min_cases", min_cases, min_cases >= 1, "a cluster holds at least one case"),
    ):
        if not good:
            raise AnlanError(f"{name} = {value}", rule, "choose another value", code=name)


def _slots(
    place: ArrayLike,
    time: ArrayLike | None,
    n_place: int,
    when: When,
    window: tuple[float, float] | None,
    slot_s: float,
    controls: tuple[ArrayLike, ArrayLike | None] | None,
) -> tuple[tuple[float, float], Cases, int, Cases | None]:
    """Place and slot of the calls (and controls) inside the window."""
    if when not in ("retrospective", "prospective", "spatial"):
        raise AnlanError(
            f"when = {when!r}",
            "a scan is retrospective, prospective or spatial",
            "name one of these",
            code="when",
        )
    given = [_columns(place, time, n_place, when)]
    if controls is not None:
        given.append(_columns(*controls, n_place, when))
    if when == "spatial" and window is None:
        study = (-math.inf, math.inf)
    elif window is not None:
        study = (float(window[0]), float(window[1]))
    else:
        times = np.concatenate([t for _, t in given])
        times = times[np.isfinite(times)]
        if len(times) == 0:
            study = (0.0, slot_s)
        else:
            study = (
                math.floor(times.min() / slot_s) * slot_s,
                (math.floor(times.max() / slot_s) + 1) * slot_s,
            )
    if when != "spatial":
        slots = (study[1] - study[0]) / slot_s
        if not (study[0] < study[1] and abs(slots - round(slots)) < 1e-6):
            raise AnlanError(
                f"window [{study[0]:.0f}, {study[1]:.0f})",
                f"it ends after it begins, a whole number of slots of {slot_s:g} s later",
                "move one of its ends",
                code="window",
            )
    out = []
    left_out = 0
    for row, (where, t) in enumerate(given):
        keep = where >= 0
        if when != "spatial" or window is not None:
            keep &= np.isfinite(t) & (t >= study[0]) & (t < study[1])
        if row == 0:
            left_out = int((~keep).sum())
        slot = (
            np.zeros(int(keep.sum()), np.int32)
            if when == "spatial"
            else np.floor((t[keep] - study[0]) / slot_s).astype(np.int32)
        )
        out.append((where[keep].astype(np.int32), slot))
    if len(out[0][0]) < 2:
        raise AnlanError(
            f"{len(out[0][0])} calls in places and within the window",
            "a cluster needs at least two",
            "take a longer window or a wider category",
            code="too_few",
        )
    return study, out[0], left_out, out[1] if controls is not None else None


def _columns(
    place: ArrayLike, time: ArrayLike | None, n_place: int, when: When
) -> tuple[NDArray[np.int64], Floats]:
    where = np.asarray(place)
    if where.size and where.dtype.kind not in "iu":
        raise AnlanError(
            f"places of type {where.dtype}", "a place is a whole number", "give its index", code="place"
        )
    where = where.astype(np.int64).ravel()
    if len(where) and (where.max() >= n_place or where.min() < -1):
        raise AnlanError(
            f"place {int(where.max() if where.max() >= n_place else where.min())}",
            f"the circles are around places 0 to {n_place - 1}; -1 is none",
            "use the numbering of the circles",
            code="place",
        )
    if time is None:
        if when != "spatial":
            raise AnlanError(
                f"time of a {when} scan",
                "there is none",
                "give the time of each call, or scan when='spatial'",
                code="time",
            )
        return where, np.zeros(len(where))
    t = np.asarray(time, float).ravel()
    if len(t) != len(where):
        raise AnlanError(
            f"{len(t)} times for {len(where)} places", "each call has both", "give as many", code="time"
        )
    return where, t


def _world(
    model: Model,
    when: When,
    cases: Cases,
    controls: Cases | None,
    population: ArrayLike | None,
    n_place: int,
    n_slot: int,
) -> World:
    if model == "permutation":
        if when == "spatial":
            raise AnlanError(
                "model 'permutation' in space alone",
                "it permutes times over places",
                "use poisson with a population, or bernoulli with controls",
                code="model",
            )
        return models.permutation(*cases, n_place, n_slot)
    if len(np.unique(cases[0])) < 2 and n_slot == 1 and n_place == 1:
        raise AnlanError("1 place", "a scan compares places", "use smaller places", code="places")
    if model == "poisson":
        if population is None:
            raise AnlanError(
                "population",
                "the Poisson model compares with one, and there is none",
                "give residents or expected calls of each place, or use the permutation model",
                code="population",
            )
        return models.poisson(*cases, n_slot, population, n_place)
    if model == "bernoulli":
        if controls is None:
            raise AnlanError(
                "controls",
                "the Bernoulli model compares with them, and there are none",
                "give the other calls, or use the permutation model",
                code="controls",
            )
        return models.bernoulli(cases, controls, n_place, n_slot)
    raise AnlanError(
        f"model {model!r}", "it is permutation, poisson or bernoulli", "name one of these", code="model"
    )


def _largest(search: Search, cases: Cases, plan: Plan, centres: int) -> float:
    """Largest ratio of a world; -inf where none exceeds the plan's level."""
    return float(search.best(cases, plan, True, 0, centres).llr.max())


def _null(
    search: Search,
    replications: int,
    stop_after: int | None,
    seed: int,
    pool: ThreadPoolExecutor,
    threads: int,
    job: Job | None,
) -> tuple[float, Floats]:
    """Largest ratio of the observed world, where it stops the run early, and of worlds under the null."""
    world, centres = search.world, len(search.start) - 1
    seeds = stream(seed, "scan", world.model).integers(0, 2**63, size=replications, dtype=np.int64)
    anything = plan_above_nothing(search)
    observed = -math.inf
    if stop_after is not None:
        observed = _largest(search, (world.place, world.slot), anything, centres)
    # Worlds without any ratio above the level, rare as they are, are searched again below it.
    usual = plan = Plan.of(search, _USUAL)
    out, extreme = np.full(replications, np.nan), 0

    def one(number: int) -> float:
        cases = world.anew(int(seeds[number]))
        for below in (plan, usual, anything):
            value = _largest(search, cases, below, centres)
            if np.isfinite(value):
                return value
        return 0.0

    done = 0
    while done < replications and not (job is not None and job.cancelled):
        # The first few worlds say where the largest ratios lie; the rest need not look far below.
        step = min(threads if done < 4 * threads else 16 * threads, replications - done)
        out[done : done + step] = list(pool.map(one, range(done, done + step)))
        for k in range(done, done + step):
            extreme += out[k] >= observed - _TIE
            if stop_after is not None and extreme >= stop_after:
                return observed, out[: k + 1].copy()
        done += step
        if job is not None:
            job.update(done / replications)
        level = max((0.8 if done < 64 else 0.95) * float(out[:done].min()), _USUAL)
        if level < plan.level or level > 1.02 * plan.level:
            plan = Plan.of(search, level)
    return observed, out[:done].copy()


def _observed(search: Search, null: Floats, top: float, pool: ThreadPoolExecutor, threads: int) -> Found:
    """The best window of each centre, down to half of what chance gives at least."""
    cases = (search.world.place, search.world.slot)
    anything = plan_above_nothing(search)
    level = 0.5 * float(null.min()) if len(null) else 0.0
    if level > anything.level:
        found = search.both(cases, Plan.of(search, level), pool, threads)
        if np.isfinite(found.llr).any():
            return found
    return search.both(cases, anything, pool, threads)


def _clusters(
    search: Search,
    found: Found,
    null: Floats,
    study: tuple[float, float],
    slot_s: float,
    when: When,
    most: int,
    stop_after: int | None,
) -> tuple[Cluster, ...]:
    w = search.world
    cells = w.cells() if w.measure is not None else None
    taken = np.zeros(w.n_place, bool)
    out: list[Cluster] = []
    # Equal ratios: the smaller circle, then the lower centre.
    size = search.reach[np.maximum(found.entry, 0)]
    for centre in np.lexsort((np.arange(len(size)), size, -np.round(found.llr, 9))).tolist():
        if len(out) == most or not np.isfinite(found.llr[centre]):
            break
        entry, begin, end = int(found.entry[centre]), int(found.begin[centre]), int(found.end[centre])
        places = search.place[search.start[centre] : entry + 1]
        if taken[places].any():
            continue
        taken[places] = True
        inside = np.isin(w.place, places) & (w.slot >= begin) & (w.slot < end)
        observed = int(inside.sum())
        if cells is None:
            measure = float(search.reach[entry] * w.temporal[begin:end].sum())
        else:
            measure = float(cells[places, begin:end].sum())
        llr = float(found.llr[centre])
        p, p_gumbel = _p_values(llr, null, stop_after if not out else None)
        smallest = p <= 1.0 / (len(null) + 1) + 1e-12
        chance = p_gumbel if smallest and np.isfinite(p_gumbel) else p
        spatial = when == "spatial"
        out.append(
            Cluster(
                centre,
                tuple(places.tolist()),
                float(search.distance[entry]),
                math.nan if spatial else study[0] + begin * slot_s,
                math.nan if spatial else study[0] + end * slot_s,
                observed,
                measure * w.cases / w.total,
                _relative_risk(w, observed, measure),
                llr,
                p,
                p_gumbel,
                slot_s / DAY_S / chance if when == "prospective" and chance > 0 else math.nan,
            )
        )
    return tuple(out)


def _relative_risk(world: World, observed: int, measure: float) -> float:
    inside = observed / measure if measure > 0 else math.inf
    if world.model == "permutation":
        return inside
    outside = (world.cases - observed) / (world.total - measure) if world.total > measure else 0.0
    return inside / outside if outside > 0 else math.inf


def _p_values(llr: float, null: Floats, stop_after: int | None) -> tuple[float, float]:
    n = len(null)
    if n == 0:
        return math.nan, math.nan
    extreme = int((null >= llr - _TIE).sum())
    p = extreme / n if stop_after is not None and extreme >= stop_after else (extreme + 1) / (n + 1)
    return p, gumbel_tail(llr, null)
