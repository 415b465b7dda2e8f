"""Targets: the places to send patrols to within a budget, and the proof on weeks held out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from anlan.core.columns import Bools, Floats, Strings
from anlan.core.errors import AnlanError
from anlan.core.time import WEEK_S
from anlan.hotspots.accuracy import Accuracy, accuracy, weekly
from anlan.hotspots.cells import Cells
from anlan.hotspots.choose import choose, reporting_band
from anlan.hotspots.discipline import Admitted, admit
from anlan.hotspots.expected import METHODS, place_counts, score
from anlan.hotspots.places import Places
from anlan.hotspots.profiles import check_history, whole_days
from anlan.model import Calls


@dataclass(frozen=True, eq=False)
class Targets:
    """The best places for a budget, the highest expected calls per unit of budget first.

    Attributes
    ----------
    place : ndarray of str, shape (n,)
    index : ndarray of int64, shape (n,)
        Rows of the division of the ground.
    score : ndarray of float64, shape (n,)
        As the method gives it: calls, aged calls or expected calls.
    measure : ndarray of float64, shape (n,)
        What each place takes of the budget: m² or metres.
    share : ndarray of float64, shape (n,)
        Each place's share of all expected calls.
    kept : ndarray of float64, shape (n,)
        In what share of the worlds with unequal reporting (see `reporting_band`) the place is still a
        target.
    budget, total : float
        What could be taken, and the study area's total, in the measure's unit.
    method : str
    proof : mapping of str to Accuracy
        On the held-out weeks: ``chosen`` (the method), ``count`` (the naive rule) and ``random``. Empty
        where no weeks were held out.
    left_out : mapping of str to int
        Calls that did not teach, by reason.
    """

    place: Strings
    index: NDArray[np.int64]
    score: Floats
    measure: Floats
    share: Floats
    kept: Floats
    budget: float
    total: float
    method: str
    proof: Mapping[str, Accuracy] = field(default_factory=dict)
    left_out: Mapping[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.place)

    def sentence(self, language: str = "en") -> str:
        """What the targets are worth, in ``zh`` or ``en``."""
        area = self.measure.sum() / self.total
        if not self.proof:
            if language == "zh":
                return (
                    f"{len(self)} 处目标占 {area:.1%},预计包含 {self.share.sum():.0%} 的警情;未做留出检验。"
                )
            return (
                f"{len(self)} targets, {area:.1%} of the study area, are expected to hold "
                f"{self.share.sum():.0%} of calls; this was not tested on held-out weeks."
            )
        c, naive = self.proof["chosen"], self.proof["count"]
        if language == "zh":
            return (
                f"{len(self)} 处目标占 {area:.1%},在留出的 {c.weeks} 周中命中 {c.hit_rate:.0%} 的警情"
                f"(区间 {c.hit_rate_interval[0]:.0%}–{c.hit_rate_interval[1]:.0%}),"
                f"按近期计数选点为 {naive.hit_rate:.0%},随机为 {self.proof['random'].hit_rate:.0%}。"
            )
        return (
            f"{len(self)} targets, {area:.1%} of the study area, held {c.hit_rate:.0%} of the calls of "
            f"{c.weeks} held-out weeks (interval {c.hit_rate_interval[0]:.0%}–{c.hit_rate_interval[1]:.0%}); "
            f"choosing by recent counts held {naive.hit_rate:.0%}, at random "
            f"{self.proof['random'].hit_rate:.0%}."
        )


def targets(
    calls: Calls,
    places: Places,
    *,
    tz: ZoneInfo,
    budget: float | None = None,
    budget_share: float | None = None,
    method: str = "expected",
    held_out_weeks: int = 8,
    window: tuple[float, float] | None = None,
    study: Bools | None = None,
    source: str | tuple[str, ...] = "reported",
    dose: Floats | None = None,
    bandwidth_m: float = 300.0,
    half_life_weeks: float = 104.0,
    months: float = 12.0,
    reporting: float = 1.5,
    seed: int = 0,
) -> Targets:
    """The top places for a budget, learned from the whole window and proved on its last weeks.

    For the proof the method is run once more on the calls before the last ``held_out_weeks`` only, beside
    the naive rule (the calls of the last ``months`` months) and a random choice, with the same budget.

    Parameters
    ----------
    calls : Calls
    places : Places
        `Cells`, `Streets` or `Districts`.
    tz : ZoneInfo
    budget : float, optional
        In the unit of ``places.measure``: m² of cells, metres of street.
    budget_share : float, optional
        The same as a share of the study area; 0.02 if neither is given.
    method : {'expected', 'density', 'count'}
        See `anlan.hotspots.expected.score`.
    held_out_weeks : int
        0 gives no proof.
    window : (float, float), optional
        Learn from calls received in ``[from, to)``; by default the whole local days they span.
    study : ndarray of bool, shape (n_place,), optional
        The places that could be chosen and are counted as area. By default every street or area, and of
        cells those in which any call fell: fewer than the whole map, which keeps PAI modest.
    source, dose
        Who noticed it; see `admit`.
    bandwidth_m, half_life_weeks, months
        Of the methods.
    reporting : float
        Reporting may differ between places by up to this factor; see `reporting_band`.
    seed : int

    Returns
    -------
    Targets

    Raises
    ------
    AnlanError
        If nothing may teach, the history is too short for the proof, or the budget buys no place.
    """
    if method not in METHODS:
        raise AnlanError(
            f"method {method!r}", "it is " + ", ".join(METHODS), "name one of these", code="method"
        )
    admitted = admit(calls, source, window=window, dose=dose)
    window = window or whole_days(admitted.calls.received, tz)
    check_history(window, 7 * (held_out_weeks + 4), f"a proof on {held_out_weeks} held-out weeks")
    where = places.of_calls(calls)
    if study is None:
        study = _studied(places, where)
    total = float(places.measure[study].sum())
    budget = _budget(budget, budget_share, total, float(places.measure[study].min(initial=np.inf)))
    settings = {"bandwidth_m": bandwidth_m, "half_life_weeks": half_life_weeks, "months": months}

    def ranked(known: Admitted, rows: Bools | slice, until: float, rule: str) -> Floats:
        taught = known.calls.take(rows)
        value = score(taught, places, known.weight[rows], until, method=rule, **settings)
        return np.where(study, value, 0.0)

    value = ranked(admitted, slice(None), window[1], method)
    index = choose(value, places.measure, budget)
    if len(index) == 0:
        raise AnlanError(
            f"budget {budget:g}", "no place with calls fits it", "raise the budget or take smaller places",
            code="budget",
        )  # fmt: skip
    proof: dict[str, Accuracy] = {}
    if held_out_weeks:
        cut = window[1] - held_out_weeks * WEEK_S
        early = admitted.calls.received < cut
        if not early.any() or early.all():
            raise AnlanError(
                f"{held_out_weeks} held-out weeks",
                "there are calls on only one side of them",
                "hold out fewer weeks or load a longer history",
                code="history_short",
            )
        seen = weekly(admitted, places, (cut, window[1]), held_out_weeks)
        seen = seen[:, study]
        measure = places.measure[study]
        for name, rule in (("chosen", method), ("count", "count")):
            picked = np.zeros(len(places), bool)
            picked[choose(ranked(admitted, early, cut, rule), places.measure, budget)] = True
            proof[name] = accuracy(seen, measure, picked[study], budget, seed=seed)
        proof["random"] = accuracy(seen, measure, None, budget, seed=seed)
    band = reporting_band(value, places.measure, budget, factor=reporting, seed=seed)
    return Targets(
        place=places.ids(index),
        index=index,
        score=value[index],
        measure=places.measure[index],
        share=value[index] / value.sum(),
        kept=band.kept[index],
        budget=budget,
        total=total,
        method=method,
        proof=proof,
        left_out=admitted.left_out,
    )


def patrol_shares(
    calls: Calls,
    places: Places,
    *,
    until: float,
    half_life_weeks: float = 52.0,
    source: str | tuple[str, ...] = "reported",
    dose: Floats | None = None,
) -> Floats:
    """The share of patrols each place gets when they follow past calls in proportion, shape (n_place,).

    Calls age with their half-life. From reported calls the shares settle at the true ones; from
    discovered calls without their dose they would run away to one place (Ensign et al. 2018; a test
    repeats their experiment through this function).

    Parameters
    ----------
    calls : Calls
    places : Places
    until : float
        Learn from calls received before, Unix seconds.
    half_life_weeks : float
    source, dose
        Who noticed it; see `admit`.
    """
    admitted = admit(calls, source, window=(-np.inf, until), dose=dose)
    aged = admitted.weight * np.exp2((admitted.calls.received - until) / (half_life_weeks * WEEK_S))
    volume = place_counts(admitted.calls, places, aged)
    if not volume.any():
        raise AnlanError(
            f"{len(admitted)} calls", "none lies in any of the places", "check their coordinates or areas",
            code="no_places",
        )  # fmt: skip
    return volume / volume.sum()


def _studied(places: Places, where: NDArray[np.int64]) -> Bools:
    if not isinstance(places, Cells):
        return np.ones(len(places), bool)
    return np.bincount(where[where >= 0], minlength=len(places)) > 0


def _budget(budget: float | None, share: float | None, total: float, least: float) -> float:
    if budget is None:
        share = 0.02 if share is None else share
        if not 0 < share <= 1:
            raise AnlanError(
                f"budget_share = {share}", "it is between 0 and 1", "give one such as 0.02", code="budget"
            )
        return max(share * total, least)
    if not 0 < budget <= total * (1 + 1e-9):
        raise AnlanError(
            f"budget {budget:g}",
            f"it is positive and at most the study area's {total:g}",
            "give it in the unit of the places' measure (m² of cells, metres of street)",
            code="budget",
        )
    return budget
