"""Learning from discovered calls runs away (Ensign et al. 2018); our own targeting code must not."""

from typing import Any

import numpy as np
import pytest

from anlan import hotspots
from anlan.core.errors import AnlanError
from anlan.core.seed import stream
from anlan.core.time import DAY_S
from anlan.model import Calls

A, B = 3.69, 2.82  # calls a day in the two districts: the true share of A is 0.567
PRIOR = (609, 379)
# The paper's urn forgets 1 % of its balls a day.
HALF_LIFE_WEEKS = np.log(0.5) / np.log(0.99) / 7


def log(area: Any, day: Any, source: str) -> Calls:
    n = len(area)
    return Calls.make(
        n, id=[""] * n, source=[source] * n, area=np.array(area, object), received=np.array(day) * DAY_S
    )


def thousand_days(seed: int, learn_from: str, know_dose: bool = False) -> float:
    """One patrol a day goes to A or B by our shares; it discovers what happens where it is."""
    rng = stream(seed, "urn")
    districts = hotspots.Districts(np.array(["A", "B"], object), np.ones(2))
    area = ["A"] * PRIOR[0] + ["B"] * PRIOR[1]
    day = [-1.0] * len(area)
    visits = np.array([1.0, 1.0])
    share = np.array([0.5, 0.5])
    for today in range(1000):
        calls = log(area, day, learn_from)
        if today % 5 == 0 or learn_from == "discovered":
            dose = None
            if learn_from == "discovered":
                where = districts.of_calls(calls)
                dose = (visits if know_dose else np.ones(2))[where]
            share = hotspots.patrol_shares(
                calls,
                districts,
                until=today * DAY_S,
                half_life_weeks=HALF_LIFE_WEEKS,
                source=learn_from,
                dose=dose,
            )
        at = int(rng.random() >= share[0])
        # The dose ages as the calls do, so that the two stay comparable.
        visits = visits * 0.99 + np.eye(2)[at]
        happens = rng.poisson([A, B])
        seen = [0, 0] if learn_from == "discovered" else happens
        if learn_from == "discovered":
            seen[at] = happens[at]
        area += ["A"] * seen[0] + ["B"] * seen[1]
        day += [today + 0.5] * int(seen[0] + seen[1])
    return float(share[0])


def test_learning_from_discovered_calls_runs_away():
    ends = [thousand_days(seed, "discovered") for seed in range(3)]
    assert np.mean(ends) == pytest.approx(0.93, abs=0.05)


def test_learning_from_reported_calls_finds_the_truth():
    ends = [thousand_days(seed, "reported") for seed in range(3)]
    assert np.mean(ends) == pytest.approx(0.567, abs=0.025)


def test_discovered_calls_weighted_by_the_logged_dose_do_not_run_away():
    ends = [thousand_days(seed, "discovered", know_dose=True) for seed in range(3)]
    assert np.mean(ends) == pytest.approx(0.567, abs=0.05)


def test_the_default_is_reported_and_says_what_was_left_out():
    calls = Calls.concat(
        [
            log(["A"] * 3, [0] * 3, "reported"),
            log(["A"] * 2, [0] * 2, "discovered"),
            log(["A"], [0], "device"),
        ]
    )
    admitted = hotspots.admit(calls)
    assert len(admitted) == 3
    assert admitted.left_out == {"discovered": 2, "device": 1}
    assert len(hotspots.admit(calls, ("reported", "device"))) == 4


def test_discovered_calls_without_a_dose_are_refused():
    calls = log(["A", "B"], [0, 0], "discovered")
    with pytest.raises(AnlanError, match="only against the patrol"):
        hotspots.admit(calls, "discovered")
    with pytest.raises(AnlanError, match="where no patrol was logged"):
        hotspots.admit(calls, "discovered", dose=np.array([1.0, 0.0]))
    with pytest.raises(AnlanError, match="reported, discovered, device or unknown"):
        hotspots.admit(calls, "heard")


def test_negative_counts_get_a_sentence():
    with pytest.raises(AnlanError, match="cannot be negative"):
        hotspots.counts([1, -2])
    with pytest.raises(AnlanError, match="a count is a number"):
        hotspots.counts([1, np.nan])
