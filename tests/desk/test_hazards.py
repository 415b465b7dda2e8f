"""Hazards: verified by somebody else, deadlines, one level up."""

from __future__ import annotations

import pytest

from anlan.core.errors import AnlanError

DAY = 86400.0


def hazard(world, severity=2):
    h = world.do("officer", "hazard", "report", category="fire", place=[114.3, 30.6], what="blocked exit")[
        "subject"
    ]
    world.do("triage", "hazard", "triage", h, severity=severity)
    world.do("triage", "hazard", "assign", h, owner="market-3")
    return h


def test_from_found_to_closed(world):
    h = hazard(world)
    world.do("owner", "hazard", "fix", h, did="cleared", by="chen")
    with pytest.raises(AnlanError, match="nobody verifies their own work"):
        world.do("inspector", "hazard", "verify", h, by="chen")
    world.do("inspector", "hazard", "not_fixed", h, reason="still blocked", by="wu")
    assert world.state(h) == "assigned"
    world.do("owner", "hazard", "fix", h, did="cleared again", by="chen")
    world.do("inspector", "hazard", "verify", h, by="wu")
    world.do("inspector", "hazard", "close", h, disposition="fixed", by="wu")
    record = world.desk.store.record(h)
    assert record.state == "closed"
    assert record.values["fields"]["disposition"] == "fixed"
    world.told.clear()
    world.do("inspector", "hazard", "reopen", h, reason="blocked again")
    assert {"actor:wu", "owner:market-3"} <= {n.to for n in world.told}


@pytest.mark.parametrize(("severity", "days"), [(1, 1), (2, 7), (3, 30)])
def test_overdue_at_the_deadline_and_one_level_up_at_three_times(world, severity, days):
    h = hazard(world, severity)
    world.later(days * DAY - 1)
    assert world.desk.tick() == 0
    world.later(2)
    assert world.desk.tick() == 1
    assert world.desk.store.events(subject=h)[-1].transition == "overdue"
    world.later(2 * days * DAY - 10)
    assert world.desk.tick() == 0
    world.later(20)
    world.told.clear()
    assert world.desk.tick() == 1
    assert "commander@420100" in {n.to for n in world.told}  # the city, above the county
    assert world.desk.tick() == 0


def test_fixing_does_not_stop_the_clock_and_closing_does(world):
    h = hazard(world, 1)
    world.do("owner", "hazard", "fix", h, did="x", by="chen")
    world.later(DAY + 1)
    assert world.desk.tick() == 1
    world.do("inspector", "hazard", "verify", h)
    world.do("inspector", "hazard", "close", h, disposition="fixed")
    world.later(10 * DAY)
    assert world.desk.tick() == 0
