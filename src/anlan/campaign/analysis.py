"""The first half of the main job: learn demand from one part of the calls, check it on the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anlan.campaign.options import PlanOptions
from anlan.campaign.survey import survey
from anlan.campaign.surveyed import Survey, SurveyOptions
from anlan.city.city import City
from anlan.core.errors import AnlanError
from anlan.core.job import Job
from anlan.core.time import DAY_S, WEEK_S, utc_offset_s
from anlan.hotspots import demand as learn_demand
from anlan.model import Calls, Demand


@dataclass(frozen=True, eq=False)
class Analysis:
    """What the plan learns from, what it is proved on, and what stands out in the city.

    Attributes
    ----------
    train, test : (float, float)
        Windows in Unix seconds, half-open; both begin and end at local midnight.
    learnt : Calls
        Calls of the training window (all sources; demand uses the reported ones).
    warm_up, held_out : Calls
        Calls of the day before the test window, which fill the simulated city, and those of the window.
    demand : Demand
    survey : Survey
        What stands out and where, from all calls; the plan does not learn from it.
    """

    train: tuple[float, float]
    test: tuple[float, float]
    learnt: Calls
    warm_up: Calls
    held_out: Calls
    demand: Demand
    survey: Survey


def analyse(city: City, options: PlanOptions, job: Job) -> Analysis:
    """Split the calls in time, learn demand from the first part, and survey the city.

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
    settings = SurveyOptions(
        seed=options.seed,
        cell_m=options.cell_m,
        bandwidth_m=options.bandwidth_m,
        held_out_weeks=options.test_weeks,
    )
    found = survey(city, settings, job=job)
    job.check()
    return Analysis(train, test, learnt, warm_up, held_out, demand, found)


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
