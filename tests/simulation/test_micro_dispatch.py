"""Three calls and two units, worked by hand: who is sent.

Eleven junctions in a line, a minute apart; A's station is at the west end (0), B's at the east end (10). Units
need no time to leave. Each call is (at, junction, priority, seconds at the scene).
"""

import numpy as np
import pytest

from anlan.city.travel import Travel
from anlan.core.errors import AnlanError
from anlan.simulation import replay

LINE = Travel.from_arcs(
    11, np.r_[np.arange(10), np.arange(1, 11)], np.r_[np.arange(1, 11), np.arange(10)], np.full(20, 60.0)
)
STATIONS = {"place": np.array([0, 10]), "id": ["west", "east"], "area": ["W", "E"]}
UNITS = {"station": np.array([0, 1]), "id": ["A", "B"]}
A, B = 0, 1


def play(calls, policy, units=UNITS, stations=STATIONS, **more):
    at, place, priority, on_scene = (np.array(c) for c in zip(*calls, strict=True))
    columns = {name: more.pop(name) for name in ("category", "area") if name in more}
    table = {"at_s": at, "place": place, "priority": priority, "on_scene_s": on_scene, **columns}
    return replay(LINE, table, units, stations, policy, **more)


def test_closest_takes_the_first_there_and_the_line_keeps_priority():
    got = play([(0, 4, 2, 1000), (0, 9, 2, 500), (10, 5, 3, 0)], "closest")
    assert got.unit.tolist() == [A, B, B]
    # B arrives at 60, clears at 560, and drives four minutes to junction 5.
    assert got.response_s.tolist() == [240, 60, 560 + 240 - 10]


def test_a_unit_on_its_way_is_taken_for_a_more_urgent_call():
    calls = [(0, 4, 2, 300), (60, 2, 1, 300), (70, 5, 3, 0)]
    got = play(calls, {"dispatch": {"redispatch": [[2, 1]]}})
    # A is at junction 1 when the second comes: a minute away. B then serves the first, six minutes away. The third
    # waits for A, which clears at 420 and has three minutes to go.
    assert got.unit.tolist() == [B, A, A]
    assert got.redispatched.tolist() == [1, 0, 0]
    assert got.response_s.tolist() == [60 + 360, 60, 420 + 180 - 70]
    assert got.dispatched_s.tolist() == [60, 60, 420]


def test_a_unit_turns_only_at_the_next_junction():
    got = play([(0, 4, 2, 300), (90, 1, 1, 300), (95, 10, 1, 0)], {"dispatch": {"redispatch": [[2, 1]]}})
    # Half way from 1 to 2, A first goes on to 2 (30 s) and then back to 1 (60 s).
    assert got.response_s[1] == 90
    # B takes the first instead and is itself taken for the third: it left at 90, turns at junction 9 (at 150) and
    # is back at 10 at 210; free at once, it drives six minutes to the first, which A would only leave for at 480.
    assert got.unit.tolist() == [B, A, B]
    assert got.response_s.tolist() == [570, 90, 210 - 95]
    assert got.redispatched.tolist() == [2, 0, 0]


def test_without_redispatch_nobody_is_taken():
    got = play([(0, 4, 2, 300), (60, 2, 1, 300), (70, 5, 3, 0)], "closest")
    assert got.unit.tolist() == [A, B, A]
    assert got.response_s.tolist() == [240, 480, 540 + 60 - 70]
    assert not got.redispatched.any()


def test_a_unit_is_kept_back_for_urgent_calls():
    got = play([(0, 1, 2, 100), (10, 9, 2, 0), (20, 9, 1, 100)], {"dispatch": {"reserve": {"2": 1}}})
    # The second may not take the last free unit; the third may. When B clears at 180, A is free too (since 160).
    assert got.unit.tolist() == [A, B, B]
    assert got.response_s.tolist() == [60, 180 - 10, 60]


def test_own_area_first_within_the_tolerance():
    policy = {"dispatch": {"rule": "jurisdiction", "tolerance_s": 120}}
    calls = [(0, 6, 1, 0), (5000, 7, 1, 0), (9000, 6, 1, 0)]
    got = play(calls, policy, area=["W", "W", "nowhere"])
    # A is six minutes and B four from junction 6: within the tolerance; from 7 it is seven and three.
    assert got.unit.tolist() == [A, B, B]
    assert got.response_s.tolist() == [360, 180, 240]


def test_an_area_may_belong_to_a_station_elsewhere():
    policy = {"dispatch": {"rule": "jurisdiction", "tolerance_s": 600, "areas": {"east": ["W"]}}}
    got = play([(0, 1, 1, 0), (5000, 1, 1, 5000), (5001, 2, 1, 0)], policy, area=["W", "E", "W"])
    # East answers for W now, and for E no more; the third finds east's B coming back from junction 1.
    assert got.unit.tolist() == [B, A, B]
    assert got.response_s[:2].tolist() == [540, 60]


def test_coverage_minded_dispatch_spares_the_busy_side():
    policy = {
        "dispatch": {"rule": "coverage", "within_s": 300},
        "standby": {"busy": 0.5, "reach_s": 120},
    }
    demand = {"place": np.array([0, 1, 9]), "weight": np.array([5.0, 5.0, 1.0])}
    got = play([(0, 4, 1, 0), (5000, 2, 1, 5000), (5001, 0, 1, 0)], policy, demand=demand)
    # Junction 4: only A comes within five minutes; junction 2 likewise; the third finds nobody in time but B.
    assert got.unit.tolist() == [A, A, B]
    got = play([(0, 5, 1, 0), (5000, 5, 1, 0), (9000, 4, 1, 0)], policy, demand=demand)
    # Both reach junction 5 in time: B's leaving costs (1 - q) x 1, A's (1 - q) x 10.
    assert got.unit.tolist() == [B, B, A]
    assert got.response_s.tolist() == [300, 300, 240]


def test_a_fixed_order_is_kept_whatever_the_way():
    policy = {"dispatch": {"rule": "preference", "order": {"north": ["B", "A"], "lone": ["B"]}}}
    got = play([(0, 1, 1, 1000), (10, 2, 1, 10), (20, 2, 1, 0)], policy, area=["north", "north", "lone"])
    assert got.unit.tolist() == [B, A, B]
    # B arrives at 540, clears at 1540; only it may go to the third, a minute on.
    assert got.response_s.tolist() == [540, 120, 1540 + 60 - 20]


def test_a_run_card_asks_for_two_units():
    units = {**UNITS, "kind": ["patrol", "supervisor"]}
    got = play(
        [(0, 3, 1, 100), (10, 4, 2, 50), (20, 9, 2, 0)],
        {"run_cards": {"fight": "1 patrol + 1 supervisor", "paper": "supervisor"}},
        units,
        category=["fight", "theft", "paper"],
    )
    # A is there at 180, B at 420. The second takes A, free at 280 and a minute away. The third needs B, free at
    # 520 at junction 3.
    assert got.unit.tolist() == [A, A, B]
    assert got.response_s.tolist() == [180, 280 + 60 - 10, 520 + 360 - 20]
    assert got.complete_s.tolist() == [420, 330, 860]


def test_a_card_that_nobody_can_fill_is_answered_but_never_complete():
    got = play(
        [(0, 3, 1, 100), (10, 4, 1, 0), (20, 4, 1, 0)],
        {"run_cards": {"fire": "any + ladder", "*": "2 any"}},
        category=["fire", "x", "x"],
    )
    assert got.response_s[0] == 180
    assert np.isnan(got.complete_s[0])
    assert np.isfinite(got.complete_s[1:]).all()


@pytest.mark.parametrize(
    ("policy", "part"),
    [
        ({"dispatch": {"rule": "fastest"}}, "fastest"),
        ({"dispatch": {"rule": "preference", "order": {"W": ["Z"]}}}, "'Z'"),
        ({"dispatch": {"redispatch": [[1, 2]]}}, "more urgent"),
        ({"dispatch": {"reserve": {"2": -1}}}, "reserve.2"),
        ({"dispatch": {"modes": {"1": "helicopter"}}}, "helicopter"),
        ({"standby": {"rule": "compliance", "table": {"1": ["north"]}}}, "'north'"),
        ({"standby": {"rule": "patrol", "beats": {"C": ["west"]}}}, "'C'"),
        ({"run_cards": {"fight": "0 patrol"}}, "run_cards.fight"),
        ({"shift": {"last_s": 5}}, "'shift'"),
    ],
)
def test_what_cannot_be_is_said_in_one_sentence(policy, part):
    with pytest.raises(AnlanError) as error:
        play([(0, 1, 1, 0)], policy)
    assert part in str(error.value)
