"""Three calls and two units, worked by hand: where free units wait.

Eleven junctions in a line, a minute apart; stations west (0), mid (5) and east (10). A and B need no time to leave.
Each call is (at, junction, priority, seconds at the scene). Clock 0 is Thursday 00:00 UTC.
"""

import numpy as np
import pytest

from anlan.city.travel import Travel
from anlan.kernels import simulation_types as kinds
from anlan.model import Plan, Posts, Sites, Units
from anlan.policy import build
from anlan.simulation import replay

LINE = Travel.from_arcs(
    11, np.r_[np.arange(10), np.arange(1, 11)], np.r_[np.arange(1, 11), np.arange(10)], np.full(20, 60.0)
)
NAMES = ["west", "mid", "east"]
STATIONS = {"place": np.array([0, 5, 10]), "id": NAMES}
WEST, MID, EAST = 0, 1, 2
A, B = 0, 1


def play(calls, policy, homes, **more):
    at, place, priority, on_scene = (np.array(c) for c in zip(*calls, strict=True))
    table = {"at_s": at, "place": place, "priority": priority, "on_scene_s": on_scene}
    units = {"station": np.array(homes), "id": ["A", "B"]}
    return replay(LINE, table, units, STATIONS, policy, events=True, **more)


def moves(got, unit):
    """(second, what, post) of a unit's own drives."""
    log = got.played.log
    rows = log[(log["unit"] == unit) & (log["task"] < 0)]
    name = {kinds.SET_OFF: "off to", kinds.AT_POST: "at"}
    return [(r["at"], name[r["kind"]], NAMES[r["place"]]) for r in rows if r["kind"] in name]


def test_home_is_where_a_unit_returns():
    got = play([(0, 3, 1, 0), (240, 3, 1, 0), (2000, 0, 1, 0)], "home", [WEST, EAST])
    # A clears at 180 and drives back; a minute later it is at junction 2.
    assert got.response_s.tolist() == [180, 60, 0]
    assert moves(got, A)[:3] == [(180, "off to", "west"), (300, "off to", "west"), (480, "at", "west")]


def test_a_compliance_table_moves_the_last_free_unit_to_the_middle():
    policy = {"standby": {"rule": "compliance", "table": {"1": ["mid"], "2": ["west", "east"]}}}
    got = play([(0, 0, 1, 1000), (100, 5, 1, 50), (2000, 10, 1, 0)], policy, [WEST, EAST])
    # A goes at once; B sets off for the middle. At 100 it is on its way to junction 9 (at 60 … 120 to 8): 20 s to 8,
    # three minutes on. It clears at 350 and holds the middle. When A is free at 1000 both posts are held again: A
    # is nearest the west, B goes east (300 s) and stands there for the third.
    assert moves(got, B)[0] == (0, "off to", "mid")
    assert got.response_s.tolist() == [0, 200, 0]
    assert got.unit.tolist() == [A, B, B]
    assert moves(got, B)[1:5] == [
        (350, "off to", "mid"),
        (350, "at", "mid"),
        (1000, "off to", "east"),
        (1300, "at", "east"),
    ]


def test_only_a_unit_that_becomes_free_moves_without_rebalancing():
    table = {"1": ["mid"], "2": ["west", "east"]}
    policy = {"standby": {"rule": "compliance", "table": table, "rebalance": False}}
    got = play([(0, 0, 1, 1000), (100, 5, 1, 50), (2000, 10, 1, 0)], policy, [WEST, EAST])
    # B waits in the east, is called at 100, arrives at 400, clears at 450 in the middle and holds it: the second
    # vacancy, east, is filled by A when it clears at 1000 (west is where it stands, so it holds that one).
    assert got.response_s.tolist() == [0, 300, 300]
    assert moves(got, B)[:2] == [(450, "off to", "mid"), (450, "at", "mid")]


@pytest.mark.parametrize(
    ("burden", "response"),
    [({}, 200), ({"drive_s": 299.0}, 300), ({"drive_s": 300.0}, 200), ({"moves_per_hour": 0.5}, 300)],
)
def test_a_move_over_the_burden_is_not_made(burden, response):
    policy = {
        "standby": {"rule": "compliance", "table": {"1": ["mid"], "2": ["west", "east"]}},
        "burden": burden,
    }
    got = play([(0, 0, 1, 1000), (100, 5, 1, 50), (2000, 10, 1, 0)], policy, [WEST, EAST])
    assert got.response_s[1] == response


def test_a_unit_stays_its_least_time_at_a_post():
    policy = {
        "standby": {"rule": "compliance", "table": {"1": ["mid"], "2": ["west", "east"]}},
        "burden": {"stay_s": 5000},
    }
    got = play([(0, 0, 1, 1000), (2000, 10, 1, 0), (9000, 0, 1, 0)], policy, [WEST, EAST])
    # B moves to the middle at 0 and may not move on at 1000; its home counts as a move only away from it.
    assert moves(got, B)[:2] == [(0, "off to", "mid"), (300, "at", "mid")]
    assert got.response_s.tolist()[:2] == [0, 300]


def test_dmexclp_sends_a_free_unit_where_it_adds_most():
    policy = {"standby": {"rule": "dmexclp", "busy": 0.5, "reach_s": 60}}
    demand = {"place": np.array([0, 10]), "weight": np.array([3.0, 2.0])}
    got = play([(0, 5, 1, 100), (500, 10, 1, 1000), (600, 0, 1, 0)], policy, [WEST, WEST], demand=demand)
    # A clears at 400 in the middle. B covers the west: there A would add 3 x 1/4, in the east 2 x 1/2. At 500 it
    # is 20 s from junction 7, three minutes from the end.
    assert moves(got, A)[0] == (400, "off to", "east")
    assert got.unit.tolist() == [A, A, B]
    assert got.response_s.tolist() == [300, 200, 0]
    assert got.played.units["moves"][A] == 2  # and once more, when it clears in the east
    # Busier units are worth more beside each other: 3 x 0.9 x 0.1 + … the west again needs q > 2/3.
    busy = {"standby": {"rule": "dmexclp", "busy": 0.9, "reach_s": 60}}
    got = play([(0, 5, 1, 100), (500, 10, 1, 0), (600, 0, 1, 0)], busy, [WEST, WEST], demand=demand)
    assert moves(got, A)[0] == (400, "off to", "west")


def plan_of_posts(*rows):
    site, slot_from, slot_to, units = zip(*rows, strict=True)
    sites = Sites.make(3, id=NAMES, kind=["station"] * 3, lon=np.zeros(3), lat=np.zeros(3))
    return Plan(
        "line",
        sites,
        Posts.make(len(rows), site=site, slot_from=slot_from, slot_to=slot_to, units=units),
        Units.make(2, id=["A", "B"], home=["west", "west"]),
    )


def test_posts_are_held_by_the_hour():
    # Thursday 00:00 is slot 72: the middle for an hour, then the west.
    plan = plan_of_posts(("mid", 72, 73, 1), ("west", 73, 74, 1))
    policy = build({"standby": {"rule": "posts", "rebalance": False}}, plan)
    got = play([(0, 10, 1, 0), (700, 5, 1, 60), (4000, 0, 1, 0)], policy, [WEST, EAST])
    # At 0 A, the first of two as near, takes the middle; the first call finds B. The second is A's, which clears at
    # 760 and stays. At 3600 the posts change: A is nearest the west and there at 3900.
    assert moves(got, A)[:6] == [
        (0, "off to", "mid"),
        (300, "at", "mid"),
        (760, "off to", "mid"),
        (760, "at", "mid"),
        (3600, "off to", "west"),
        (3900, "at", "west"),
    ]
    assert got.unit.tolist() == [B, A, A]
    assert got.response_s.tolist() == [0, 0, 0]


def test_a_post_takes_as_many_units_as_it_lists():
    plan = plan_of_posts(("mid", 72, 73, 2))
    got = play([(0, 5, 1, 0), (400, 5, 1, 1000), (410, 5, 1, 0)], build("posts", plan), [WEST, WEST])
    # At 0 both set off for the middle, and one of them is called there on its way.
    assert got.response_s.tolist() == [300, 0, 0]
    assert got.unit.tolist() == [A, A, B]


def test_a_patrol_stops_at_each_hot_place_and_is_interrupted():
    policy = {"standby": {"rule": "patrol", "beats": {"A": ["mid", "west"]}, "stop_s": 600}}
    got = play([(0, 10, 1, 0), (600, 4, 1, 100), (1100, 1, 1, 0)], policy, [WEST, EAST])
    # A reaches the middle at 300 and would stop until 900; called at 600, it clears at 760 at junction 4, goes on
    # to the west (never visited) by 1000, and is a minute from the third.
    assert moves(got, A)[:4] == [
        (0, "off to", "mid"),
        (300, "at", "mid"),
        (760, "off to", "west"),
        (1000, "at", "west"),
    ]
    assert got.unit.tolist() == [B, A, A]
    assert got.response_s.tolist() == [0, 60, 60]


def test_a_patrol_goes_on_when_its_stop_is_over():
    policy = {"standby": {"rule": "patrol", "beats": {"A": ["mid", "west"]}, "stop_s": 600}}
    got = play([(0, 10, 1, 0), (2200, 10, 1, 0), (2400, 5, 1, 0)], policy, [WEST, EAST])
    assert moves(got, A)[:6] == [
        (0, "off to", "mid"),
        (300, "at", "mid"),
        (900, "off to", "west"),
        (1200, "at", "west"),
        (1800, "off to", "mid"),
        (2100, "at", "mid"),
    ]
    assert got.unit.tolist() == [B, B, A]
    assert got.response_s.tolist() == [0, 0, 0]


def test_two_patrols_of_one_beat_are_never_at_the_same_place():
    policy = {"standby": {"rule": "patrol", "beats": {"*": ["west", "mid", "east"]}, "stop_s": 600}}
    calls = [(0, 10, 1, 0), (20_000, 5, 1, 0), (40_000, 5, 1, 0)]
    got = play(calls, policy, [WEST, EAST])
    stays = []
    for unit in (A, B):
        log = moves(got, unit)
        arrived = [(at, post) for at, what, post in log if what == "at"]
        left = [at for at, what, _ in log if what == "off to"] + [np.inf]
        stays += [(post, at, min(t for t in left if t >= at)) for at, post in arrived if 0 < at < 19_000]
    assert len(stays) > 20
    for i, (post, since, until) in enumerate(stays):
        assert until - since >= 600
        assert all(p != post or b <= since or a >= until for p, a, b in stays[i + 1 :])
