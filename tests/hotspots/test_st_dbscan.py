from typing import Any

import numpy as np
import pytest

from anlan.core.errors import AnlanError
from anlan.hotspots.st_dbscan import st_dbscan


def brute(x: Any, y: Any, t: Any, eps_m: float, eps_s: float, least: int) -> Any:
    """Point by point, from the definition."""
    near = (x[:, None] - x) ** 2 + (y[:, None] - y) ** 2 <= eps_m**2
    near &= np.abs(t[:, None] - t) <= eps_s
    core = near.sum(axis=1) >= least
    labels = np.full(len(x), -1)
    cluster = 0
    for seed in range(len(x)):
        if not core[seed] or labels[seed] >= 0:
            continue
        labels[seed] = cluster
        stack = [seed]
        while stack:
            for other in np.flatnonzero(near[stack.pop()]):
                if labels[other] < 0:
                    labels[other] = cluster
                    if core[other]:
                        stack.append(int(other))
        cluster += 1
    return labels, core


@pytest.mark.parametrize("whole", [True, False], ids=["coincident points", "scattered points"])
def test_every_label_equals_brute_force(whole):
    rng = np.random.default_rng(1)
    clusters = 0
    for _ in range(150):
        n, ground = int(rng.integers(1, 120)), int(rng.integers(2, 30))
        x, y, t = rng.integers(0, ground, (3, n)).astype(float)
        if not whole:
            x, y = x + rng.random(n), y + rng.random(n)
        eps_m, eps_s = float(rng.choice([0, 1, 1.5, 2, 3, 5])), float(rng.choice([0, 0.5, 1, 2, 3]))
        least = int(rng.integers(1, 7))
        found = st_dbscan(x, y, t, eps_m=eps_m, eps_s=eps_s, min_points=least)
        labels, core = brute(x, y, t, eps_m, eps_s, least)
        assert np.array_equal(found.core, core)
        assert np.array_equal(found.labels, labels)
        clusters += found.n_clusters
    assert clusters > 100


def test_both_thresholds_are_closed():
    found = st_dbscan([0, 100, 200], [0, 0, 0], [0, 60, 120], eps_m=100, eps_s=60, min_points=2)
    assert found.labels.tolist() == [0, 0, 0]
    apart = st_dbscan([0, 100, 200], [0, 0, 0], [0, 61, 122], eps_m=100, eps_s=60, min_points=2)
    assert apart.labels.tolist() == [-1, -1, -1]


def test_a_street_corner_with_fifty_thousand_calls_in_one_minute():
    n = 50_000
    rng = np.random.default_rng(2)
    x, y, t = np.zeros(2 * n), np.zeros(2 * n), np.zeros(2 * n)
    x[n:] = 1000 + rng.uniform(0, 30, n)  # and another with as many, not quite at one point
    found = st_dbscan(x, y, t, eps_m=50, eps_s=60, min_points=10)
    assert found.n_clusters == 2
    assert found.core.all()
    assert set(found.labels[:n]) == {0}


def test_the_order_of_the_calls_changes_names_only():
    rng = np.random.default_rng(3)
    x, y, t = rng.uniform(0, 100, (3, 400))
    found = st_dbscan(x, y, t, eps_m=8, eps_s=8, min_points=3)
    turn = rng.permutation(400)
    turned = st_dbscan(x[turn], y[turn], t[turn], eps_m=8, eps_s=8, min_points=3)
    assert np.array_equal(turned.core, found.core[turn])
    cores = found.core[turn]
    pairs = set(zip(found.labels[turn][cores].tolist(), turned.labels[cores].tolist(), strict=True))
    assert len(pairs) == found.n_clusters > 3


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"eps_m": -1.0}, "threshold"),
        ({"eps_s": float("nan")}, "threshold"),
        ({"eps_m": 1e-300}, "threshold"),
        ({"min_points": 0}, "min_points"),
        ({"x": [0.0, float("nan")]}, "missing"),
        ({"x": [0.0]}, "columns"),
        ({"x": [], "y": [], "t": []}, "too_few"),
    ],
)
def test_bad_input_is_a_sentence(changes, code):
    given: dict[str, Any] = {
        "x": [0.0, 1.0], "y": [0.0, 0.0], "t": [0.0, 0.0], "eps_m": 1.0, "eps_s": 1.0, "min_points": 2
    }  # fmt: skip
    given |= changes
    with pytest.raises(AnlanError) as error:
        st_dbscan(**given)
    assert error.value.code == code
