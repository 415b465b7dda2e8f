import itertools
import math

import numpy as np
import pytest

from anlan.core.errors import AnlanError
from anlan.hotspots.naus import naus


def test_published_figures():
    """Six cyclists killed in a fortnight, 0.6 expected, over 208 (Aberdein and Spiegelhalter 2013)."""
    assert naus(208, 2, 0.6, 6) == pytest.approx(0.03902238, abs=5e-9)
    assert naus(260, 1, 1.0, 6) == pytest.approx(0.486814, abs=5e-7)


def no_window_reaches(count: int, mean: float, length: float, draws: int) -> tuple[float, float]:
    """Share of simulated lines without ``count`` events in any window of length 1, and its error."""
    rng = np.random.default_rng(4)
    n = rng.poisson(mean * length, draws)
    at = np.where(np.arange(n.max()) < n[:, None], rng.random((draws, n.max())) * length, np.inf)
    at.sort(axis=1)
    late, early = at[:, count - 1 :], at[:, : at.shape[1] - count + 1]
    free = ~((late - np.where(np.isfinite(early), early, 0.0) < 1) & np.isfinite(late)).any(axis=1)
    share = float(free.mean())
    return share, math.sqrt(share * (1 - share) / draws)


def test_the_whole_sum_is_the_exact_probability_over_three_windows():
    """With three windows the formula is Q3 itself; the sum that stops early is a little too large."""
    share, error = no_window_reaches(3, 2.0, 3.0, 400_000)
    whole = 1 - naus(3, 2, 2.0, 3, complete=True)
    short = 1 - naus(3, 2, 2.0, 3)
    assert abs(whole - share) < 4 * error
    assert abs(short - share) > 4 * error


def test_two_windows_are_exact():
    share, error = no_window_reaches(4, 1.5, 2.0, 200_000)
    assert abs(1 - naus(2, 2, 1.5, 4) - share) < 4 * error


def test_fuller_windows_are_rarer_and_longer_studies_likelier():
    by_count = [naus(100, 2, 1.0, k) for k in range(2, 15)]
    assert all(a > b for a, b in itertools.pairwise(by_count))
    assert naus(200, 2, 1.0, 6) > naus(100, 2, 1.0, 6)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [((208, 2, 0.0, 6), "mean"), ((208, 2, 0.6, 1), "count"), ((1, 2, 0.6, 6), "length")],
)
def test_bad_input_is_a_sentence(arguments, code):
    with pytest.raises(AnlanError) as error:
        naus(*arguments)
    assert error.value.code == code
