from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from anlan import hotspots
from anlan.core.errors import AnlanError
from anlan.model import Calls

SHANGHAI, LONDON = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/London")


def call(start: Any, end: Any = None, received: float = np.nan, tz: ZoneInfo = SHANGHAI) -> Calls:
    def at(text: Any) -> float:
        return datetime.fromisoformat(text).replace(tzinfo=tz).timestamp() if text else np.nan

    return Calls.make(1, id=["a"], start=[at(start)], end=[at(end)], received=[received])


def test_a_burglary_during_the_working_day():
    found = hotspots.aoristic(call("2024-01-01T08:30", "2024-01-01T10:30"), SHANGHAI)  # a Monday
    assert found.count[0, 8:11] == pytest.approx([0.25, 0.5, 0.25])
    assert found.count.sum() == pytest.approx(1)
    assert (found.known, found.spread, found.skipped) == (0, 1, 0)


def test_a_weekend_away_runs_over_the_end_of_the_week():
    found = hotspots.aoristic(call("2024-01-07T23:00", "2024-01-08T01:00"), SHANGHAI)
    assert found.count[0, 167] == pytest.approx(0.5)
    assert found.count[0, 0] == pytest.approx(0.5)


def test_the_hour_lost_in_spring_gets_nothing():
    found = hotspots.aoristic(call("2024-03-31T00:00", "2024-03-31T03:00", tz=LONDON), LONDON)
    assert found.count[0, 6 * 24 : 6 * 24 + 3] == pytest.approx([0.5, 0, 0.5])


def test_certain_times_count_whole():
    at = datetime(2024, 1, 2, 5, 59, tzinfo=SHANGHAI).timestamp()
    found = hotspots.aoristic(call(None, None, at), SHANGHAI)
    assert found.count[0, 24 + 5] == 1
    assert found.known == 1


def test_long_and_backward_intervals_are_left_out_and_told():
    calls = Calls.concat(
        [
            call("2024-01-01T00:00", "2024-03-01T00:00"),
            call("2024-01-02T00:00", "2024-01-01T00:00"),
            call("2024-01-01T00:00", "2024-01-01T00:30"),
        ]
    )
    found = hotspots.aoristic(calls, SHANGHAI)
    assert (found.skipped, found.known) == (2, 1)
    assert found.count.sum() == pytest.approx(1)
    with pytest.raises(AnlanError, match="give start and end"):
        hotspots.aoristic(calls.take(slice(0, 2)), SHANGHAI)


def test_against_minutes_by_hand():
    rng = np.random.default_rng(0)
    start = 1.7e9 - 20 + rng.integers(0, 10_000, 50) * 60.0
    end = start + rng.integers(1, 3000, 50) * 60.0
    calls = Calls.make(50, id=[""] * 50, start=start, end=end)
    by_hand = np.zeros(168)
    for a, b in zip(start, end, strict=True):
        for minute in np.arange(a, b, 60.0):
            when = datetime.fromtimestamp(minute, SHANGHAI)
            by_hand[when.weekday() * 24 + when.hour] += 60.0 / (b - a)
    assert hotspots.aoristic(calls, SHANGHAI).count[0] == pytest.approx(by_hand)


def test_interval_weights_divide_any_time():
    edges = np.array([0.0, 10, 20, 40])
    share = hotspots.interval_weights(np.array([5.0, 10, 12]), np.array([25.0, 10, 100]), edges)
    assert share[0] == pytest.approx([0.25, 0.5, 0.25])
    assert share[1].tolist() == [0, 1, 0]
    assert share[2].sum() == pytest.approx(28 / 88)
