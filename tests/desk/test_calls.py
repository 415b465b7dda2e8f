"""Calls, tasks and units as they go through a night."""

from __future__ import annotations

import pytest

from anlan.core.errors import AnlanError
from anlan.desk import ANYBODY, Act, Grant, Person
from anlan.store import verify
from anlan.store.rebuild import differences

EAST, WEST, OTHER = "420106", "420107", "430100"


def unit(world, name, area=EAST):
    done = world.do("commander", "unit", "form", area=area, kind="patrol", name=name, home="st-1")
    world.do("dispatcher", "unit", "on_duty", done["subject"])
    return done["subject"]


def received(world, priority=1, area=EAST):
    return world.do(
        "dispatcher", "call", "receive", area=area, priority=priority, category="theft", place=[114.3, 30.6],
        narrative="门口有人打架", caller="王女士",
    )["subject"]  # fmt: skip


def assign(world, call, u, **more):
    return world.do("dispatcher", "task", "assign", kind="call", unit=u, call=call, **more)["subject"]


def test_a_call_from_ring_to_call_back(world):
    call, m21 = received(world), unit(world, "M21")
    task = assign(world, call, m21)
    assert (world.state(call), world.state(task), world.state(m21)) == ("assigned", "assigned", "busy")
    world.later(20)
    world.do("officer", "task", "accept", task)
    world.do("officer", "task", "set_off", task)
    assert world.state(call) == "en_route"
    world.later(95)
    world.do("officer", "task", "arrive", task)
    assert world.state(call) == "on_scene"
    with pytest.raises(AnlanError, match="still at work"):
        world.do("dispatcher", "call", "clear", call, disposition="resolved")
    world.do("officer", "task", "finish", task, did="调解")
    assert (world.state(task), world.state(m21), world.state(call)) == ("done", "available", "on_scene")
    world.do("dispatcher", "call", "clear", call, disposition="mediated", by="li")
    assert world.state(call) == "cleared"
    with pytest.raises(AnlanError, match="nobody verifies their own work"):
        world.do("inspector", "call", "survey", call, reached=True, by="li")
    world.do("inspector", "call", "survey", call, reached=True, satisfied=5)
    assert verify(world.desk.store).broken is None
    assert differences(world.desk.store) == []


def test_a_second_unit_never_sets_the_call_back(world):
    call, a, b = received(world), unit(world, "A"), unit(world, "B")
    first = assign(world, call, a)
    world.do("officer", "task", "arrive", first)
    second = assign(world, call, b)
    assert world.state(call) == "on_scene"
    world.do("officer", "task", "set_off", second)
    assert world.state(call) == "on_scene"
    world.do("dispatcher", "task", "recall", second, reason="enough")
    assert (world.state(call), world.state(b)) == ("on_scene", "available")


def test_a_unit_that_does_not_answer_goes_and_the_call_is_back_in_the_queue(world):
    call, a = received(world), unit(world, "A")
    task = assign(world, call, a)
    world.later(59)
    world.desk.tick()
    assert world.state(task) == "assigned"
    world.later(2)
    world.told.clear()
    assert world.desk.tick() == 1
    assert (world.state(task), world.state(call), world.state(a)) == ("unanswered", "queued", "available")
    assert {(n.to, n.transition) for n in world.told} == {
        ("dispatcher@420106", "unanswered"),
        ("commander@420106", "unanswered"),
        ("dispatcher@420106", "unit_gone"),
    }
    assert world.desk.tick() == 0


def test_deadlines_survive_a_restart(world, tmp_path):
    from anlan.desk import Desk, fold_by
    from anlan.model.procedures import ALL
    from anlan.store import Store

    call = received(world, priority=1)
    store, desk = world.desk.store, world.desk
    store.close()
    again = Store(tmp_path / "log.db", tmp_path / "keys", fold=fold_by(ALL), clock=lambda: world.now[0])
    world.later(61)
    restarted = Desk(again, ALL, desk.tree, clock=lambda: world.now[0])
    assert restarted.tick() == 1
    assert again.events(subject=call)[-1].transition == "waiting_long"
    assert restarted.tick() == 0
    again.close()


def test_the_crew_timer_starts_anew_with_each_word(world):
    call, a = received(world), unit(world, "A")
    task = assign(world, call, a)
    world.do("officer", "task", "arrive", task)
    world.later(1100)
    world.do("officer", "task", "check_in", task)
    world.later(1100)
    assert world.desk.tick() == 0
    world.later(200)
    assert world.desk.tick() == 1
    assert world.desk.store.events(subject=task)[-1].transition == "silent"
    assert world.desk.tick() == 0
    world.do("officer", "task", "check_in", task)
    world.later(1300)
    assert world.desk.tick() == 1


def test_merging_splitting_and_reopening_are_visible_and_told(world):
    one, two = received(world), received(world)
    world.do("dispatcher", "call", "merge", two, into=one)
    assert world.state(two) == "merged"
    assert world.desk.store.record(one).values["fields"]["from"] == two
    world.do("dispatcher", "call", "split", two, reason="another fight")
    world.do("dispatcher", "call", "clear", two, disposition="resolved", by="li")
    world.told.clear()
    world.do("dispatcher", "call", "reopen", two, reason="it goes on")
    assert world.state(two) == "queued"
    assert "actor:li" in {n.to for n in world.told}
    with pytest.raises(AnlanError, match="nothing is recorded under it"):
        world.do("dispatcher", "call", "merge", two, into="call-none")


def test_what_is_personal_is_in_no_record(world):
    call = received(world)
    record = world.desk.store.record(call)
    assert "王女士" not in record.data
    assert "打架" not in record.data
    opened = world.desk.store.open_sealed(call, actor="li", role="dispatcher", purpose="call back")
    assert next(iter(opened.values()))["caller"] == "王女士"


def test_personal_fields_are_erased_on_their_date(world):
    call = received(world)
    world.do("dispatcher", "call", "clear", call, disposition="advice")
    world.later(179 * 86400)
    world.desk.tick()
    assert world.desk.store.open_sealed(call, actor="li", role="x", purpose="x")
    world.later(2 * 86400)
    world.desk.tick()
    with pytest.raises(AnlanError, match="erased"):
        world.desk.store.open_sealed(call, actor="li", role="x", purpose="x")
    assert world.state(call) == "cleared"
    assert world.desk.store.record(call).due_us is None
    position = world.desk.store.position
    world.desk.tick()
    assert world.desk.store.position == position
    assert differences(world.desk.store) == []


def test_who_may_where(world):
    call = received(world)
    act = Act("call", "triage", call, {"priority": 2})
    for grants, allowed in [
        ((Grant("dispatcher", EAST),), True),
        ((Grant("dispatcher", "420100"),), True),
        ((Grant("dispatcher", WEST),), False),
        ((Grant("dispatcher", OTHER),), False),
        ((Grant("dispatcher", EAST, "view"),), False),
        ((Grant("officer", EAST),), False),
        ((Grant("dispatcher", EAST, end=world.now[0]),), False),
        ((Grant("dispatcher", EAST, begin=world.now[0] + 1),), False),
        ((Grant("dispatcher", EAST, begin=world.now[0], end=world.now[0] + 1),), True),
        ((), False),
    ]:
        somebody = Person("x", grants)
        if allowed:
            world.desk.act(somebody, act)
        else:
            with pytest.raises(AnlanError, match="needs one of the roles"):
                world.desk.act(somebody, act)


def test_outside_the_jurisdiction_a_subject_does_not_exist(world):
    call = received(world)
    with pytest.raises(AnlanError, match="nothing is recorded under it"):
        world.desk.look(Person("x", (Grant("dispatcher", WEST),)), call)
    assert world.desk.look(Person("x", (Grant("dispatcher", EAST, "view"),)), call).subject == call
    assert world.desk.open(Person("x", (Grant("dispatcher", WEST),)), "call") == []
    assert [r.subject for r in world.desk.open(Person("x", (Grant("inspector", "420100"),)), "call")] == [
        call
    ]


def test_a_consequence_does_not_reach_where_the_actor_may_not(world):
    far = received(world, area=WEST)
    a = unit(world, "A")
    with pytest.raises(AnlanError, match="needs one of the roles"):
        world.do("dispatcher", "task", "assign", where=EAST, kind="call", unit=a, call=far)
    assert (world.state(far), world.state(a)) == ("received", "available")


def test_the_public_may_report_a_hazard_and_nothing_else(world):
    done = world.desk.act(
        ANYBODY,
        Act("hazard", "report", "", {"category": "water", "place": [114.3, 30.6], "what": "no rail"}, EAST),
    )
    assert done["state"] == "reported"
    assert world.desk.store.events()[-1].role == "public"
    with pytest.raises(AnlanError, match="without an account"):
        world.desk.act(ANYBODY, Act("hazard", "triage", done["subject"], {"severity": 1}))


def test_a_stale_view_is_told_so(world):
    call = received(world)
    seen = world.desk.store.record(call).version
    d = world.person("dispatcher")
    world.desk.act(d, Act("call", "triage", call, {"priority": 3}, version=seen))
    with pytest.raises(AnlanError, match="changed meanwhile"):
        world.desk.act(d, Act("call", "triage", call, {"priority": 1}, version=seen))


def test_the_same_command_twice_happens_once_even_from_a_device_that_was_away(world):
    call, a = received(world), unit(world, "A")
    task = assign(world, call, a)
    officer = world.person("officer")
    world.later(600)
    late = Act("task", "arrive", task, at=world.now[0] - 500, id="phone-7:3")
    first = world.desk.act(officer, late)
    assert world.desk.act(officer, late) == first
    arrived = [e for e in world.desk.store.events(subject=task) if e.transition == "arrive"]
    assert [(e.at, e.recorded_at) for e in arrived] == [(world.now[0] - 500, world.now[0])]
    with pytest.raises(AnlanError, match="the future has not happened"):
        world.desk.act(officer, Act("task", "finish", task, at=world.now[0] + 3600))


def test_nothing_of_a_command_stays_if_a_consequence_fails(world):
    call, a = received(world), unit(world, "A")
    world.do("dispatcher", "unit", "off_duty", a)
    position = world.desk.store.position
    with pytest.raises(AnlanError, match="does not apply"):
        assign(world, call, a)
    assert world.desk.store.position == position
    assert world.state(call) == "received"
