import numpy as np

from anlan.city.travel import Travel
from anlan.model import Board, BoardUnits, OpenCalls
from anlan.policy import build

# Line Town: junctions 0 … 10 in a row, a minute apart; junction 11 lies on an island.
TAIL = np.array([*range(10), *range(1, 11)])
HEAD = np.array([*range(1, 11), *range(10)])
LINE = Travel.from_arcs(12, TAIL, HEAD, np.full(20, 60.0))


def board(nodes, calls, **columns):
    units = BoardUnits.make(id=[f"u{n}" for n in nodes], node=nodes, **columns)
    table = OpenCalls.make(
        id=[c[0] for c in calls],
        priority=[c[1] for c in calls],
        received=[c[2] for c in calls],
        node=[c[3] for c in calls],
    )
    return Board(1000.0, 0, units, table)


def sent(answers):
    return [(a.call, *a.units) for a in answers]


CALLS = (("late", 2, 900.0, 1), ("early", 2, 800.0, 2), ("urgent", 1, 950.0, 9), ("minor", 3, 10.0, 5))


def test_by_priority_then_by_time_each_after_the_one_before():
    b = board([0, 5, 10], CALLS)
    assert sent(build("closest").serve(b, LINE)) == [("urgent", "u10"), ("early", "u0"), ("late", "u5")]
    assert b.units.status.tolist() == ["idle"] * 3  # the board itself stays as it was


def test_the_reserve_stops_the_line():
    b = board([0, 5, 10], CALLS)
    assert sent(build({"dispatch": {"reserve": {"2": 1}}}).serve(b, LINE)) == [
        ("urgent", "u10"),
        ("early", "u0"),
    ]


def test_a_call_that_nobody_can_serve_lets_others_pass():
    b = board([0, 5], [("island", 1, 0.0, 11), ("here", 2, 0.0, 4)])
    assert sent(build("closest").serve(b, LINE)) == [("here", "u5")]


def test_a_call_that_waits_for_its_last_unit():
    policy = build({"run_cards": {"*": "patrol + supervisor"}})
    b = board([0, 5, 10], [("c", 1, 0.0, 4)], kind=["patrol", "supervisor", "patrol"])
    assert sent(policy.serve(b, LINE)) == [("c", "u0"), ("c", "u5")]
    done = Board(b.now, b.slot, b.units, b.calls.replaced(done_by=["u10"]))
    assert sent(policy.serve(done, LINE)) == [("c", "u5")]
    assert sent(policy.serve(b.sent("u5", "c"), LINE)) == [("c", "u0")]


def test_an_urgent_call_that_waits_breaks_off_a_meal():
    meal = board([5, 0], CALLS, status=["paused", "off"], pause_for=[1, 0])
    assert sent(build("closest").serve(meal, LINE)) == [("urgent", "u5")]


def test_nobody_waits_or_nobody_is_free():
    assert build("closest").serve(board([0], []), LINE) == ()
    assert build("closest").serve(board([0], CALLS, status=["off"]), LINE) == ()
    # A unit on its way to a lesser call is not taken for one that has waited.
    busy = board([5, 0], CALLS, status=["en_route", "off"], task=["minor", ""])
    assert build({"dispatch": {"redispatch": [[3, 1]]}}).serve(busy, LINE) == ()
