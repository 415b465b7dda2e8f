import csv
import os
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anlan.core.errors import AnlanError, Cancelled
from anlan.core.job import Job
from anlan.core.time import DAY_S
from anlan.hotspots.knox import knox


def brute(x: Any, y: Any, t: Any, space: Any, time: Any) -> Any:
    table = np.zeros((len(space) - 1, len(time) - 1), int)
    for i in range(len(x)):
        for j in range(i):
            far, late = np.hypot(x[i] - x[j], y[i] - y[j]), abs(t[i] - t[j])
            for a in range(len(space) - 1):
                for b in range(len(time) - 1):
                    table[a, b] += space[a] <= far < space[a + 1] and time[b] <= late < time[b + 1]
    return table


def test_one_hundred_metres_and_three_days_apart():
    """Intervals are [a, b): the pair lies in [100, 200) m and [3, 4) days."""
    found = knox([0, 100], [0, 0], [0, 3], space_edges=[0, 100, 200], time_edges=[0, 1, 2, 3, 4, 5])
    assert np.argwhere(found.observed).tolist() == [[1, 3]]
    assert found.cell(100, 3) == (1, 3)
    assert found.cell(200, 5) == (-1, -1)
    in_seconds = knox(
        [0, 60], [0, 80], [0, 3 * DAY_S], space_edges=[0, 100, 200], time_edges=np.arange(6) * DAY_S
    )
    assert np.argwhere(in_seconds.observed).tolist() == [[1, 3]]


def test_every_cell_equals_brute_force():
    rng = np.random.default_rng(0)
    for k in range(60):
        n = int(rng.integers(2, 60))
        x, y, t = rng.integers(0, int(rng.integers(2, 25)), (3, n)).astype(float)
        if np.ptp(t) == 0 or (np.ptp(x) == 0 and np.ptp(y) == 0):
            continue
        space = np.unique(rng.integers(k % 2, 12, 5)).astype(float)
        time = np.unique(rng.integers(0, 12, 4)).astype(float)
        if len(space) < 2 or len(time) < 2:
            continue
        found = knox(x, y, t, space_edges=space, time_edges=time, permutations=3)
        assert np.array_equal(found.observed, brute(x, y, t, space, time))
        for world in found.permuted:
            assert world.sum(axis=1).max() <= n * (n - 1) / 2


def test_pairs_beyond_one_batch_are_all_counted(monkeypatch):
    rng = np.random.default_rng(5)
    x, y, t = rng.uniform(0, 100, (3, 300))
    edges = {"space_edges": [0, 10, 40], "time_edges": [0, 5, 50]}
    whole = knox(x, y, t, **edges, permutations=4)
    monkeypatch.setattr(import_module("anlan.hotspots.knox"), "_ROOM", 50)
    parts = knox(x, y, t, **edges, permutations=4)
    assert np.array_equal(whole.permuted, parts.permuted)
    assert np.array_equal(whole.observed, brute(x, y, t, [0, 10, 40], [0, 5, 50]))


def test_the_expectation_is_the_mean_over_permutations():
    rng = np.random.default_rng(1)
    x, y, t = rng.uniform(0, 1000, (3, 300))
    found = knox(x, y, t, space_edges=[0, 50, 100, 200], time_edges=[0, 50, 300], permutations=600)
    error = found.permuted.std(axis=0) / np.sqrt(600)
    assert (np.abs(found.permuted.mean(axis=0) - found.expected) < 4.5 * error).all()


def test_a_planted_near_repeat_is_found_and_nothing_else():
    rng = np.random.default_rng(2)
    x, y, t = rng.uniform(0, 5000, 900), rng.uniform(0, 5000, 900), rng.uniform(0, 365, 900)
    again = rng.integers(0, 900, 150)
    x = np.append(x, x[again] + rng.uniform(-50, 50, 150))
    y = np.append(y, y[again] + rng.uniform(-50, 50, 150))
    t = np.append(t, t[again] + rng.uniform(0, 4, 150))
    found = knox(x, y, t, space_edges=[0, 100, 200, 400], time_edges=[0, 4, 8, 30], permutations=199)
    assert found.p_value[0, 0] == 1 / 200
    assert found.ratio[0, 0] > 5
    assert found.p_value[1:, 1:].min() > 0.005


def test_p_values_of_unrelated_places_and_times_are_uniform():
    rng = np.random.default_rng(3)
    p = []
    for k in range(300):
        x, y, t = rng.uniform(0, 1000, (3, 120))
        p.append(knox(x, y, t, space_edges=[0, 250], time_edges=[0, 250], permutations=99, seed=k).p_value)
    share = np.array(p).ravel()
    for level in (0.1, 0.3, 0.5, 0.8):
        assert abs((share <= level).mean() - level) < 4 * np.sqrt(level * (1 - level) / 300) + 0.01


def test_the_seed_decides_and_the_threads_do_not():
    x, y, t = np.random.default_rng(4).uniform(0, 100, (3, 200))
    edges: Any = {"space_edges": [0, 10, 20], "time_edges": [0, 10, 20]}
    one, two = (knox(x, y, t, **edges, seed=5, threads=n) for n in (1, 2))
    assert np.array_equal(one.permuted, two.permuted)
    assert not np.array_equal(one.permuted, knox(x, y, t, **edges, seed=6).permuted)


def test_cancelling():
    job = Job()
    job.cancel()
    x, y, t = np.random.default_rng(4).uniform(0, 100, (3, 200))
    with pytest.raises(Cancelled):
        knox(x, y, t, space_edges=[0, 10], time_edges=[0, 10], job=job)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"x": [0.0], "y": [0.0], "t": [0.0]}, "too_few"),
        ({"x": [1.0, 1.0, 1.0], "y": [1.0, 1.0, 1.0]}, "no_variation"),
        ({"t": [1.0, 1.0, 1.0]}, "no_variation"),
        ({"t": [1.0, float("nan"), 1.0]}, "missing"),
        ({"t": [1.0, 2.0]}, "columns"),
        ({"space_edges": [100, 0]}, "edges"),
        ({"time_edges": [-1, 0]}, "edges"),
        ({"space_edges": [0, float("inf")]}, "edges"),
        ({"permutations": -1}, "permutations"),
    ],
)
def test_bad_input_is_a_sentence(changes, code):
    given: dict[str, Any] = {
        "x": [0.0, 1.0, 2.0], "y": [0.0, 0.0, 5.0], "t": [0.0, 1.0, 2.0], "space_edges": [0, 1],
        "time_edges": [0, 1],
    }  # fmt: skip
    given |= changes
    with pytest.raises(AnlanError) as error:
        knox(**given)
    assert error.value.code == code


def test_robberies_in_memphis_repeat_near_and_soon():
    data = os.environ.get("ANLAN_DATA")
    if data is None or not (Path(data) / "memphis").is_dir():
        pytest.skip("ANLAN_DATA names no folder with memphis/")
    with (Path(data) / "memphis" / "incidents.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    lon, lat = (np.array([float(r[k]) for r in rows]) for k in ("longitude", "latitude"))
    t = np.array([r["occurred_at"].rstrip("Z") for r in rows], "datetime64[s]").astype(float)
    x, y = (lon + 90) * 111_320 * np.cos(np.radians(35.1)), (lat - 35) * 110_940
    found = knox(
        x, y, t, space_edges=[0, 200, 400, 800], time_edges=np.array([0, 4, 8, 14]) * DAY_S, permutations=199
    )
    assert found.ratio[0, 0] > 1.5
    assert found.p_value[0, 0] == 1 / 200
