"""What is emerging, when nobody knows in which categories: one scan of all of them together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anlan.core.columns import Bools, Floats, Ints
from anlan.core.errors import AnlanError
from anlan.core.job import Job
from anlan.core.seed import stream
from anlan.core.time import DAY_S, WEEK_S
from anlan.hotspots.circles import Circles
from anlan.hotspots.gumbel import gumbel_tail
from anlan.kernels import scan_streams as kernel

_TIE = 1e-9


@dataclass(frozen=True)
class StreamCluster:
    """A place in which several categories together have become more frequent, up to now.

    Attributes
    ----------
    centre : int
    places : tuple of int
        Nearest to the centre first.
    radius : float
        Metres, or seconds of travel.
    from_s, to_s : float
        Unix seconds, ``[from, to)``.
    score : float
        Sum of the categories' log likelihood ratios.
    p_value, p_gumbel : float
        As for `Cluster`.
    categories : tuple of str
        Those with more calls than expected, the largest contribution first.
    observed, expected, llr : tuple
        Calls, expected calls and contribution of each of them.
    """

    centre: int
    places: tuple[int, ...]
    radius: float
    from_s: float
    to_s: float
    score: float
    p_value: float
    p_gumbel: float
    categories: tuple[str, ...]
    observed: tuple[int, ...]
    expected: tuple[float, ...]
    llr: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class StreamScan:
    """Clusters, most likely first; no two share a place.

    Attributes
    ----------
    clusters : tuple of StreamCluster
    cases, left_out : int
        Calls that were scanned; calls in no place or outside the window.
    window : (float, float)
    null : ndarray of float64, shape (n_world,)
        Largest score of each world made under the null.
    """

    clusters: tuple[StreamCluster, ...]
    cases: int
    left_out: int
    window: tuple[float, float]
    null: Floats


@dataclass(frozen=True, eq=False)
class _Streams:
    """Calls sorted by category, and what is expected of them."""

    names: tuple[str, ...]
    place: NDArray[np.int32]
    slot: NDArray[np.int32]
    first: Ints
    n_place: int
    n_slot: int
    longest: int
    reach: NDArray[np.float64]
    time: NDArray[np.float64]


def scan_categories(
    place: ArrayLike,
    time: ArrayLike,
    category: Sequence[str] | NDArray[np.object_],
    circles: Circles,
    *,
    window: tuple[float, float] | None = None,
    slot_s: float = WEEK_S,
    max_slots: int = 12,
    min_expected: float = 100.0,
    replications: int = 99,
    most: int = 5,
    seed: int = 0,
    threads: int = 2,
    job: Job | None = None,
) -> StreamScan:
    """Places where some categories, nobody knows which, have become more frequent until now.

    A rise that four of seventeen categories share is too thin in each of them and drowned in their sum. So
    every window, a circle and the last so many slots, scores the sum over categories of

        c ln(c / μ) - (c - μ)    where c > μ,

    c the calls and μ = (the category's calls in the circle) × (its share of calls in those slots): a
    multivariate scan (Kulldorff, M., Mostashari, F., Duczmal, L., Yih, W. K., Kleinman, K. and Platt, R.
    (2007), "Multivariate scan statistics for disease surveillance", *Statistics in Medicine* 26, 1824-1833)
    with the expectation-based Poisson score (Neill, D. B. (2009), *International Journal of Forecasting* 25,
    498-517). Worlds under the null deal the times of each category out anew among its calls, so that the
    season of a category and the busyness of a place are no finding (Kulldorff et al. 2005, *PLoS
    Medicine* 2, e59); what one world makes of the best window allows for all windows and categories.

    Parameters
    ----------
    place : array_like of int, shape (n_call,)
        -1 where it is in none.
    time : array_like of float, shape (n_call,)
        Unix seconds.
    category : sequence of str, shape (n_call,)
    circles : Circles
        Small ones, ``Circles.around(x, y, max_radius_m=600)``: the search tries every window.
    window : (float, float), optional
        Study time, a whole number of slots; by default the most whole slots up to the last call's.
    slot_s : float
    max_slots : int
        Longest window.
    min_expected : float
        Windows in which fewer calls are expected, all categories together, are passed over: there a few
        calls of rare categories outscore a real rise, and many such windows hide one.
    replications : int
    most : int
        Clusters told at most.
    seed, threads : int
    job : Job, optional

    Returns
    -------
    StreamScan

    Raises
    ------
    AnlanError
        If there are fewer than two calls in places and within the window, fewer than two slots, or no
        window in which ``min_expected`` calls are expected.
    """
    names, who = np.unique(np.asarray(category, dtype=str), return_inverse=True)
    where, t = np.asarray(place, np.int64), np.asarray(time, float)
    if not len(where) == len(t) == len(who):
        raise AnlanError(
            f"{len(where)} places, {len(t)} times, {len(who)} categories",
            "each call has one of each",
            "give as many",
            code="time",
        )
    study = _study(t, window, slot_s)
    keep = (where >= 0) & np.isfinite(t) & (t >= study[0]) & (t < study[1])
    if len(where) and where.max() >= len(circles):
        raise AnlanError(
            f"place {int(where.max())}",
            f"the circles are around places 0 to {len(circles) - 1}",
            "use the numbering of the circles",
            code="place",
        )
    if keep.sum() < 2:
        raise AnlanError(
            f"{int(keep.sum())} calls in places and within the window",
            "a cluster needs at least two",
            "take a longer window",
            code="too_few",
        )
    s = _streams(names, where[keep], who[keep], t[keep], study, slot_s, max_slots, circles)
    return _scan(
        s, circles, study, slot_s, int((~keep).sum()), min_expected, replications, most, seed, threads, job
    )


def _study(t: Floats, window: tuple[float, float] | None, slot_s: float) -> tuple[float, float]:
    if window is None:
        known = t[np.isfinite(t)]
        if not len(known):
            return 0.0, 0.0
        end = (math.floor(known.max() / DAY_S) + 1) * DAY_S
        return end - max(math.floor((end - known.min()) / slot_s), 1) * slot_s, end
    n = (window[1] - window[0]) / slot_s
    if not (n >= 2 and abs(n - round(n)) < 1e-6):
        raise AnlanError(
            f"window [{window[0]:.0f}, {window[1]:.0f})",
            f"it holds a whole number of slots of {slot_s:g} s, at least two",
            "move one of its ends",
            code="window",
        )
    return float(window[0]), float(window[1])


def _streams(
    names: NDArray[np.str_],
    place: Ints,
    who: Ints,
    t: Floats,
    study: tuple[float, float],
    slot_s: float,
    max_slots: int,
    circles: Circles,
) -> _Streams:
    n_slot = round((study[1] - study[0]) / slot_s)
    slot = np.minimum(((t - study[0]) / slot_s).astype(np.int64), n_slot - 1)
    longest = min(max_slots, n_slot // 2)
    if longest < 1:
        raise AnlanError(
            f"{n_slot} slots of {slot_s:g} s",
            "a comparison with earlier needs at least two",
            "take a longer window or shorter slots",
            code="too_few",
        )
    order = np.lexsort((slot, who))
    place, who, slot = place[order], who[order], slot[order]
    size = np.bincount(who, minlength=len(names))
    first = np.concatenate([[0], np.cumsum(size)]).astype(np.int64)
    by_slot = np.bincount(who * n_slot + slot, minlength=len(names) * n_slot).reshape(-1, n_slot)
    share = np.cumsum(by_slot[:, ::-1], axis=1)[:, :longest] / np.maximum(size, 1)[:, None]
    spatial = np.bincount(place * len(names) + who, minlength=len(circles) * len(names))
    spatial = spatial.reshape(len(circles), len(names))
    # Running sums over all entries, less those of the rows before.
    running = np.concatenate([np.zeros((1, len(names))), np.cumsum(spatial[circles.place], axis=0)])
    begin = np.repeat(circles.start[:-1], np.diff(circles.start))
    return _Streams(
        tuple(names.tolist()),
        place.astype(np.int32),
        slot.astype(np.int32),
        first,
        len(circles),
        n_slot,
        longest,
        running[1:] - running[begin],
        share.astype(np.float64),
    )


def _scan(
    s: _Streams,
    circles: Circles,
    study: tuple[float, float],
    slot_s: float,
    left_out: int,
    min_expected: float,
    replications: int,
    most: int,
    seed: int,
    threads: int,
    job: Job | None,
) -> StreamScan:
    with np.errstate(divide="ignore"):
        log_reach, log_time = np.log(s.reach), np.log(s.time)
    # Where nothing is expected nothing is seen either; any finite figure does.
    log_reach[~np.isfinite(log_reach)], log_time[~np.isfinite(log_time)] = 0.0, 0.0
    x_log_x = kernel.table_of_x_log_x(int(s.reach.max(initial=1.0)) + 1)
    if not (s.reach @ s.time[:, -1]).max(initial=0.0) >= min_expected:
        raise AnlanError(
            f"min_expected = {min_expected:g}",
            "no circle leads to expect so many calls in the longest window",
            "allow fewer, wider circles or longer windows",
            code="min_expected",
        )
    shape = (s.n_place, s.n_slot, s.longest)
    ends: Bools = circles.ends

    def search(counts: NDArray[np.int32], a: int, b: int) -> tuple[Floats, Ints, Ints]:
        out: tuple[Floats, Ints, Ints] = kernel.best_windows(
            counts,
            circles.start,
            circles.place,
            ends,
            s.reach,
            log_reach,
            s.time,
            log_time,
            x_log_x,
            min_expected,
            a,
            b,
        )
        return out

    seeds = stream(seed, "scan of categories").integers(0, 2**63, size=(replications, len(s.names)))

    def world(number: int) -> float:
        if job is not None and job.cancelled:
            return math.nan
        counts = kernel.suffix_counts(s.place, s.slot, s.first, *shape, seeds[number].astype(np.uint64))
        return max(float(search(counts, 0, s.n_place)[0].max()), 0.0)

    counts = kernel.suffix_counts(s.place, s.slot, s.first, *shape, np.empty(0, np.uint64))
    cuts = np.linspace(0, s.n_place, 4 * threads + 1).astype(int).tolist()
    with ThreadPoolExecutor(threads) as pool:
        parts = list(pool.map(lambda ab: search(counts, *ab), list(pairwise(cuts))))
        null = np.full(replications, np.nan)
        for number, value in enumerate(pool.map(world, range(replications))):
            null[number] = value
            if job is not None:
                job.update((number + 1) / replications)
    null = null[np.isfinite(null)]
    score, entry, length = (np.concatenate([p[i] for p in parts]) for i in range(3))
    clusters = _clusters(s, circles, score, entry, length, null, study, slot_s, most, counts)
    return StreamScan(clusters, len(s.place), left_out, study, null)


def _clusters(
    s: _Streams,
    circles: Circles,
    score: Floats,
    entry: Ints,
    length: Ints,
    null: Floats,
    study: tuple[float, float],
    slot_s: float,
    most: int,
    counts: NDArray[np.int32],
) -> tuple[StreamCluster, ...]:
    taken = np.zeros(s.n_place, bool)
    out: list[StreamCluster] = []
    for centre in np.lexsort((np.arange(len(score)), -np.round(score, 9))).tolist():
        if len(out) == most or not np.isfinite(score[centre]):
            break
        q, d = int(entry[centre]), int(length[centre])
        places = circles.place[circles.start[centre] : q + 1]
        if taken[places].any():
            continue
        taken[places] = True
        observed = counts[places].sum(axis=0).reshape(len(s.names), s.longest)[:, d - 1].astype(float)
        expected = s.reach[q] * s.time[:, d - 1]
        more = observed > expected
        ratio = np.where(more, observed / np.where(more, expected, 1.0), 1.0)
        part = np.where(more, observed * np.log(ratio) - (observed - expected), 0.0)
        order = [k for k in np.argsort(-part, kind="stable").tolist() if more[k]]
        extreme = int((null >= score[centre] - _TIE).sum())
        out.append(
            StreamCluster(
                centre,
                tuple(places.tolist()),
                float(circles.distance[q]),
                study[1] - d * slot_s,
                study[1],
                float(score[centre]),
                (extreme + 1) / (len(null) + 1) if len(null) else math.nan,
                gumbel_tail(float(score[centre]), null),
                tuple(s.names[k] for k in order),
                tuple(int(observed[k]) for k in order),
                tuple(float(expected[k]) for k in order),
                tuple(float(part[k]) for k in order),
            )
        )
    return tuple(out)
