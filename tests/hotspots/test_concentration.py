import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anlan import hotspots
from anlan.core.errors import AnlanError

MORE_CRIMES = [10, 8, 2, 0, 0, 0, 0, 0, 0, 0]
FEWER_CRIMES = [5, 2, 1, 0, 0, 0, 0, 0, 0, 0]


def test_the_papers_examples():
    found = hotspots.concentration(MORE_CRIMES)
    assert [found.gini, found.generalised_gini] == pytest.approx([0.78, 0.78])
    found = hotspots.concentration(FEWER_CRIMES)
    assert [found.gini, found.generalised_gini] == pytest.approx([0.80, 0.75])


@given(st.lists(st.integers(0, 20), min_size=2, max_size=40).filter(any))
def test_gini_is_half_the_mean_difference(counts):
    c = np.array(counts, float)
    by_hand = np.abs(c[:, None] - c).sum() / (2 * len(c) ** 2 * c.mean())
    found = hotspots.concentration(c, draws=2)
    assert found.gini == pytest.approx(by_hand)
    assert -1e-9 <= found.generalised_gini <= found.gini + 1e-9


def test_few_calls_each_in_its_own_place_are_as_even_as_can_be():
    assert hotspots.concentration([1, 1, 1, 0, 0, 0, 0]).generalised_gini == pytest.approx(0)


def test_places_that_hold_a_share():
    found = hotspots.concentration([4, 3, 2, 1, 0, 0, 0, 0, 0, 0], shares=(0.25, 0.4, 0.5, 0.9))
    assert found.places_share == pytest.approx([0.0625, 0.1, (1 + 1 / 3) / 10, 0.3])


def test_chance_alone_concentrates_few_calls():
    few = hotspots.concentration(np.random.default_rng(0).multinomial(100, np.full(1000, 0.001)))
    assert few.by_chance[1] < 0.06
    low, high = few.places_interval[1]
    assert low <= few.places_share[1] < high  # the rates behind are more even than a hundred calls show
    long = np.where(np.arange(1000) < 10, 50.0, 1.0)
    uneven = hotspots.concentration(np.ones(1000), measure=long)
    assert uneven.by_chance[1] < hotspots.concentration(np.ones(1000)).by_chance[1]


def test_the_interval_holds_the_truth():
    """Counts are Poisson around rates of known concentration; the interval must cover it."""
    rng = np.random.default_rng(1)
    rates = np.sort(rng.gamma(0.3, 20.0, 400))[::-1]
    truth = hotspots.concentration(np.rint(rates * 1000), draws=2)
    held = 0
    for seed in range(40):
        found = hotspots.concentration(rng.poisson(rates), draws=199, seed=seed)
        low, high = found.gini_interval
        held += low <= truth.gini <= high
    assert held >= 34


def test_stability_of_two_years():
    rng = np.random.default_rng(2)
    rates = rng.gamma(0.3, 20.0, 500)
    same = hotspots.stability(rng.poisson(rates), rng.poisson(rates))
    other = hotspots.stability(rng.poisson(rates), rng.poisson(rng.permutation(rates)))
    assert same.rank_correlation > 0.8 > abs(other.rank_correlation)
    assert same.stayed > 0.6 > other.stayed
    assert other.held < same.held <= same.held_best
    assert same.similarity > 0.8 > other.similarity


def test_bad_counts_get_a_sentence():
    with pytest.raises(AnlanError, match="cannot be negative"):
        hotspots.concentration([3, -1])
    with pytest.raises(AnlanError, match="none has a call"):
        hotspots.concentration([0, 0])
    with pytest.raises(AnlanError, match="between 0 and 1"):
        hotspots.concentration([1, 2], shares=(50,))
    with pytest.raises(AnlanError, match="later period"):
        hotspots.stability([1, 2], [0, 0])


def test_sentences():
    found = hotspots.concentration(MORE_CRIMES)
    assert "10.0% of places hold 50% of calls" in found.sentence("en")
    assert "50% 的警情集中在 10.0% 的地点" in found.sentence("zh")
