"""How good a choice of places was on weeks it had not seen: hit rate, PAI and PEI with intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

from anlan.core.columns import Bools, Floats
from anlan.core.seed import stream
from anlan.core.time import WEEK_S
from anlan.hotspots.choose import choose
from anlan.hotspots.discipline import Admitted
from anlan.hotspots.places import Places

_LEVEL = 0.95
_DRAWS = 499

Interval = tuple[float, float]


@dataclass(frozen=True)
class Accuracy:
    """What a choice of places held of the calls that came afterwards.

    The 95 % intervals are the wider of two: resampling whole weeks, because calls of one week hang
    together, and the exact binomial (Clopper and Pearson 1934), because few weeks resample too narrowly.
    For the random choice they are the middle 95 % of random choices.

    Attributes
    ----------
    weeks : int
    calls, hits : float
        Calls in the study area, and those in the chosen places.
    area_share : float
        Chosen measure over all.
    hit_rate, hit_rate_interval
        hits / calls.
    pai, pai_interval
        Predictive accuracy index: hit rate over area share (Chainey, S., Tompson, L. and Uhlig, S.
        (2008), *Security Journal* 21, 4-28). 1 is what chance gives.
    pei, pei_interval
        Predictive efficiency index: hits over the most that any choice of the budget could have held
        (Hunt, J. (2016), thesis, City University of New York).
    """

    weeks: int
    calls: float
    hits: float
    area_share: float
    hit_rate: float
    hit_rate_interval: Interval
    pai: float
    pai_interval: Interval
    pei: float
    pei_interval: Interval


def weekly(
    admitted: Admitted, places: Places, window: tuple[float, float], n_weeks: int
) -> NDArray[np.float64]:
    """Calls by week of a window and place, shape (n_weeks, n_place)."""
    where = places.of_calls(admitted.calls)
    received = admitted.calls.received
    inside = (where >= 0) & (received >= window[0]) & (received < window[1])
    week = np.minimum((received[inside] - window[0]) // WEEK_S, n_weeks - 1).astype(np.int64)
    flat = week * len(places) + where[inside]
    out = np.bincount(flat, weights=admitted.weight[inside], minlength=n_weeks * len(places))
    return out.reshape(n_weeks, len(places)).astype(float)


def accuracy(
    seen: NDArray[np.float64], measure: Floats, picked: Bools | None, budget: float, *, seed: int = 0
) -> Accuracy:
    """Measure a choice on held-out weeks.

    Parameters
    ----------
    seen : ndarray of float64, shape (n_week, n_place)
        Calls by week in every place of the study area.
    measure : ndarray of float64, shape (n_place,)
    picked : ndarray of bool, shape (n_place,), or None
        The choice; None measures random choices of the budget.
    budget : float
    seed : int

    Returns
    -------
    Accuracy
        Rates are NaN where no call came in those weeks.
    """
    total = seen.sum(axis=0)
    calls = float(total.sum())
    best = float(total[choose(total, measure, budget)].sum())
    rng = stream(seed, "held-out weeks")
    if picked is None:
        return _random(seen, measure, budget, best, rng)
    hits = float(total[picked].sum())
    share = float(measure[picked].sum() / measure.sum())
    rate = hits / calls if calls else np.nan
    times = rng.multinomial(len(seen), np.full(len(seen), 1 / len(seen)), size=_DRAWS).astype(float)
    live = total > 0
    drawn = times @ seen[:, live]
    drawn_calls = np.maximum(drawn.sum(axis=1), 1e-12)
    drawn_hits = drawn[:, picked[live]].sum(axis=1)
    drawn_best = np.array([row[choose(row, measure[live], budget)].sum() for row in drawn])
    exact = _binomial(hits, calls)
    rates = _hull(_middle(drawn_hits / drawn_calls), exact)
    reach = best / calls if best else np.nan
    efficiency = _hull(
        _middle(drawn_hits / np.maximum(drawn_best, 1e-12)), (exact[0] / reach, exact[1] / reach)
    )
    return Accuracy(
        weeks=len(seen),
        calls=calls,
        hits=hits,
        area_share=share,
        hit_rate=rate,
        hit_rate_interval=rates,
        pai=rate / share if share else np.nan,
        pai_interval=(rates[0] / share, rates[1] / share) if share else (np.nan, np.nan),
        pei=hits / best if best else np.nan,
        pei_interval=(efficiency[0], min(efficiency[1], 1.0)),
    )


def _random(
    seen: NDArray[np.float64], measure: Floats, budget: float, best: float, rng: np.random.Generator
) -> Accuracy:
    total = seen.sum(axis=0)
    calls, area = float(total.sum()), float(measure.sum())
    hits, shares = np.empty(_DRAWS), np.empty(_DRAWS)
    for draw in range(_DRAWS):
        order = rng.permutation(len(measure))
        taken = order[np.cumsum(measure[order]) <= budget]
        hits[draw], shares[draw] = total[taken].sum(), measure[taken].sum() / area
    rate = hits / calls if calls else np.full(_DRAWS, np.nan)
    index = np.divide(rate, shares, out=np.full(_DRAWS, np.nan), where=shares > 0)
    efficiency = hits / best if best else np.full(_DRAWS, np.nan)
    return Accuracy(
        weeks=len(seen),
        calls=calls,
        hits=float(hits.mean()),
        area_share=float(shares.mean()),
        hit_rate=float(rate.mean()),
        hit_rate_interval=_middle(rate),
        pai=float(index.mean()),
        pai_interval=_middle(index),
        pei=float(efficiency.mean()),
        pei_interval=_middle(efficiency),
    )


def _binomial(hits: float, calls: float) -> Interval:
    if calls <= 0:
        return np.nan, np.nan
    tail = (1 - _LEVEL) / 2
    low = float(beta.ppf(tail, hits, calls - hits + 1)) if hits > 0 else 0.0
    high = float(beta.ppf(1 - tail, hits + 1, calls - hits)) if hits < calls else 1.0
    return low, high


def _middle(values: Floats) -> Interval:
    low, high = np.quantile(values, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    return float(low), float(high)


def _hull(a: Interval, b: Interval) -> Interval:
    return min(a[0], b[0]), max(a[1], b[1])
