"""Maximal covering against brute force."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from anlan.siting import mclp


@pytest.mark.parametrize("seed", range(10))
def test_finds_the_best_cover_of_a_small_random_world(seed):
    rng = np.random.default_rng(seed)
    cost = rng.random((12, 8)) * 100
    weight = rng.integers(1, 10, 12).astype(float)
    best = max(weight[(cost[:, list(s)] <= 35).any(axis=1)].sum() for s in combinations(range(8), 3))
    answer = mclp(cost, 3, 35.0, weight)
    assert answer.objective == best
    assert answer.bound >= best


def test_an_answer_that_ran_out_of_time_at_once_still_has_a_bound():
    cost = np.random.default_rng(0).random((300, 40)) * 600
    answer = mclp(cost, 5, 200.0, time_limit_s=1e-6)
    assert answer.status == "time_limit"
    assert np.isfinite(answer.bound)
    assert answer.bound >= mclp(cost, 5, 200.0).objective
