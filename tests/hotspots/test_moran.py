from typing import Any

import numpy as np
import pytest
from scipy import sparse

from anlan import hotspots
from anlan.core.errors import AnlanError
from anlan.hotspots import Box, Rook
from anlan.hotspots.moran import QUADRANTS

VALUES = np.random.default_rng(8).poisson(3.0, (15, 12)).astype(float)
VALUES[3:6, 4:8] += 6


def brute(values: Any, weights: Any, permutations: int, seed: int) -> Any:
    """Place by place: keep its value, draw its neighbours from the others."""
    rng = np.random.default_rng(seed)
    z = (values - values.mean()) / values.std()
    n = len(z)
    w = weights.toarray()
    extreme = np.zeros(n)
    for i in range(n):
        row = w[i][w[i] > 0]
        others = np.delete(z, i)
        sims = np.array(
            [(row * rng.choice(others, len(row), replace=False)).sum() for _ in range(permutations)]
        )
        own = (w[i] * z).sum()
        extreme[i] = min((sims >= own - 1e-9).sum(), (sims <= own + 1e-9).sum())
    return (extreme + 1) / (permutations + 1)


def within_error(p: Any, q: Any, permutations: int, at_once: float) -> Any:
    """Whether two Monte-Carlo p-values agree within 4.5 standard errors of their difference."""
    mid = np.clip((p + q) / 2, 5 / permutations, 0.5)
    error = np.sqrt(mid * (1 - mid) * 2 / permutations)
    return np.abs(p - q) <= at_once * error


def test_the_statistic_is_its_formula():
    found = hotspots.local_moran(VALUES, Rook(), permutations=99)
    x = VALUES - VALUES.mean()
    lag = x[6, 5] + x[8, 5] + x[7, 4] + x[7, 6]
    assert found.i[7, 5] == pytest.approx((x.size - 1) * x[7, 5] * (lag / 4) / (x**2).sum())
    assert QUADRANTS[found.quadrant[4, 6]] == "high-high"


def test_a_quiet_place_among_quiet_ones_is_not_extreme():
    """Nine cells in ten hold no call: neighbours that are all zero are what is to be expected."""
    sparse_calls = (np.random.default_rng(0).random((30, 30)) < 0.1).astype(float)
    found = hotspots.local_moran(sparse_calls, Rook(), permutations=999)
    assert found.p_permutation[found.i > 0].min() > 0
    quiet = (sparse_calls == 0) & (found.quadrant == 3)
    assert found.p_permutation[quiet].min() > 0.4


def test_shared_draws_equal_draws_of_ones_own():
    """Nine places, four neighbours: most draws hold the place itself, and must be put right."""
    values = np.array([1.0, 2, 3, 4, 5, 9, 7, 8, 6])
    ring = sparse.csr_array(np.roll(np.eye(9), 1, 1) + np.roll(np.eye(9), -1, 1) + np.roll(np.eye(9), 2, 1))
    ours = hotspots.local_moran(values, ring, permutations=4000).p_permutation
    assert within_error(ours, brute(values, ring, 4000, 1), 4000, 4.5).all()


def test_unequal_weights_equal_draws_of_ones_own():
    rng = np.random.default_rng(5)
    w = sparse.csr_array(np.triu(rng.uniform(0.2, 1, (20, 20)) * (rng.random((20, 20)) < 0.3), 1))
    w = w + w.T
    values = rng.poisson(4.0, 20).astype(float)
    ours = hotspots.local_moran(values, w, permutations=3000)
    some = np.diff(sparse.csr_array(w).indptr) > 0
    assert within_error(ours.p_permutation[some], brute(values, w, 3000, 2)[some], 3000, 4.5).all()


def test_the_analytic_tail_follows_many_permutations():
    rng = np.random.default_rng(6)
    skewed = rng.gamma(0.7, 3.0, (40, 40))  # continuous, but as skewed as counts of calls
    found = hotspots.local_moran(skewed, Box(1), permutations=199_999)
    far = (found.p_permutation < 0.02) & (found.p_permutation > 5e-4)
    assert far.sum() > 20
    ratio = found.p_analytic[far] / found.p_permutation[far]
    assert np.abs(np.log(ratio)).max() < np.log(1.6)
    middle = found.p_permutation > 0.05
    assert np.abs(found.p_analytic - found.p_permutation)[middle].max() < 0.03


def test_a_planted_cluster_survives_correction():
    values = np.random.default_rng(7).poisson(2.0, (100, 100)).astype(float)
    values[40:44, 50:54] = 12
    found = hotspots.local_moran(values, Box(1))
    assert (found.clusters()[41:43, 51:53] == 1).all()
    assert (found.clusters() > 0).sum() < 45


def test_places_without_data_or_neighbours_take_no_part():
    holes = VALUES.copy()
    holes[0, :] = np.nan
    holes[1:3, 0:2] = np.nan
    found = hotspots.local_moran(holes, Rook())
    assert np.isnan(found.i[0]).all()
    assert (found.quadrant[0] == 0).all()
    keep = np.isfinite(holes)
    island = np.full((5, 5), np.nan)
    island[:2] = np.arange(10.0).reshape(2, 5)
    island[4, 4] = 3
    alone = hotspots.local_moran(island, Rook())
    assert np.isnan(alone.p[4, 4])
    assert np.isfinite(found.p[keep]).all()


def test_equal_values_get_a_sentence():
    with pytest.raises(AnlanError, match="four values that differ"):
        hotspots.local_moran(np.ones((4, 4)), Rook())
