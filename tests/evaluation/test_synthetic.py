import numpy as np
import pytest

from anlan.core.errors import AnlanError
from anlan.evaluation import synthetic


def region(seed, n_donor=20, n=60):
    """Areas whose weekly level is a mix of three hidden rhythms."""
    rng = np.random.default_rng(seed)
    rhythm = 20 + 5 * np.cumsum(rng.normal(scale=0.4, size=(3, n)), axis=1)
    loading = rng.dirichlet(np.ones(3), n_donor + 1)
    return np.maximum(loading @ rhythm + rng.normal(scale=0.5, size=(n_donor + 1, n)), 0.0)


def test_weights_are_a_convex_mix_and_match_an_exact_optimum():
    from scipy.optimize import minimize

    data = region(1, n_donor=6)
    result = synthetic(data[0], data[1:], 40)
    assert result.weights.min() >= 0
    assert result.weights.sum() == pytest.approx(1.0)
    before, pool = data[0, :40], data[1:, :40]
    best = minimize(
        lambda w: ((before - w @ pool) ** 2).sum(),
        np.full(6, 1 / 6),
        bounds=[(0, 1)] * 6,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
    )
    assert ((before - result.weights @ pool) ** 2).sum() <= best.fun * (1 + 1e-4)


def test_a_planted_fall_is_found_and_nothing_is_not():
    data = region(2)
    data[0, 40:] -= 6.0
    found = synthetic(data[0], data[1:], 40)
    assert found.effect == pytest.approx(-6.0 * 20, rel=0.25)
    assert found.p_value <= 2 / 21
    quiet = region(3)
    assert synthetic(quiet[0], quiet[1:], 40).p_value > 0.1


def test_one_place_carrying_the_twin_is_warned_of():
    data = region(4)
    data[0] = data[1]
    result = synthetic(data[0], data[1:], 40)
    assert result.largest_share > 0.9
    assert result.warning


def test_the_outcome_after_plays_no_part_in_the_weights():
    data = region(5)
    changed = data.copy()
    changed[:, 40:] += 100.0
    np.testing.assert_allclose(
        synthetic(data[0], data[1:], 40).weights, synthetic(changed[0], changed[1:], 40).weights, atol=1e-6
    )


def test_too_few_donors():
    with pytest.raises(AnlanError, match="at least three"):
        synthetic(np.ones(20), np.ones((2, 20)), 10)
