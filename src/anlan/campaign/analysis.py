"""The first half of the main job: learn demand from one part of the calls, check it on the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anlan.campaign.options import PlanOptions
from anlan.city.city import City
from anlan.core.errors import AnlanError
from anlan.core.job import Job
from anlan.core.time import DAY_S, WEEK_S, utc_offset_s
from anlan.hotspots import demand as learn_demand
from anlan.hotspots import kde
from anlan.hotspots.cells import Cells
from anlan.hotspots.surface import Surface
from anlan.model import Calls, Demand


@dataclass(frozen=True, eq=False)
class Analysis:
    """Demand, hot spots and how well they held on weeks they had not seen.

    Attributes
    ----------
    train, test : (float, float)
        Windows in Unix seconds, half-open; both begin and end at local midnight.
    learnt : Calls
        Calls of the training window (all sources; demand uses the reported ones).
    warm_up, held_out : Calls
        Calls of the day before the test window, which fill the simulated city, and those of the window.
    demand : Demand
    surface : Surface
        Reported calls per km² and week.
    hot : ndarray of int64
        Rows of `demand` of the hot cells, the busiest first.
    hot_area_share, hot_hit_rate : float
        Share of the cells' area that the hot ones take, and of the held-out reported calls they hold.
    """

    train: tuple[float, float]
    test: tuple[float, float]
    learnt: Calls
    warm_up: Calls
    held_out: Calls
    demand: Demand
    surface: Surface
    hot: NDArray[np.int64]
    hot_area_share: float
    hot_hit_rate: float

    @property
    def pai(self) -> float:
        """Prediction accuracy index (Chainey, Tompson & Uhlig 2008): hit rate over area share."""
        return self.hot_hit_rate / self.hot_area_share if self.hot_area_share else float("nan")


def analyse(city: City, options: PlanOptions, job: Job) -> Analysis:
    """Split the calls in time, learn demand and hot spots from the first part.

    Raises
    ------
    AnlanError
        If the calls are too few or span too short a time to hold weeks out.
    """
    calls = city.calls
    timed = calls.take(np.isfinite(calls.received) & (calls.edge >= 0))
    if not len(timed):
        raise AnlanError(
            f"{city.name()} with {len(calls)} calls",
            "a plan is learnt from calls with a time and a place on the network",
            "add calls with `anlan city build --calls`, and see `anlan city check`",
            code="no_calls",
        )
    train, test = _windows(timed.received, city, options)
    learnt = timed.take((timed.received >= train[0]) & (timed.received < train[1]))
    held_out = timed.take((timed.received >= test[0]) & (timed.received < test[1]))
    if not len(held_out):
        raise AnlanError(
            f"the last {options.test_weeks} weeks",
            "they hold no calls to prove the plan on",
            "choose more test weeks or load newer calls",
            code="no_test_calls",
        )
    warm_up = timed.take((timed.received >= test[0] - DAY_S) & (timed.received < test[0]))
    job.check()
    demand = learn_demand(learnt, tz=city.tz, window=train, cell_m=options.cell_m)
    job.update(1)
    weeks = (train[1] - train[0]) / WEEK_S
    reported = learnt.take(learnt.source == "reported")
    surface = kde(
        reported.x,
        reported.y,
        np.full(len(reported), 1.0 / weeks),
        bandwidth_m=options.bandwidth_m,
        cell_m=options.cell_m,
    )
    job.update(2)
    weight = demand.weight()
    hot = np.argsort(-weight, kind="stable")[: options.hot_cells]
    cells = Cells.covering(reported.x, reported.y, options.cell_m)
    hot_cells = np.unique(cells.index(demand.x[hot], demand.y[hot]))
    seen = held_out.take(held_out.source == "reported")
    hit = float(np.isin(cells.index(seen.x, seen.y), hot_cells).mean()) if len(seen) else float("nan")
    inhabited = len(np.unique(cells.index(reported.x, reported.y)))
    return Analysis(
        train, test, learnt, warm_up, held_out, demand, surface, hot, len(hot_cells) / inhabited, hit
    )


def _windows(
    received: NDArray[np.float64], city: City, options: PlanOptions
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Training and test windows: whole weeks that end at the last whole local day."""
    offset = float(utc_offset_s(received.max(keepdims=True), city.tz)[0])
    end = np.floor((received.max() + offset) / DAY_S) * DAY_S - offset
    if end - received.min() < (options.test_weeks + 4) * WEEK_S:
        raise AnlanError(
            f"calls over {(received.max() - received.min()) / WEEK_S:.1f} weeks",
            f"{options.test_weeks} weeks are held out and at least four are learnt from",
            "load a longer history or hold out fewer weeks with --test-weeks",
            code="short_history",
        )
    cut = end - options.test_weeks * WEEK_S
    begin = max(cut - options.train_weeks * WEEK_S, received.min())
    begin = cut - np.floor((cut - begin) / WEEK_S) * WEEK_S
    return (float(begin), float(cut)), (float(cut), float(end))
