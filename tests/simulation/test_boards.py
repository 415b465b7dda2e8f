"""On a city with areas, shifts, hourly speeds and off-road legs the board decides as the loop did, too."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from anlan.model import Plan, Posts, Sites, Units
from anlan.simulation.boards import Placed, Sent, decisions_of, travel_at
from anlan.simulation.durations import Durations
from anlan.simulation.scenario import prepare

POLICIES = [
    {
        "dispatch": {"redispatch": [[2, 1]], "reserve": {"2": 1}},
        "standby": {"rule": "posts"},
        "run_cards": {"brawl": "2 patrol"},
        "burden": {"stay_s": 900.0},
    },
    {
        "dispatch": {"rule": "jurisdiction", "tolerance_s": 30.0, "areas": {"S1": ["west"], "S2": ["east"]}},
        "standby": {"rule": "patrol", "beats": {"*": ["P1", "P2", "S1"]}},
        "own_work": {"per_hour": 0.2},
        "breaks": {"windows": "12:00-13:30"},
    },
]


@pytest.mark.parametrize("config", POLICIES)
def test_every_decision_of_a_city(config, mill):
    week = {"*": ([1.0] * 7 + [0.6] * 13 + [0.9] * 4) * 7}
    mill = mill.replaced(settings=replace(mill.settings, speed={**mill.settings.speed, "week": week}))
    sites = Sites.make(
        id=["S1", "S2", "P1", "P2"],
        kind=["station", "station", "post", "post"],
        lon=np.full(4, np.nan),
        lat=np.full(4, np.nan),
        x=500_000.0 + np.array([1, 6, 4, 2.3]) * 400.0,
        y=3_400_000.0 + np.array([1, 6, 0, 7]) * 400.0,
    )
    plan = Plan(
        "mill",
        mill.placed(sites),
        Posts.make(site=["P1", "P2", "S2"], slot_from=[0, 0, 30], slot_to=[168, 40, 60], units=[1, 1, 2]),
        Units.make(id=["a", "b", "c", "d"], home=["S1", "S1", "S2", "S2"], shift=["", "06:00-20:00", "", ""]),
    )
    calls = mill.calls.take(slice(0, 180))
    calls = calls.replaced(
        area=np.where(calls.x < 501_400.0, "west", "east"),
        cleared=np.where(calls.priority == 1, calls.cleared, calls.cleared + 2400.0),
    )
    scenario, _ = prepare(mill, calls, plan, config, seed=1, durations=Durations(off_road_kmh=10.0))
    policy, seen = scenario.policy, Counter()
    for d in decisions_of(scenario):
        travel = travel_at(scenario, d.board.slot)
        if isinstance(d, Sent):
            answer = policy.recommend(d.board, d.call, travel, divert=d.divert)
            first = answer.choices[0].first
            assert (first.unit if first else "") == d.unit
            seen["sent" if d.unit else "queued"] += 1
        elif isinstance(d, Placed):
            answer = policy.move_up(d.board, travel, units=d.units, everybody=d.everybody)
            for unit, post in d.post.items():
                move = answer.of(unit)
                assert (move.post if move else d.board.units.post[d.board.unit(unit)]) == post
            seen["placed"] += 1
    assert seen["sent"] > 150
    assert seen["placed"] > 80
