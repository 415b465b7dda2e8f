from datetime import datetime
from itertools import combinations
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from anlan import hotspots
from anlan.core.errors import AnlanError
from anlan.core.time import DAY_S
from anlan.hotspots import Disk, gi_star, mann_kendall
from anlan.hotspots.emerging import CLASSES, classify
from anlan.model import Calls


@given(st.lists(st.integers(0, 5), min_size=2, max_size=12))
def test_mann_kendall_by_hand(values):
    s = sum(np.sign(b - a) for a, b in combinations(values, 2))
    n = len(values)
    _, ties = np.unique(values, return_counts=True)
    variance = (n * (n - 1) * (2 * n + 5) - sum(t * (t - 1) * (2 * t + 5) for t in ties)) / 18
    z = 0 if variance == 0 else (s - np.sign(s)) / np.sqrt(variance)
    found = mann_kendall(np.array(values)[:, None])
    assert found.s[0] == s
    assert found.z[0] == pytest.approx(z)
    assert found.p[0] == pytest.approx(2 * norm.sf(abs(z)))


def by_the_table(hot: list[bool], cold: list[bool], trend: int) -> str:
    """The documented table, read for one place."""
    n = len(hot)
    share, before = sum(hot) / n, sum(hot[:-1])
    if hot[-1]:
        if before == 0:
            return "new"
        first = hot.index(True)
        if all(hot[first:]) and share < 0.9:
            return "consecutive"
        if share >= 0.9:
            return {1: "intensifying", 0: "persistent", -1: "diminishing"}[trend]
        return "oscillating" if any(cold) else "sporadic"
    return "historical" if before >= 0.9 * (n - 1) else ""


@given(st.lists(st.sampled_from([-1, 0, 1]), min_size=4, max_size=14), st.sampled_from([-1, 0, 1]))
def test_classes_follow_the_table(states, trend):
    hot, cold = [s == 1 for s in states], [s == -1 for s in states]
    code = classify(
        np.array(hot)[:, None], np.array(cold)[:, None], np.array([trend == 1]), np.array([trend == -1])
    )[0]
    assert CLASSES[code] == by_the_table(hot, cold, trend)


def planted(seed: int = 0) -> Any:
    """Twelve months on a grid of 40 × 40: one spot of each kind, four cells wide, ten times the rest."""
    rng = np.random.default_rng(seed)
    rate = np.full((12, 40, 40), 2.0)

    def spot(row: int, column: int, months: Any) -> None:
        rate[:, row : row + 4, column : column + 4] = np.where(
            months[:, None, None] > 0, months[:, None, None], 2
        )

    month = np.arange(12)
    spot(4, 4, np.where(month == 11, 20, 0))  # new
    spot(4, 16, np.where(month >= 8, 20, 0))  # consecutive
    spot(4, 28, 12 + 4 * month)  # intensifying
    spot(20, 4, np.full(12, 25))  # persistent
    spot(20, 16, 60 - 4 * month)  # diminishing
    spot(20, 28, np.where(month % 3 == 2, 25, 0))  # sporadic
    spot(32, 4, np.where(month < 11, 25, 0))  # historical
    return rng.poisson(rate)


def test_every_kind_is_found_where_it_was_planted():
    found = hotspots.emerging(planted(), Disk(1.5))
    at = {
        "new": (5, 5),
        "consecutive": (5, 17),
        "intensifying": (5, 29),
        "persistent": (21, 5),
        "diminishing": (21, 17),
        "sporadic": (21, 29),
        "historical": (33, 5),
    }
    for name, (row, column) in at.items():
        block = found.pattern[row : row + 2, column : column + 2]
        assert {CLASSES[c] for c in block.ravel()} == {name}
    assert found.name(1) == "new hot spot"
    assert found.name(-4, "zh") == "持续冷点"


def test_the_steps_are_those_run_by_hand():
    counts = planted(1)
    found = hotspots.emerging(counts, Disk(1.5), level=0.1)
    for step in range(12):
        alone = gi_star(counts[step], Disk(1.5))
        assert np.array_equal(found.z[step], alone.z)
        assert np.array_equal(found.hot[step], alone.hot(0.1))
        assert np.array_equal(found.cold[step], alone.cold(0.1))
    trend = mann_kendall(found.z.reshape(12, -1))
    assert np.array_equal(found.trend_z.ravel(), trend.z)
    rising = (trend.p <= 0.05) & (trend.z > 0)
    falling = (trend.p <= 0.05) & (trend.z < 0)
    for cell in range(0, 1600, 7):
        hot = found.hot.reshape(12, -1)[:, cell].tolist()
        cold = found.cold.reshape(12, -1)[:, cell].tolist()
        name = by_the_table(hot, cold, int(rising[cell]) - int(falling[cell]))
        if name:
            assert CLASSES[found.pattern.ravel()[cell]] == name


def test_cold_spots_mirror_hot_ones():
    counts = np.random.default_rng(2).poisson(30.0, (8, 20, 20))
    counts[:, 8:12, 8:12] = 0
    found = hotspots.emerging(counts, Disk(1.5))
    assert found.name(int(found.pattern[10, 10])) == "persistent cold spot"


def test_empty_steps_and_missing_cells_are_no_error():
    counts = planted(3).astype(float)
    counts[4] = 0
    counts[:, 0, :] = np.nan
    found = hotspots.emerging(counts, Disk(1.5))
    assert not found.hot[4].any()
    assert (found.pattern[0] == 0).all()


def test_few_steps_get_a_sentence():
    with pytest.raises(AnlanError, match="at least four"):
        hotspots.emerging(np.ones((3, 5, 5)), Disk(1.5))
    with pytest.raises(AnlanError, match="cannot be negative"):
        hotspots.emerging(-np.ones((5, 5, 5)), Disk(1.5))


def test_time_steps_count_back_from_the_end():
    tz = ZoneInfo("Europe/London")
    start = datetime(2024, 3, 1, tzinfo=tz).timestamp()  # clocks change on 31 March
    received = start + (np.arange(120) + 0.5) * DAY_S
    calls = Calls.make(
        120,
        id=[""] * 120,
        source=["reported"] * 120,
        received=received,
        x=np.full(120, 5.0),
        y=np.full(120, 5.0),
    )
    cells = hotspots.Cells("square", 10.0, 0, 0, 2, 1)
    steps = hotspots.time_steps(calls, cells, tz=tz, step_days=28)
    assert steps.tolist() == [[28, 0]] * 4
    with pytest.raises(AnlanError, match="four steps of 60 days"):
        hotspots.time_steps(calls, cells, tz=tz, step_days=60)
