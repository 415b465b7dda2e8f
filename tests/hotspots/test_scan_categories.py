import math
from typing import Any

import numpy as np
import pytest

from anlan import hotspots
from anlan.core.errors import AnlanError
from anlan.core.job import Job
from anlan.core.time import WEEK_S

SIDE, WEEKS = 8, 60
GRID = np.meshgrid(np.arange(SIDE) * 250.0, np.arange(SIDE) * 250.0)
X, Y = GRID[0].ravel(), GRID[1].ravel()
CIRCLES = hotspots.Circles.around(X, Y, max_radius_m=600.0)
NAMES = ("affray", "drunk", "fraud", "help", "noise", "theft")
MIDDLE = SIDE * SIDE // 2 + SIDE // 2


def town(seed: int, risk: float = 1.0, kinds: tuple[str, ...] = ("drunk", "noise", "theft")) -> Any:
    """Places of unequal busyness; in the last five weeks some categories rise within 300 m of the middle."""
    rng = np.random.default_rng(seed)
    busy = rng.lognormal(-1.0, 0.8, (len(NAMES), SIDE * SIDE))
    rate = np.repeat(busy[:, :, None], WEEKS, axis=2)
    near = np.hypot(X - X[MIDDLE], Y - Y[MIDDLE]) <= 300.0
    for k, name in enumerate(NAMES):
        rate[k, near, -5:] *= risk if name in kinds else 1.0
    count = rng.poisson(rate)
    which, place, week = (np.repeat(i.ravel(), count.ravel()) for i in np.indices(count.shape))
    return place, week * WEEK_S + rng.uniform(0, WEEK_S, len(week)), np.array(NAMES, object)[which]


def plain_best(place: Any, time: Any, category: Any, longest: int, least: float) -> Any:
    """Every window, one after the other, as the docstring says."""
    count = np.zeros((len(NAMES), len(X), WEEKS))
    np.add.at(count, (np.searchsorted(NAMES, category.astype(str)), place, (time // WEEK_S).astype(int)), 1)
    best: Any = (0.0, None)
    for centre in range(len(X)):
        far = np.hypot(X - X[centre], Y - Y[centre])
        for radius in np.unique(np.round(far[far <= 600.0], 6)):
            inside = count[:, far <= radius + 1e-6].sum(axis=1)
            for d in range(1, longest + 1):
                score = expected = 0.0
                for k in range(len(NAMES)):
                    m = inside[k].sum() * count[k, :, -d:].sum() / count[k].sum()
                    c = inside[k, -d:].sum()
                    expected += m
                    score += c * math.log(c / m) - (c - m) if c > m else 0.0
                if expected >= least and score > best[0] + 1e-9:
                    best = (score, (centre, d))
    return best


def test_the_best_window_is_that_of_trying_all():
    place, time, category = town(3, 1.5)
    for least in (0.0, 20.0):
        told = hotspots.scan_categories(
            place,
            time,
            category,
            CIRCLES,
            window=(0, WEEKS * WEEK_S),
            max_slots=4,
            min_expected=least,
            replications=0,
        )
        score, (centre, d) = plain_best(place, time, category, 4, least)
        first = told.clusters[0]
        assert first.score == pytest.approx(score)
        assert (first.centre, first.from_s) == (centre, (WEEKS - d) * WEEK_S)
        assert sum(first.llr) == pytest.approx(score)


def test_a_rise_that_several_categories_share_is_found_and_named():
    place, time, category = town(1, 3.0)
    told = hotspots.scan_categories(
        place, time, category, CIRCLES, window=(0, WEEKS * WEEK_S), min_expected=20.0, replications=99
    )
    first = told.clusters[0]
    assert first.p_value == 0.01
    assert first.p_gumbel < 0.001
    assert set(first.categories[:3]) == {"drunk", "noise", "theft"}
    assert np.hypot(X[first.centre] - X[MIDDLE], Y[first.centre] - Y[MIDDLE]) <= 300.0
    assert abs(first.from_s - (WEEKS - 5) * WEEK_S) <= 2 * WEEK_S
    assert all(o > e for o, e in zip(first.observed, first.expected, strict=True))
    places = [p for c in told.clusters for p in c.places]
    assert len(places) == len(set(places))


def test_p_values_are_uniform_where_nothing_rises():
    p = [
        hotspots.scan_categories(
            *town(100 + k), CIRCLES, window=(0, WEEKS * WEEK_S), max_slots=6, replications=19, seed=k
        )
        .clusters[0]
        .p_value
        for k in range(40)
    ]
    assert np.mean(np.array(p) <= 0.10) <= 0.25  # 0.10 is right; 0.25 has chance 0.005
    assert 0.35 < np.mean(p) < 0.70


def test_the_same_seed_gives_the_same_worlds_whatever_the_threads():
    world = town(2)
    one, two = (
        hotspots.scan_categories(*world, CIRCLES, replications=9, threads=n, seed=4).null for n in (1, 3)
    )
    assert one.tolist() == two.tolist()


def test_a_cancelled_scan_tells_what_it_has():
    job = Job()
    job.cancel()
    told = hotspots.scan_categories(*town(2), CIRCLES, replications=9, job=job)
    assert len(told.null) == 0
    assert math.isnan(told.clusters[0].p_value)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"min_expected": 1e9}, "no circle leads to expect"),
        ({"window": (0, 3.5 * WEEK_S)}, "whole number of slots"),
        ({"window": (900 * WEEK_S, 910 * WEEK_S)}, "at least two"),
    ],
)
def test_bad_input_gets_a_sentence(change, named):
    with pytest.raises(AnlanError, match=named):
        hotspots.scan_categories(*town(2), CIRCLES, replications=0, **change)


def test_places_beyond_the_circles_get_a_sentence():
    place, time, category = town(2)
    with pytest.raises(AnlanError, match="the circles are around places 0 to 63"):
        hotspots.scan_categories(place + 40, time, category, CIRCLES, replications=0)
