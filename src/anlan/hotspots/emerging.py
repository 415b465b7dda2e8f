"""Emerging hot spots: places that are becoming hot, staying hot or cooling down."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from anlan.core.columns import Bools, Floats
from anlan.core.errors import AnlanError
from anlan.core.job import Job
from anlan.hotspots.discipline import admit
from anlan.hotspots.discipline import counts as checked
from anlan.hotspots.gi_star import gi_star
from anlan.hotspots.mann_kendall import mann_kendall
from anlan.hotspots.neighbours import Neighbourhood, Weights
from anlan.hotspots.places import Places
from anlan.hotspots.profiles import check_history, whole_days
from anlan.model import Calls

CLASSES = (
    "",
    "new",
    "consecutive",
    "intensifying",
    "persistent",
    "diminishing",
    "sporadic",
    "oscillating",
    "historical",
)
"""Index of a class in `Emerging.pattern`; a negative index is the same class of cold spot.

============  =======  ============================================  ======================
class         hot now  hot before                                    trend of Gi*
============  =======  ============================================  ======================
new           yes      never
consecutive   yes      only in one unbroken run that ends now (2 +
                       steps), in less than 90 % of steps
intensifying  yes      at least 90 % of steps                        rising
persistent    yes      at least 90 % of steps                        none
diminishing   yes      at least 90 % of steps                        falling
sporadic      yes      on and off, less than 90 %, never cold
oscillating   yes      on and off, less than 90 %, and once cold
historical    no       at least 90 % of the earlier steps
============  =======  ============================================  ======================

The classes are those of Esri's "Emerging Hot Spot Analysis"; the rules are read from the top.
"""

NAMES_ZH = ("", "新增", "连续", "加剧", "持续", "减弱", "偶发", "反复", "历史")
_MOST = 0.9


@dataclass(frozen=True, eq=False)
class Emerging:
    """Class of every place, in the shape of one step's values.

    Attributes
    ----------
    pattern : ndarray of int8
        Index into `CLASSES`; negative for cold spots, 0 for neither.
    z : ndarray of float64, shape (T, ...)
        Gi* of every step.
    hot, cold : ndarray of bool, shape (T, ...)
    hot_steps : ndarray of int64
        In how many steps each place was hot.
    trend_z, trend_p : ndarray of float64
        Mann-Kendall test of each place's Gi*.
    """

    pattern: NDArray[np.int8]
    z: NDArray[np.float64]
    hot: Bools
    cold: Bools
    hot_steps: NDArray[np.int64]
    trend_z: Floats
    trend_p: Floats

    def name(self, code: int, language: str = "en") -> str:
        """A class's name in ``zh`` or ``en``."""
        if code == 0:
            return ""
        if language == "zh":
            return NAMES_ZH[abs(code)] + ("热点" if code > 0 else "冷点")
        return f"{CLASSES[abs(code)]} {'hot' if code > 0 else 'cold'} spot"


def emerging(
    counts: NDArray[np.floating] | NDArray[np.integer],
    near: Neighbourhood | Weights,
    *,
    inside: Bools | None = None,
    level: float = 0.05,
    trend_level: float = 0.05,
    correct: bool = True,
    job: Job | None = None,
) -> Emerging:
    """Classify places by Gi* in every time step and the trend of it.

    Each step is `gi_star` of that step's counts, exactly as if it were called by hand, and the trend is
    `mann_kendall` of each place's z over the steps; `CLASSES` says how they make a class. A step in
    which all places have the same count has no hot or cold place and z = 0.

    Parameters
    ----------
    counts : ndarray, shape (T, n_row, n_column) or (T, n)
        Calls by step, oldest first; at least four steps.
    near, inside
        As for `gi_star`.
    level : float
        Hot and cold at this false-discovery rate within the step (or at this plain p-value where
        ``correct`` is false).
    trend_level : float
        Two-sided p-value below which a trend counts.
    correct : bool
    job : Job, optional

    Returns
    -------
    Emerging

    Raises
    ------
    AnlanError
        If there are fewer than four steps or a count is negative.
    """
    shown = np.asarray(counts, float)
    checked(np.where(np.isfinite(shown), shown, 0.0), "counts by step")
    if len(shown) < 4:
        raise AnlanError(
            f"{len(shown)} time steps",
            "a trend needs at least four",
            "take shorter steps or a longer history",
            code="history_short",
        )
    z = np.zeros(shown.shape)
    hot, cold = np.zeros(shown.shape, bool), np.zeros(shown.shape, bool)
    for step, values in enumerate(shown):
        if job is not None:
            job.check()
        live = np.isfinite(values) if inside is None else np.isfinite(values) & inside
        if not np.ptp(values[live]) > 0:
            z[step] = np.where(live, 0.0, np.nan)
            continue
        found = gi_star(values, near, inside=inside)
        z[step] = found.z
        if correct:
            hot[step], cold[step] = found.hot(level), found.cold(level)
        else:
            hot[step], cold[step] = (
                (found.p <= level) & (found.z > 0),
                (found.p <= level) & (found.z < 0),
            )
    flat = np.nan_to_num(z.reshape(len(z), -1))
    trend = mann_kendall(flat)
    shape = shown.shape[1:]
    rising = (trend.p <= trend_level) & (trend.z > 0)
    falling = (trend.p <= trend_level) & (trend.z < 0)
    h, c = hot.reshape(len(z), -1), cold.reshape(len(z), -1)
    pattern = classify(h, c, rising, falling)
    return Emerging(
        np.where(pattern == 0, -classify(c, h, falling, rising), pattern).astype(np.int8).reshape(shape),
        z,
        hot,
        cold,
        hot.sum(axis=0),
        trend.z.reshape(shape),
        trend.p.reshape(shape),
    )


def classify(hot: Bools, cold: Bools, rising: Bools, falling: Bools) -> NDArray[np.int8]:
    """Index into `CLASSES` from hot and cold steps, shape (T, n), and the trend, shape (n,)."""
    n_step = len(hot)
    n_hot = hot.sum(axis=0)
    now = hot[-1]
    most = n_hot >= _MOST * n_step
    # Length of the unbroken run of hot steps that ends now.
    run = np.where(hot.all(axis=0), n_step, np.argmin(hot[::-1], axis=0))
    rules = [
        (now & (n_hot == 1), "new"),
        (now & (n_hot == run) & ~most, "consecutive"),
        (now & most & rising, "intensifying"),
        (now & most & falling, "diminishing"),
        (now & most, "persistent"),
        (now & cold.any(axis=0), "oscillating"),
        (now, "sporadic"),
        (~now & (n_hot >= _MOST * (n_step - 1)), "historical"),
    ]
    out = np.zeros(hot.shape[1], np.int8)
    for rule, name in rules[::-1]:
        out[rule] = CLASSES.index(name)
    return out


def time_steps(
    calls: Calls,
    places: Places,
    *,
    tz: ZoneInfo,
    step_days: int = 28,
    steps: int | None = None,
    window: tuple[float, float] | None = None,
    source: str | tuple[str, ...] = "reported",
    dose: Floats | None = None,
) -> NDArray[np.float64]:
    """Calls by time step and place, shape (T, n_place), oldest first.

    Steps are whole local days counted back from the end of the window, so that each holds the same days
    of the week (in multiples of seven) and clock changes cost none an hour.

    Parameters
    ----------
    calls : Calls
    places : Places
    tz : ZoneInfo
    step_days : int
    steps : int, optional
        By default as many as fit into the window.
    window : (float, float), optional
        Unix seconds, ``[from, to)``; by default the whole local days that the calls span.
    source, dose
        Who noticed it; see `admit`.

    Raises
    ------
    AnlanError
        If nothing may teach or the window holds fewer than four steps.
    """
    admitted = admit(calls, source, window=window, dose=dose)
    window = window or whole_days(admitted.calls.received, tz)
    check_history(window, 4 * step_days, f"four steps of {step_days} days")
    last = datetime.fromtimestamp(window[1], tz=UTC).astimezone(tz).date()
    fit = int((window[1] - window[0]) / 86400.0 + 1 / 24) // step_days
    n_step = fit if steps is None else min(steps, fit)
    days = [last - timedelta(days=step_days * back) for back in range(n_step, -1, -1)]
    edges = np.array([datetime(d.year, d.month, d.day, tzinfo=tz).timestamp() for d in days])
    where = places.of_calls(admitted.calls)
    step = np.searchsorted(edges, admitted.calls.received, side="right") - 1
    inside = (where >= 0) & (step >= 0) & (step < n_step)
    flat = step[inside] * len(places) + where[inside]
    out = np.bincount(flat, admitted.weight[inside], n_step * len(places))
    return out.reshape(n_step, len(places)).astype(np.float64)
