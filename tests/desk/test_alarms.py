"""One alarm, many responders: nearest first, each refusal and silence replaced, enough is enough."""

from __future__ import annotations

import time
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from anlan.core.errors import AnlanError
from anlan.desk import Cascade, CascadeRules
from anlan.store.rebuild import differences


class Line:
    """A street along which everybody walks a degree in a thousand seconds."""

    def walking(self, to, places):
        return np.array([abs(p[0] - to[0]) * 1000.0 for p in places])


@pytest.fixture
def cascade(world):
    made = Cascade(
        world.desk, Line(), ZoneInfo("Asia/Shanghai"), CascadeRules(enough=2, at_once=3, within_s=500, most=8)
    )
    yield made
    made.close()


def join(world, lon, **more):
    fields = {"kind": "merchant", "premises": f"shop {lon}", "place": [lon, 30.6], "contact": "老板"} | more
    return world.do("alliance", "member", "join", **fields)["subject"]


def raised(world, lon=114.0, **more):
    return world.do("device", "alarm", "raise", place=[lon, 30.6], channel="button", **more)["subject"]


def alerts(world, alarm):
    """Member → (state, walking seconds), in the order of asking."""
    record = world.desk.store.record(alarm)
    out = {}
    for s in record.values["joined"]:
        r = world.desk.store.record(s)
        out[r.values["fields"]["member"]] = (r.state, r.values["fields"]["walk_s"], s)
    return out


def test_the_nearest_on_call_are_asked_and_nobody_else(world, cascade):
    far, near, mid = join(world, 114.4), join(world, 114.1), join(world, 114.2)
    join(world, 114.6)  # farther than the longest walk
    resting = join(world, 114.05)
    world.do("member", "member", "rest", resting)
    join(world, 114.05, hours="03:00-04:00")  # 2023-11-15 06:13 in Shanghai
    alarm = raised(world)
    assert cascade.consider(alarm) == 3
    assert [(m, s, w) for m, (s, w, _) in alerts(world, alarm).items()] == [
        (near, "sent", 100.0),
        (mid, "sent", 200.0),
        (far, "sent", 400.0),
    ]
    assert cascade.consider(alarm) == 0
    assert {n.to for n in world.told if n.procedure == "alert"} == {f"member:{m}" for m in (near, mid, far)}


def test_each_refusal_and_silence_is_replaced_until_enough_accept(world, cascade):
    members = [join(world, 114.0 + i / 100) for i in range(1, 9)]
    alarm = raised(world)
    cascade.consider(alarm)
    assert list(alerts(world, alarm)) == members[:3]
    ids = {m: s for m, (_, _, s) in alerts(world, alarm).items()}
    world.do("member", "alert", "decline", ids[members[0]])
    assert cascade.consider(alarm) == 1
    assert list(alerts(world, alarm)) == members[:4]
    world.do("member", "alert", "accept", ids[members[1]])
    assert cascade.consider(alarm) == 0
    world.later(31)
    assert world.desk.tick() == 2  # two have not answered
    assert cascade.consider(alarm) == 2
    ids = {m: s for m, (_, _, s) in alerts(world, alarm).items()}
    world.do("member", "alert", "accept", ids[members[4]])
    assert cascade.consider(alarm) == 0
    assert world.state(alarm) == "answered"
    states = {m: s for m, (s, _, _) in alerts(world, alarm).items()}
    assert [states[m] for m in members[:6]] == [
        "declined",
        "accepted",
        "silent",
        "silent",
        "accepted",
        "stood_down",
    ]
    # One of them turns back: the cascade goes on.
    world.do("member", "alert", "decline", ids[members[1]])
    assert world.state(alarm) == "calling"
    assert cascade.consider(alarm) == 2
    assert differences(world.desk.store) == []


def test_when_nobody_is_left_the_police_are_told(world, cascade):
    m = join(world, 114.1)
    alarm = raised(world)
    cascade.consider(alarm)
    (state, _, alert) = alerts(world, alarm)[m]
    assert state == "sent"
    world.do("member", "alert", "decline", alert)
    world.told.clear()
    cascade.consider(alarm)
    cascade.consider(alarm)
    assert [n.to for n in world.told] == ["dispatcher@420106", "commander@420106"]


def test_unsafe_stops_everybody_and_closing_stands_them_down_and_erases_positions(world, cascade):
    a, b = join(world, 114.1), join(world, 114.2)
    alarm = raised(world)
    cascade.consider(alarm)
    ids = {m: s for m, (_, _, s) in alerts(world, alarm).items()}
    world.do("member", "alert", "accept", ids[a])
    world.do("member", "alert", "share", ids[a], position=[114.05, 30.6])
    world.told.clear()
    world.do("member", "alarm", "unsafe", alarm, what="knife")
    cascade.consider(alarm)
    assert {f"member:{a}", f"member:{b}"} <= {n.to for n in world.told if n.transition == "stop"}
    world.do("dispatcher", "alarm", "close", alarm, disposition="dealt_with")
    cascade.consider(alarm)
    assert {s for s, _, _ in alerts(world, alarm).values()} == {"stood_down"}
    world.desk.tick()
    with pytest.raises(AnlanError, match="erased"):
        world.desk.store.open_sealed(ids[a], actor="x", role="y", purpose="z")
    assert "114.05" not in world.desk.store.record(ids[a]).data


def test_a_drill_says_so_to_everybody(world, cascade):
    m = join(world, 114.1)
    alarm = raised(world, drill=True)
    cascade.consider(alarm)
    assert world.desk.store.record(alerts(world, alarm)[m][2]).values["fields"]["drill"] is True


def test_started_it_follows_the_log_by_itself_and_takes_up_what_was_open(world, cascade):
    for i in range(1, 9):
        join(world, 114.0 + i / 100)
    before = raised(world)
    cascade.start()
    after = raised(world)

    def asked(alarm):
        return len(world.desk.store.record(alarm).values["joined"])

    until = time.monotonic() + 20
    while (asked(before), asked(after)) != (3, 3) and time.monotonic() < until:
        time.sleep(0.02)
    assert (asked(before), asked(after)) == (3, 3)
    first = next(iter(alerts(world, after).values()))[2]
    world.do("member", "alert", "decline", first)
    while asked(after) != 4 and time.monotonic() < until:
        time.sleep(0.02)
    assert asked(after) == 4
    # Who joins and who leaves while it follows counts at the next alarm.
    near = join(world, 114.001)
    gone = next(m for m in alerts(world, after))
    world.do("member", "member", "leave", gone)
    while (near in cascade._roster(), gone in cascade._roster()) != (
        True,
        False,
    ) and time.monotonic() < until:
        time.sleep(0.02)
    third = raised(world)
    while asked(third) != 3 and time.monotonic() < until:
        time.sleep(0.02)
    assert near in alerts(world, third)
    assert gone not in alerts(world, third)


def test_impossible_rules_are_refused():
    with pytest.raises(AnlanError, match="at least one has to accept"):
        CascadeRules(enough=5, at_once=3)
