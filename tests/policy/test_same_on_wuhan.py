"""The same proof on the streets of the demo city, with positions along streets."""

import itertools

import numpy as np
import pytest

from anlan.city.demo import demo_roads
from anlan.city.network import Network
from anlan.model.board import BoardPosts, BoardUnits, OpenCalls, Where
from anlan.model.position import Positions
from anlan.policy import build
from anlan.simulation.boards import Placed, Sent, Stage, decisions
from anlan.simulation.ground import ground_of

STATIONS, UNITS, CALLS = 12, 16, 220


@pytest.fixture(scope="module")
def town():
    """Streets in two modes, and snapped places drawn over all of them."""
    network = Network(demo_roads())
    travel = {mode: network.travel(None, mode) for mode in ("lights", "ordinary")}
    random = np.random.default_rng(11)
    length = network.roads.edges.length_m

    def places(n):
        edge = random.choice(len(length), n, p=length / length.sum())
        return Positions(edge, random.uniform(0.0, 1.0, n) * length[edge])

    return travel, places(STATIONS), places(CALLS), places(300)


@pytest.mark.parametrize(
    "config",
    [
        {
            "dispatch": {"redispatch": [[2, 1], [3, 1]], "reserve": {"3": 2}},
            "standby": {"rule": "dmexclp", "reach_s": 600.0},
        },
        {
            "dispatch": {"rule": "coverage", "within_s": 900.0},
            "standby": {"rule": "dmexclp", "reach_s": 600.0},
        },
    ],
)
def test_every_decision(config, town, prepared):
    travel, station, place, demand = town
    random = np.random.default_rng(12)
    policy = build(config, None, {"place": demand, "weight": random.uniform(0.5, 2.0, len(demand))}, busy=0.5)
    calls = {
        "at_s": np.sort(random.uniform(0, CALLS * 3000 / UNITS, CALLS)),
        "place": place,
        "priority": random.choice([1, 2, 3], CALLS),
        "on_scene_s": random.exponential(900, CALLS),
    }
    units = {"station": np.arange(UNITS) % STATIONS, "turnout_s": np.full(UNITS, 60.0)}
    world, tasks, crew, rules, *duty = prepared(travel, calls, units, {"place": station}, policy)
    posts = BoardPosts.make(
        id=[str(i) for i in range(STATIONS)], edge=station.edge, offset_m=station.offset_m
    )
    open_calls = OpenCalls.make(
        id=[f"c{i}" for i in range(CALLS)],
        priority=calls["priority"],
        edge=place.edge,
        offset_m=place.offset_m,
    )
    stage = Stage(
        rank=ground_of(list(travel.values())).rank,
        places=Where.concat([posts.where, open_calls.where]),
        posts=posts,
        units=BoardUnits.make(id=[str(i) for i in range(UNITS)]),
        calls=open_calls,
        call=tasks["place"] - STATIONS,
    )
    sent = placed = diverted = driving = 0
    found = decisions(world, tasks, crew, rules, duty[0] if duty else None, stage=stage)
    for d in itertools.islice(found, 350):
        if isinstance(d, Sent):
            first = policy.recommend(d.board, d.call, travel, divert=d.divert).first
            assert (first.unit if first else "") == d.unit
            sent += 1
            diverted += first is not None and first.taken_from != ""
            driving += first is not None and first.status == "moving"
        elif isinstance(d, Placed):
            answer = policy.move_up(d.board, travel, units=d.units, everybody=d.everybody)
            assert all(answer.of(u).post == d.post[u] for u in d.units)
            placed += 1
    assert sent > 150
    assert placed > 40
    assert driving > 20
    assert diverted > 2 or not policy.dispatch.redispatch
