"""The same night heard event by event, read as columns, and counted by hand."""

from zoneinfo import ZoneInfo

import numpy as np
import pytest

from anlan.evaluation.listen import Listener, listen
from anlan.model.event import Events

TZ = ZoneInfo("Asia/Shanghai")
RINGS = (60.0, 300.0)
NIGHT = 1_660_000_000.0


def log(*rows):
    """Events from (seconds, call or unit, transition, unit, payload)."""
    at, subject, step, unit, payload = zip(*rows, strict=True)
    return Events.make(
        len(rows),
        id=[f"e{k}" for k in range(len(rows))],
        stream=["1"] * len(rows),
        subject=list(subject),
        procedure=["unit" if t in ("set_off", "at_post") else "dispatch" for t in step],
        transition=list(step),
        at=NIGHT + np.array(at, float),
        unit=list(unit),
        area=["north" if s == "c1" else "south" for s in subject],
        payload=list(payload),
    )


def two_calls():
    """Car A is taken from c2 for the more urgent c1; B then serves c2; A drives home."""
    urgent = '{"category": "fight", "priority": 1}'
    return log(
        (0, "c2", "received", "", '{"category": "noise", "priority": 2}'),
        (10, "c2", "dispatched", "A", ""),
        (60, "c1", "received", "", urgent),
        (60, "c2", "diverted", "A", ""),
        (60, "c1", "dispatched", "A", ""),
        (60, "c1", "departed", "A", ""),
        (60, "c2", "queued", "", ""),
        (100, "c1", "arrived", "A", '{"metres": 500}'),
        (200, "c2", "dispatched", "B", ""),
        (260, "c2", "departed", "B", ""),
        (400, "c2", "arrived", "B", '{"metres": 1500}'),
        (500, "c1", "cleared", "A", ""),
        (500, "A", "set_off", "A", ""),
        (620, "A", "at_post", "A", ""),
        (700, "c2", "cleared", "B", ""),
    )


def by_event(events):
    listener = Listener(TZ, RINGS)
    for row in range(len(events)):
        listener.hear(events.row(row))
    return listener.indicators()


def flat(indicators):
    """Everything an `Indicators` says, comparable with ==."""
    units = {k: v.tolist() for k, v in indicators.units.columns().items()}
    return repr((indicators.overall, indicators.by, units, indicators.hours, indicators.open_calls))


@pytest.mark.parametrize(
    "hear", [by_event, lambda e: listen(e, TZ, RINGS)], ids=["event by event", "at once"]
)
def test_figures_of_a_night_of_two_calls(hear):
    got = hear(two_calls())
    assert got.overall.calls == 2
    assert got.overall.mean_s == (40 + 400) / 2
    assert got.overall.turnout_s == (0 + 60) / 2
    assert got.overall.travel_s == (40 + 140) / 2
    assert got.overall.queued_s == (0 + 190) / 2  # c2 could be sent at 10 and was, for good, at 200
    assert got.overall.queued_share == 0.5
    assert got.overall.within == {60.0: 0.5, 300.0: 0.5}
    assert got.overall.median_s == 40
    assert got.by["category"]["fight"].mean_s == 40
    assert got.by["priority"][2].mean_s == 400
    assert set(got.by["area"]) == {"north", "south"}
    a, b = got.units.id.tolist() == ["A", "B"] and (0, 1)
    assert got.units.work_s.tolist() == [50 + 440, 500]
    assert got.units.driving_s[a] == 40 + 120
    assert got.units.driving_s[b] == 140
    assert got.units.moves.tolist() == [1, 0]
    assert got.units.km.tolist() == [0.5, 1.5]
    assert got.open_calls == 0


def test_a_call_nobody_came_to_is_open_and_late():
    events = log((0, "c1", "received", "", ""), (0, "c1", "queued", "", ""))
    for got in (by_event(events), listen(events, TZ, RINGS)):
        assert got.open_calls == 1
        assert got.overall.served_share == 0
        assert got.overall.within[300.0] == 0


def test_warm_up_calls_do_not_count():
    got = listen(two_calls(), TZ, RINGS, since=NIGHT + 30)
    assert got.overall.calls == 1
    assert got.overall.mean_s == 40


def test_a_random_year_is_the_same_to_the_last_digit():
    random = np.random.default_rng(5)
    rows = []
    for c in range(400):
        at = float(random.uniform(0, 7 * 86400))
        unit = f"U{c % 7}"
        steps = at + np.cumsum(random.exponential(100.3, 5))
        rows.append((at, f"c{c}", "received", "", f'{{"category": "k{c % 3}", "priority": {1 + c % 2}}}'))
        if c % 11:
            rows += [
                (steps[k], f"c{c}", step, unit, "")
                for k, step in enumerate(("dispatched", "departed", "arrived", "cleared"))
            ]
    events = log(*sorted(rows))
    one, other = by_event(events), listen(events, TZ, RINGS)
    assert flat(one) == flat(other)
    assert sum(r.calls for r in one.by["hour"].values()) == 400
