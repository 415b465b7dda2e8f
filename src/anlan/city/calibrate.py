"""Calibration: what past drives say about speeds and the start-up delay.

A drive takes

    T  =  delay  +  junction * (edges passed)  +  sum over road classes c of  s_c * x_c  +  error

where s_c are the seconds that its fastest path spends on class c at the present profile's speeds, and
x_c = 1 / (factor on the speed of c). This is linear, so it is fitted by least squares, robustly (Huber 1964,
Robust estimation of a location parameter, Annals of Mathematical Statistics 35:73-101, k = 1.345, scale from
the median absolute deviation) and drawn towards what was known before:

    x_c ~ N(g, 0.25^2),  g ~ N(1, 1),  delay ~ N(present, 120^2),  junction ~ N(present, 2^2),  all >= 0

so that a class with few seconds keeps to the others (g) and none is fitted from noise. New speeds give new
paths, so paths and fit alternate until the factors stand still. The error that is reported is that of drives
which the fit has not seen.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from anlan.city.drives import Indices, Mean, Served, spent_by_class
from anlan.city.ends import Place
from anlan.city.network import Network
from anlan.city.robust import Known, huber
from anlan.city.speed import SpeedProfile
from anlan.core.columns import Floats
from anlan.core.errors import AnlanError
from anlan.core.job import Job
from anlan.core.seed import stream
from anlan.model.call import Calls

LONGEST_S = 4 * 3600.0
"""A longer drive is a clerical error."""


@dataclass(frozen=True, slots=True)
class Errors:
    """How far predictions are from observations.

    Attributes
    ----------
    mae_s : float
        Mean absolute error, seconds.
    bias_s : float
        Mean of predicted minus observed.
    median_s : float
        Median absolute error.
    """

    mae_s: float
    bias_s: float
    median_s: float


@dataclass(frozen=True)
class Calibration:
    """A calibrated speed profile and the evidence for it.

    Attributes
    ----------
    profile : SpeedProfile
        With the class factors, the junction penalty and the start-up delay that were found.
    factor : dict of str to float
        Factor on the present speed of each road class that occurs.
    kmh : dict of str to (float, float)
        Mean speed of each class by length, before and after.
    delay_s, junction_s : float
    before, fitted, held_out : Errors
        At the present profile; on the fitted observations; on those left out, fold by fold.
    predicted_s : ndarray of float64, shape (n_observations,)
        Held-out prediction of each observation as it was given; NaN where it was not used.
    used, dropped : int
        Observations; dropped are those without a plausible time or without a way.
    folds, rounds : int
    """

    profile: SpeedProfile
    factor: dict[str, float]
    kmh: dict[str, tuple[float, float]]
    delay_s: float
    junction_s: float
    before: Errors
    fitted: Errors
    held_out: Errors
    predicted_s: Floats
    used: int
    dropped: int
    folds: int
    rounds: int

    def __str__(self) -> str:
        return (
            f"{self.used:,} drives ({self.dropped:,} unusable): mean error {self.before.mae_s:.0f} s before, "
            f"{self.held_out.mae_s:.0f} s after on drives held out in {self.folds} folds "
            f"(bias {self.before.bias_s:+.0f} s before, {self.held_out.bias_s:+.0f} s after); "
            f"start-up delay {self.delay_s:.0f} s"
        )

    def sentence(self, language: str = "en") -> str:
        """The result in one sentence, ``en`` or ``zh``."""
        if not language.startswith("zh"):
            return str(self)
        return (
            f"共 {self.used:,} 次出车（{self.dropped:,} 次不可用）："
            f"平均误差校准前 {self.before.mae_s:.0f} 秒，"
            f"校准后 {self.held_out.mae_s:.0f} 秒（{self.folds} 折留出检验）；"
            f"偏差由 {self.before.bias_s:+.0f} 秒变为 {self.held_out.bias_s:+.0f} 秒；"
            f"出动延迟 {self.delay_s:.0f} 秒"
        )


def observed_s(calls: Calls) -> Floats:
    """Seconds from dispatch to arrival of each call; NaN where either is unknown.

    The start-up delay is part of it. Where a call has no dispatch time but tells when the unit left, it is
    left out rather than mixed in.
    """
    return calls.arrived - calls.dispatched


def fit(
    network: Network,
    origins: Place,
    destinations: Place,
    seconds: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    group: ArrayLike | None = None,
    share: ArrayLike | None = None,
    slot: int | None = None,
    mode: str = "lights",
    junctions: bool = False,
    folds: int = 5,
    limit: int = 5000,
    seed: int = 0,
    job: Job | None = None,
) -> Calibration:
    """Fit class speeds and a start-up delay to drives whose origin is known.

    Parameters
    ----------
    network : Network
        With the profile to start from.
    origins, destinations : array of int or Positions, length n
        Line by line.
    seconds : array_like of float, shape (n,), or (n_groups,) with ``group``
        Observed from dispatch to arrival; what is not finite or not between 0 and four hours is dropped.
    weights : array_like of float, same shape as ``seconds``, optional
        How much each observation counts, such as the calls it is the mean of.
    group : array_like of int, shape (n,), optional
        Where only means are known: to which observation each line belongs.
    share : array_like of float, shape (n,), optional
        With ``group``: the line's share in the mean; equal where not given.
    slot, mode
        Hour of the week and mode in which the drives took place, see `Network.travel`.
    junctions : bool
        Whether to fit seconds lost at each junction too.
    folds : int
        Into how many parts observations are cut to be held out in turn.
    limit : int
        At most so many observations, drawn by ``seed``; each fold fits on them again.
    job : Job, optional

    Raises
    ------
    AnlanError
        If lengths differ, or fewer than ``10 * folds`` observations can be used.
    """
    travel = network.travel(slot, mode)
    n = len(travel.leaving(origins, "origins"))
    same = np.arange(n)

    def served(_: Network) -> tuple[Place, Indices]:
        return origins, same

    return _fit(
        network, served, destinations, n, seconds, weights, group, share,
        slot, mode, junctions, folds, limit, seed, job,
    )  # fmt: skip


def fit_nearest(
    network: Network,
    stations: Place,
    destinations: Place,
    seconds: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    group: ArrayLike | None = None,
    share: ArrayLike | None = None,
    slot: int | None = None,
    mode: str = "lights",
    junctions: bool = False,
    folds: int = 5,
    limit: int = 5000,
    seed: int = 0,
    job: Job | None = None,
) -> Calibration:
    """Fit to drives whose origin is not known: each is taken to come from its nearest station.

    Which station is nearest is asked again whenever the speeds change. The parameters are those of `fit`,
    with ``stations`` (any number) in place of ``origins``.
    """
    travel = network.travel(slot, mode)
    n = len(travel.arriving(destinations, "destinations"))
    if len(travel.leaving(stations, "stations")) == 0:
        raise AnlanError("no stations", "drives start at a station", "give at least one", code="no_stations")

    def served(now: Network) -> tuple[Place, Indices]:
        cost = now.travel(slot, mode).cost(destinations, stations)
        return stations, cost.argmin(axis=1)

    return _fit(
        network, served, destinations, n, seconds, weights, group, share,
        slot, mode, junctions, folds, limit, seed, job,
    )  # fmt: skip


def _fit(
    network: Network,
    served: Served,
    destinations: Place,
    n: int,
    seconds: ArrayLike,
    weights: ArrayLike | None,
    group: ArrayLike | None,
    share: ArrayLike | None,
    slot: int | None,
    mode: str,
    junctions: bool,
    folds: int,
    limit: int,
    seed: int,
    job: Job | None,
) -> Calibration:
    if mode == "walk":
        raise AnlanError(
            "mode 'walk'", "class speeds belong to vehicles", "calibrate lights or ordinary", code="mode"
        )
    y = np.asarray(seconds, np.float64)
    of = np.arange(n) if group is None else np.asarray(group, np.int64)
    part = np.ones(n) if share is None else np.asarray(share, np.float64)
    weight = np.ones(len(y)) if weights is None else np.asarray(weights, np.float64)
    if (
        y.ndim != 1
        or len(of) != n
        or len(part) != n
        or len(weight) != len(y)
        or (group is None and len(y) != n)
    ):
        raise AnlanError(
            f"{n} drives, {y.shape} seconds, {weight.shape} weights, {len(of)} groups",
            "each observation has one time and one weight, each drive one group",
            "give arrays of matching lengths",
            code="calibration_lengths",
        )
    if len(of) and not 0 <= of.min() <= of.max() < len(y):
        raise AnlanError(
            f"group {of.max() if of.min() >= 0 else of.min()}",
            f"the observations are 0 … {len(y) - 1}",
            "give indexes in this range",
            code="group_range",
        )
    measure = partial(spent_by_class, served=served, destinations=destinations, slot=slot, mode=mode)
    base = measure(network, network)
    # A mean needs all its lines: an observation is used where each of its drives has a way.
    lines = np.bincount(of, minlength=len(y))
    lost = np.bincount(of, ~np.isfinite(base[:, 0]), minlength=len(y)) > 0
    usable = np.isfinite(y) & (y > 0) & (y <= LONGEST_S) & (weight > 0) & (lines > 0) & ~lost
    rows = np.flatnonzero(usable)
    if len(rows) < 10 * folds:
        raise AnlanError(
            f"{len(rows)} usable drives",
            f"{folds} folds of at least ten are needed",
            "give more drives with dispatch and arrival times, or keep the road-class defaults",
            code="too_few_drives",
        )
    random = stream(seed, "calibrate")
    if len(rows) > limit:
        rows = np.sort(random.choice(rows, limit, replace=False))
    fold = random.permutation(len(rows)) % folds
    mean = Mean(rows, of, part, len(y))
    known = Known(network.profile, junctions)

    before = mean(base) @ known.start(base.shape[1])
    held = np.empty(len(rows))
    rounds = 0
    beta, fitted = known.start(base.shape[1]), before
    for k in range(folds + 1):
        # Fold number `folds` is the fit on everything.
        learn = fold != k
        if job is not None:
            job.check()
            job.update(k, note="calibrating speeds")
        now, spent = network, base
        beta = known.start(base.shape[1])
        for turn in range(5 if k == folds else 3):
            design = mean(spent)
            last, beta = beta, huber(design[learn], y[rows][learn], weight[rows][learn], known)
            if k == folds:
                rounds = turn + 1
            if np.abs(beta[:-2] / last[:-2] - 1.0).max(initial=0.0) < 0.01:
                break
            now = network.with_profile(_profile(network, beta))
            spent = measure(network, now)
        design = mean(spent)
        if k == folds:
            fitted = design @ beta
        else:
            held[~learn] = design[~learn] @ beta
    dropped = len(y) - int(usable.sum())
    return _result(network, beta, mode, slot, y, rows, weight, before, fitted, held, folds, rounds, dropped)


def _profile(network: Network, beta: Floats, source: str | None = None) -> SpeedProfile:
    old = network.profile
    names, _ = network.classes
    factor = {
        name: old.class_factor.get(name, old.class_factor.get("*", 1.0)) / x
        for name, x in zip(names, beta[:-2].tolist(), strict=True)
    }
    return replace(
        old,
        class_factor={**old.class_factor, **factor},
        junction_s=max(0.0, float(beta[-2])),
        delay_s=max(0.0, float(beta[-1])),
        source=old.source if source is None else source,
    )


def _result(
    network: Network,
    beta: Floats,
    mode: str,
    slot: int | None,
    y: Floats,
    rows: Indices,
    weight: Floats,
    before: Floats,
    fitted: Floats,
    held: Floats,
    folds: int,
    rounds: int,
    dropped: int,
) -> Calibration:
    names, code = network.classes
    seen, w = y[rows], weight[rows]
    held_out = _errors(held, seen, w)
    source = (
        f"calibrated on {len(rows):,} drives, mean error {held_out.mae_s:.0f} s held out; before: "
        + network.profile.source
    )
    profile = _profile(network, beta, source)
    length = network.roads.edges.length_m
    edges = network.roads.edges
    own = network.profile.base_kmh(edges.road_class, edges.speed_kmh)
    old, new = (np.array(p.factors(names, slot, mode)) for p in (network.profile, profile))
    metres = np.maximum(np.bincount(code, length, len(names)), 1e-9)
    mean = np.bincount(code, length * own, len(names)) / metres
    predicted = np.full(len(y), np.nan)
    predicted[rows] = held
    return Calibration(
        profile=profile,
        factor={name: 1.0 / x for name, x in zip(names, beta[:-2].tolist(), strict=True)},
        kmh={name: (float(mean[i] * old[i]), float(mean[i] * new[i])) for i, name in enumerate(names)},
        delay_s=profile.delay_s,
        junction_s=profile.junction_s,
        before=_errors(before, seen, w),
        fitted=_errors(fitted, seen, w),
        held_out=held_out,
        predicted_s=predicted,
        used=len(rows),
        dropped=dropped,
        folds=folds,
        rounds=rounds,
    )


def _errors(predicted: Floats, seen: Floats, weight: Floats) -> Errors:
    error = predicted - seen
    order = np.argsort(np.abs(error))
    half = np.searchsorted(np.cumsum(weight[order]), weight.sum() / 2)
    return Errors(
        mae_s=float(np.average(np.abs(error), weights=weight)),
        bias_s=float(np.average(error, weights=weight)),
        median_s=float(np.abs(error)[order[min(half, len(error) - 1)]]),
    )
