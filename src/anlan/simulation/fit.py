"""Learn from past calls how long things take and how many come, and show how well that held later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from anlan.core.errors import AnlanError
from anlan.core.time import WEEK_S, hour_of_week
from anlan.model.call import SOURCES, Calls
from anlan.simulation.durations import Duration, Durations, Empirical, Lognormal
from anlan.simulation.synthetic import CallModel

GOOD_FIT = 0.05
"""Kolmogorov-Smirnov distance up to which a lognormal stands for the durations; beyond it they stand for
themselves. With thousands of calls every simple law is rejected by a test, so the distance is judged, not its
p-value."""
LEAST = 200
"""Calls from which a category, or a part of its day, gets a duration of its own."""
QUANTILES = 257


@dataclass(frozen=True)
class FitRow:
    """One fitted duration.

    Attributes
    ----------
    what : str
        ``on_scene``, ``turnout`` or ``handling``.
    category : str
        Empty for all together.
    hours : (int, int)
        Local hours ``[from, to)``.
    n : int
        Past calls it was learnt from.
    law : str
        ``lognormal`` or ``empirical``.
    median_s, mean_s, sigma : float
        Of the fitted law; sigma is the lognormal's in either case.
    ks : float
        Kolmogorov-Smirnov distance between the fitted law and the calls it was learnt from.
    ks_lognormal : float
        The same for a lognormal, whichever law was taken.
    """

    what: str
    category: str
    hours: tuple[int, int]
    n: int
    law: str
    median_s: float
    mean_s: float
    sigma: float
    ks: float
    ks_lognormal: float


@dataclass(frozen=True)
class CheckRow:
    """Predicted and actual, on calls that the fit had not seen.

    Attributes
    ----------
    what : str
        ``volume`` (calls a week), ``on_scene_mean_s``, ``on_scene_p90_s``, ``turnout_mean_s``…
    category : str
        Empty for all together.
    predicted, actual : float
    n : int
        Held-out calls.
    low, high : float
        Where the actual figure lies 95 times in 100 if the fit is right.
    """

    what: str
    category: str
    predicted: float
    actual: float
    n: int
    low: float
    high: float

    @property
    def within(self) -> bool:
        """Whether the actual figure lies where the fit leads to expect it."""
        return self.low <= self.actual <= self.high


@dataclass(frozen=True, eq=False)
class Fitted:
    """What past calls taught.

    Attributes
    ----------
    durations : Durations
        For `anlan.simulation.simulate`.
    model : CallModel
        For drawing calls.
    rows : tuple of FitRow
    """

    durations: Durations
    model: CallModel
    rows: tuple[FitRow, ...]

    def check(self, calls: Calls, window: tuple[float, float]) -> tuple[CheckRow, ...]:
        """Predicted against actual on held-out calls received in ``[from, to)``."""
        held = calls.take(
            (calls.received >= window[0])
            & (calls.received < window[1])
            & np.isin(calls.source.astype(str), list(self.model.sources))
        )
        weeks = (window[1] - window[0]) / WEEK_S
        expected = dict(
            zip(self.model.categories, self.model.expected(*window).sum(axis=1).tolist(), strict=True)
        )
        out = [_volume("", sum(expected.values()), len(held), weeks)]
        spent = held.cleared - held.arrived
        for name in held.categories:
            rows = held.category == name
            out.append(_volume(name, expected.get(name, 0.0), int(rows.sum()), weeks))
        for name in ("", *held.categories):
            rows = np.flatnonzero(
                (np.ones(len(held), bool) if not name else held.category == name) & (spent >= 0)
            )
            if len(rows) >= 30:
                out += self._on_scene(held.take(rows), name, spent[rows])
        return tuple(out)

    def _on_scene(self, held: Calls, name: str, seen: NDArray[np.float64]) -> list[CheckRow]:
        unknown = held.replaced(arrived=np.full(len(held), np.nan))
        draws = np.stack([self.durations.on_scene_s(unknown, 0, r)[0] for r in range(40)])
        out = []
        for what, figure in (("on_scene_mean_s", np.mean), ("on_scene_p90_s", _p90)):
            each = np.array([figure(d) for d in draws])
            low, high = each.mean() - 1.96 * each.std(ddof=1), each.mean() + 1.96 * each.std(ddof=1)
            out.append(
                CheckRow(
                    what, name, float(each.mean()), float(figure(seen)), len(seen), float(low), float(high)
                )
            )
        return out

    def lines(self, checks: Sequence[CheckRow] = ()) -> list[str]:
        """The fit, and how it held, as tables."""
        out = [
            f"  {'fitted':<10}{'category':<16}{'hours':>7}{'calls':>9}{'median':>9}{'mean':>9}{'sigma':>7}"
            f"{'KS':>7}  law"
        ]
        out += [
            f"  {r.what:<10}{r.category or 'all':<16}{f'{r.hours[0]}-{r.hours[1]}':>7}{r.n:>9,}"
            f"{r.median_s:>8.0f}s{r.mean_s:>8.0f}s{r.sigma:>7.2f}{r.ks:>7.3f}  {r.law}"
            for r in self.rows
        ]
        out.append(f"  calls of a day vary {self.model.daily_dispersion:.1f} times as a Poisson process does")
        if checks:
            out.append(
                f"  {'held out':<18}{'category':<16}{'calls':>9}{'predicted':>11}{'actual':>11}"
                f"{'95 % of':>22}"
            )
            out += [
                f"  {c.what:<18}{c.category or 'all':<16}{c.n:>9,}{c.predicted:>11.1f}{c.actual:>11.1f}"
                f"{f'{c.low:.1f} – {c.high:.1f}':>22}  {'' if c.within else 'outside'}".rstrip()
                for c in checks
            ]
        return out

    def as_dict(self, checks: Sequence[CheckRow] = ()) -> dict[str, Any]:
        """For programs."""
        return {
            "durations": [asdict(r) for r in self.rows],
            "daily_dispersion": self.model.daily_dispersion,
            "held_out": [{**asdict(c), "within": c.within} for c in checks],
        }


def fit(
    calls: Calls,
    tz: ZoneInfo,
    window: tuple[float, float] | None = None,
    *,
    sources: Sequence[str] = SOURCES,
    parts: int = 4,
    least: int = LEAST,
) -> Fitted:
    """Learn durations and volumes from past calls.

    Time at the scene is from arrival to clearing, transport and handover included where there was any: calls
    do not say when a unit left the scene. Turnout is from dispatch to setting off, handling from the call to its
    dispatch; both as medians, because a wait for a free unit is in the tail of either. What the calls do not
    record keeps the default of `Durations`.

    Parameters
    ----------
    window : (float, float), optional
        Learn from calls received in ``[from, to)`` only; keep the later ones for `Fitted.check`.
    parts : int
        Into how many parts of the day a category's time at the scene is divided, where each has ``least``
        calls; 24 is divisible by it.

    Raises
    ------
    AnlanError
        If there is nothing to learn from.
    """
    if 24 % parts:
        raise AnlanError(
            f"parts = {parts}", "the day of 24 hours is divided evenly", "use 1, 2, 3, 4, 6, 8, 12 or 24"
        )
    model = CallModel.learn(calls, tz, window, sources)
    past = model.past
    spent = past.cleared - past.arrived
    known = np.isfinite(spent) & (spent > 0)
    hour = np.maximum(hour_of_week(past.received, tz), 0).astype(np.int64) % 24
    rows: list[FitRow] = []
    default = Durations()
    on_scene = default.on_scene
    by: dict[str, tuple[Duration, ...]] = {}
    if known.sum() >= 30:
        on_scene, row = _lognormal("on_scene", "", (0, 24), spent[known])
        rows.append(row)
        for code, name in enumerate(past.categories):
            mine = known & (past.category_code == code)
            part = hour * parts // 24
            size = np.bincount(part[mine], minlength=parts)
            if mine.sum() < least:
                continue
            n = parts if size.min() >= least else 1
            entries = []
            for k in range(n):
                own = spent[mine & (hour * n // 24 == k)]
                entry, row = _law("on_scene", name, (24 * k // n, 24 * (k + 1) // n), own)
                entries.append(entry)
                rows.append(row)
            by[name] = tuple(entries)
    scalar = {}
    for what, values in (
        ("turnout", past.en_route - past.dispatched),
        ("handling", past.dispatched - past.received),
    ):
        seen = values[np.isfinite(values) & (values > 0)]
        if len(seen) >= 30:
            rows.append(_law(what, "", (0, 24), seen)[1])
            scalar[f"{what}_s"] = float(np.median(seen))
    durations = Durations(
        on_scene=on_scene,
        turnout_s=scalar.get("turnout_s", default.turnout_s),
        handling_s=scalar.get("handling_s", default.handling_s),
        by=by,
        tz=tz,
    )
    return Fitted(durations, model, tuple(rows))


def _law(
    what: str, category: str, hours: tuple[int, int], seconds: NDArray[np.float64]
) -> tuple[Duration, FitRow]:
    """A lognormal where it fits, else the durations themselves."""
    lognormal, row = _lognormal(what, category, hours, seconds)
    if row.ks <= GOOD_FIT:
        return lognormal, row
    steps = min(QUANTILES, max(len(seconds), 2))
    own = Empirical(np.quantile(seconds, np.linspace(0.0, 1.0, steps)))
    return own, FitRow(
        what, category, hours, len(seconds), "empirical", own.median_s, own.mean_s, row.sigma,
        ks_distance(own, seconds), row.ks,
    )  # fmt: skip


def _lognormal(
    what: str, category: str, hours: tuple[int, int], seconds: NDArray[np.float64]
) -> tuple[Lognormal, FitRow]:
    """Maximum likelihood: mean and standard deviation of the logarithms."""
    log = np.log(seconds)
    found = Lognormal(float(np.exp(log.mean())), float(log.std()))
    ks = ks_distance(found, seconds)
    return found, FitRow(
        what, category, hours, len(seconds), "lognormal", found.median_s, found.mean_s, found.sigma, ks, ks
    )


def ks_distance(law: Duration, seconds: NDArray[np.float64]) -> float:
    """Kolmogorov-Smirnov distance: the greatest difference of the two shares below any duration."""
    value, count = np.unique(seconds, return_counts=True)
    upto = np.cumsum(count) / len(seconds)
    share = law.below(value)
    return float(max(np.abs(upto - share).max(), np.abs(upto - count / len(seconds) - share).max()))


def _volume(category: str, expected: float, seen: int, weeks: float) -> CheckRow:
    half = 1.96 * np.sqrt(max(expected, 1.0))
    return CheckRow(
        "calls a week", category, expected / weeks, seen / weeks, seen,
        float(max(expected - half, 0.0) / weeks), float((expected + half) / weeks),
    )  # fmt: skip


def _p90(values: NDArray[np.float64]) -> float:
    return float(np.quantile(values, 0.9))
