"""Three calls and two units, worked by hand: when units are there.

Eleven junctions in a line, a minute apart; A's station is at the west end (0), B's at the east end (10). Units
need no time to leave. Each call is (at, junction, priority, seconds at the scene). Clock 0 is Thursday 00:00 UTC.
"""

from zoneinfo import ZoneInfo

import numpy as np
import pytest

from anlan.city.travel import Travel
from anlan.core.errors import AnlanError
from anlan.kernels import simulation_types as kinds
from anlan.model.hours import Hours
from anlan.policy import Duty, build
from anlan.simulation import replay
from anlan.simulation.roster import Roster, spans

LINE = Travel.from_arcs(
    11, np.r_[np.arange(10), np.arange(1, 11)], np.r_[np.arange(1, 11), np.arange(10)], np.full(20, 60.0)
)
STATIONS = {"place": np.array([0, 10]), "id": ["west", "east"]}
A, B = 0, 1


def play(calls, policy, stations=(0, 1), **units):
    at, place, priority, on_scene = (np.array(c) for c in zip(*calls, strict=True))
    table = {"at_s": at, "place": place, "priority": priority, "on_scene_s": on_scene}
    crew = {"station": np.array(stations), "id": ["A", "B"], **units}
    return replay(LINE, table, crew, STATIONS, policy, events=True)


def unit_log(got, unit, *which):
    log = got.played.log
    return [(r["at"], which.index(r["kind"])) for r in log[log["unit"] == unit] if r["kind"] in which]


def test_at_the_end_of_a_shift_only_urgent_calls_and_then_home():
    got = play(
        [(1300, 1, 2, 100), (1310, 1, 1, 1000), (2400, 1, 2, 0)],
        {"shifts": {"last_s": 600, "last_priority": 1}},
        shift=["00:00-00:30", ""],
    )
    # From 1200 A takes urgent calls only. It clears at 2370, after its shift, and is home at 2430 without taking
    # the third. B cleared the first at 1940 and is 20 s from junction 9 at 2400.
    assert got.unit.tolist() == [B, A, B]
    assert got.response_s.tolist() == [540, 60, 500]
    assert unit_log(got, A, kinds.SET_OFF, kinds.OFF_DUTY) == [(2370, 0), (2430, 1)]
    assert got.played.units["duty_s"][A] == 2430 - 1300


def test_a_call_waits_for_the_next_shift():
    got = play([(0, 1, 2, 0), (700, 1, 1, 0), (800, 9, 1, 0)], "closest", shift=["00:00-00:10"] * 2)
    # Both go off at 600 (A is home again by then) and come on the next midnight.
    assert got.response_s.tolist() == [60, 86400 + 60 - 700, 86400 + 60 - 800]


def test_a_unit_still_driving_home_comes_on_when_it_is_there():
    got = play(
        [(0, 5, 1, 60), (0, 9, 1, 5000), (480, 1, 1, 0)], "closest", shift=["00:00-00:07,00:08-24:00", ""]
    )
    # A clears at 360 in the middle, its shift ends at 420 on the way home, where it arrives at 660; its next one
    # began at 480, so it is there for the third from then on.
    assert got.unit.tolist() == [A, B, A]
    assert got.response_s.tolist() == [300, 60, 660 + 60 - 480]


@pytest.mark.parametrize(("priority", "response"), [(2, 120 + 60 - 10), (1, 60)])
def test_a_new_crew_takes_over_first(priority, response):
    got = play(
        [(590, 1, 2, 5000), (610, 1, priority, 0), (4000, 10, 2, 0)],
        {"shifts": {"change_over_s": 120, "change_over_priority": 1}},
        stations=(0, 0),
        shift=["00:00-00:10", "00:10-24:00"],
    )
    # A leaves at 590 and is kept beyond its shift. B comes on at 600 and is free at 720, or at once for an urgent
    # call.
    assert got.unit[:2].tolist() == [A, B]
    assert got.response_s[1] == response


def test_an_urgent_call_that_waits_gets_the_new_crew_at_once():
    got = play(
        [(500, 1, 1, 5000), (550, 1, 2, 0), (560, 1, 1, 0)],
        {"shifts": {"change_over_s": 120, "change_over_priority": 1}},
        stations=(0, 0),
        shift=["00:00-00:10", "00:10-24:00"],
    )
    # Nobody is left at 550. At 600 B comes on: the urgent call has it, and the other one when it clears at 660.
    assert got.dispatched_s.tolist() == [500, 660, 600]


def test_meal_breaks_are_broken_off_for_urgent_calls_only():
    policy = {"breaks": {"windows": "00:10-00:40", "length_s": 900, "interrupt": 1}}
    got = play([(0, 9, 2, 0), (700, 1, 2, 0), (800, 9, 1, 1000)], policy)
    # Both eat from 600 to 1500. The third takes B from the table; the second waits until A has eaten.
    assert unit_log(got, A, kinds.PAUSED, kinds.RESUMED) == [(600, 0), (1500, 1)]
    assert unit_log(got, B, kinds.PAUSED, kinds.RESUMED) == [(600, 0), (800, 1)]
    assert got.unit.tolist() == [B, A, B]
    assert got.response_s.tolist() == [60, 1500 + 60 - 700, 60]


def test_a_busy_unit_eats_when_it_is_free_and_units_of_a_station_take_turns():
    policy = {"breaks": {"windows": "00:10-00:40", "length_s": 900, "interrupt": 0}}
    got = play([(0, 0, 2, 1000), (550, 10, 2, 1900), (1100, 0, 1, 0)], policy, stations=(0, 0))
    # A's turn is at 600, but it clears at 1000: it eats until 1900, and the third waits. B's turn is at 1500, while
    # it is in the east until 3050: the window has closed.
    assert unit_log(got, A, kinds.PAUSED, kinds.RESUMED) == [(1000, 0), (1900, 1)]
    assert unit_log(got, B, kinds.PAUSED) == []
    assert got.response_s.tolist() == [0, 600, 1900 - 1100]


def test_a_unit_out_of_service_is_not_there():
    policy = {"out_of_service": [{"unit": "A", "since": 100, "until": 1000}]}
    got = play([(0, 10, 1, 0), (200, 1, 1, 0), (1100, 1, 1, 0)], policy)
    assert got.unit.tolist() == [B, B, A]
    assert got.response_s.tolist() == [0, 540, 60]
    assert unit_log(got, A, kinds.OFF_DUTY, kinds.ON_DUTY)[:2] == [(100, 0), (1000, 1)]
    got = play([(0, 0, 1, 0), (2000, 1, 1, 0), (9000, 1, 1, 0)], "closest", status=["out_of_service", ""])
    assert got.unit.tolist() == [B, B, B]


def test_work_of_its_own_keeps_a_unit_from_lesser_calls():
    duty = {"own_work": {"per_hour": 2.0, "median_s": 600.0, "sigma": 0.5, "interrupt": 1}}
    # The first job that A finds in the day, as the roster draws it (the ends are those of the replay below).
    roster = Roster(
        Duty.of_tables(duty), ["A", "B"], ["", ""], ["", "out_of_service"], np.array([0, 0]), 0.0, 86400.0,
        ZoneInfo("UTC"),
    )  # fmt: skip
    first = roster.events(0, 0)[0]
    assert first["kind"] == kinds.OWN_WORK
    since, until = first["at"], first["at"] + first["value"]
    for priority, expected in ((2, until + 60 - since - 10), (1, 60)):
        got = play(
            [(0.0, 0, 1, 0), (since + 10, 1, priority, 0), (86400.0, 0, 1, 0)], duty, stations=(0, 0),
            status=["", "out_of_service"],
        )  # fmt: skip
        assert got.response_s[1] == pytest.approx(expected)
        assert got.played.units["work_s"][A] > 60


def test_spans_of_a_night_shift_run_over_midnight_the_week_and_a_change_of_clocks():
    tz = ZoneInfo("Europe/Berlin")
    # Monday 25 March 2024 00:00 to the Monday after next; clocks go forward on Sunday the 31st at 02:00.
    begin = 1711321200.0
    got = [s for s in spans(Hours.parse("22:00-06:00"), begin, begin + 8 * 86400, tz) if s[0] >= begin]
    hours = [(b - a) / 3600 for a, b in got]
    assert hours == [8, 8, 8, 8, 8, 7, 8, 8]
    assert spans(Hours.parse("24/7"), begin, begin + 1, tz) == [(-np.inf, np.inf)]


def test_an_outage_that_ends_before_it_begins_is_refused():
    with pytest.raises(AnlanError, match="ends after it begins"):
        build({"out_of_service": [{"unit": "A", "since": 10, "until": 5}]})
