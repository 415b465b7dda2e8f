"""Concentration: how few places hold a quarter and a half of the calls, and whether they stay the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from anlan.core.columns import Floats
from anlan.core.errors import AnlanError
from anlan.core.seed import stream
from anlan.hotspots.discipline import counts as checked

Interval = tuple[float, float]


@dataclass(frozen=True, eq=False)
class Concentration:
    """How calls concentrate on places.

    Attributes
    ----------
    places, calls : int, float
    shares : tuple of float
        The shares of calls that were asked for, such as 0.25 and 0.5.
    places_share : ndarray of float64, shape (n_share,)
        The smallest share of places that holds that share of calls; the last place is counted in part.
    places_interval : ndarray of float64, shape (n_share, 2)
        95 % bootstrap interval.
    by_chance : ndarray of float64, shape (n_share,)
        The same had as many calls fallen on the places at random, in proportion to their measure: with
        few calls per place, half of them always sit on few places.
    gini : float
        Gini coefficient, which counts places without calls as if calls could have filled them all.
    generalised_gini, gini_interval : float, (float, float)
        Gini coefficient against the most even spread that so few calls allow (Bernasco, W. and Steenbeek,
        W. (2017), "More places than crimes", *Journal of Quantitative Criminology* 33, 451-467), with its
        95 % bootstrap interval. Equal to ``gini`` where there are as many calls as places.
    """

    places: int
    calls: float
    shares: tuple[float, ...]
    places_share: Floats
    places_interval: NDArray[np.float64]
    by_chance: Floats
    gini: float
    generalised_gini: float
    gini_interval: Interval

    def sentence(self, language: str = "en") -> str:
        """The finding in ``zh`` or ``en``."""
        parts = list(zip(self.shares, self.places_share, self.by_chance, strict=True))
        if language == "zh":
            told = ";".join(f"{s:.0%} 的警情集中在 {p:.1%} 的地点(随机分布为 {c:.1%})" for s, p, c in parts)
            return f"{told}。广义基尼系数 {self.generalised_gini:.2f}。"
        told = "; ".join(f"{p:.1%} of places hold {s:.0%} of calls ({c:.1%} by chance)" for s, p, c in parts)
        return f"{told}. Generalised Gini {self.generalised_gini:.2f}."


def concentration(
    counts: object,
    *,
    shares: Sequence[float] = (0.25, 0.5),
    measure: Floats | None = None,
    draws: int = 499,
    seed: int = 0,
) -> Concentration:
    """Concentration of calls on places.

    The law of crime concentration: about 4-6 % of street segments hold half of a city's crime (Weisburd,
    D. (2015), *Criminology* 53, 133-157).

    The bootstrap draws each place's count anew from a Poisson distribution around its own and corrects
    for the unevenness that this adds (interval 2 t - t*, widened to hold t), since counts are always more
    uneven than the rates behind them. The interval is for those rates: with few calls it lies almost
    wholly on the even side of what was counted.

    Parameters
    ----------
    counts : array_like, shape (n_place,)
        Calls in every place of the study area, those without any included.
    shares : sequence of float
        Shares of calls, each between 0 and 1.
    measure : ndarray of float64, shape (n_place,), optional
        Length or area of the places, for the comparison with chance; equal by default.
    draws, seed : int

    Returns
    -------
    Concentration

    Raises
    ------
    AnlanError
        If a count is negative or there are no calls.
    """
    c = checked(counts, "counts").ravel()
    total = float(c.sum())
    if total <= 0:
        raise AnlanError(f"{len(c)} places", "none has a call", "concentration needs calls", code="no_calls")
    for share in shares:
        if not 0 < share < 1:
            raise AnlanError(
                f"share {share}", "a share of calls lies between 0 and 1", "ask for one such as 0.5",
                code="share",
            )  # fmt: skip
    wanted = np.asarray(shares, float)
    rng = stream(seed, "concentration")
    chance = np.ones(len(c)) if measure is None else np.asarray(measure, float)
    even = rng.multinomial(round(total), chance / chance.sum(), size=min(draws, 99))
    found = _places_share(c, wanted)
    drawn_share, drawn_gini = np.empty((draws, len(wanted))), np.empty(draws)
    g = generalised_gini(c)
    for draw in range(draws):
        again = rng.poisson(c).astype(float)
        if not again.any():
            again = c
        drawn_share[draw], drawn_gini[draw] = _places_share(again, wanted), generalised_gini(again)
    low, high = np.quantile(drawn_share, [0.025, 0.975], axis=0)
    gini_low, gini_high = np.quantile(drawn_gini, [0.025, 0.975])
    return Concentration(
        places=len(c),
        calls=total,
        shares=tuple(float(s) for s in wanted),
        places_share=found,
        places_interval=np.clip(
            np.column_stack([np.minimum(2 * found - high, found), np.maximum(2 * found - low, found)]),
            0.0,
            1.0,
        ),
        by_chance=np.mean([_places_share(e.astype(float), wanted) for e in even], axis=0),
        gini=gini(c),
        generalised_gini=g,
        gini_interval=(max(min(2 * g - float(gini_high), g), 0.0), min(max(2 * g - float(gini_low), g), 1.0)),
    )


def gini(counts: Floats) -> float:
    """Gini coefficient of counts, shape (n_place,): 0 even, 1 - 1/n all in one place."""
    return _gini(counts, len(counts))


def generalised_gini(counts: Floats) -> float:
    """Gini coefficient against the line of maximal equality that the number of calls allows.

    With c calls on n places, ``max(1/c, 1/n) (2 Σ i y_i - n - 1) - max(n/c, 1) + 1``, y_i the i-th
    smallest share (Bernasco and Steenbeek 2017, equation 4).
    """
    calls = float(counts.sum())
    return _gini(counts, calls if 0 < calls < len(counts) else len(counts))


def _gini(counts: Floats, evenly: float) -> float:
    n = len(counts)
    y = np.sort(counts) / counts.sum()
    lean = 2.0 * float((np.arange(1, n + 1) * y).sum()) - n - 1.0
    return lean / evenly - max(n / evenly, 1.0) + 1.0


def _places_share(counts: Floats, shares: Floats) -> Floats:
    ranked = np.sort(counts)[::-1]
    held = np.concatenate([[0.0], np.cumsum(ranked)]) / counts.sum()
    at = np.searchsorted(held, shares - 1e-12)
    part = (shares - held[at - 1]) / (held[at] - held[at - 1])
    return (at - 1 + part) / len(counts)


@dataclass(frozen=True, eq=False)
class Stability:
    """Whether the same places are busy in one period and the next.

    Attributes
    ----------
    rank_correlation : float
        Spearman's, over all places.
    held : float
        Share of the later period's calls that fell on the earlier period's top places.
    held_best : float
        Share that the later period's own top places held: what could have been reached.
    stayed : float
        Share of the earlier top places that are again among the top.
    similarity : float
        Share of places whose later share of calls lies within the 95 % interval of resampling the earlier
        ones: the S-index of Andresen, M. A. (2009), *Applied Geography* 29, 333-345.
    """

    rank_correlation: float
    held: float
    held_best: float
    stayed: float
    similarity: float


def stability(
    earlier: object, later: object, *, top: float = 0.05, draws: int = 200, seed: int = 0
) -> Stability:
    """Compare the counts of two periods (two years, say) on the same places.

    Parameters
    ----------
    earlier, later : array_like, shape (n_place,)
    top : float
        Which share of places counts as the top.
    draws, seed : int

    Raises
    ------
    AnlanError
        If a count is negative or a period has no calls.
    """
    a, b = checked(earlier, "earlier counts").ravel(), checked(later, "later counts").ravel()
    if len(a) != len(b):
        raise ValueError(f"{len(a)} places in one period, {len(b)} in the other")
    for name, c in (("earlier", a), ("later", b)):
        if c.sum() <= 0:
            raise AnlanError(
                f"the {name} period", "it has no calls", "choose a period that has some", code="no_calls"
            )
    n_top = max(1, round(top * len(a)))
    best_a, best_b = (np.argsort(-c, kind="stable")[:n_top] for c in (a, b))
    rng = stream(seed, "stability")
    drawn = rng.multinomial(round(float(b.sum())), a / a.sum(), size=draws) / b.sum()
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    share = b / b.sum()
    ranks = np.array([rankdata(a), rankdata(b)])
    correlation = float(np.corrcoef(ranks)[0, 1]) if (ranks.std(axis=1) > 0).all() else float("nan")
    return Stability(
        rank_correlation=correlation,
        held=float(b[best_a].sum() / b.sum()),
        held_best=float(b[best_b].sum() / b.sum()),
        stayed=len(np.intersect1d(best_a, best_b)) / n_top,
        similarity=float(((share >= low - 1e-12) & (share <= high + 1e-12)).mean()),
    )
